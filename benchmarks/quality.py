"""Measure how similar the pipeline's pictures are to LANCZOS from full resolution, before encoding."""

import io
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps

from benchmarks.measures import psnr, ssim
from media_pipeline.images.encoders import FROM_PLANES
from media_pipeline.images.inspection import inspect
from media_pipeline.images.resize_plan import plan
from media_pipeline.images.sizes import Size, Specs
from media_pipeline.images.stills import pictures
from media_pipeline.limits import Limits


@dataclass(frozen=True)
class Likeness:
    """The worst of all sizes of one photograph."""

    ssim: float
    psnr: float


def likeness(data: bytes, sizes: dict[str, int], formats: tuple[str, ...] = ("jpeg",)) -> Likeness:
    """Compare every size with the reference: SSIM of the brightness that is encoded, PSNR of all colours.

    JPEG gets brightness as it is stored, other formats get RGB.
    """
    limits = Limits()
    specs = Specs(
        sizes=tuple(Size(name=name, width=edge) for name, edge in sizes.items()),
        formats=formats,
        quality={},
    )
    seen = inspect(data, limits)
    targets = {size.target(seen.width, seen.height) for size in specs.sizes}
    made = pictures(data, seen, plan(targets), specs, limits)
    whole = reference(data)
    structure, noise = [], []
    for raster in made.targets.values():
        expected = whole if raster.size == whole.size else whole.resize(raster.size, Image.Resampling.LANCZOS)
        structure.append(
            ssim(raster.opaque() if FROM_PLANES.issuperset(formats) else raster.image(), expected)
        )
        noise.append(psnr(raster.image(), expected))
    return Likeness(min(structure), min(noise))


def reference(data: bytes) -> Image.Image:
    """Return the upright original in sRGB at full resolution, converted with plain Pillow."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    profile = image.info.get("icc_profile")
    if profile:
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, io.BytesIO(profile), srgb, outputMode="RGB")
        image = converted or image
    return image.convert("RGB")
