"""What decoding a picture will cost in memory, told from its header before a single pixel is decoded."""

from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.inspection import Inspection
from media_pipeline.limits import MEBIBYTE, Limits

_DECODED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I": 4, "F": 4}
"""Bytes that Pillow keeps for a pixel of a mode; four for all others."""
_WORKING = {"L": 1.0, "RGB": 3.0, "YCbCr": 1.8, "CMYK": 2.0}
"""Bytes a pixel that splitting, premultiplying, widening and the first step of scaling add, by decoded mode."""
_OTHER_MODES = 8.5
_BEHIND = {"image/webp": 12.0, "image/avif": 7.0, "image/heic": 9.0, "image/tiff": 4.0, "image/png": 0.5}
"""Bytes a pixel that a decoder keeps of its own beside Pillow's picture (measured at 50 megapixels)."""
_PROGRESSIVE = 6.0
"""libjpeg keeps the coefficients of a whole progressive JPEG, whatever the scale: 2 bytes in up to 3 components."""


def check_memory(image: Image.Image, inspection: Inspection, limits: Limits) -> None:
    """Refuse a picture whose decoding would not fit `limits.memory`; call it after `draft`.

    Raises RejectedError: too_many_pixels.
    """
    needed = memory(image, inspection)
    if needed > limits.memory:
        raise RejectedError(
            Reason.TOO_MANY_PIXELS,
            f"{inspection.width} x {inspection.height} pixels of {inspection.content_type} take "
            f"{needed / MEBIBYTE:,.0f} MB to decode; allowed are {limits.memory / MEBIBYTE:,.0f} MB",
        )


def memory(image: Image.Image, inspection: Inspection) -> int:
    """Estimate the bytes that decoding and scaling will add at their peak, never less than they do."""
    decoded = image.width * image.height
    stored = inspection.width * inspection.height
    needed = decoded * (_DECODED.get(image.mode, 4) + _WORKING.get(image.mode, _OTHER_MODES))
    needed += stored * _BEHIND.get(inspection.content_type, 0.0)
    if image.info.get("progressive"):
        needed += stored * _PROGRESSIVE
    return int(needed)
