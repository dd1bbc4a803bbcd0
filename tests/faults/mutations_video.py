"""Plausible mistakes in the video function, added to all the others."""

from typing import Any

from media_pipeline.processing import video
from media_pipeline.records.record import Claim, Status
from media_pipeline.records.table import Records
from media_pipeline.videos.frame_selection import Choice
from tests.faults.mutations import mutation, swap


@mutation
def only_the_ends_of_a_video_are_judged() -> None:
    ends = lambda frames, _: Choice((0, len(frames) - 1), many_scenes=False)  # noqa: E731
    swap(video, "choose_frames", lambda _: ends)


@mutation
def a_lease_is_extended_whoever_has_it() -> None:
    def extend(self: Any, claim: Claim, *, lease_seconds: float) -> None:
        key = (claim.record.object_key, claim.record.sequencer)
        values = {"owner": claim.owner, "lease_until": self._lease_until(lease_seconds)}
        self._update(key, values, condition={"status": Status.PROCESSING})

    swap(Records, "extend", lambda _: extend)
