"""Which frames of an animation or of a video are judged, when each is billed: chosen by how long each picture is shown.

Pure, and the same for every medium: frames are numbers in order of time, each with a duration; what they look like is
known to the caller only, who says which frames are alike (`Alike`) and how far two differ (`Difference`).

For D seconds and a budget of n frames:

1. The first and the last frame are judged.
2. Every picture that is shown for D / (n - 1) or longer is judged, in one piece or in several (`add_shares`). That
   takes n - 2 frames at most besides the first and the last, since each uses up that much of D.
3. What moves is judged at least once in D / (n / 2 - 1): less than that passes between two judged frames, not counting
   frames that look like a judged one (`cover`). Together with 2 that never exceeds n: what is still leaves less of D
   to what moves.
4. The rest of the budget goes to the pictures that are shown longest; of those shown equally long, to the one that
   differs most from all judged ones (`add_longest`). What is left after that is spread over the time (`fill`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from math import ceil

Alike = Callable[[int, Sequence[int]], Iterable[int]]
"""Given a frame and others, return those of the others, in their order, that show the same picture."""
Difference = Callable[[int, int], float]
"""Return how far two frames differ, in any measure."""

MIN_BUDGET = 2  # the first frame and the last
_MAX_PICTURES = 256
"""Distinct pictures that are told apart when the longest shown are looked for; beyond, the shortest shown are dropped.
"""
_ROUNDING = 1e-6
"""Relative: sums of tenths of a second are never quite what they should be."""


class Selection:
    """The frames that are chosen so far, and what is left of the budget."""

    def __init__(self, seconds: Sequence[float], budget: int, same: Alike) -> None:
        """Begin with the first and the last of the frames, of which there are more than `budget`, at least 2.

        `same` is the strict relation: frames that are the same as a judged frame need not be judged.
        """
        self._seconds = seconds
        self._starts = list(accumulate(seconds, initial=0.0))
        self._same = same
        self._unjudged = list(range(len(seconds)))
        self._represented: set[int] = set()
        self._pictures_of_shares: dict[int, list[int]] = {}
        self.chosen: list[int] = []
        """In order of choice."""
        self._budget = self.remaining = budget
        total = self._starts[-1] * (1 - _ROUNDING)
        self.share = total / (budget - 1)
        """Seconds: a picture that is shown for this long is certainly judged."""
        self.longest_gap = total / (budget / 2 - 1) if budget > 2 * MIN_BUDGET - 1 else total
        """Seconds: less than this passes between two judged frames of what moves."""
        self.add(0)
        self.add(len(seconds) - 1)

    def add(self, number: int) -> None:
        """Choose one more frame; those that are the same need no judgement of their own any more."""
        self.remaining -= 1
        self.chosen.append(number)
        judged = {number, *self._same(number, self._unjudged)}
        self._unjudged = [other for other in self._unjudged if other not in judged]

    def add_shares(self, alike: Alike) -> None:
        """Choose a frame of every picture that is shown for the share in all, in however many pieces.

        `alike` may be looser than `same`, such as to see one still picture in frames of grain. Only what is chosen
        here speaks for all that is loosely alike: the first frame may be a blurred version of what follows.
        """
        unseen = self._unseen()
        for candidate in self._returning(unseen, alike):
            while self.remaining > 0 and self.shown(group := list(alike(candidate, unseen))) >= self.share:
                number = self._at(group, self.shown(group) / 2)
                spoken_for = list(alike(number, unseen))
                if self.shown(spoken_for) < self.share:
                    # It is like the frame that was named, but not like enough of the others.
                    number, spoken_for = candidate, group
                self.add(number)
                self._pictures_of_shares[number] = spoken_for
                self._represented.update(spoken_for, [number])
                unseen = [other for other in unseen if other not in self._represented]

    def cover(self, longest_gap: float, within: Iterable[int] | None = None) -> None:
        """Choose frames until less than `longest_gap` seconds of unseen pictures pass between two chosen ones.

        `within` are the only frames that count, if given.
        """
        counted = None if within is None else frozenset(within)
        while self.remaining > 0:
            gap = max(self._gaps(counted), key=self.shown, default=())
            if not gap or self.shown(gap) < longest_gap:
                return
            self.add(self._divided(gap, longest_gap))

    def cover_time(self, reserved: int = 0) -> None:
        """Choose frames until no gap between two chosen ones is longer than `longest_gap`, whatever they show.

        The gaps get shorter, down to the share, as far as that leaves `reserved` frames of the budget.

        Never exceeds the budget: where what `add_shares` chose stands too close together for that, other frames of the
        same pictures take its place. Cut the time into n - 2 cells, of half a longest gap each. Any number of pictures
        that are shown for a share each is seen in as many cells at least, so that each can have a cell of its own
        (Hall's theorem); and with a frame in every cell no gap is longer than two cells.
        """
        if self._needed(self.longest_gap) > self.remaining:
            self._spread()
        gaps = (self._starts[-1] / intervals for intervals in range(self._budget - 1, 0, -1))
        longest = next(
            (
                gap
                for gap in gaps
                if gap < self.longest_gap and self._needed(gap) + reserved <= self.remaining
            ),
            self.longest_gap,
        )
        while self.remaining > 0:
            first, last, gap = max(self._time_gaps(), key=lambda found: found[2])
            if gap <= longest * (1 + _ROUNDING):
                return
            pieces = ceil(gap / longest / (1 + _ROUNDING))
            self.add(self._shown_at(self._starts[first + 1] + gap / pieces, first, last))

    def add_longest(self, difference: Difference) -> None:
        """Choose the pictures that are shown longest and not judged yet, until none or no budget is left."""
        pictures = self._pictures()
        distances = {number: min(difference(number, judged) for judged in self.chosen) for number in pictures}
        while self.remaining > 0 and pictures:
            longest = max(pictures.values()) * (1 - _ROUNDING)
            tied = [number for number, seconds in pictures.items() if seconds >= longest]
            newest = max(tied, key=distances.__getitem__)
            self.add(newest)
            if any(number not in self._unjudged for number in pictures if number != newest):
                pictures = self._pictures()
            else:
                del pictures[newest]
            distances = {
                number: min(distances[number], difference(number, newest))
                if number in distances
                else min(difference(number, judged) for judged in self.chosen)
                for number in pictures
            }

    def fill(self) -> None:
        """Spread what is left of the budget evenly over the time."""
        while self.remaining > 0:
            gaps = [pair for pair in pairwise(sorted(self.chosen)) if pair[1] - pair[0] > 1]
            if not gaps:
                return
            first, last = max(gaps, key=lambda gap: self._starts[gap[1]] - self._starts[gap[0]])
            middle = (self._starts[first] + self._starts[last]) / 2
            self.add(min(range(first + 1, last), key=lambda number: abs(self._starts[number] - middle)))

    def shown(self, numbers: Iterable[int]) -> float:
        """Return for how many seconds these frames are shown in all."""
        return sum(self._seconds[number] for number in numbers)

    def _unseen(self) -> list[int]:
        return [number for number in self._unjudged if number not in self._represented]

    def _gaps(self, counted: frozenset[int] | None) -> Iterator[list[int]]:
        """Yield the unseen frames between each two chosen ones, as far as they are counted."""
        unseen = [number for number in self._unseen() if counted is None or number in counted]
        for first, last in pairwise(sorted(self.chosen)):
            yield unseen[bisect_right(unseen, first) : bisect_left(unseen, last)]

    def _needed(self, longest: float) -> int:
        """Return how many frames it takes until no gap is longer."""
        return sum(ceil(gap / longest / (1 + _ROUNDING)) - 1 for _, _, gap in self._time_gaps() if gap > 0)

    def _time_gaps(self) -> list[tuple[int, int, float]]:
        """Return each two chosen frames in a row, and the seconds from the end of the one to the other."""
        return [
            (first, last, self._starts[last] - self._starts[first + 1])
            for first, last in pairwise(sorted(self.chosen))
        ]

    def _shown_at(self, time: float, first: int, last: int) -> int:
        """Return the frame that is shown at a time, strictly between two others."""
        return min(max(bisect_right(self._starts, time) - 1, first + 1), last - 1)

    def _spread(self) -> None:
        """Choose other frames of the pictures that were chosen for their share: each in a cell of its own."""
        cell = self.longest_gap / 2
        seen_in = {
            number: {place for frame in picture for place in self._cells(frame, cell)}
            for number, picture in self._pictures_of_shares.items()
        }
        taken: dict[int, int] = {}
        for number in seen_in:
            _assign(number, seen_in, taken, set())
        for place, number in taken.items():
            picture = [f for f in self._pictures_of_shares[number] if place in self._cells(f, cell)]
            self.chosen[self.chosen.index(number)] = picture[len(picture) // 2]

    def _cells(self, frame: int, cell: float) -> range:
        """Return the cells of time in which a frame is shown."""
        end = self._starts[frame + 1] * (1 - _ROUNDING)
        return range(
            int(self._starts[frame] / cell), max(int(self._starts[frame] / cell), int(end / cell)) + 1
        )

    def _divided(self, gap: Sequence[int], longest: float) -> int:
        """Return the first of as few frames as leave no gap too long, as evenly as that can be."""
        ends = self._ends(gap, longest)
        even = self._at(gap, self.shown(gap) / (len(ends) + 1))
        after = self._ends([number for number in gap if number > even], longest)
        return even if even <= ends[0] and len(after) < len(ends) else ends[0]

    def _ends(self, numbers: Sequence[int], longest: float) -> list[int]:
        """Return the frames at which too much has passed, if each of them is judged."""
        ends: list[int] = []
        passed = 0.0
        for number in numbers:
            passed += self._seconds[number]
            if passed >= longest:
                ends.append(number)
                passed = 0.0
        return ends

    def _at(self, numbers: Sequence[int], seconds: float) -> int:
        """Return the frame that is shown when these frames alone have been shown for so many seconds."""
        ends = accumulate(self._seconds[number] for number in numbers)
        return next((number for number, end in zip(numbers, ends, strict=True) if end > seconds), numbers[-1])

    def _pictures(self) -> dict[int, float]:
        """Return the distinct unjudged pictures, by one frame of each, with the seconds that each is shown."""
        pictures: dict[int, float] = {}
        for number in self._unjudged:
            known = next(iter(self._same(number, list(pictures))), number)
            pictures[known] = pictures.get(known, 0.0) + self._seconds[number]
            if len(pictures) > _MAX_PICTURES:
                del pictures[min(pictures, key=pictures.__getitem__)]
        return pictures

    def _returning(self, numbers: Iterable[int], alike: Alike) -> tuple[int, ...]:
        """Return a frame of every picture that may be shown for the share in all, in however many pieces.

        These are the heavy hitters of Misra and Gries: a picture that finds no slot free shortens all that have one by
        as much as it is shortened itself. So what is lost to any is at most the whole time divided by one more than the
        slots, less than half of the share, and one pass is enough. What is returned is still to be added up.
        """
        if self.share <= 0:
            return ()
        slots = 2 * ceil(self._starts[-1] / self.share)
        held: dict[int, float] = {}
        for number in numbers:
            seconds = self._seconds[number]
            known = next(iter(alike(number, list(held))), number)
            if known in held or len(held) < slots:
                held[known] = held.get(known, 0.0) + seconds
                continue
            # A little more: what rounding leaves of equal times would keep a slot for nothing.
            least = min(seconds, *held.values()) * (1 + _ROUNDING)
            held = {other: left - least for other, left in (held | {number: seconds}).items() if left > least}
        return tuple(number for number, seconds in held.items() if seconds >= self.share / 2)


def _assign(number: int, wanted: Mapping[int, set[int]], taken: dict[int, int], tried: set[int]) -> bool:
    """Give a picture a cell of its own, where necessary by giving others another one; return whether that worked."""
    for place in wanted[number]:
        if place not in tried:
            tried.add(place)
            if place not in taken or _assign(taken[place], wanted, taken, tried):
                taken[place] = number
                return True
    return False


def choose(
    seconds: Sequence[float], budget: int, *, same: Alike, alike: Alike, difference: Difference
) -> tuple[int, ...]:
    """Choose the frames to judge, in order; `seconds` are the frames' durations, `budget` is 2 at least.

    `same` is the strict relation (nothing in one frame that is not in the other), `alike` one that overlooks grain.
    """
    if len(seconds) <= budget:
        return tuple(range(len(seconds)))
    selection = Selection(seconds, max(MIN_BUDGET, budget), same)
    selection.add_shares(same)
    selection.add_shares(alike)
    selection.cover(selection.longest_gap)
    selection.add_longest(difference)
    selection.fill()
    return tuple(sorted(selection.chosen))
