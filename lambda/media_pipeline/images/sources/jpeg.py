"""JPEG files: what their header announces is bounded before a decoder sees it, and their end is checked."""

import zlib
from dataclasses import replace

from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.containers import jpeg as container
from media_pipeline.images.decoding import decoding, open_as
from media_pipeline.images.sizes import Box
from media_pipeline.limits import Limits

_RESTS = (b"\x55" * 512, b"\xfe" * 512)
"""Bits that could be the rest of a picture, and differ from the zeros that a decoder reads where there are none."""
_ROWS = 256
_MID_GREY = range(127, 130)
"""Levels that libjpeg fills what is missing with, after any rounding; of each component, that is of YCbCr as well."""
_LAST_PIXELS = 2
_SCALES = (8, 4, 2)
"""Parts of each side that a picture may be decoded at. Pillow can also ask for a third, and libjpeg decodes 3/8 then:
less work for pictures of almost three times the wanted sides, but up to 0.004 less of SSIM."""
_BYTES_PER_PIXEL, _BYTES_PER_COEFFICIENTS = 4, 6


def opened(data: bytes, limits: Limits) -> Image.Image:
    """Read a file's header.

    Raises RejectedError: resource_exhausted, unsupported_type, corrupt.
    """
    container.check(data)
    image = open_as("JPEG", "PIL.JpegImagePlugin", data, limits)
    if image.mode == "CMYK" and "adobe" not in image.info:
        # Adobe stores inks the other way round, and says so; Pillow takes all for Adobe's (ITU-T T.872, 6.1).
        image.tile = [tile._replace(args=("CMYK", "")) for tile in image.tile]  # type: ignore[attr-defined]
    return image


def draft(image: Image.Image, mode: str | None, size: tuple[int, int], limits: Limits) -> Box | None:
    """Have a picture decoded at the smallest of 1/8, 1/4, 1/2 and 1/1 that is not below `size`.

    `mode` is "YCbCr" for pixels as they are stored. The box says where the picture lies in what is decoded, which is
    rounded up. Raises RejectedError: corrupt.
    """
    with decoding(limits):
        drafted = image.draft(mode, size)
    return drafted[1] if drafted else None


def decoded_size(whole: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Return the sides in which `draft` has a picture decoded that has the sides `whole`."""
    for part in _SCALES:
        if whole[0] >= part * size[0] and whole[1] >= part * size[1]:
            return -(-whole[0] // part), -(-whole[1] // part)
    return whole


def completed(data: bytes, limits: Limits) -> bytes | None:
    """Return the file with an end marker, where nothing else is missing; None where it has one, or more is missing.

    Whether the last scan is complete only its decoder can tell, which fills up what is missing without a word. But
    what follows the last pixel has no influence on a complete picture: it is decoded with nothing behind it, and
    with something.
    """
    found = container.scans(data)
    if found.has_end_marker or not found.is_complete:
        return None
    pixels = data[: found.end]
    return pixels + container.END if _is_whole(pixels, limits) else None


def check_end(image: Image.Image, data: bytes, limits: Limits) -> None:
    """Refuse a file that was cut off and got an end marker, for which libjpeg makes up grey without a word.

    `image` is what was decoded of it. Only where its last pixels are of that grey is it looked into; not where memory
    would not do.

    Raises RejectedError: corrupt.
    """
    width, height = image.size
    last = image.crop((max(0, width - _LAST_PIXELS), height - 1, width, height))
    if not all(level in _MID_GREY for level in last.tobytes()):
        return
    left = limits.memory - width * height * _BYTES_PER_PIXEL
    found = container.scans(data)
    try:
        is_whole = not found.has_end_marker or _is_whole(data[: found.end], replace(limits, memory=left))
    except RejectedError:
        return  # the decoder took it as it is
    if is_whole is False:
        raise RejectedError(
            Reason.CORRUPT, "the picture cannot be decoded: its data end before its last pixel"
        )


def _is_whole(pixels: bytes, limits: Limits) -> bool | None:
    """Return whether what follows the data of the last scan has no influence on the picture; None for lack of memory.

    Raises RejectedError where it cannot be decoded.
    """
    shown = _digest(pixels + container.END, limits)
    if shown is None:
        return None
    return all(_digest(pixels + rest + container.END, limits) == shown for rest in _RESTS)


def _digest(data: bytes, limits: Limits) -> int | None:
    image = opened(data, limits)
    per_pixel = _BYTES_PER_PIXEL + (_BYTES_PER_COEFFICIENTS if image.info.get("progressive") else 0)
    if image.width * image.height * per_pixel > limits.memory:
        return None
    digest = 0
    with decoding(limits):
        image.load()
        for top in range(0, image.height, _ROWS):
            rows = image.crop((0, top, image.width, min(image.height, top + _ROWS)))
            digest = zlib.crc32(rows.tobytes(), digest)
    return digest
