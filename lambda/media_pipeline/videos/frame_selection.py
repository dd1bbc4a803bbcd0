"""Choice of the frames of a video to judge, each of which is billed: at most `budget` of them.

For a video of D seconds and a budget of n frames (`images.sampling` has what is the same for animations):

1. The first and the last frame are judged, and every still picture that is shown for D / (n - 1) or longer, in one
   piece or in several.
2. No gap between two judged frames is longer than D / (n / 2 - 1), whatever is shown in it and however it moves. That
   takes half of the budget at most, and never takes a frame from 1. Where there are few scenes, gaps are shorter: down
   to D / (n - 1).
3. The rest of the budget goes to scenes without a judged frame, those first that differ most from all judged frames;
   then to what changed without a cut; then to the middle of the widest gap.

Where a video has many more distinct scenes than 3 can cover, the choice says so.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from media_pipeline.images.sampling import MIN_BUDGET, Selection
from media_pipeline.videos.fingerprints import mean_difference
from media_pipeline.videos.scenes import (
    BRIEF,
    NOTICEABLE,
    SAME_MEAN,
    Scene,
    SimilarityIndex,
    TimedFrame,
    find_pictures,
    find_scenes,
)

CANDIDATES = 600
"""Frames that are compared to find slow changes: in a long video not all are."""
MANY_SCENES = 2
"""Times the budget: a video with more distinct scenes than that has too many for the budget."""


@dataclass(frozen=True)
class Choice:
    """The frames to judge, by number and in order."""

    frames: tuple[int, ...]
    many_scenes: bool
    """Whether there are many more distinct scenes than judged frames."""


def choose_frames(frames: Sequence[TimedFrame], budget: int) -> Choice:
    """Choose the frames to judge; `budget` is at least 2."""
    if len(frames) <= budget:
        return Choice(tuple(range(len(frames))), many_scenes=False)
    index = SimilarityIndex(frames)
    selection = Selection([frame.seconds for frame in frames], max(MIN_BUDGET, budget), index.same)
    selection.add_shares(index.same)
    selection.add_shares(index.steady)
    found = find_scenes(frames)
    rest = _Rest(frames, selection)
    selection.cover_time(reserved=len(rest.unseen(found)))
    rest.judge_scenes(found)
    rest.judge_changes()
    selection.fill()
    limit = MANY_SCENES * budget
    many = _distinct(frames, index, limit) > limit
    return Choice(tuple(sorted(selection.chosen)), many_scenes=many)


class _Rest:
    """Spends what time leaves of the budget."""

    def __init__(self, frames: Sequence[TimedFrame], selection: Selection) -> None:
        self._frames = frames
        self._selection = selection

    def unseen(self, found: Iterable[Scene]) -> list[Scene]:
        """Return the scenes without a judged frame."""
        judged = sorted(self._selection.chosen)
        return [
            scene for scene in found if bisect_left(judged, scene.first) == bisect_right(judged, scene.last)
        ]

    def judge_scenes(self, found: Iterable[Scene]) -> None:
        """Judge the middle of unseen scenes, the most different first; brief ones count less."""
        weights = {scene.middle: min(1.0, scene.seconds / BRIEF) for scene in self.unseen(found)}
        self._judge_most_different(weights, least=SAME_MEAN)

    def judge_changes(self) -> None:
        """Judge what differs noticeably from all judged frames."""
        step = -(-len(self._frames) // CANDIDATES)
        self._judge_most_different(dict.fromkeys(range(0, len(self._frames), step), 1.0), least=NOTICEABLE)

    def _judge_most_different(self, weights: dict[int, float], *, least: float) -> None:
        """Judge the weighted frames that differ most from all judged ones, while they differ by `least`."""
        prints = {number: self._frames[number].fingerprint for number in weights}
        distances = dict.fromkeys(weights, inf)
        newest = [self._frames[number].fingerprint for number in self._selection.chosen]
        while self._selection.remaining > 0 and distances:
            for number, known in distances.items():
                distances[number] = min(known, *(mean_difference(prints[number], one) for one in newest))
            wanted = max(distances, key=lambda number: distances[number] * weights[number])
            if distances[wanted] < least:
                return
            self._selection.add(wanted)
            newest = [prints[wanted]]


def _distinct(frames: Sequence[TimedFrame], index: SimilarityIndex, limit: int) -> int:
    """Count the scenes that differ noticeably from one another, up to one more than `limit`."""
    distinct: list[int] = []
    for number in find_pictures(frames):
        if next(index.noticeably_alike(number, distinct), None) is None:
            distinct.append(number)
            if len(distinct) > limit:
                break
    return len(distinct)
