"""Encode rasters: one function per output format. Only pixels are written.

`Image.info` is emptied right after decoding and again before encoding (ImageCms, for one, leaves a profile
there), and no encoder gets any metadata of the upload: no EXIF, no GPS position, no comment, no XMP, no profile. All
renditions are sRGB, which viewers assume for a picture without a profile. Where a stack wants it, a packet of XMP made
here says that a model made the picture.
"""

import io
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from PIL import Image

from media_pipeline.images import libwebp
from media_pipeline.images.formats import FORMATS
from media_pipeline.images.rasters import Raster
from media_pipeline.images.sizes import WHITE, Colour

SUBSAMPLING = frozenset({"jpeg", "webp", "avif"})
"""Formats that are encoded as 4:2:0: their colours have half the resolution."""
FROM_PLANES = frozenset({"jpeg", "webp"})
"""Those of them whose encoders take brightness and colours apart, and no RGB."""
LOSSLESS = 100  # the quality that a lossless encoder gets, and ignores
WEBP_METHOD = 2  # 13 x JPEG's time for 0.83 x its bytes; the default, 4, takes 29 x for 0.81 x
WEBP_FASTEST_METHOD = 0  # two thirds of the time of 2, for 5 to 10 % more bytes
AVIF_SPEED = 9  # the default, 6, takes ten times as long for 5 % fewer bytes
AVIF_ADVANCED = {"disable-trellis-quant": "1"}  # 15 x JPEG's time for 0.57 x its bytes, not 19 x for 0.60 x


def jpeg(raster: Raster, quality: int, xmp: bytes | None = None) -> bytes:
    """Encode as baseline JPEG, 4:2:0."""
    return _saved(raster.opaque(), "JPEG", quality=quality, subsampling="4:2:0", **_packet(xmp))


def png(raster: Raster, quality: int, xmp: bytes | None = None) -> bytes:  # noqa: ARG001 PNG is lossless
    """Encode as PNG with 8 bits per channel; transparency kept."""
    if xmp is None:
        return _saved(raster.image(), "PNG")
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return _saved(raster.image(), "PNG", pnginfo=info)


def webp(raster: Raster, quality: int, xmp: bytes | None = None) -> bytes:
    """Encode as lossy WebP; transparency kept."""
    # A packet needs a container around the picture, which is Pillow's part.
    planes = raster.planes() if xmp is None and libwebp.is_available() else None
    if planes is not None:
        return libwebp.encode(planes, quality, WEBP_METHOD)
    return _saved(raster.image(), "WEBP", quality=quality, method=WEBP_METHOD, **_packet(xmp))


def avif(raster: Raster, quality: int, xmp: bytes | None = None) -> bytes:
    """Encode as AVIF, 4:2:0; transparency kept."""
    return _saved(
        raster.image(),
        "AVIF",
        quality=quality,
        speed=AVIF_SPEED,
        subsampling="4:2:0",
        max_threads=1,
        advanced=AVIF_ADVANCED,
        **_packet(xmp),
    )


class Encoder(Protocol):
    """Encodes a raster in one format; `xmp` is put into the file as it is."""

    def __call__(self, raster: Raster, quality: int, xmp: bytes | None = None) -> bytes:
        """Return the file."""
        ...


ENCODERS: Mapping[str, Encoder] = MappingProxyType({"jpeg": jpeg, "png": png, "webp": webp, "avif": avif})
"""The encoder of every format of `formats.json`; takes the raster, the quality from 1 to 100, and XMP or None."""


def encode(
    raster: Raster,
    format_name: str,
    quality: Mapping[str, int],
    background: Colour = WHITE,
    xmp: bytes | None = None,
) -> bytes:
    """Encode in one format, at its quality of `quality` by format, by default the format's own.

    `background` is what a format without transparency shows where the raster is transparent; `xmp` is put in as it is.
    """
    flat = raster if FORMATS[format_name].transparency else raster.over(background)
    encoder = ENCODERS[format_name]
    return encoder(flat, quality_of(format_name, quality), **_packet(xmp))


def quality_of(format_name: str, quality: Mapping[str, int]) -> int:
    """Return a format's quality, 1 to 100, by default its own."""
    return quality.get(format_name, FORMATS[format_name].default_quality or LOSSLESS)


def _packet(xmp: bytes | None) -> dict[str, bytes]:
    return {} if xmp is None else {"xmp": xmp}


def _saved(image: Image.Image, format_name: str, **options: object) -> bytes:
    image.info = {}  # most encoders write what they find there
    out = io.BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()
