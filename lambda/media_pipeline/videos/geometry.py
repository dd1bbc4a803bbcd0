"""How large a rendition becomes and which way it is turned: arithmetic only."""

import struct
from dataclasses import dataclass
from fractions import Fraction

_TURNS = {
    (1, 0, 0, 1): (),
    (0, 1, -1, 0): ("transpose=clock",),
    (-1, 0, 0, -1): ("hflip", "vflip"),
    (0, -1, 1, 0): ("transpose=cclock",),
    (-1, 0, 0, 1): ("hflip",),
    (1, 0, 0, -1): ("vflip",),
    (0, 1, 1, 0): ("transpose=cclock_flip",),
    (0, -1, -1, 0): ("transpose=clock_flip",),
}
"""Signs of the display matrix's a, b, c, d (a point x, y is shown at ax + cy, bx + dy) -> filters that do it."""


LONGEST_SIDE = 4096
"""Pixels, as published: more no player decodes in hardware, and x264 ends at 16,384."""


@dataclass(frozen=True)
class Geometry:
    """Sides of the scaled picture before it is turned, and the filters that turn it."""

    width: int
    height: int
    turn: tuple[str, ...]

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height as published."""
        return (self.height, self.width) if _is_quarter(self.turn) else (self.width, self.height)


def fitted(width: int, height: int, aspect: Fraction, turn: tuple[str, ...], lines: int) -> Geometry:
    """Fit a stored picture into `lines` lines of square pixels as it is shown; never more lines than it has.

    Sides are even, as H.264's 4:2:0 wants them.
    """
    across, down = _upright(width, height, aspect, turn)
    shown_height = _even(min(down, lines, down * LONGEST_SIDE / across))
    shown_width = min(2 * round(across * shown_height / down / 2), _even(across), LONGEST_SIDE)
    sides = max(2, shown_width), shown_height
    return Geometry(sides[1], sides[0], turn) if _is_quarter(turn) else Geometry(*sides, turn)


def upright(width: int, height: int, aspect: Fraction, turn: tuple[str, ...]) -> tuple[int, int]:
    """Width and height of a stored picture as it is shown: turned, in square pixels, and not made smaller."""
    across, down = _upright(width, height, aspect, turn)
    return max(1, round(across)), max(1, round(down))


def _upright(width: int, height: int, aspect: Fraction, turn: tuple[str, ...]) -> tuple[float, float]:
    if not _is_quarter(turn):
        return float(width * aspect), float(height)
    if aspect > 1:  # squeezed across instead: stretched down there would be lines that nobody filmed
        return float(height / aspect), float(width)
    return float(height), float(width * aspect)


def turn_of(matrix: bytes | None) -> tuple[str, ...]:
    """Read a display matrix: nine 32-bit numbers, of which a, b, c, d are in 16.16; an odd angle is not turned."""
    if matrix is None or len(matrix) < 36:
        return ()
    a, b, _, c, d = struct.unpack("=5i", matrix[:20])
    signs = tuple(_sign(value, max(abs(a), abs(b), abs(c), abs(d))) for value in (a, b, c, d))
    return _TURNS.get((signs[0], signs[1], signs[2], signs[3]), ())


def _sign(value: int, largest: int) -> int:
    if abs(value) * 8 < largest:  # as good as 0
        return 0
    return 1 if value > 0 else -1


def _is_quarter(turn: tuple[str, ...]) -> bool:
    return any(step.startswith("transpose") for step in turn)


def _even(side: float) -> int:
    return max(2, 2 * int(side / 2))
