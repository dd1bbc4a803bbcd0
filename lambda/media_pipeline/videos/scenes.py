"""Scenes of a video and pictures that stay or return, found from the fingerprints of its frames."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageChops

from media_pipeline.videos.fingerprints import (
    Fingerprint,
    coarse_mean_difference,
    largest_difference,
    mean_difference,
)

CUT_MEAN = 3.0
"""Mean difference in levels: a smaller change is not a cut, however still the video is."""
CUT_FACTOR = 3.0
"""Factor by which a cut exceeds the changes around it: with noise, shaking or flicker every frame changes."""
CLEAR_CUT_MEAN, CLEAR_CUT_FACTOR = 12.0, 1.6
"""The same for a change so large that little but a cut causes it."""
CUT_LARGEST, STILL_LARGEST = 48, 16
"""Largest difference in levels: as much between two still pictures is a cut, even if nearly all stays the same."""
NEIGHBOURS = 4
"""Frames to either side that a change is compared with."""
BRIEF = 0.5
"""Seconds: what is shown for less is a flash or flicker."""
CERTAIN_CUT_MEAN = 25.0
"""Mean difference in levels of two frames in a row that no movement, noise or shaking of a camera makes."""
SAME_MEAN, SAME_LARGEST = 1.5, 12
"""Differences in levels below which frames look the same: an encoder's noise does, other letters on a card do not."""
NOTICEABLE = 6.0
"""Mean difference in levels at which a frame is worth judging although there is no cut."""
STEADY = 3.0
"""Mean difference of coarse fingerprints in levels below which two frames show one still picture, despite grain."""
Relation = Callable[[Fingerprint, Fingerprint], bool]


@dataclass(frozen=True)
class TimedFrame:
    """One published frame: its time and duration in seconds, and its fingerprint."""

    time: float
    seconds: float
    fingerprint: Fingerprint


@dataclass(frozen=True)
class Scene:
    """The frames between two cuts, by number: `first` to `last`, both included."""

    first: int
    last: int
    seconds: float

    @property
    def middle(self) -> int:
        """Number of the frame halfway between both cuts."""
        return (self.first + self.last) // 2


def find_scenes(frames: Sequence[TimedFrame]) -> tuple[Scene, ...]:
    """Split a video of at least one frame at its cuts."""
    changes = _changes(frames)
    edges = [0, *(number + 1 for number in range(len(changes)) if _is_cut(changes, number)), len(frames)]
    return tuple(
        Scene(first, after - 1, sum(frame.seconds for frame in frames[first:after]))
        for first, after in pairwise(edges)
    )


def find_pictures(frames: Sequence[TimedFrame]) -> Iterator[int]:
    """Yield one frame for each scene, also where every frame cuts to another picture, as no camera does."""
    changes = _changes(frames)
    first = 0
    for number in range(len(frames)):
        last = number == len(frames) - 1
        if last or changes[number].mean >= CERTAIN_CUT_MEAN or _is_cut(changes, number):
            yield (first + number) // 2
            first = number + 1


class SimilarityIndex:
    """Finds frames that look alike, wherever in the video they are."""

    def __init__(self, frames: Sequence[TimedFrame]) -> None:
        self._frames = frames
        self._size = frames[0].fingerprint.coarse.size
        self._coarse = [frame.fingerprint.coarse.tobytes() for frame in frames]

    def same(self, number: int, others: Sequence[int]) -> Iterator[int]:
        """Yield those of the others that differ by no more than an encoder's noise, in order."""
        return self.alike(number, others, _same)

    def steady(self, number: int, others: Sequence[int]) -> Iterator[int]:
        """Yield those of the others that may show one still picture, apart from grain, in order."""
        return self.alike(number, others, _steady)

    def noticeably_alike(self, number: int, others: Sequence[int]) -> Iterator[int]:
        """Yield those of the others that do not differ noticeably, in order."""
        return self.alike(number, others, _unnoticeable, coarse=NOTICEABLE)

    def alike(
        self, number: int, others: Sequence[int], relation: Relation, coarse: float = STEADY
    ) -> Iterator[int]:
        """Yield those of the others in a relation; coarse fingerprints that differ by more rule most out at once."""
        if not others:
            return
        width, height = self._size
        size = width, height * len(others)
        strip = Image.frombytes("L", size, b"".join([self._coarse[other] for other in others]))
        tiled = Image.frombytes("L", size, self._coarse[number] * len(others))
        levels = ImageChops.difference(strip, tiled).reduce(self._size).tobytes()
        picture = self._frames[number].fingerprint
        for other, level in zip(others, levels, strict=True):
            # The level is rounded. Frames with similar fingerprints have similar coarse ones.
            if level <= coarse and relation(picture, self._frames[other].fingerprint):
                yield other


def _same(one: Fingerprint, other: Fingerprint) -> bool:
    return largest_difference(one, other) < SAME_LARGEST and mean_difference(one, other) < SAME_MEAN


def _unnoticeable(one: Fingerprint, other: Fingerprint) -> bool:
    return mean_difference(one, other) < NOTICEABLE


def _steady(one: Fingerprint, other: Fingerprint) -> bool:
    return coarse_mean_difference(one, other) < STEADY


@dataclass(frozen=True)
class _Change:
    """The difference from one frame to the next in levels: the mean and the largest."""

    mean: float
    largest: float


def _changes(frames: Sequence[TimedFrame]) -> list[_Change]:
    return [
        _Change(
            mean_difference(one.fingerprint, other.fingerprint),
            largest_difference(one.fingerprint, other.fingerprint),
        )
        for one, other in pairwise(frames)
    ]


def _is_cut(changes: Sequence[_Change], number: int) -> bool:
    change = changes[number]
    sides = changes[max(0, number - NEIGHBOURS) : number], changes[number + 1 : number + 1 + NEIGHBOURS]
    mean = max(_median([near.mean for near in side]) for side in sides)
    largest = max(_median([near.largest for near in side]) for side in sides)
    return (
        (change.mean >= CUT_MEAN and change.mean > CUT_FACTOR * mean)
        or (change.mean >= CLEAR_CUT_MEAN and change.mean > CLEAR_CUT_FACTOR * mean)
        or (change.largest >= CUT_LARGEST and largest < STILL_LARGEST)
    )


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
