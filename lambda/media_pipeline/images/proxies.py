"""The pictures that Rekognition judges in place of the renditions: JPEGs within its bounds.

They show the largest rendition's picture, in colour even where renditions are grey, whole even where they are
cropped. Where transparency is kept, they show it over white, black and mid grey, over the background of JPEGs, and
without its opacity: a picture can be drawn so that it shows in one of these alone.
"""

import io

from PIL import Image

from media_pipeline.images.rasters import Packed, Raster
from media_pipeline.images.sizes import WHITE, Colour

MIN_SIDE = 80  # Rekognition: at least 80 px a side
MAX_SIDE = 10_000  # Rekognition: at most 10,000 px a side
MAX_BYTES = 5_242_880  # Rekognition: image bytes sent inline
LEAST_QUALITY = 70
"""A JPEG rendition of less is no fair picture of what a WebP or PNG beside it shows, nor of what was uploaded."""
_QUALITY = 85
_LOWER_QUALITIES = (70, 55)
_SHRINK = 0.7
_BLACK, _MID_GREY = (0, 0, 0), (128, 128, 128)


def proxies(raster: Raster, background: Colour = WHITE) -> tuple[bytes, ...]:
    """Make the proxies of one picture: one, or up to five where something shines through.

    `background` is what JPEG renditions show behind it. Proxies that are equal are made once.
    """
    if not raster.has_alpha:
        return (_proxy(raster.opaque(), WHITE),)
    backgrounds = dict.fromkeys((WHITE, _BLACK, _MID_GREY, background))
    judged = [_proxy(raster.over(behind).opaque(), behind) for behind in backgrounds]
    judged.append(_proxy(raster.without_opacity().opaque(), _BLACK))
    return tuple(dict.fromkeys(judged))


def fits(data: bytes, size: tuple[int, int]) -> bool:
    """Whether a JPEG of this size can be judged as it is."""
    return len(data) <= MAX_BYTES and min(size) >= MIN_SIDE and max(size) <= MAX_SIDE


def _proxy(image: Image.Image, background: Colour) -> bytes:
    if max(image.size) > MAX_SIDE:
        image = _shrunk(image, MAX_SIDE / max(image.size))
    image = _padded(image, background)
    data = _jpeg(image, _QUALITY)
    for quality in _LOWER_QUALITIES:
        if len(data) <= MAX_BYTES:
            return data
        data = _jpeg(image, quality)
    while len(data) > MAX_BYTES:
        image = _padded(_shrunk(image, _SHRINK), background)
        data = _jpeg(image, _QUALITY)
    return data


def _shrunk(image: Image.Image, scale: float) -> Image.Image:
    size = (max(1, int(image.width * scale)), max(1, int(image.height * scale)))
    return Packed(image).resized(size).opaque()


def _padded(image: Image.Image, background: Colour) -> Image.Image:
    size = max(MIN_SIDE, image.width), max(MIN_SIDE, image.height)
    if size == image.size:
        return image
    canvas = Image.new("RGB", size, background)
    canvas.paste(image.convert("RGB"), ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return canvas


def _jpeg(image: Image.Image, quality: int) -> bytes:
    image.info = {}
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
