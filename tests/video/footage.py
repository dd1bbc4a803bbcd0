"""Generated footage: moving views of the project's scenes, cuts, fades, noise, and a moderation card somewhere.

A seed determines everything, so a video with a problem can be generated again.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageChops, ImageEnhance

from embedded_aws.rekognition import draw_card
from local.demo import scenes
from local.demo.filming import Film, Shot, film

LABELS = {"Weapons": 95.0}
SIZE = (320, 180)
RATE = 10
_NOISES = 8  # pictures of noise, used in turn


@dataclass(frozen=True, kw_only=True)
class Take:
    """One shot of a video, from `start` to `end` in seconds; `fade`: how long it fades in over the previous one.

    A `card` take shows the card; others move over a scene. `moving`: share of the scene's width per second.
    """

    start: float = 0.0
    end: float = 0.0
    card: bool = False
    scene: int = 0
    moving: float = 0.0
    noise: int = 0
    shaking: float = 0.0
    flicker: float = 0.0
    fade: float = 0.0
    phase: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Footage:
    """A video to be generated; `times` of its frames in seconds."""

    takes: tuple[Take, ...]
    times: tuple[float, ...]
    seconds: float
    size: tuple[int, int] = SIZE
    name: str = ""
    how: Film = field(default_factory=lambda: Film(rate=RATE, preset="ultrafast", crf=26))

    @property
    def card_from_to(self) -> tuple[float, float]:
        """Return from when to when, in seconds, the card is fully visible."""
        (card,) = (take for take in self.takes if take.card)
        return card.start + card.fade, card.end

    def shoot(self, path: Path) -> None:
        """Draw and encode the video."""
        film(path, self.shots(), self.how, seconds=self.seconds)

    def shots(self) -> Iterator[Shot]:
        """Yield time and picture of every frame."""
        for time in self.times:
            yield time, self.picture(time)

    def picture(self, time: float) -> Image.Image:
        """Return the frame at `time` in seconds."""
        number = max(index for index, take in enumerate(self.takes) if take.start <= time + 1e-9)
        take = self.takes[number]
        picture = _view(take, time, self.size)
        if number and take.fade and time < take.start + take.fade:
            share = (time - take.start) / take.fade
            picture = Image.blend(_view(self.takes[number - 1], time, self.size), picture, share)
        return picture


def even_times(seconds: float, rate: int = RATE) -> tuple[float, ...]:
    """Return the times of frames at a constant rate."""
    return tuple(number / rate for number in range(round(seconds * rate)))


def uneven_times(seconds: float, rng: random.Random, rate: int = RATE) -> tuple[float, ...]:
    """Return times at a varying rate, as phones record in low light, with a stretch of few frames."""
    times, now = [], 0.0
    sparse = rng.uniform(0.0, seconds * 0.7)
    while now < seconds:
        times.append(round(now, 4))
        slow = 4.0 if sparse <= now < sparse + seconds * 0.2 else 1.0
        now += slow * rng.choice((0.5, 1.0, 1.0, 1.5)) / rate
    return tuple(times)


def between_hard_cuts(seed: int, *, seconds: float = 60.0, shown: float = 1.0, cuts: int = 8) -> Footage:
    """Return footage with a card for `shown` seconds between hard cuts, and up to `cuts` further cuts elsewhere."""
    rng = random.Random(seed)
    start = rng.uniform(0.0, seconds - shown)
    marks = [mark for mark in _anywhere(rng, cuts, seconds) if not start - 0.3 <= mark <= start + shown + 0.3]
    edges = sorted({0.0, *marks, start, start + shown, seconds})
    takes = [
        replace(_some_view(rng), start=left, end=right, card=left == start) for left, right in pairwise(edges)
    ]
    times = uneven_times(seconds, rng) if seed % 5 == 4 else even_times(seconds)
    return Footage(takes=tuple(takes), times=times, seconds=seconds, name=f"cuts-{seed}")


def for_a_share(seed: int, moderation_frames: int, *, seconds: float | None = None) -> Footage:
    """Return footage with a card fully visible for 1/(moderation_frames - 1) of the time, faded or cut in."""
    rng = random.Random(seed)
    length = seconds or rng.choice((12.0, 20.0, 33.0))
    fade = rng.choice((0.0, 0.0, 0.4, 1.0))
    # One frame more than the share: a frame is shown until the next one.
    shown = length / (moderation_frames - 1) + 1 / RATE
    start = rng.uniform(fade, length - shown - fade)
    cuts = rng.choice((0, 0, 3, 8, 14))
    marks = [
        mark for mark in _anywhere(rng, cuts, length) if not start - fade <= mark <= start + shown + fade
    ]
    edges = sorted({0.0, *marks, start - fade, start + shown, length})
    view = _some_view(rng)
    static = rng.random() < 0.3
    takes: list[Take] = []
    for left, right in pairwise(edges):
        look = replace(view, moving=0.0) if static else _some_view(rng)
        # A take that follows the card fades in only after the card's time.
        fades = left in (start - fade, start + shown)
        card = left == start - fade
        takes.append(replace(look, start=left, end=right, card=card, fade=fade if fades else 0.0))
    times = even_times(length)
    if seed % 4 == 3:
        # A frame is shown until the next one: so one is needed where the card's time begins, and where it ends.
        times = tuple(sorted({*uneven_times(length, rng), start, start + shown}))
    return Footage(takes=tuple(takes), times=times, seconds=length, name=f"share-{seed}")


def _anywhere(rng: random.Random, most: int, seconds: float) -> list[float]:
    return [rng.uniform(0.3, seconds - 0.3) for _ in range(rng.randint(0, most))]


def _some_view(rng: random.Random) -> Take:
    return Take(
        scene=rng.randrange(len(_SCENES)),
        moving=rng.choice((0.0, 0.01, 0.05, 0.15)),
        noise=rng.choice((0, 0, 6, 18)),
        shaking=rng.choice((0.0, 0.0, 2.0, 6.0)),
        flicker=rng.choice((0.0, 0.0, 0.1)),
        phase=rng.uniform(0.0, math.tau),
    )


_SCENES: Sequence[Callable[[tuple[int, int]], Image.Image]] = (
    scenes.lake,
    scenes.balloons,
    scenes.dunes,
    scenes.garden,
)


@lru_cache(maxsize=16)
def _scene(number: int, size: tuple[int, int]) -> Image.Image:
    return _SCENES[number]((size[0] * 3 // 2, size[1] * 3 // 2))


@lru_cache(maxsize=4)
def _card(size: tuple[int, int]) -> Image.Image:
    return draw_card(LABELS, size)


@lru_cache(maxsize=64)
def _noise(level: int, number: int, size: tuple[int, int]) -> Image.Image:
    rng = random.Random(1000 * level + number)
    # Pillow's own noise cannot be seeded. A quarter of the size looks like a phone's noise after its smoothing.
    small = size[0] // 2, size[1] // 2
    data = bytes(min(255, max(0, round(rng.gauss(128, level)))) for _ in range(small[0] * small[1]))
    return Image.frombytes("L", small, data).resize(size, Image.Resampling.NEAREST).convert("RGB")


def _view(take: Take, time: float, size: tuple[int, int]) -> Image.Image:
    if take.card:
        return _grained(_card(size), take, time)
    scene = _scene(take.scene, size)
    slack_x, slack_y = scene.width - size[0], scene.height - size[1]
    phase = take.phase + take.moving * scene.width / slack_x * math.pi * time
    shake_x = take.shaking * math.sin(17 * time + take.phase)
    shake_y = take.shaking * math.cos(23 * time)
    left = min(slack_x, max(0, round(slack_x * (1 - math.cos(phase)) / 2 + shake_x)))
    top = min(slack_y, max(0, round(slack_y * (1 + math.sin(phase / 2)) / 2 + shake_y)))
    picture = scene.crop((left, top, left + size[0], top + size[1]))
    if take.flicker:
        picture = ImageEnhance.Brightness(picture).enhance(1 + take.flicker * math.sin(29 * time))
    return _grained(picture, take, time)


def _grained(picture: Image.Image, take: Take, time: float) -> Image.Image:
    if not take.noise:
        return picture
    number = round(time * 1000) % _NOISES
    return ImageChops.add(picture, _noise(take.noise, number, picture.size), offset=-128)
