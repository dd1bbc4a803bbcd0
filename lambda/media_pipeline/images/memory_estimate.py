"""What decoding a picture will cost in memory, told from its header before a single pixel is decoded.

All figures were measured with pictures of 50 megapixels, as the growth of the process's peak.
"""

from collections.abc import Collection

from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.inspection import Inspection
from media_pipeline.limits import MEBIBYTE, Limits

_FIXED = 32 * MEBIBYTE
"""Renditions of up to 2,048 px, their encoders, libraries loaded at first use."""
_BY_MODE = {"1": 2.5, "L": 1.8, "P": 6.0, "RGB": 6.0, "YCbCr": 6.4, "CMYK": 6.0, "RGBA": 8.7}
"""Bytes a decoded pixel: Pillow's own, what it is converted to, and the first step of scaling."""
_ANY_MODE = 9.0
_WIDENED_ALPHA = 12.4
"""Transparency that is not stored as RGBA is widened to it, and that premultiplied: three pictures at once."""
_BY_TYPE = {"image/webp": 13.0, "image/avif": 12.0, "image/heic": 9.0, "image/tiff": 8.8}
"""Bytes a stored pixel while the decoder with its own buffers is alive."""
_OF_ANIMATION = {"image/webp": 25.0, "image/avif": 24.0}
_OF_ANY_ANIMATION = 17.0
"""The same where the decoder stays for the next frame, and each frame is fingerprinted at its full size."""
_SCALING = 4
"""Bytes a pixel of what is scaled, of the step between, which is as wide as the result, and of the result."""
_ENCODING = {"jpeg": 8.0, "png": 13.0, "webp": 13.0, "avif": 29.0}
"""Bytes a pixel of a rendition while it is encoded, with the picture itself; measured at 11 megapixels.

That is one encoder. Where several encode at once, each further one comes with 1,769 MB of memory
(`settings.functions`), and takes 487 MB at most (`renditions.MOST_PIXELS_AT_ONCE`).
"""
_COEFFICIENT = 2
"""Bytes: of a progressive JPEG libjpeg keeps all coefficients of all components, whatever the scale."""


def check_memory(
    image: Image.Image,
    inspection: Inspection,
    limits: Limits,
    size: tuple[int, int] = (0, 0),
    formats: Collection[str] = (),
) -> None:
    """Refuse an opened picture whose renditions would not fit `limits.memory`; call it after `draft`.

    `size` is what it is scaled to before it is encoded in `formats`. Raises RejectedError: too_many_pixels.
    """
    needed = max(memory(image, inspection), memory_of_renditions(image, size, formats))
    if needed > limits.memory:
        raise RejectedError(
            Reason.TOO_MANY_PIXELS,
            f"{inspection.width} x {inspection.height} pixels of {inspection.content_type} take "
            f"{needed / MEBIBYTE:,.0f} MB to process; allowed are {limits.memory / MEBIBYTE:,.0f} MB",
        )


def memory(image: Image.Image, inspection: Inspection) -> int:
    """Estimate the bytes that decoding and scaling will add at their peak, rather too many than too few."""
    # What is cropped away is decoded, too.
    stored = max(inspection.width * inspection.height, getattr(image, "decoded_pixels", 0))
    is_widened = inspection.has_alpha and image.mode != "RGBA"
    by_mode = _WIDENED_ALPHA if is_widened else _BY_MODE.get(image.mode, _ANY_MODE)
    by_type = _BY_TYPE.get(inspection.content_type, 0.0)
    if inspection.animated:
        by_type = _OF_ANIMATION.get(inspection.content_type, _OF_ANY_ANIMATION)
    pixels = max(image.width * image.height * by_mode, stored * by_type)
    coefficients = stored * _COEFFICIENT * _components(image) if image.info.get("progressive") else 0.0
    return int(_FIXED + pixels + coefficients)


def memory_of_renditions(image: Image.Image, size: tuple[int, int], formats: Collection[str]) -> int:
    """Estimate the bytes that a picture takes while it is scaled to `size`, or encoded in it."""
    width, height = size
    scaling = _SCALING * (image.width * image.height + width * image.height + width * height)
    encoding = width * height * max((_ENCODING[name] for name in formats), default=0.0)
    return int(_FIXED / 2 + max(scaling, encoding)) if width else 0


def _components(image: Image.Image) -> float:
    """Return samples per pixel of a JPEG: 3 in 4:4:4, 1.5 in 4:2:0."""
    factors = [layer[1] * layer[2] for layer in getattr(image, "layer", ())]
    return sum(factors) / max(factors) if factors and max(factors) else 3.0
