"""Choice of the frames to judge, each of which is billed: `budget` of them, always with the first and the last.

Two promises, for a video of D seconds and a budget of n:

1. A still picture that is shown for D / (n - 1) or longer is judged, in one piece or in several. So first a frame is
   chosen of every picture that is shown for so long in total (`scenes.SimilarityIndex`), if none is chosen yet: at most
   n - 2 besides the first and the last, since each accounts for as much of D. And between two judged frames of a still
   part (`scenes.still_parts`) less than that passes, not counting frames that look like a judged one.
2. The rest of the budget goes to scenes without a judged frame, those first that differ most from all judged frames;
   then to moving parts, until less than D / (n - 1) passes between two judged frames of one part
   (`scenes.continuous_parts`); then to what changed without a cut; then to the middle of the widest gap.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from media_pipeline.videos.fingerprints import Fingerprint, largest_difference, mean_difference
from media_pipeline.videos.scenes import (
    BRIEF,
    Alike,
    SimilarityIndex,
    TimedFrame,
    continuous_parts,
    find_scenes,
    steady,
    still_parts,
)

SAME_MEAN, SAME_LARGEST = 1.5, 12
"""Differences in levels below which frames look the same: an encoder's noise does, other letters on a card do not."""
NOTICEABLE = 6.0
"""Mean difference in levels from all judged frames at which a frame is judged although there is no cut."""
_ROUNDING = 1e-6
CANDIDATES = 600
"""Frames that are compared to find still and slowly changing parts: in a long video not all are."""


def choose_frames(frames: Sequence[TimedFrame], budget: int) -> tuple[int, ...]:
    """Return the numbers of the frames to judge, in order; `budget` is at least 2."""
    if len(frames) <= budget:
        return tuple(range(len(frames)))
    choice = _Choice(frames, max(2, budget))
    choice.add(0)
    choice.add(len(frames) - 1)
    for alike in (_same, steady):
        choice.recall(alike)
    found = find_scenes(frames)
    parts = continuous_parts(frames, found)
    for part in parts:
        choice.cover(still_parts(frames, part, at_least=choice.longest, looks=CANDIDATES))
    unseen = [scene for scene in found if not choice.chosen.intersection(range(scene.first, scene.last + 1))]
    choice.spend({scene.middle: min(1.0, scene.seconds / BRIEF) for scene in unseen}, least=SAME_MEAN)
    choice.cover(parts)
    step = -(-len(frames) // CANDIDATES)
    choice.spend(dict.fromkeys(range(0, len(frames), step), 1.0), least=NOTICEABLE)
    choice.fill()
    return tuple(sorted(choice.chosen))


class _Choice:
    """The frames chosen so far."""

    def __init__(self, frames: Sequence[TimedFrame], budget: int) -> None:
        self._frames = frames
        self._index = SimilarityIndex(frames)
        self._left = budget
        # Slightly less, since sums of tenths of a second are inexact.
        self.longest = (1 - _ROUNDING) * sum(frame.seconds for frame in frames) / (budget - 1)
        self._shown: list[Fingerprint] = []
        self._open = list(range(len(frames)))  # frames not known to look like a judged one
        self.chosen: set[int] = set()

    def add(self, number: int) -> None:
        """Choose one more frame."""
        self._left -= 1
        self.chosen.add(number)
        self._shown.append(self._frames[number].fingerprint)

    def recall(self, alike: Alike) -> None:
        """Choose a frame of every picture that is shown for `longest` in total and looks like no chosen frame."""
        if self.longest <= 0:
            return
        for judged in self.chosen:
            self._forget(self._alike(judged, alike))
        for number in self._index.recurring(self._open, alike, at_least=self.longest):
            while self._left > 0 and self._seconds(run := self._alike(number, alike)) >= self.longest:
                wanted = self._divided(run)
                shown = self._alike(wanted, alike)
                if self._seconds(shown) < self.longest:
                    # It looks like the frame that was found, but not like enough of the others.
                    wanted, shown = number, run
                self.add(wanted)
                self._forget(shown)

    def cover(self, found: Iterable[Sequence[int]]) -> None:
        """Choose frames until less than `longest` passes between them in every part, while the budget lasts."""
        for stretch in found:
            unlike = self._unlike(stretch, [number for number in stretch if number in self.chosen])
            while self._left > 0 and (run := self._too_long(unlike)):
                number = self._divided(run)
                self.add(number)
                unlike = [
                    part
                    for before in unlike
                    for part in _split(before, set(self._unlike_one(before, number)))
                ]

    def spend(self, candidates: dict[int, float], *, least: float) -> None:
        """Choose the weighted candidates that differ most from all chosen frames, while they differ by `least`."""
        pictures = {number: self._frames[number].fingerprint for number in candidates}
        distances = {
            number: min(mean_difference(picture, shown) for shown in self._shown)
            for number, picture in pictures.items()
        }
        while self._left > 0 and distances:
            wanted = max(distances, key=lambda number: distances[number] * candidates[number])
            if distances[wanted] < least:
                return
            self.add(wanted)
            distances = {
                number: min(distance, mean_difference(pictures[number], pictures[wanted]))
                for number, distance in distances.items()
            }

    def fill(self) -> None:
        """Spread the rest of the budget evenly over time."""
        while self._left > 0:
            times = [(number, self._frames[number].time) for number in sorted(self.chosen)]
            gaps = [pair for pair in pairwise(times) if pair[1][0] - pair[0][0] > 1]
            (first, since), (last, until) = max(gaps, key=lambda pair: pair[1][1] - pair[0][1])
            self.add(self._nearest(range(first + 1, last), (since + until) / 2))

    def _unlike(self, stretch: Sequence[int], judged: Sequence[int]) -> list[list[int]]:
        parts = [list(stretch)]
        for number in judged:
            parts = [part for run in parts for part in _split(run, set(self._unlike_one(run, number)))]
        return parts

    def _unlike_one(self, run: Sequence[int], judged: int) -> Iterable[int]:
        """Return the frames of a run that do not look like a judged one."""
        picture = self._frames[judged].fingerprint
        return (number for number in run if not _same(self._frames[number].fingerprint, picture))

    def _alike(self, number: int, alike: Alike) -> list[int]:
        return list(self._index.of(number, self._open, alike))

    def _forget(self, numbers: Iterable[int]) -> None:
        gone = set(numbers)
        self._open = [number for number in self._open if number not in gone]

    def _too_long(self, runs: Sequence[Sequence[int]]) -> Sequence[int]:
        longest = max(runs, key=self._seconds, default=())
        return longest if self._seconds(longest) >= self.longest else ()

    def _divided(self, run: Sequence[int]) -> int:
        """Return the first of the fewest frames that leave no gap too long, spaced as evenly as possible."""
        full = self._full(run)
        target = self._frames[run[0]].time + self._seconds(run) / (len(full) + 1)
        even = self._nearest([number for number in run if number <= full[0]], target)
        left = self._full([number for number in run if number > even])
        return even if len(left) < len(full) else full[0]

    def _full(self, run: Sequence[int]) -> list[int]:
        """Return the frames at which the gap gets too long, if each of them is judged."""
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


def _same(one: Fingerprint, other: Fingerprint) -> bool:
    return largest_difference(one, other) < SAME_LARGEST and mean_difference(one, other) < SAME_MEAN


def _split(run: Sequence[int], kept: set[int]) -> Iterable[list[int]]:
    """Yield the parts of a run that remain when all frames except `kept` are removed from it."""
    part: list[int] = []
    for number in run:
        if number in kept:
            part.append(number)
        elif part:
            yield part
            part = []
    if part:
        yield part
