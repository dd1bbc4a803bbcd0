"""TIFF files: raw photographs are told apart, layouts that Pillow lacks are converted or called by their names."""

from PIL import Image, ImageChops

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images import colour
from media_pipeline.images.containers.tiff import (
    BITS,
    PHOTOMETRIC,
    SAMPLE_FORMAT,
    raw_kind,
    shown,
    with_value,
)
from media_pipeline.images.decoding import decoding, open_as
from media_pipeline.images.sources.adjusted import Adjusted
from media_pipeline.limits import Limits

MAX_PIECES = 100_000
"""Strips or tiles of one picture; Pillow takes 20 us for each of them, however small."""
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1
_UNSIGNED = 1
_BIG_ENDIAN_BIG_TIFF = b"MM\0+"


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
            # Pillow 13 reads BigTIFF in one of the two byte orders only.
            order = ", big-endian BigTIFF" if data.startswith(_BIG_ENDIAN_BIG_TIFF) else ""
            raise RejectedError(
                Reason.UNSUPPORTED_TYPE,
                f"a TIFF file in a layout that is not supported: {first.layout}{order}",
            ) from error
        raise
    image.info.pop("xmp", None)  # Pillow would turn the picture by it
    is_unsigned = image.mode == "I" and first.first(SAMPLE_FORMAT, _UNSIGNED) == _UNSIGNED
    if not is_negative and not is_unsigned:
        return image

    def adjusted(decoded: Image.Image) -> Image.Image:
        levels = colour.normalised(_unsigned(decoded) if is_unsigned else decoded)
        return ImageChops.invert(levels) if is_negative else levels

    return Adjusted(image, adjusted, mode="L" if is_negative else None)


def _unsigned(image: Image.Image) -> Image.Image:
    """Return whole numbers of 32 bits without a sign, which Pillow reads with one, as their highest 8 bits.

    Where none is so large that it seems negative, they stay as they are: many programs store 8 or 16 bits in them.
    """
    low, _ = image.getextrema()
    if isinstance(low, tuple) or low >= 0:
        return image
    return Image.frombytes("L", image.size, image.tobytes("raw", "I;32S")[3::4])
