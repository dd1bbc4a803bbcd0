"""What a video takes beside its pictures and its sound is bounded in processor time, whatever the time-out is."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from media_pipeline.errors import OutOfTimeError, Reason, RejectedError
from media_pipeline.images.sniffing import HEAD_BYTES, sniff
from media_pipeline.videos import overhead as bounds
from media_pipeline.videos.overhead import OPENING_SECONDS, READING_SECONDS, SOUND_SHARE, Overhead
from media_pipeline.videos.source import open_video
from media_pipeline.videos.transcoding import transcode
from media_pipeline.videos.video_limits import VideoLimits
from tests.bombs import films
from tests.bombs.films import FILMS

ONE_BOUND = 0.15
"""Seconds instead of those of the pipeline, so that files of a few megabytes are enough."""
PAST = 1.0
"""Seconds of processor time that everything may take then, with the film's own pictures."""


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def processor() -> Clock:
    return Clock()


@pytest.fixture
def wall() -> Clock:
    return Clock()


@pytest.fixture
def overhead(processor: Clock, wall: Clock) -> Overhead:
    return Overhead(VideoLimits(seconds=1000), processor, wall)


@pytest.mark.parametrize(
    "name",
    [
        "mkv-packets", "mkv-picture-packets", "mkv-packets-of-others", "mkv-void",
        "mp4-boxes", "mp4-boxes-in-front", "mp4-boxes-of-the-movie",
    ],
)  # fmt: skip
def test_containers_that_are_mostly_overhead_are_refused_soon(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "LARGEST", 20_000_000 if name.startswith("mkv-p") else 120_000_000)
    monkeypatch.setattr(bounds, "OPENING_SECONDS", ONE_BOUND)
    monkeypatch.setattr(bounds, "READING_SECONDS", ONE_BOUND)
    monkeypatch.setattr(bounds, "_WORKED", 0.0)  # other tests may keep the processors busy
    data = FILMS[name]()
    (tmp_path / "original").write_bytes(data)
    began = time.process_time()
    with (
        pytest.raises(RejectedError) as refused,
        open_video(tmp_path / "original", sniff(data[:HEAD_BYTES]).content_type, VideoLimits()) as source,
    ):
        transcode(source, tmp_path / "made.mp4", lines=90, limits=VideoLimits())
    assert time.process_time() - began < PAST
    assert refused.value.reason is Reason.RESOURCE_EXHAUSTED
    assert "s of processor time" in refused.value.detail


def test_packets_without_pictures_may_take_as_much_as_those_with(
    overhead: Overhead, processor: Clock
) -> None:
    for _ in range(20):
        lap(overhead, processor, 2.0, lambda: overhead.count_pictures(1))
        lap(overhead, processor, 1.9)
    with pytest.raises(RejectedError, match="packets that give no picture"):
        lap(overhead, processor, 2.1)


def test_without_pictures_reading_is_bounded(overhead: Overhead, processor: Clock) -> None:
    lap(overhead, processor, READING_SECONDS - 0.1)
    with pytest.raises(RejectedError, match=f"{READING_SECONDS + 0.1:.1f} s of processor time"):
        lap(overhead, processor, 0.2)


def test_sound_may_take_a_share_of_its_length_but_of_no_more_than_a_video_may_last(
    overhead: Overhead, processor: Clock
) -> None:
    lap(overhead, processor, READING_SECONDS + 1, lambda: overhead.count_sound(500))
    lap(overhead, processor, 500 * SOUND_SHARE - READING_SECONDS - 1.1)
    lap(overhead, processor, 500 * SOUND_SHARE, lambda: overhead.count_sound(1_000_000))
    with pytest.raises(RejectedError):
        lap(overhead, processor, 1, lambda: overhead.count_sound(1_000_000))


def test_opening_is_bounded_for_all_passes_together(
    overhead: Overhead, processor: Clock, wall: Clock
) -> None:
    assert open_file(overhead, processor, wall, 1.5, 1.5) == OPENING_SECONDS
    assert open_file(overhead, processor, wall, 0, 0) == OPENING_SECONDS - 1.5
    with pytest.raises(RejectedError, match="to read its header"):
        open_file(overhead, processor, wall, 2.5, 2.5)


def test_a_machine_that_stands_still_refuses_nothing(
    overhead: Overhead, processor: Clock, wall: Clock
) -> None:
    with pytest.raises(OutOfTimeError):
        open_file(overhead, processor, wall, 0.1, OPENING_SECONDS)
    with pytest.raises(OutOfTimeError):
        find_packet(overhead, processor, wall, 0.1, READING_SECONDS)


def test_an_interrupted_search_is_not_the_end_of_the_file(
    overhead: Overhead, processor: Clock, wall: Clock
) -> None:
    with pytest.raises(RejectedError) as refused:
        find_packet(overhead, processor, wall, READING_SECONDS, READING_SECONDS)
    assert refused.value.reason is Reason.RESOURCE_EXHAUSTED


def open_file(overhead: Overhead, processor: Clock, wall: Clock, worked: float, passed: float) -> float:
    with overhead.opening() as allowed:
        processor.now += worked
        wall.now += passed
        return allowed


def find_packet(overhead: Overhead, processor: Clock, wall: Clock, worked: float, passed: float) -> None:
    with overhead.search():
        processor.now += worked
        wall.now += passed
        raise RejectedError(Reason.CORRUPT, "immediate exit requested")


def lap(
    overhead: Overhead, processor: Clock, seconds: float, count: Callable[[], None] = lambda: None
) -> None:
    processor.now += seconds
    count()
    overhead.packet_done()
