"""BMP files: an opacity of which nobody wrote anything is none."""

from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.containers.bmp import unsupported_layout
from media_pipeline.images.decoding import open_as
from media_pipeline.images.sources.adjusted import Adjusted
from media_pipeline.limits import Limits


def opened(data: bytes, limits: Limits) -> Image.Image:
    """Read a file's header.

    Raises RejectedError: unsupported_type, corrupt.
    """
    try:
        image = open_as("BMP", "PIL.BmpImagePlugin", data, limits)
    except RejectedError as error:
        if error.reason is Reason.CORRUPT and (layout := unsupported_layout(data)):
            raise RejectedError(Reason.UNSUPPORTED_TYPE, f"a BMP file with {layout}") from error
        raise
    return Adjusted(image, _shown, mode="RGBA") if image.mode == "RGBA" else image


def _shown(image: Image.Image) -> Image.Image:
    """Take a picture that is clear everywhere for an opaque one: many programs leave the fourth byte at zero."""
    return image.convert("RGB") if image.getchannel("A").getextrema() == (0, 0) else image
