"""TIFF files: raw photographs are told apart, layouts that Pillow lacks are converted or called by their names."""

from PIL import Image, ImageChops

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images import colour
from media_pipeline.images.containers.tiff import BITS, PHOTOMETRIC, raw_kind, shown, with_value
from media_pipeline.images.decoding import decoding, open_as
from media_pipeline.images.sources.adjusted import Adjusted
from media_pipeline.limits import Limits

MAX_PIECES = 100_000
"""Strips or tiles of one picture; Pillow takes 20 us for each of them, however small."""
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1


def opened(data: bytes, limits: Limits) -> Image.Image:
    """Read a file's directories and the header of its first picture.

    Raises RejectedError: unsupported_type, resource_exhausted, corrupt.
    """
    if kind := raw_kind(data):
        raise RejectedError(
            Reason.UNSUPPORTED_TYPE, f"a raw photograph ({kind}); allowed are developed ones, such as JPEG"
        )
    first = shown(data)
    if first.pieces > MAX_PIECES:
        raise RejectedError(
            Reason.RESOURCE_EXHAUSTED,
            f"the TIFF file's first picture has {first.pieces:,} strips or tiles; allowed are {MAX_PIECES:,}",
        )
    is_negative = (
        first.first(PHOTOMETRIC, _BLACK_IS_ZERO) == _WHITE_IS_ZERO and max(first.all(BITS, (1,))) > 8
    )
    if is_negative:
        # Pillow turns shallower samples round by itself.
        data = with_value(data, first.entries[PHOTOMETRIC], _BLACK_IS_ZERO)
    try:
        image = open_as("TIFF", "PIL.TiffImagePlugin", data, limits)
        if first.page:
            with decoding(limits):
                image.seek(first.page)
    except RejectedError as error:
        if error.reason is Reason.CORRUPT and first.is_sound:
            raise RejectedError(
                Reason.UNSUPPORTED_TYPE, f"a TIFF file in a layout that is not supported: {first.layout}"
            ) from error
        raise
    image.info.pop("xmp", None)  # Pillow would turn the picture by it
    return Adjusted(image, _turned_round, mode="L") if is_negative else image


def _turned_round(image: Image.Image) -> Image.Image:
    return ImageChops.invert(colour.normalised(image))
