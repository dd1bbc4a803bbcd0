"""A video function that is killed half-way, in the embedded AWS."""

import os
import signal
import time
from pathlib import Path

import pytest

from embedded_aws.runtime.timescale import TimeScale
from tests.video import odd_videos
from tests.video.stack import VideoStack
from tests.video.video_builder import Sound, Track, craft

FASTER = TimeScale(0.25)  # so that the lease of the killed function is over sooner
TIMEOUT = 48
"""Seconds: a quarter of it must do for the work on a machine that is busy with much else."""
PATIENCE = 200.0


@pytest.mark.long
def test_video_whose_function_is_killed_publishes_nothing_and_is_processed_again(
    tmp_path: Path,
) -> None:
    data = craft(
        tmp_path / "long.mp4",
        [Track(size=(640, 360), times=odd_videos.tenths(60), rate=10)],
        [Sound(end=6.0)],
    )
    with VideoStack(overrides={"media-pipeline:timeout.video": TIMEOUT}, timescale=FASTER) as stack:
        stack.put("long.mp4", data)
        os.kill(_working(stack), signal.SIGKILL)
        (killed,) = stack.items("long.mp4")
        assert stack.renditions("long.mp4") == {}
        assert (killed["status"], killed["stage"]) == ("PROCESSING", "video")
        item = stack.outcome_of("long.mp4", PATIENCE)
        assert (item["status"], item["attempt"]) == ("PUBLISHED", killed["attempt"] + 1)
        assert stack.renditions("long.mp4").keys() == {each["key"] for each in item["renditions"]}
        assert stack.scratch_files() == []
        deaths = [one for one in stack.batches if one.invocation.error]
        assert len(deaths) == 1, "it was killed at work"


def _working(stack: VideoStack) -> int:
    """Wait until the video function works on the original in its /tmp; return its process id."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for one in stack.functions.environments():
            if one.function_name == stack.function and one.request_id and len(stack.scratch_files()) > 1:
                time.sleep(0.3)
                return one.pid
        time.sleep(0.02)
    raise AssertionError("the video function never began")
