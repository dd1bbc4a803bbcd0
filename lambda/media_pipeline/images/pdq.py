"""PDQ: a hash of 256 bits by which copies of a picture are found, scaled, encoded anew or a little changed.

Made as its paper says (Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019): the
brightness in 64 x 64 points, the 16 x 16 lowest frequencies of its cosine transform without the constant one, and for
each whether it is above their median. Written here because the packages on the index are for few platforms, or take
numpy along, which costs 200 ms at a cold start.

The published implementation blurs with two box filters and then takes every nth pixel; here one scaling with a triangle
of the same width takes their place, which yields the same points but for rounding. Two hashes of one picture, one by
each, differ in 4 of 256 bits on average, while copies count as alike up to 31.
"""

import math
from array import array
from collections.abc import Sequence
from functools import cache
from itertools import chain, pairwise
from operator import add, mul, sub
from typing import NamedTuple

from PIL import Image

BITS = 256
ALIKE = 31
"""Bits in which the hashes of two pictures that look alike differ at most, as Hasher-Matcher-Actioner counts it."""
LEAST_QUALITY = 50
"""Of 100: below it a picture has too little detail for its hash to mean anything, as Hasher-Matcher-Actioner has it."""
_POINTS, _FREQUENCIES = 64, 16
SIDE = 2 * _POINTS - 1
"""Pixels of the short side that a picture needs: every second one is the middle of a triangle that is two wide."""
_FULL = 90  # of the paper's sum of differences, for a quality of 100


class Pdq(NamedTuple):
    """A hash, and how much it says."""

    bits: int
    quality: int
    """From 0, of a plain picture, to 100."""

    @property
    def hex(self) -> str:
        """The hash as 64 hexadecimal digits, the highest frequencies first, as every tool writes it."""
        return f"{self.bits:064x}"

    def distance(self, other: "Pdq") -> int:
        """Return in how many bits two hashes differ: 0 to 256, about 128 for unrelated pictures."""
        return (self.bits ^ other.bits).bit_count()


def pdq(image: Image.Image) -> Pdq:
    """Return the hash of a picture without transparency, upright."""
    rows = _points(image)
    return Pdq(_hash(rows), _quality(rows))


def _points(image: Image.Image) -> list[list[float]]:
    """Return the brightness in 64 rows of 64 points, 0 to 255."""
    brightness = image.convert("L").convert("F")  # not rounded to levels when scaled
    width, height = image.size
    across, down = width / (4 * _POINTS), height / (4 * _POINTS)
    scaled = brightness.resize(
        (SIDE, SIDE), Image.Resampling.BILINEAR, box=(across, down, width - across, height - down)
    )
    pixels = array("f", scaled.tobytes())
    return [pixels[row * SIDE : (row + 1) * SIDE : 2].tolist() for row in range(0, SIDE, 2)]


@cache
def _cosines() -> tuple[tuple[float, ...], ...]:
    """Return 16 rows of 32: the frequencies 1 to 16 of the cosine transform at the first half of the points.

    At the other half they are the same, mirrored: with the sign changed for odd frequencies.
    """
    scale = math.sqrt(2 / _POINTS)
    return tuple(
        tuple(
            scale * math.cos(math.pi / 2 / _POINTS * frequency * (2 * point + 1))
            for point in range(_POINTS // 2)
        )
        for frequency in range(1, _FREQUENCIES + 1)
    )


def _transformed(line: Sequence[float]) -> list[float]:
    """Return the frequencies 1 to 16 of 64 points; folded in the middle, which halves the multiplications."""
    half = _POINTS // 2
    first, second = line[:half], line[: half - 1 : -1]
    odd, even = list(map(sub, first, second)), list(map(add, first, second))
    return [sum(map(mul, cosine, even if place % 2 else odd)) for place, cosine in enumerate(_cosines())]


def _hash(rows: Sequence[Sequence[float]]) -> int:
    down = zip(*(_transformed(column) for column in zip(*rows, strict=True)), strict=True)
    values = [value for line in down for value in _transformed(line)]
    median = sorted(values)[BITS // 2 - 1]
    return sum(1 << place for place, value in enumerate(values) if value > median)


def _quality(rows: Sequence[Sequence[float]]) -> int:
    """Return how much neighbouring points differ, in whole percent each; a plain picture has nothing to compare."""
    percent = [[level * 100 / 255 for level in row] for row in rows]
    lines = chain(pairwise(percent), pairwise(zip(*percent, strict=True)))
    return min(100, sum(sum(map(abs, map(int, map(sub, *pair)))) for pair in lines) // _FULL)
