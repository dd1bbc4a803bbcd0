"""Fingerprints of frames: a few samples of each, to compare frames cheaply while the video is encoded."""

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
class Fingerprint:
    """Luma at 32 x 32 points and each chroma plane at 16 x 16, in levels from 0 to 255."""

    pixels: bytes

    @cached_property
    def image(self) -> Image.Image:
        """The samples as a greyscale picture of 32 x 48 px."""
        return Image.frombytes("L", _SIZE, self.pixels)

    @cached_property
    def coarse(self) -> Image.Image:
        """The same reduced to 8 x 12 px, in which film grain averages out."""
        return self.image.reduce(4)

    @property
    def contrast(self) -> float:
        """Mean absolute deviation of luma in levels: 0 for a frame of one colour."""
        luma = self.pixels[: _LUMA * _LUMA]
        average = sum(luma) / len(luma)
        return sum(abs(level - average) for level in luma) / len(luma)


def fingerprint(planes: tuple[Plane, ...]) -> Fingerprint:
    """Return the fingerprint of a yuv420p frame; only the middle line of every block of lines is read."""
    canvas = Image.new("L", _SIZE)
    corners = ((0, 0, _LUMA), (0, _LUMA, _CHROMA), (_CHROMA, _LUMA, _CHROMA))
    for plane, (left, top, side) in zip(planes, corners, strict=False):
        canvas.paste(_sampled(plane, side), (left, top))
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


def _sampled(plane: Plane, side: int) -> Image.Image:
    rows = min(side, plane.height)
    step = plane.height // rows
    first = min((plane.height - (rows - 1) * step) // 2, plane.height - rows * step)
    lines: Any = memoryview(plane)[first * plane.line_size :]  # type: ignore[arg-type] # PyAV's planes are buffers
    thinned = Image.frombuffer("L", (plane.width, rows), lines, "raw", "L", plane.line_size * step, 1)
    return thinned.resize((side, side), Image.Resampling.BOX)
