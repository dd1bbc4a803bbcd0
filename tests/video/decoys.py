"""Videos that hide a moderation card among decoys: still or moving, in pieces, behind blurred frames.

Everything follows from a seed. Decoys are patterns of black and white, each unlike any other, so that they win every
choice by difference alone.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from PIL import Image, ImageFilter

from embedded_aws.rekognition import draw_card
from local.demo.filming import Film, film
from tests.video.footage import LABELS, RATE, SIZE

_WALK = 24  # pictures of a moving card, of which each differs from the one before
Shown = tuple[Image.Image, float]
"""A picture and the seconds for which it is shown."""


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """A card in a video."""

    name: str
    pictures: tuple[Shown, ...]
    card_from_to: tuple[float, float]
    """From the first time that the card is there to the last, in seconds."""

    def shoot(self, path: Path) -> None:
        """Encode it."""
        seconds = [shown for _, shown in self.pictures]
        times = accumulate(seconds[:-1], initial=0.0)
        shots = ((time, image) for time, (image, _) in zip(times, self.pictures, strict=True))
        film(path, shots, Film(rate=RATE, preset="ultrafast", crf=26), seconds=sum(seconds))


def still_in_pieces(seed: int, budget: int) -> Hidden:
    """Show a still card for its share of a video in one to six pieces."""
    rng = random.Random(seed)
    seconds = rng.choice((12.0, 20.0))
    share = _rounded_up(seconds / (budget - 1))
    return _video(rng, f"pieces-{seed}", seconds, share, rng.choice((1, 2, 3, 6)), moving=False)


def moving_in_one_piece(seed: int, budget: int) -> Hidden:
    """Show a moving card for the longest gap of a video, without an interruption."""
    rng = random.Random(seed)
    seconds = rng.choice((12.0, 20.0))
    # One frame more: a gap lies between judged frames.
    gap = _rounded_up(seconds / (budget / 2 - 1)) + 1 / RATE
    return _video(rng, f"moving-{seed}", seconds, gap, 1, moving=True)


def moving_in_pieces(seed: int, budget: int) -> Hidden:
    """Show a moving card for the longest gap of a video in three pieces, which may all lie between judged frames."""
    rng = random.Random(seed)
    gap = _rounded_up(20.0 / (budget / 2 - 1))
    return _video(rng, f"moving-pieces-{seed}", 20.0, gap, 3, moving=True)


def still_for_half_a_share(seed: int, budget: int) -> Hidden:
    """Show a still card for half of its share, among more decoys than the budget has frames."""
    rng = random.Random(seed)
    share = _rounded_up(20.0 / (budget - 1) / 2)
    return _video(rng, f"half-{seed}", 20.0, share, 1, moving=False)


def _video(
    rng: random.Random, name: str, seconds: float, shown: float, pieces: int, *, moving: bool
) -> Hidden:
    frames = round(shown * RATE)
    parts = [frames // pieces + (number < frames % pieces) for number in range(pieces)]
    if moving:
        card = [_walk(rng, part) for part in parts]
    else:
        picture = draw_card(LABELS, SIZE)
        card = [[(picture, 1 / RATE)] * part for part in parts]
    left, decoys = round(seconds * RATE) - frames, []
    while left > 0:
        length = min(left, rng.choice((1, 2, 4, 8)))
        decoys += [(_decoys(rng, 1)[0], length / RATE)]
        left -= length
    return _mixed(rng, name, decoys, card)


def _mixed(rng: random.Random, name: str, decoys: Sequence[Shown], card: Sequence[Sequence[Shown]]) -> Hidden:
    """Put the pieces of a card between decoys; often a blurred version of it comes first, or last, in place of one."""
    decoys = list(decoys)
    blurred = card[0][0][0].filter(ImageFilter.GaussianBlur(rng.choice((4, 10, 30))))
    if rng.random() < 0.6:
        decoys[0] = (blurred, decoys[0][1])
    if rng.random() < 0.3:
        decoys[-1] = (blurred, decoys[-1][1])
    places = sorted(rng.sample(range(1, len(decoys)), len(card)), reverse=True)
    takes: list[tuple[Shown, bool]] = [(decoy, False) for decoy in decoys]
    for place, piece in zip(places, card, strict=True):
        takes[place:place] = [(shown, True) for shown in piece]
    times = [sum(shown for (_, shown), _ in takes[:number]) for number in range(len(takes) + 1)]
    there = [number for number, (_, is_card) in enumerate(takes) if is_card]
    return Hidden(
        name=name,
        pictures=tuple(shown for shown, _ in takes),
        card_from_to=(times[there[0]], times[there[-1] + 1]),
    )


def _walk(rng: random.Random, count: int) -> list[Shown]:
    """Return frames of a card that moves over a ground whose colour changes."""
    size = SIZE[0] * 3 // 4, SIZE[1] * 3 // 4
    card = draw_card(LABELS, size)
    phase = rng.uniform(0, math.tau)
    frames: list[Shown] = []
    for number in range(count):
        turn = phase + math.tau * number / _WALK
        red, green, blue = (round(100 + 80 * math.sin(turn + shift)) for shift in (0, 2, 4))
        image = Image.new("RGB", SIZE, (red, green, blue))
        left = round((SIZE[0] - size[0]) * (0.5 + 0.5 * math.sin(3 * turn)))
        top = round((SIZE[1] - size[1]) * (0.5 + 0.5 * math.cos(2 * turn)))
        image.paste(card, (left, top))
        frames.append((image, 1 / RATE))
    return frames


def _decoys(rng: random.Random, count: int) -> list[Image.Image]:
    found = []
    for _ in range(count):
        pattern = Image.frombytes("L", (8, 6), bytes(rng.choice((0, 255)) for _ in range(48)))
        found.append(pattern.convert("RGB").resize(SIZE, Image.Resampling.NEAREST))
    return found


def _rounded_up(seconds: float) -> float:
    return math.ceil(seconds * RATE) / RATE
