"""Rasters to bytes: one function a format, nothing but pixels written.

`Image.info` is emptied right after decoding and again before encoding (ImageCms, for one, leaves a profile
there), and no encoder is told anything: no EXIF, no place, no comment, no XMP, no profile. All renditions are
sRGB, which is what a viewer takes a picture without a profile for.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from PIL import Image

from media_pipeline.images.rasters import Raster

DEFAULT_QUALITY = 80
WEBP_METHOD = 2  # 13 x JPEG's time for 0.83 x its bytes; the default, 4, takes 29 x for 0.81 x
AVIF_SPEED = 9  # the default, 6, takes ten times as long for 5 % fewer bytes
AVIF_ADVANCED = {"disable-trellis-quant": "1"}  # 15 x JPEG's time for 0.57 x its bytes, not 19 x for 0.60 x


def jpeg(raster: Raster, quality: int) -> bytes:
    """Baseline JPEG, 4:2:0; transparency over white."""
    return _saved(raster.opaque(), "JPEG", quality=quality, subsampling="4:2:0")


def png(raster: Raster, quality: int) -> bytes:  # noqa: ARG001 PNG loses nothing
    """PNG with 8 bits a channel; transparency kept."""
    return _saved(raster.image(), "PNG")


def webp(raster: Raster, quality: int) -> bytes:
    """Lossy WebP; transparency kept."""
    return _saved(raster.image(), "WEBP", quality=quality, method=WEBP_METHOD)


def avif(raster: Raster, quality: int) -> bytes:
    """AVIF, 4:2:0; transparency kept."""
    return _saved(
        raster.image(),
        "AVIF",
        quality=quality,
        speed=AVIF_SPEED,
        subsampling="4:2:0",
        max_threads=1,
        advanced=AVIF_ADVANCED,
    )


@dataclass(frozen=True)
class Encoder:
    """One output format."""

    content_type: str
    extension: str
    encode: Callable[[Raster, int], bytes]


ENCODERS: Mapping[str, Encoder] = MappingProxyType(
    {
        "jpeg": Encoder("image/jpeg", "jpg", jpeg),
        "png": Encoder("image/png", "png", png),
        "webp": Encoder("image/webp", "webp", webp),
        "avif": Encoder("image/avif", "avif", avif),
    }
)


def _saved(image: Image.Image, format_name: str, **options: object) -> bytes:
    image.info = {}  # most encoders write what they find there
    out = io.BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()
