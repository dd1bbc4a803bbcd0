"""A small share of `make corpus-videos` and `make sampling`, and a killed function, in the embedded AWS."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.runtime.timescale import TimeScale
from tests.video import corpus, odd, sampling, traps
from tests.video.crafting import Sound, Track, craft
from tests.video.footage import between_hard_cuts, for_a_share
from tests.video.stack import VideoStack

SHARE = 9  # every so-manieth file of the archive
SOME_ODD = (
    "truncated-index-last.mp4",
    "cover-and-sound.mp4",
    "one-frame.mp4",
    "odd-sides.webm",
    "turned-270-and-anamorphic.mp4",
    "edited.mp4",
    "grows.webm",
    "five-sounds.mp4",
    "whereabouts.mov",
    "still-avif.mp4",
)


@pytest.fixture(scope="module")
def stack() -> Iterator[VideoStack]:
    with VideoStack() as running:
        yield running


@pytest.mark.skipif(not corpus.ARCHIVE.exists(), reason="../shared/corpus is absent")
def test_odd_videos_of_others_end_in_one_record_and_leave_nothing(stack: VideoStack, tmp_path: Path) -> None:
    with traps.Traps(tmp_path / "traps") as set_up:
        results = [corpus.examine(stack, set_up, name, data) for name, data in corpus.archived(SHARE)]
    assert [complaint for result in results for complaint in result["complaints"]] == []
    assert len(results) == 7
    assert stack.peak_megabytes() <= corpus.MOST_MEMORY


def test_no_video_makes_the_function_open_anything_else(stack: VideoStack, tmp_path: Path) -> None:
    with traps.Traps(tmp_path / "traps") as set_up:
        made = traps.inputs(set_up, tmp_path)
        results = [corpus.examine(stack, set_up, f"traps/{name}", data) for name, data in made.items()]
    assert [complaint for result in results for complaint in result["complaints"]] == []


@pytest.mark.parametrize("name", SOME_ODD)
def test_odd_video_ends_as_it_should(stack: VideoStack, tmp_path: Path, name: str) -> None:
    with traps.Traps(tmp_path / "traps") as set_up:
        result = corpus.examine(stack, set_up, f"odd/{name}", odd.ODD[name].make(tmp_path / name))
    assert result["complaints"] == []
    assert result["status"] in odd.ODD[name].ends, result


def test_card_for_a_second_between_hard_cuts_blocks(stack: VideoStack, tmp_path: Path) -> None:
    assert all(one.blocked for one in sampling.run(stack, [between_hard_cuts(7)], tmp_path))


def test_card_for_its_share_of_the_time_blocks(stack: VideoStack, tmp_path: Path) -> None:
    films = [for_a_share(seed, sampling.MODERATION_FRAMES) for seed in (1, 3, 6)]
    assert all(one.blocked for one in sampling.run(stack, films, tmp_path))


def test_video_whose_function_is_killed_half_way_publishes_nothing_and_is_taken_up_again(
    tmp_path: Path,
) -> None:
    data = craft(
        tmp_path / "long.mp4", [Track(size=(1280, 720), times=odd.tenths(300), rate=10)], [Sound(end=30.0)]
    )
    with VideoStack(overrides={"media-pipeline:timeout.video": 60}, timescale=TimeScale(0.25)) as stack:
        stack.put("long.mp4", data)
        pid = _working(stack)
        os.kill(pid, signal.SIGKILL)
        assert stack.renditions("long.mp4") == {}
        assert stack.items("long.mp4")[0]["status"] == "PROCESSING"
        item = stack.end_of("long.mp4", 90)
        assert (item["status"], item["attempt"] > 1) == ("PUBLISHED", True)
        assert stack.renditions("long.mp4").keys() == {each["key"] for each in item["renditions"]}
        assert [one for one in stack.batches if one.invocation.death], "it was killed at work"


def _working(stack: VideoStack) -> int:
    """Wait until the video function has written half a second of work to its /tmp; gives its process."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for one in stack.functions.environments():
            if one.function_name == stack.function and one.request_id and len(stack.scratch_files()) > 1:
                time.sleep(0.3)
                return one.pid
        time.sleep(0.02)
    raise AssertionError("the video function never began")
