"""Which renditions are wanted, and how large each becomes: arithmetic only, no pixels."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from media_pipeline.errors import SettingsError

MAX_EDGE = 16_383
"""WebP's bound; no configured edge may be longer."""

Fit = Literal["inside", "cover"]
Transparency = Literal["flatten", "keep"]
Colour = tuple[int, int, int]
"""Red, green and blue in sRGB, 0 to 255."""
WHITE: Colour = (255, 255, 255)
Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Size:
    """One configured size: a long edge (`inside`), or a box that is filled by a centred crop (`cover`)."""

    name: str
    width: int
    height: int | None = None
    fit: Fit = "inside"

    @classmethod
    def parse(cls, name: str, value: object) -> "Size":
        """Read `2048`, or `{"width": 400, "height": 300, "fit": "cover"}`.

        Raises SettingsError that names the size.
        """
        if isinstance(value, Mapping):
            if set(value) != {"width", "height", "fit"} or value["fit"] != "cover":
                raise SettingsError(
                    f"SIZES: {name}: a crop is {{width, height, fit: cover}}, given {dict(value)}"
                )
            return cls(
                name=name,
                width=_edge(f"{name}.width", value["width"]),
                height=_edge(f"{name}.height", value["height"]),
                fit="cover",
            )
        return cls(name=name, width=_edge(name, value))

    def target(self, width: int, height: int) -> "Target":
        """Compute this size for an oriented original of `width` x `height` px; nothing is ever enlarged."""
        if self.height is None:
            return _inside(width, height, self.width)
        return _cover(width, height, self.width, self.height)


def parse_transparency(text: str) -> Transparency:
    """Read `flatten` or `keep`. Raises ValueError."""
    if text == "flatten":
        return "flatten"
    if text == "keep":
        return "keep"
    raise ValueError(text)


def parse_colour(text: str) -> Colour:
    """Read `#rrggbb`, in either case. Raises ValueError."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError(text)
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


@dataclass(frozen=True, kw_only=True)
class Specs:
    """All that a stack wants of one picture."""

    sizes: tuple[Size, ...]
    formats: tuple[str, ...]
    quality: Mapping[str, int]
    grayscale: bool = False
    transparency: Transparency = "flatten"
    """Whether transparent pictures are published over `background`, or keep their transparency where a format can."""
    background: Colour = WHITE
    xmp: bytes | None = None
    """The metadata of every rendition, made by `provenance.xmp`; None for none."""


@dataclass(frozen=True)
class Target:
    """Pixels of one rendition: the whole picture scaled to `frame`, of which a centred `width` x `height` shows."""

    width: int
    height: int
    frame: tuple[int, int]

    @property
    def cropped(self) -> bool:
        """Whether the rendition shows less than the whole picture."""
        return self.frame != (self.width, self.height)

    def window(self, width: int, height: int) -> Box:
        """Return the shown part in a picture of the whole that has `width` x `height` px."""
        if (width, height) == self.frame:  # whole pixels: a cut, no resampling
            left, top = (width - self.width) // 2, (height - self.height) // 2
            return (left, top, left + self.width, top + self.height)
        # Multiplied first: that is exact, so that a side which shows in full is no hair longer than the picture.
        across, down = width * self.width / self.frame[0], height * self.height / self.frame[1]
        return ((width - across) / 2, (height - down) / 2, (width + across) / 2, (height + down) / 2)


def _inside(width: int, height: int, edge: int) -> Target:
    longest = max(width, height)
    if longest <= edge:
        return Target(width, height, (width, height))
    frame = (_scaled(width, edge, longest), _scaled(height, edge, longest))
    return Target(*frame, frame)


def _scaled(side: int, edge: int, longest: int) -> int:
    # Python's round() is meant: ties go to the even pixel. Division of integers is exact enough: a tie stays one.
    return max(1, round(side * edge / longest))


def _cover(width: int, height: int, across: int, down: int) -> Target:
    if width * down <= height * across:  # the width binds
        if width < across:  # smaller than the box: its shape, cut from the original's own pixels
            return Target(width, max(1, round(width * down / across)), (width, height))
        return Target(across, down, (across, max(down, math.ceil(height * across / width))))
    if height < down:
        return Target(max(1, round(height * across / down)), height, (width, height))
    return Target(across, down, (max(across, math.ceil(width * down / height)), down))


def _edge(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_EDGE:
        raise SettingsError(f"SIZES: {name}: allowed are whole pixels from 1 to {MAX_EDGE}, given {value!r}")
    return value
