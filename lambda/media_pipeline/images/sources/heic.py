"""HEIC files: turned by their decoder, which refuses most clean apertures, so that they are cropped here."""

import importlib

from PIL import Image

from media_pipeline.images.cicp import CodePoints
from media_pipeline.images.containers import isobmff
from media_pipeline.images.decoding import check_pixels, open_as
from media_pipeline.images.sources.adjusted import Adjusted
from media_pipeline.limits import Limits

_PLUGIN = "pi_heif"


def opened(data: bytes, limits: Limits) -> Image.Image:
    """Read a file's boxes and its header.

    Raises RejectedError: too_many_pixels, resource_exhausted, corrupt.
    """
    # Embedded thumbnails are another picture that may show something else; depth maps are none to publish.
    importlib.import_module(_PLUGIN).register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
    )
    # The decoder has limits of its own, and calls what is over them broken.
    picture = isobmff.read(data)
    for width, height in picture.sizes:
        check_pixels(max(1, width), max(1, height), limits)
    whole, box = isobmff.uncropped(data, picture) or (data, None)
    image = open_as("HEIF", _PLUGIN, whole, limits)
    if told := image.info.get("nclx_profile"):
        image.info["code_points"] = CodePoints(told["color_primaries"], told["transfer_characteristics"])
    if box is None or box == (0, 0, *image.size):
        return image
    return Adjusted(image, lambda decoded: decoded.crop(box), size=(box[2] - box[0], box[3] - box[1]))
