"""Opening uploaded pictures: one decoder, picked by the bytes, and every fault of the file told as a rejection.

Nothing else in the pipeline hands uploaded bytes to a decoder.
"""

import importlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.limits import MAX_SIDE, Limits

_DECODERS = {
    "image/jpeg": ("JPEG", "PIL.JpegImagePlugin"),
    "image/png": ("PNG", "PIL.PngImagePlugin"),
    "image/webp": ("WEBP", "PIL.WebPImagePlugin"),
    "image/gif": ("GIF", "PIL.GifImagePlugin"),
    "image/avif": ("AVIF", "PIL.AvifImagePlugin"),
    "image/tiff": ("TIFF", "PIL.TiffImagePlugin"),
    "image/bmp": ("BMP", "PIL.BmpImagePlugin"),
    "image/heic": ("HEIF", "pillow_heif"),
}
"""Content type -> (the one format that may open it, the plugin to import first, lest Pillow imports all of them)."""


_ITEMS_WITHIN = 16_384
"""Bytes in front of an AVIF or HEIC file that hold its table of items."""


def open_picture(data: bytes, content_type: str, limits: Limits) -> Image.Image:
    """Read the header of `data` with the one decoder of `content_type`; no pixels yet.

    Raises RejectedError: corrupt, too_many_pixels.
    """
    name, plugin = _DECODERS[content_type]
    module = importlib.import_module(plugin)
    if name == "HEIF":
        # Embedded thumbnails are another picture that may show something else; depth maps are none to publish.
        module.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    if name == "WEBP":
        # Its decoder takes the memory of the whole canvas at the moment it is opened.
        check_pixels(*webp_canvas(data), limits)
    if name in ("AVIF", "HEIF"):
        # Their decoders have limits of their own, and call what is over them broken.
        for width, height in item_sizes(data[:_ITEMS_WITHIN]):
            check_pixels(max(1, width), max(1, height), limits)
    with decoding(limits):
        image = Image.open(io.BytesIO(data), formats=[name])
    check_pixels(*image.size, limits)
    return image


def load_pixels(image: Image.Image, limits: Limits) -> None:
    """Decode the pixels of an open picture (or of the frame that it stands at).

    Raises RejectedError: corrupt, too_many_pixels.
    """
    with decoding(limits):
        image.load()
    check_pixels(*image.size, limits)


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Refuse a picture whose sides are over the limits, or that has no pixels at all."""
    if width < 1 or height < 1:
        raise RejectedError(Reason.CORRUPT, f"the picture says it has {width} x {height} pixels")
    if max(width, height) > MAX_SIDE:
        raise RejectedError(
            Reason.TOO_MANY_PIXELS, f"{width} x {height} pixels; allowed are {MAX_SIDE:,} a side"
        )
    if width * height > limits.pixels:
        raise RejectedError(
            Reason.TOO_MANY_PIXELS,
            f"{width} x {height} are {width * height / 1e6:,.1f} megapixels; "
            f"allowed are {limits.pixels / 1e6:,.1f}",
        )


def webp_canvas(data: bytes) -> tuple[int, int]:
    """Read width and height of a WebP file's canvas from its first chunk; (0, 0) where there is none."""
    chunk, body = data[12:16], data[20:30]
    if chunk == b"VP8X" and len(body) == 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) == 10:
        return (int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF)
    if chunk == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def item_sizes(head: bytes) -> Iterator[tuple[int, int]]:
    """Yield width and height from every `ispe` property of an AVIF or HEIC file; tiles of a grid have their own."""
    found = head.find(b"ispe")
    while found >= 0:
        sides = head[found + 8 : found + 16]  # after the name: version and flags, width, height
        if len(sides) == 8:
            yield int.from_bytes(sides[:4], "big"), int.from_bytes(sides[4:], "big")
        found = head.find(b"ispe", found + 4)


@contextmanager
def decoding(limits: Limits) -> Iterator[None]:
    """Tell every error of a decoder as a RejectedError; keep the body to decoding alone.

    MemoryError passes: it says as much about this function as about the file.
    """
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = limits.pixels
    try:
        with warnings.catch_warnings():
            # Decoders warn of odd metadata, which is dropped anyway.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (RejectedError, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise RejectedError(
            Reason.TOO_MANY_PIXELS, f"it announces more than {limits.pixels / 1e6:,.1f} megapixels"
        ) from error
    except UnidentifiedImageError as error:
        raise RejectedError(Reason.CORRUPT, "the picture's header cannot be read") from error
    except Exception as error:
        # Pillow's decoders are known to raise OSError, ValueError, SyntaxError, RuntimeError, NotImplementedError,
        # EOFError, KeyError, IndexError, struct.error and more: the bytes decide which.
        if "out of memory" in str(error).lower():
            raise MemoryError(str(error)) from error
        detail = " ".join(str(error).split()) or type(error).__name__
        raise RejectedError(Reason.CORRUPT, f"the picture cannot be decoded: {detail[:200]}") from error
    finally:
        Image.MAX_IMAGE_PIXELS = before
