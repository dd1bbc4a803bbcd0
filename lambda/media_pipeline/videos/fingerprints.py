"""Fingerprints of frames: a few samples of each, to compare frames cheaply while the video is encoded."""

from dataclasses import dataclass
from functools import cached_property
from operator import mul
from typing import Any, Protocol

from PIL import Image, ImageChops

_LUMA, _CHROMA = 32, 16
_SIZE = (_LUMA, 2 * _LUMA)
_FINE = 64
"""Points per side to which every pixel of a plane is averaged in one fast step."""
_DETAIL_LINES = 128
"""Lines of which the detail is taken: all of them would cost as much as scaling the frame."""
_LEVELS = range(256)


class Plane(Protocol):
    """One plane of a decoded frame: a buffer of 8-bit samples with padded lines."""

    width: int
    height: int
    line_size: int


@dataclass(frozen=True)
class Fingerprint:
    """Luma at 32 x 32 points, each chroma plane at 16 x 16, detail at 32 x 16, in levels from 0 to 255.

    Luma and chroma are averages of all pixels; detail is the average of squared luma, which tells a sharp picture from
    a blurred one with the same averages.
    """

    pixels: bytes

    @cached_property
    def image(self) -> Image.Image:
        """The samples as a greyscale picture of 32 x 64 px."""
        return Image.frombuffer("L", _SIZE, self.pixels, "raw", "L", 0, 1)

    @cached_property
    def coarse(self) -> Image.Image:
        """The same reduced to 8 x 16 px, in which film grain averages out."""
        return self.image.reduce(4)

    @property
    def contrast(self) -> float:
        """Mean absolute deviation of luma in levels: 0 for a frame of one colour."""
        luma = self.pixels[: _LUMA * _LUMA]
        average = sum(luma) / len(luma)
        return sum(abs(level - average) for level in luma) / len(luma)


def fingerprint(planes: tuple[Plane, ...]) -> Fingerprint:
    """Return the fingerprint of a yuv420p frame."""
    luma, *chroma = planes
    canvas = Image.new("L", _SIZE)
    canvas.paste(_averaged(luma, _LUMA), (0, 0))
    for number, plane in enumerate(chroma):
        canvas.paste(_averaged(plane, _CHROMA), (number * _CHROMA, _LUMA))
    canvas.paste(_detail(luma), (0, _LUMA + _CHROMA))
    return Fingerprint(canvas.tobytes())


def largest_difference(one: Fingerprint, other: Fingerprint) -> int:
    """Return the difference of two frames at their most different sample, in levels."""
    _, most = ImageChops.difference(one.image, other.image).getextrema()
    return int(most)  # type: ignore[arg-type] # a picture of one channel has one pair


def mean_difference(one: Fingerprint, other: Fingerprint) -> float:
    """Return the mean difference of two frames, in levels."""
    return _mean(ImageChops.difference(one.image, other.image))


def coarse_mean_difference(one: Fingerprint, other: Fingerprint) -> float:
    """Return the mean difference of two frames without their grain, in levels."""
    return _mean(ImageChops.difference(one.coarse, other.coarse))


def _mean(picture: Image.Image) -> float:
    return float(sum(map(mul, _LEVELS, picture.histogram()))) / (picture.width * picture.height)


def _averaged(plane: Plane, side: int) -> Image.Image:
    picture = _picture(plane, 0, plane.height, 1)
    reduced = picture.reduce((max(1, plane.width // _FINE), max(1, plane.height // _FINE)))
    return reduced.resize((side, side), Image.Resampling.BOX)


def _detail(plane: Plane) -> Image.Image:
    rows = min(_DETAIL_LINES, plane.height)
    step = plane.height // rows
    first = min((plane.height - (rows - 1) * step) // 2, plane.height - rows * step)
    lines = _picture(plane, first, rows, step)
    return ImageChops.multiply(lines, lines).resize((_LUMA, _CHROMA), Image.Resampling.BOX)


def _picture(plane: Plane, first: int, rows: int, step: int) -> Image.Image:
    """Return every `step`-th line of a plane as a picture that shares its memory."""
    lines: Any = memoryview(plane)[first * plane.line_size :]  # type: ignore[arg-type] # PyAV's planes are buffers
    return Image.frombuffer("L", (plane.width, rows), lines, "raw", "L", plane.line_size * step, 1)
