"""Which frames of a video are judged, when each is billed: `budget` of them, always with the first and the last.

Two promises, for a video of D seconds and a budget of n:

1. A still picture that is shown for D / (n - 1) or longer is judged, however it comes and goes. So first of all a frame
   is taken of each picture that is there so long in all its pieces together (`scenes.Likeness`), if none is yet: at
   most n - 2 besides the first and the last, since each uses up that much of D. And between two judged frames of what
   stands still (`scenes.standing`) less than that passes, not counted what looks the same as a judged frame there:
   whatever is in there was judged. That walks along and takes a frame whenever D / (n - 1) is full.
2. What is left of the budget goes to the scenes that have no judged frame yet, those first that look least like all
   that is judged so far; then to what moves, until there, too, less than D / (n - 1) passes between two judged frames
   of one stretch (`scenes.stretches`: no cut in between that could end a picture); then to what changed without a cut;
   then to the middle of the widest gap.

So with few cuts every scene is judged, however short, and with many those that stand out; without any, no moment is
farther from a judged one than the budget makes it.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from media_pipeline.videos.fingerprints import Sketch, difference, most_different
from media_pipeline.videos.scenes import (
    BRIEF,
    Alike,
    Likeness,
    Shown,
    scenes,
    standing,
    steady,
    stretches,
)

SAME_AVERAGE, SAME_MOST = 1.5, 12
"""Levels: what differs by less looks the same; an encoder's noise does, other letters on a card do not."""
NOTICEABLE = 6.0
"""Levels on average by which a frame must differ from all judged ones to be worth one without a cut."""
_HAIR = 1e-6
CANDIDATES = (
    600  # frames that are looked at for what stands still or changes slowly: of a long video not every one
)


