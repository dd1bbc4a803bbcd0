"""One object of each kind for `make bench-path`."""

import io
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks import video_source
from benchmarks.photographs import Photograph, photographs, resampled
from components.config_model import StackConfig

VIDEO = Path(__file__).parent.parent / "build" / "bench-video" / "source.mp4"
_FRAMES, _FRAME = 8, (960, 720)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An upload; `labels` is what Rekognition finds on each of its pictures."""

    key: str
    data: bytes
    labels: list[dict[str, Any]] = field(default_factory=list)
    is_known: bool = False
    """Whether the same bytes were uploaded before."""

    @property
    def is_video(self) -> bool:
        """Whether process-video takes it."""
        return self.key.endswith(".mp4")


def samples(config: StackConfig, folder: Path) -> Mapping[str, Callable[[], Sample]]:
    """Return what makes each sample, by its name; `folder` takes scaled photographs."""
    return {
        "photo 2 MP": lambda: Sample(key="photo.jpg", data=_photo(2, folder)),
        "photo 12 MP": lambda: Sample(key="photo.jpg", data=_photo(12, folder)),
        "photo 24 MP": lambda: Sample(key="photo.jpg", data=_photo(24, folder)),
        "photo 2 MP again": lambda: Sample(key="photo.jpg", data=_photo(2, folder), is_known=True),
        "transparent": lambda: Sample(key="logo.png", data=_transparent(_photo(2, folder))),
        "animation": lambda: Sample(key="animation.webp", data=_animation(_photo(12, folder))),
        "blocked": lambda: Sample(key="photo.jpg", data=_photo(2, folder), labels=_blocking(config)),
        "video": lambda: Sample(key="film.mp4", data=video_source.made(VIDEO).read_bytes()),
    }


def _photo(megapixels: int, folder: Path) -> bytes:
    """Return a photograph of this size: one that a camera took, or the nearest one scaled."""
    found = list(itertools.chain.from_iterable(photographs(None).values()))
    taken = [photo for photo in found if not photo.resampled]
    nearest = min(taken, key=lambda photo: abs(photo.megapixels - megapixels))
    if abs(nearest.megapixels - megapixels) > 0.15 * megapixels:
        largest = max(taken, key=lambda photo: photo.megapixels)
        nearest = _scaled(largest, megapixels, folder)
    return nearest.path.read_bytes()


def _scaled(photo: Photograph, megapixels: int, folder: Path) -> Photograph:
    into = folder / f"{megapixels}-megapixels"
    into.mkdir(exist_ok=True)
    return resampled(photo, f"{megapixels} MP", megapixels * 1e6, into)


def _transparent(photo: bytes) -> bytes:
    with Image.open(io.BytesIO(photo)) as image:
        image.putalpha(Image.radial_gradient("L").resize(image.size))
        return _saved(image, "PNG")


def _animation(photo: bytes) -> bytes:
    """Return views of different parts of a photograph, so that each is judged."""
    with Image.open(io.BytesIO(photo)) as image:
        first, *others = _views(image)
        return _saved(first, "WEBP", save_all=True, append_images=others, duration=200, quality=80)


def _views(image: Image.Image) -> Iterator[Image.Image]:
    for number in range(_FRAMES):
        left = (image.width - _FRAME[0]) * number // _FRAMES
        yield image.crop((left, 0, left + _FRAME[0], _FRAME[1]))


def _blocking(config: StackConfig) -> list[dict[str, Any]]:
    category = next(iter(config.moderation.block))
    return [{"Name": category, "ParentName": "", "Confidence": 99.0, "TaxonomyLevel": 1}]


def _saved(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
