"""AVIF files: cropped to the clean aperture before they are turned, with the colours that they announce."""

from PIL import Image

from media_pipeline.images.cicp import CodePoints
from media_pipeline.images.containers import isobmff
from media_pipeline.images.decoding import check_pixels, open_as
from media_pipeline.images.sources.adjusted import Adjusted
from media_pipeline.limits import Limits


def opened(data: bytes, limits: Limits) -> Image.Image:
    """Read a file's boxes and its header.

    Raises RejectedError: too_many_pixels, resource_exhausted, corrupt.
    """
    picture = isobmff.read(data)
    # The decoder has limits of its own, and calls what is over them broken.
    for width, height in picture.sizes:
        check_pixels(max(1, width), max(1, height), limits)
    image = open_as("AVIF", "PIL.AvifImagePlugin", data, limits)
    check_pixels(*image.size, limits)
    if picture.code_points:
        image.info["code_points"] = CodePoints(*picture.code_points)
    if picture.is_monochrome:
        image.info["is_grey"] = True
    if picture.aperture is None:
        return image
    box = isobmff.crop(picture.aperture, image.size)
    if box == (0, 0, *image.size):
        return image
    return Adjusted(image, lambda decoded: decoded.crop(box), size=(box[2] - box[0], box[3] - box[1]))
