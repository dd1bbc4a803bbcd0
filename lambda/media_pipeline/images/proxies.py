"""The pictures that Rekognition judges in place of the renditions: JPEGs within its bounds.

They show the largest rendition's picture, in colour even where renditions are grey, whole even where they are
cropped, and with transparency once over white and once over black.
"""

import io

from PIL import Image

from media_pipeline.images.rasters import Packed, Raster

MIN_SIDE = 80  # Rekognition: at least 80 px a side
MAX_SIDE = 10_000  # Rekognition: at most 10,000 px a side
MAX_BYTES = 5_242_880  # Rekognition: image bytes sent inline
LEAST_QUALITY = 70
"""A JPEG rendition of less is no fair picture of what a WebP or PNG beside it shows, nor of what was uploaded."""
_QUALITY = 85
_LOWER_QUALITIES = (70, 55)
_SHRINK = 0.7
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)


def proxies(raster: Raster) -> tuple[bytes, ...]:
    """Make the proxies of one picture: one, or two where something shines through."""
    backgrounds = (_WHITE, _BLACK) if raster.has_alpha else (_WHITE,)
    return tuple(_proxy(raster.opaque(background), background) for background in backgrounds)


def fits(data: bytes, size: tuple[int, int]) -> bool:
    """Whether a JPEG of this size can be judged as it is."""
    return len(data) <= MAX_BYTES and min(size) >= MIN_SIDE and max(size) <= MAX_SIDE


def _proxy(image: Image.Image, background: tuple[int, int, int]) -> bytes:
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


def _padded(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
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
