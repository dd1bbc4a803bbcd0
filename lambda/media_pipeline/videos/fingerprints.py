"""A few pixels of every frame, to tell which frames look alike: cheap enough to make while the video is encoded."""

from dataclasses import dataclass
from functools import cached_property
from operator import mul
from typing import Any, Protocol

from PIL import Image, ImageChops

_LUMA, _CHROMA = 32, 16
_SIZE = (_LUMA, _LUMA + _CHROMA)
_LEVELS = range(256)


class Plane(Protocol):
    """One plane of a decoded frame: a buffer of 8-bit samples with padded lines."""

    width: int
    height: int
    line_size: int


@dataclass(frozen=True)
class Sketch:
    """Brightness at 32 x 32 points and either colour difference at 16 x 16, in levels of 255."""

    pixels: bytes

    @cached_property
    def image(self) -> Image.Image:
        """The same as a picture that Pillow can compare."""
        return Image.frombytes("L", _SIZE, self.pixels)

    @cached_property
    def coarse(self) -> Image.Image:
        """A sixteenth of it, in which grain averages out."""
        return self.image.reduce(4)

    @property
    def contrast(self) -> float:
        """How far brightness is spread, in levels: 0 for a frame of one colour."""
        luma = self.pixels[: _LUMA * _LUMA]
        average = sum(luma) / len(luma)
        return sum(abs(level - average) for level in luma) / len(luma)


def sketch(planes: tuple[Plane, ...]) -> Sketch:
    """Sketch a frame of yuv420p; of every block of lines only the middle one is read."""
    canvas = Image.new("L", _SIZE)
    corners = ((0, 0, _LUMA), (0, _LUMA, _CHROMA), (_CHROMA, _LUMA, _CHROMA))
    for plane, (left, top, side) in zip(planes, corners, strict=False):
        canvas.paste(_thinned(plane, side), (left, top))
    return Sketch(canvas.tobytes())


def most_different(one: Sketch, other: Sketch) -> int:
    """Levels of 255 by which two frames differ at their most different point."""
    _, most = ImageChops.difference(one.image, other.image).getextrema()
    return int(most)  # type: ignore[arg-type] # a picture of one channel has one pair


def difference(one: Sketch, other: Sketch) -> float:
    """Levels of 255 by which two frames differ on average."""
    return _average(ImageChops.difference(one.image, other.image))


def coarse_difference(one: Sketch, other: Sketch) -> float:
    """Levels of 255 by which two frames differ on average when grain does not count."""
    return _average(ImageChops.difference(one.coarse, other.coarse))


def _average(picture: Image.Image) -> float:
    return float(sum(map(mul, _LEVELS, picture.histogram()))) / (picture.width * picture.height)


def _thinned(plane: Plane, side: int) -> Image.Image:
    rows = min(side, plane.height)
    step = plane.height // rows
    first = min((plane.height - (rows - 1) * step) // 2, plane.height - rows * step)
    lines: Any = memoryview(plane)[first * plane.line_size :]  # type: ignore[arg-type] # PyAV's planes are buffers
    thin = Image.frombuffer("L", (plane.width, rows), lines, "raw", "L", plane.line_size * step, 1)
    return thin.resize((side, side), Image.Resampling.BOX)
