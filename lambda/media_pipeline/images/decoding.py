"""Decoding uploaded pictures: every fault of the file becomes a rejection, and sizes are held against the limits."""

import importlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.limits import MAX_SIDE, Limits


def open_as(format_name: str, plugin: str, data: bytes, limits: Limits) -> Image.Image:
    """Read the header of `data` with one decoder of Pillow's; no pixels yet.

    `plugin` is imported first, lest Pillow imports all of them. Raises RejectedError: corrupt, too_many_pixels.
    """
    importlib.import_module(plugin)
    with decoding(limits):
        return Image.open(io.BytesIO(data), formats=[format_name])


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
