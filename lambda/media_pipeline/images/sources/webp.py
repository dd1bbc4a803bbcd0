"""WebP files."""

from PIL import Image

from media_pipeline.images.containers.webp import canvas
from media_pipeline.images.decoding import check_pixels, open_as
from media_pipeline.limits import Limits


def opened(data: bytes, limits: Limits) -> Image.Image:
    """Read a file's header.

    Raises RejectedError: too_many_pixels, corrupt.
    """
    # The decoder takes the memory of the whole canvas at the moment it is opened.
    check_pixels(*canvas(data), limits)
    return open_as("WEBP", "PIL.WebPImagePlugin", data, limits)
