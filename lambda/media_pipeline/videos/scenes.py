"""Scenes of a video and pictures that stay or return, found from the fingerprints of its frames."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from math import ceil

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
STEADY = 3.0
"""Mean difference of coarse fingerprints in levels below which two frames show one still picture, despite grain."""
Alike = Callable[[Fingerprint, Fingerprint], bool]
"""Whether two frames show the same picture."""


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

    @property
    def brief(self) -> bool:
        """Whether it is too short to be distinguished from flicker."""
        return self.seconds < BRIEF


def find_scenes(frames: Sequence[TimedFrame]) -> tuple[Scene, ...]:
    """Split a video of at least one frame at its cuts."""
    changes = _changes(frames)
    edges = [0, *(number + 1 for number in range(len(changes)) if _is_cut(changes, number)), len(frames)]
    return tuple(
        Scene(first, after - 1, sum(frame.seconds for frame in frames[first:after]))
        for first, after in pairwise(edges)
    )


def continuous_parts(frames: Sequence[TimedFrame], found: Sequence[Scene]) -> tuple[tuple[int, ...], ...]:
    """Join scenes that may show one picture despite cuts between them; return the frame numbers of each part.

    Consecutive brief scenes may be one flickering picture; and a flash does not end the scene that continues after it.
    """
    joined: list[list[int]] = []
    flickering = False
    for number, scene in enumerate(found):
        span = list(range(scene.first, scene.last + 1))
        if scene.brief and flickering:
            joined[-1] += span
        elif (resumed := _resumed(frames, found, number)) is not None:
            next(part for part in joined if resumed in part).extend(span)
        else:
            joined.append(span)
        flickering = scene.brief
    return tuple(map(tuple, joined))


def still_parts(
    frames: Sequence[TimedFrame], part: Sequence[int], *, at_least: float, looks: int
) -> Iterator[Sequence[int]]:
    """Yield the runs of frames in which one picture is still, apart from grain, for `at_least` seconds.

    In a long video only about `looks` frames are compared.
    """
    step = -(-len(frames) // looks)
    looked = range(0, len(part), step)
    after, next_anchor = 0, 0.0
    for place, number in enumerate(looked):
        frame = frames[part[number]]
        # A held frame may begin before that time and last beyond it.
        if number < after or frame.time + frame.seconds < next_anchor:
            continue
        next_anchor = (
            frame.time + at_least / 4
        )  # at least one anchor lies in every picture that is still for long enough

        def alike(other: int, anchor: Fingerprint = frame.fingerprint) -> bool:
            return steady(anchor, frames[part[other]].fingerprint)

        before = list(takewhile(alike, reversed(looked[:place])))
        following = list(takewhile(alike, looked[place:]))
        first = max(0, (before[-1] if before else number) - step + 1)
        last = min(len(part), following[-1] + step)
        run = part[first:last]
        if sum(frames[each].seconds for each in run) >= at_least:
            yield run
            after = last


class SimilarityIndex:
    """Finds frames that look alike, wherever in the video they are."""

    def __init__(self, frames: Sequence[TimedFrame]) -> None:
        self._frames = frames
        self._size = frames[0].fingerprint.coarse.size
        self._coarse = [frame.fingerprint.coarse.tobytes() for frame in frames]

    def of(self, number: int, others: Sequence[int], alike: Alike) -> Iterator[int]:
        """Yield those of the others that look alike, in order; coarse fingerprints rule most of them out at once."""
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
            if level <= STEADY and alike(picture, self._frames[other].fingerprint):
                yield other

    def recurring(self, numbers: Iterable[int], alike: Alike, *, at_least: float) -> tuple[int, ...]:
        """Return a frame of every picture that may be shown for `at_least` seconds in total, in however many pieces.

        This is the heavy hitters algorithm of Misra and Gries: a picture that finds no free slot reduces the time of
        all that have one by its own. So every picture loses at most the whole time divided by one more than the number
        of slots, less than half of `at_least`, and one pass is enough. The caller must add up the exact time.
        """
        slots = 2 * ceil(sum(frame.seconds for frame in self._frames) / at_least)
        held: dict[int, float] = {}
        for number in numbers:
            seconds = self._frames[number].seconds
            known = next(self.of(number, list(held), alike), number)
            if known in held or len(held) < slots:
                held[known] = held.get(known, 0.0) + seconds
                continue
            # Slightly more: rounding errors of equal times would keep a slot occupied.
            least = min(seconds, *held.values()) * (1 + 1e-6)
            held = {other: left - least for other, left in (held | {number: seconds}).items() if left > least}
        return tuple(number for number, seconds in held.items() if seconds >= at_least / 2)


def steady(one: Fingerprint, other: Fingerprint) -> bool:
    """Return whether two frames may show one still picture, apart from grain."""
    return coarse_mean_difference(one, other) < STEADY


def _resumed(frames: Sequence[TimedFrame], found: Sequence[Scene], number: int) -> int | None:
    """Return the last frame of the scene that continues here after a flash, None if it does not."""
    if number < 2 or not found[number - 1].brief or found[number - 2].brief or found[number].brief:
        return None
    before = found[number - 2].last
    change = mean_difference(frames[before].fingerprint, frames[found[number].first].fingerprint)
    return before if change < CUT_MEAN else None


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
