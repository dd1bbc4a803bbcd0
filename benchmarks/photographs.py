"""The photographs of the benchmark, by class; resampled or drawn ones where there are no real ones."""

import functools
import io
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms, JpegImagePlugin, UnidentifiedImageError

ROOT = Path(__file__).parent.parent
DEFAULT = ROOT.parent / "shared" / "photos"
_CLASSES = (  # (name, from, to) in megapixels
    ("12-24 MP", 11, 26),
    ("8 MP", 7, 11),
    ("2-4 MP", 2, 4.5),
    ("~0.6 MP", 0.4, 1),
)
_WITH_ICC = " with ICC"
_QUALITY = 90
"""Quality of the JPEGs that are created here, similar to that of cameras."""
NAMES = ("12-24 MP", "12-24 MP with ICC", "8 MP", "2-4 MP", "~0.6 MP")
_DRAWN = {
    "12": (4032, 3024),
    "12-icc": (4032, 3024),
    "8": (3264, 2448),
    "3": (2272, 1704),
    "0.8": (1024, 768),
}
_FILLED = {"8 MP": ("12-24 MP", 8e6)}
"""For a class that the default folder lacks: the class whose photographs are scaled down, and to how many pixels."""


@dataclass(frozen=True)
class Photograph:
    """One JPEG and the class it is measured in."""

    path: Path
    megapixels: float
    group: str
    resampled: bool = False
    """Whether it was scaled down from a larger photograph, because no camera took one of this size."""


def photographs(folder: Path | None) -> dict[str, list[Photograph]]:
    """Sort a folder's RGB JPEGs (sub-folders too) into the classes; without one, the default's or drawn ones.

    Without a folder, a class without photographs gets larger ones that are scaled down.
    """
    source = folder or (DEFAULT if DEFAULT.is_dir() else _drawn(_scratch()))
    found: dict[str, list[Photograph]] = {name: [] for name in NAMES}
    for photograph in _of(source):
        found[photograph.group].append(photograph)
    if folder is None:
        for name, (larger, pixels) in _FILLED.items():
            found[name] = found[name] or [
                resampled(photo, name, pixels, _scratch()) for photo in found[larger]
            ]
    return {name: members for name, members in found.items() if members}


def resampled(photograph: Photograph, group: str, pixels: float, folder: Path) -> Photograph:
    """Return a larger photograph scaled down to another class, with the same chroma subsampling."""
    with Image.open(photograph.path, formats=["JPEG"]) as image:
        scale = math.sqrt(pixels / (image.width * image.height))
        sampling = JpegImagePlugin.get_sampling(image)
        small = image.resize(
            (round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS
        )
        options = {"exif": image.info.get("exif", b""), "icc_profile": image.info.get("icc_profile")}
    path = folder / photograph.path.name
    small.save(path, "JPEG", quality=_QUALITY, subsampling=max(0, sampling), **options)
    return Photograph(path, small.width * small.height / 1e6, group, resampled=True)


@functools.cache
def _scratch_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="bench-photos-")


def _scratch() -> Path:
    """Return a folder that is deleted when this process ends."""
    return Path(_scratch_folder().name)


def _of(folder: Path) -> Iterator[Photograph]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            with Image.open(path, formats=["JPEG"]) as image:
                mode, size, profile = image.mode, image.size, image.info.get("icc_profile")
        except (UnidentifiedImageError, OSError):
            continue  # not a JPEG, and the classes consist of JPEGs
        megapixels = size[0] * size[1] / 1e6
        for name, least, most in _CLASSES:
            if mode == "RGB" and least <= megapixels <= most:
                group = name + _WITH_ICC if profile and name + _WITH_ICC in NAMES else name
                yield Photograph(path, megapixels, group)
                break


def _drawn(folder: Path) -> Path:
    """Draw one picture per class, with gradients and grain, for a machine without photographs."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, size in _DRAWN.items():
        grain = [Image.effect_noise(size, 24 + 6 * band) for band in range(3)]
        shapes = (
            Image.radial_gradient("L"),
            Image.linear_gradient("L"),
            Image.linear_gradient("L").rotate(90),
        )
        bands = [
            Image.blend(shape.resize(size), noise, 0.25) for shape, noise in zip(shapes, grain, strict=True)
        ]
        out = io.BytesIO()
        options = {"icc_profile": profile} if name.endswith("icc") else {}
        Image.merge("RGB", bands).save(out, "JPEG", quality=_QUALITY, **options)
        (folder / f"drawn-{name}.jpg").write_bytes(out.getvalue())
    return folder
