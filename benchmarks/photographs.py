"""The photographs of the benchmark, by class; drawn ones where no folder of real ones is at hand."""

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms, UnidentifiedImageError

ROOT = Path(__file__).parent.parent
DEFAULT = ROOT.parent / "shared" / "photos"
_CLASSES = (  # (name, from, to) in megapixels
    ("12-24 MP", 11, 26),
    ("8 MP", 7, 11),
    ("2-4 MP", 2, 4.5),
    ("~0.6 MP", 0.4, 1),
)
_WITH_ICC = " with ICC"
NAMES = ("12-24 MP", "12-24 MP with ICC", "8 MP", "2-4 MP", "~0.6 MP")
_DRAWN = {
    "12": (4032, 3024),
    "12-icc": (4032, 3024),
    "8": (3264, 2448),
    "3": (2272, 1704),
    "0.8": (1024, 768),
}


@dataclass(frozen=True)
class Photograph:
    """One JPEG and the class it is measured in."""

    path: Path
    megapixels: float
    group: str


def photographs(folder: Path | None) -> dict[str, list[Photograph]]:
    """Sort a folder's RGB JPEGs (sub-folders too) into the classes; without one, the default's or drawn ones."""
    if folder is None and not DEFAULT.is_dir():
        folder = _drawn(Path(tempfile.mkdtemp(prefix="bench-photos-")))
    found: dict[str, list[Photograph]] = {name: [] for name in NAMES}
    for photograph in _of(folder or DEFAULT):
        found[photograph.group].append(photograph)
    return {name: members for name, members in found.items() if members}


def _of(folder: Path) -> Iterator[Photograph]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            with Image.open(path, formats=["JPEG"]) as image:
                mode, size, profile = image.mode, image.size, image.info.get("icc_profile")
        except (UnidentifiedImageError, OSError):
            continue  # no JPEG: the classes are of JPEGs
        megapixels = size[0] * size[1] / 1e6
        for name, least, most in _CLASSES:
            if mode == "RGB" and least <= megapixels <= most:
                group = name + _WITH_ICC if profile and name + _WITH_ICC in NAMES else name
                yield Photograph(path, megapixels, group)
                break


def _drawn(folder: Path) -> Path:
    """Draw one picture a class, with gradients and grain, as no folder of photographs is here."""
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
        Image.merge("RGB", bands).save(out, "JPEG", quality=90, **options)
        (folder / f"drawn-{name}.jpg").write_bytes(out.getvalue())
    return folder
