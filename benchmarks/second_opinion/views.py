"""What one program shows of a file, small enough to keep, and how far two such views differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from PIL import Image

from benchmarks.measures import colour_difference
from media_pipeline.images.sizes import Size

GRID = 12
"""Cells along each side of the grid of mean colours that stands for a picture."""
MOST_DIFFERENCE = 4.0
"""Mean CIE76 difference of two grids above which they differ; decoders and filters account for about 1."""
MOST_DIFFERENCE_OF_VIDEOS = 8.0
"""The same for videos, whose frames are up to a tenth of a second apart here and there."""
_TURNED = 0.4
"""A view is turned where one of its seven other orientations has this share of the difference, or less."""
_EDGE = Size(name="large", width=2048)
_TRANSPOSITIONS = tuple(Image.Transpose)

Grid = bytes
"""GRID x GRID mean colours in sRGB over white, row by row, three bytes each."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A picture as one program shows it: upright, in sRGB, over white."""

    width: int
    height: int
    frames: int
    """1 for a still picture; 0 for a video, whose frames nobody counts here."""
    grids: tuple[Grid, ...]
    """Of the first, the middle and the last frame, of a still picture one; of a video at fixed shares of its length."""


def grid(image: Image.Image) -> Grid:
    """Return the mean colours of an RGB picture."""
    return image.convert("RGB").resize((GRID, GRID), Image.Resampling.BOX).tobytes()


def chosen(frames: int) -> tuple[int, ...]:
    """Return the numbers of the frames that are compared."""
    return tuple(sorted({0, frames // 2, frames - 1}))


def distance(one: Grid, other: Grid) -> float:
    """Return the mean CIE76 difference of two grids."""
    cells = range(0, len(one), 3)
    return fmean(colour_difference(tuple(one[at : at + 3]), tuple(other[at : at + 3])) for at in cells)


def differences(ours: View, peer: View) -> dict[str, str]:
    """Return what differs, in words: `size`, `frames`, `orientation`, `colour`; nothing where the views agree."""
    found: dict[str, str] = {}
    mine, theirs = ((view.width, view.height) for view in (ours, peer))
    if ours.frames and _EDGE.target(*mine).frame != _EDGE.target(*theirs).frame:
        found["size"] = f"{mine[0]} x {mine[1]}, there {theirs[0]} x {theirs[1]}"
    if not ours.frames and not _same_shape(mine, theirs):
        found["size"] = f"{mine[0]} x {mine[1]}, there {theirs[0]} x {theirs[1]}"
    if ours.frames != peer.frames:
        found["frames"] = f"{ours.frames}, there {peer.frames}"
    worst = max(zip(ours.grids, peer.grids, strict=False), key=lambda pair: distance(*pair))
    if (far := distance(*worst)) > (MOST_DIFFERENCE if ours.frames else MOST_DIFFERENCE_OF_VIDEOS):
        turned = min(distance(worst[0], other) for other in _turned(worst[1]))
        what = "orientation" if turned < _TURNED * far else "colour"
        found[what] = f"CIE76 {far:.1f}" + (f", turned {turned:.1f}" if what == "orientation" else "")
    return found


def _same_shape(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two sizes have the same shape, give or take the even sides that video encoders want."""
    scale = min(one[0] / other[0], one[1] / other[1])
    return all(abs(side - scale * more) <= 2 + 0.01 * side for side, more in zip(one, other, strict=True))


def _turned(shown: Grid) -> list[Grid]:
    image = Image.frombytes("RGB", (GRID, GRID), shown)
    return [image.transpose(method).tobytes() for method in _TRANSPOSITIONS]
