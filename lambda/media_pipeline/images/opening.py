"""Opening uploaded pictures: one reader, picked by the bytes; nothing else hands uploaded bytes to a decoder."""

import importlib

from PIL import Image

from media_pipeline.images.decoding import check_pixels
from media_pipeline.limits import Limits

_READERS = {
    "image/jpeg": "jpeg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "image/tiff": "tiff",
    "image/bmp": "bmp",
    "image/heic": "heic",
}
"""Content type -> the module of `sources` that reads it; imported when the first such picture comes."""


def open_picture(data: bytes, content_type: str, limits: Limits) -> Image.Image:
    """Read the header of `data` with the one reader of `content_type`; no pixels yet.

    What the file says of its colours is noted in `info` for `profile_of`. Raises RejectedError: corrupt,
    too_many_pixels, unsupported_type, resource_exhausted.
    """
    reader = importlib.import_module(f"media_pipeline.images.sources.{_READERS[content_type]}")
    image: Image.Image = reader.opened(data, limits)
    check_pixels(*image.size, limits)
    return image
