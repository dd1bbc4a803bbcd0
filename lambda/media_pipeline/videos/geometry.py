"""Size and orientation of the published video: arithmetic only."""

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
"""Signs of the display matrix's a, b, c, d (x, y is displayed at ax + cy, bx + dy) -> FFmpeg filters for it."""


LONGEST_SIDE = 4096
"""Pixels of a published side: beyond it no player decodes in hardware, and x264 ends at 16,384."""


_LEAST_MARGIN = 4
"""Pixels by which a picture must be smaller than its canvas to get margins."""


@dataclass(frozen=True)
class Geometry:
    """Size of the scaled picture before it is turned, and the filters that turn it."""

    width: int
    height: int
    turn: tuple[str, ...]

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height as published."""
        return (self.height, self.width) if _is_quarter(self.turn) else (self.width, self.height)


def fitted(width: int, height: int, aspect: Fraction, turn: tuple[str, ...], lines: int) -> Geometry:
    """Return the geometry of a stored picture within `lines` displayed lines of square pixels, never enlarged.

    Sides are even, as H.264 in 4:2:0 requires.
    """
    across, down = _upright(width, height, aspect, turn)
    shown_height = _even(min(down, lines, down * LONGEST_SIDE / across))
    shown_width = min(2 * round(across * shown_height / down / 2), _even(across), LONGEST_SIDE)
    sides = max(2, shown_width), shown_height
    return Geometry(sides[1], sides[0], turn) if _is_quarter(turn) else Geometry(*sides, turn)


def fitted_into(
    width: int, height: int, aspect: Fraction, turn: tuple[str, ...], canvas: tuple[int, int]
) -> Geometry:
    """Return the geometry of a stored picture inside a canvas with even sides, enlarged where necessary."""
    across, down = _upright(width, height, aspect, turn)
    scale = min(canvas[0] / across, canvas[1] / down)
    # Sides that nearly reach the canvas fill it: rounding must not leave a margin.
    sides = tuple(
        whole if whole - side * scale < _LEAST_MARGIN else _even(side * scale)
        for side, whole in zip((across, down), canvas, strict=True)
    )
    return Geometry(sides[1], sides[0], turn) if _is_quarter(turn) else Geometry(sides[0], sides[1], turn)


def upright(width: int, height: int, aspect: Fraction, turn: tuple[str, ...]) -> tuple[int, int]:
    """Return the displayed width and height of a stored picture: turned, in square pixels, not scaled down."""
    across, down = _upright(width, height, aspect, turn)
    return max(1, round(across)), max(1, round(down))


def _upright(width: int, height: int, aspect: Fraction, turn: tuple[str, ...]) -> tuple[float, float]:
    if not _is_quarter(turn):
        return float(width * aspect), float(height)
    if aspect > 1:  # narrowed instead of heightened: that would invent lines
        return float(height / aspect), float(width)
    return float(height), float(width * aspect)


def turn_of(matrix: bytes | None) -> tuple[str, ...]:
    """Return the filters for a display matrix: nine 32-bit numbers, a, b, c, d in 16.16 (ISO/IEC 14496-12, 6.2.2).

    Angles other than multiples of 90 degrees are ignored.
    """
    if matrix is None or len(matrix) < 36:
        return ()
    a, b, _, c, d = struct.unpack("=5i", matrix[:20])
    signs = tuple(_sign(value, max(abs(a), abs(b), abs(c), abs(d))) for value in (a, b, c, d))
    return _TURNS.get((signs[0], signs[1], signs[2], signs[3]), ())


def _sign(value: int, largest: int) -> int:
    if abs(value) * 8 < largest:  # practically 0
        return 0
    return 1 if value > 0 else -1


def _is_quarter(turn: tuple[str, ...]) -> bool:
    return any(step.startswith("transpose") for step in turn)


def _even(side: float) -> int:
    return max(2, 2 * int(side / 2))