def choose(frames: Sequence[Shown], budget: int) -> tuple[int, ...]:
    """Choose the numbers of the frames to judge, in order; `budget` is 2 at least."""
    if len(frames) <= budget:
        return tuple(range(len(frames)))
    choice = _Choice(frames, max(2, budget))
    choice.add(0)
    choice.add(len(frames) - 1)
    for alike in (_same, steady):
        choice.recall(alike)
    found = scenes(frames)
    parts = stretches(frames, found)
    for part in parts:
        choice.cover(standing(frames, part, at_least=choice.longest, looks=CANDIDATES))
    unseen = [scene for scene in found if not choice.taken.intersection(range(scene.first, scene.last + 1))]
    choice.spend({scene.middle: min(1.0, scene.seconds / BRIEF) for scene in unseen}, least=SAME_AVERAGE)
    choice.cover(parts)
    step = -(-len(frames) // CANDIDATES)
    choice.spend(dict.fromkeys(range(0, len(frames), step), 1.0), least=NOTICEABLE)
    choice.fill()
    return tuple(sorted(choice.taken))


class _Choice:
    """The frames taken so far, and what they show."""

    def __init__(self, frames: Sequence[Shown], budget: int) -> None:
        self._frames = frames
        self._likeness = Likeness(frames)
        self._left = budget
        # A hair less: sums of tenths of a second are never quite what they should be.
        self.longest = (1 - _HAIR) * sum(frame.seconds for frame in frames) / (budget - 1)
        self._shown: list[Sketch] = []
        self._open = list(range(len(frames)))  # what is like nothing that is judged, as far as was looked
        self.taken: set[int] = set()

    def add(self, number: int) -> None:
        """Take one more frame."""
        self._left -= 1
        self.taken.add(number)
        self._shown.append(self._frames[number].sketch)

    def recall(self, alike: Alike) -> None:
        """Judge every picture that is there for the longest in all and that nothing judged so far is like."""
        if self.longest <= 0:
            return
        for judged in self.taken:
            self._forget(self._alike(judged, alike))
        for number in self._likeness.returning(self._open, alike, at_least=self.longest):
            while self._left > 0 and self._seconds(run := self._alike(number, alike)) >= self.longest:
                wanted = self._divided(run)
                shown = self._alike(wanted, alike)
                if self._seconds(shown) < self.longest:
                    # It is like the frame that was named, but not like enough of the others.
                    wanted, shown = number, run
                self.add(wanted)
                self._forget(shown)

    def cover(self, found: Iterable[Sequence[int]]) -> None:
        """Judge so much of every stretch that less than the longest passes between, while the budget lasts."""
        for stretch in found:
            unlike = self._unlike(stretch, [number for number in stretch if number in self.taken])
            while self._left > 0 and (run := self._too_long(unlike)):
                number = self._divided(run)
                self.add(number)
                unlike = [
                    part
                    for before in unlike
                    for part in _split(before, set(self._unlike_one(before, number)))
                ]

    def spend(self, candidates: dict[int, float], *, least: float) -> None:
        """Take the candidates, each with its weight, that differ most from all that is taken, while that is `least`."""
        pictures = {number: self._frames[number].sketch for number in candidates}
        distances = {
            number: min(difference(picture, shown) for shown in self._shown)
            for number, picture in pictures.items()
        }
        while self._left > 0 and distances:
            wanted = max(distances, key=lambda number: distances[number] * candidates[number])
            if distances[wanted] < least:
                return
            self.add(wanted)
            distances = {
                number: min(distance, difference(pictures[number], pictures[wanted]))
                for number, distance in distances.items()
            }

    def fill(self) -> None:
        """Spread what is left evenly over the time."""
        while self._left > 0:
            times = [(number, self._frames[number].time) for number in sorted(self.taken)]
            gaps = [pair for pair in pairwise(times) if pair[1][0] - pair[0][0] > 1]
            (first, since), (last, until) = max(gaps, key=lambda pair: pair[1][1] - pair[0][1])
            self.add(self._nearest(range(first + 1, last), (since + until) / 2))

    def _unlike(self, stretch: Sequence[int], judged: Sequence[int]) -> list[list[int]]:
        parts = [list(stretch)]
        for number in judged:
            parts = [part for run in parts for part in _split(run, set(self._unlike_one(run, number)))]
        return parts

    def _unlike_one(self, run: Sequence[int], judged: int) -> Iterable[int]:
        """The frames of a run that do not look the same as a judged one."""
        picture = self._frames[judged].sketch
        return (number for number in run if not _same(self._frames[number].sketch, picture))

    def _alike(self, number: int, alike: Alike) -> list[int]:
        return list(self._likeness.of(number, self._open, alike))

    def _forget(self, numbers: Iterable[int]) -> None:
        gone = set(numbers)
        self._open = [number for number in self._open if number not in gone]

    def _too_long(self, runs: Sequence[Sequence[int]]) -> Sequence[int]:
        longest = max(runs, key=self._seconds, default=())
        return longest if self._seconds(longest) >= self.longest else ()

    def _divided(self, run: Sequence[int]) -> int:
        """The first of as few frames as leave nothing too long, as evenly as that can be."""
        full = self._full(run)
        target = self._frames[run[0]].time + self._seconds(run) / (len(full) + 1)
        even = self._nearest([number for number in run if number <= full[0]], target)
        left = self._full([number for number in run if number > even])
        return even if len(left) < len(full) else full[0]

    def _full(self, run: Sequence[int]) -> list[int]:
        """The frames at which too much has passed, when each of them is judged."""
        full: list[int] = []
        passed = 0.0
        for number in run:
            passed += self._frames[number].seconds
            if passed >= self.longest:
                full.append(number)
                passed = 0.0
        return full

    def _seconds(self, run: Sequence[int]) -> float:
        return sum(self._frames[number].seconds for number in run)

    def _nearest(self, numbers: Sequence[int], time: float) -> int:
        return min(numbers, key=lambda number: abs(self._frames[number].time - time))


def _same(one: Sketch, other: Sketch) -> bool:
    return most_different(one, other) < SAME_MOST and difference(one, other) < SAME_AVERAGE


def _split(run: Sequence[int], kept: set[int]) -> Iterable[list[int]]:
    """The parts of a run that stay when all frames but `kept` are taken out of it."""
    part: list[int] = []
    for number in run:
        if number in kept:
            part.append(number)
        elif part:
            yield part
            part = []
    if part:
        yield part
