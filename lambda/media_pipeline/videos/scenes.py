"""Where a video cuts from one picture to another, told from the sketches of its frames."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from math import ceil

from PIL import Image, ImageChops

from media_pipeline.videos.fingerprints import Sketch, coarse_difference, difference, most_different

CUT_AVERAGE = 3.0
"""Levels on average: a smaller change is no cut, however still all else is."""
CUT_FACTOR = 3.0
"""How far a cut stands out from the changes before and after it: in noise, shaking and flicker every frame changes."""
SURE_AVERAGE, SURE_FACTOR = 12.0, 1.6
"""The same for a change that hardly anything but a cut makes."""
CUT_MOST, STILL_MOST = 48, 16
"""Levels at the most different point: so much between two still pictures is a cut, though nearly all is the same."""
AROUND = 4  # frames to either side
BRIEF = 0.5  # seconds: what is shown for less is a flash, or flicker

STILL = 3.0
"""Levels by which coarse sketches may differ on average and still be of one picture: grain does, movement does not."""
Alike = Callable[[Sketch, Sketch], bool]
"""Whether two frames show the same picture."""


@dataclass(frozen=True)
class Shown:
    """One frame as it is published: when it appears, in seconds, for how long, and what it looks like."""

    time: float
    seconds: float
    sketch: Sketch


@dataclass(frozen=True)
class Scene:
    """Frames between two cuts, by their numbers: `first` to `last`, both included."""

    first: int
    last: int
    seconds: float

    @property
    def middle(self) -> int:
        """The frame farthest from both cuts."""
        return (self.first + self.last) // 2

    @property
    def brief(self) -> bool:
        """Whether it is too short to be told from a flicker."""
        return self.seconds < BRIEF


def scenes(frames: Sequence[Shown]) -> tuple[Scene, ...]:
    """Cut a video, which has a frame at least, into its scenes."""
    changes = _changes(frames)
    edges = [0, *(number + 1 for number in range(len(changes)) if _is_cut(changes, number)), len(frames)]
    return tuple(
        Scene(first, after - 1, sum(frame.seconds for frame in frames[first:after]))
        for first, after in pairwise(edges)
    )


def stretches(frames: Sequence[Shown], found: Sequence[Scene]) -> tuple[tuple[int, ...], ...]:
    """Put together what may be one picture although there are cuts in it; gives the frames' numbers of each stretch.

    Brief scenes in a row may be one flickering picture; and a flash does not end the scene that goes on after it.
    """
    joined: list[list[int]] = []
    flickering = False
    for number, scene in enumerate(found):
        span = list(range(scene.first, scene.last + 1))
        if scene.brief and flickering:
            joined[-1] += span
        elif (resumed := _resumed(frames, found, number)) is not None:
            next(stretch for stretch in joined if resumed in stretch).extend(span)
        else:
            joined.append(span)
        flickering = scene.brief
    return tuple(map(tuple, joined))


def standing(
    frames: Sequence[Shown], stretch: Sequence[int], *, at_least: float, looks: int
) -> Iterator[Sequence[int]]:
    """Find the parts of a stretch in which one picture stands still, but for grain, for `at_least` seconds.

    Of a long video some frames are passed over, so that about `looks` of them all are looked at.
    """
    step = -(-len(frames) // looks)
    looked = range(0, len(stretch), step)
    after, next_anchor = 0, 0.0
    for place, number in enumerate(looked):
        frame = frames[stretch[number]]
        # A held frame may begin before that time and last beyond it.
        if number < after or frame.time + frame.seconds < next_anchor:
            continue
        next_anchor = (
            frame.time + at_least / 4
        )  # one of them at least is in every picture that is there long enough

        def alike(other: int, anchor: Sketch = frame.sketch) -> bool:
            return steady(anchor, frames[stretch[other]].sketch)

        before = list(takewhile(alike, reversed(looked[:place])))
        following = list(takewhile(alike, looked[place:]))
        first = max(0, (before[-1] if before else number) - step + 1)
        last = min(len(stretch), following[-1] + step)
        part = stretch[first:last]
        if sum(frames[each].seconds for each in part) >= at_least:
            yield part
            after = last


class Likeness:
    """Which frames of a video are alike, wherever they are in it."""

    def __init__(self, frames: Sequence[Shown]) -> None:
        self._frames = frames
        self._size = frames[0].sketch.coarse.size
        self._coarse = [frame.sketch.coarse.tobytes() for frame in frames]

    def of(self, number: int, others: Sequence[int], alike: Alike) -> Iterator[int]:
        """Give those of the others that are alike, in order; most are ruled out at once, by their coarse sketches."""
        if not others:
            return
        width, height = self._size
        size = width, height * len(others)
        strip = Image.frombytes("L", size, b"".join([self._coarse[other] for other in others]))
        tiled = Image.frombytes("L", size, self._coarse[number] * len(others))
        levels = ImageChops.difference(strip, tiled).reduce(self._size).tobytes()
        picture = self._frames[number].sketch
        for other, level in zip(others, levels, strict=True):
            # The level is rounded. What is alike in fine sketches is so in coarse ones.
            if level <= STILL and alike(picture, self._frames[other].sketch):
                yield other

    def returning(self, numbers: Iterable[int], alike: Alike, *, at_least: float) -> tuple[int, ...]:
        """Find a frame of every picture that may be there for `at_least` seconds in all, in however many pieces.

        These are the heavy hitters of Misra and Gries: a picture that finds no slot free shortens all that have one by
        as much as it is shortened itself. So what is lost to any is at most the whole time divided by one more than the
        slots, less than half of `at_least`, and one pass is enough. What is named here is still to be added up.
        """
        slots = 2 * ceil(sum(frame.seconds for frame in self._frames) / at_least)
        held: dict[int, float] = {}
        for number in numbers:
            seconds = self._frames[number].seconds
            known = next(self.of(number, list(held), alike), number)
            if known in held or len(held) < slots:
                held[known] = held.get(known, 0.0) + seconds
                continue
            # A hair more: what rounding leaves of equal times would keep a slot for nothing.
            least = min(seconds, *held.values()) * (1 + 1e-6)
            held = {other: left - least for other, left in (held | {number: seconds}).items() if left > least}
        return tuple(number for number, seconds in held.items() if seconds >= at_least / 2)


def steady(one: Sketch, other: Sketch) -> bool:
    """Whether two frames may be of one picture that stands still, but for grain."""
    return coarse_difference(one, other) < STILL


def _resumed(frames: Sequence[Shown], found: Sequence[Scene], number: int) -> int | None:
    """The last frame of the scene that goes on here after a flash, if so."""
    if number < 2 or not found[number - 1].brief or found[number - 2].brief or found[number].brief:
        return None
    before = found[number - 2].last
    change = difference(frames[before].sketch, frames[found[number].first].sketch)
    return before if change < CUT_AVERAGE else None


@dataclass(frozen=True)
class _Change:
    """From one frame to the next, in levels: all over, and at the most different point."""

    average: float
    most: float


def _changes(frames: Sequence[Shown]) -> list[_Change]:
    return [
        _Change(difference(one.sketch, other.sketch), most_different(one.sketch, other.sketch))
        for one, other in pairwise(frames)
    ]


def _is_cut(changes: Sequence[_Change], number: int) -> bool:
    change = changes[number]
    sides = changes[max(0, number - AROUND) : number], changes[number + 1 : number + 1 + AROUND]
    average = max(_median([near.average for near in side]) for side in sides)
    most = max(_median([near.most for near in side]) for side in sides)
    return (
        (change.average >= CUT_AVERAGE and change.average > CUT_FACTOR * average)
        or (change.average >= SURE_AVERAGE and change.average > SURE_FACTOR * average)
        or (change.most >= CUT_MOST and most < STILL_MOST)
    )


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
