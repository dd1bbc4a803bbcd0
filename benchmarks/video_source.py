"""The video to measure: ten seconds of 1080p30 with sound, drawn here, with grain like a real camera's."""

import random
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageChops

from local.demo import scenes
from local.demo.filming import Film, Shot, film, tune

SIZE = (1920, 1080)
RATE, SECONDS = 30, 10.0
_GRAIN = 4  # different grain pictures, which alternate


def made(path: Path) -> Path:
    """Return the file, encoded at the first call: a view that moves over three scenes, with hard cuts between them."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.with_suffix(".part.mp4")
        film(
            begun, _shots(), Film(rate=RATE, crf=20, preset="veryfast"), seconds=SECONDS, sound=tune(SECONDS)
        )
        begun.rename(path)
    return path


def _shots() -> Iterator[Shot]:
    width, height = SIZE
    views = [
        scene((width * 5 // 4, height * 5 // 4)) for scene in (scenes.lake, scenes.garden, scenes.balloons)
    ]
    grain = [_grain(number) for number in range(_GRAIN)]
    count = round(RATE * SECONDS)
    for number in range(count):
        turn, rest = divmod(number * len(views), count)
        share = rest / count
        left, top = round(share * (width // 4)), round((1 - share) * (height // 4))
        picture = views[turn].crop((left, top, left + width, top + height))
        yield number / RATE, ImageChops.add(picture, grain[number % _GRAIN], offset=-128)


def _grain(seed: int) -> Image.Image:
    rng = random.Random(seed)
    small = SIZE[0] // 4, SIZE[1] // 4
    data = bytes(min(255, max(0, round(rng.gauss(128, 5)))) for _ in range(small[0] * small[1]))
    return Image.frombytes("L", small, data).resize(SIZE, Image.Resampling.BICUBIC).convert("RGB")
