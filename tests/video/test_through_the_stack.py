"""A small share of `make corpus-videos` and `make sampling`, in the embedded AWS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.video import access_monitor, corpus, decoys, odd_videos, sampling_trial
from tests.video.footage import between_hard_cuts, for_a_share
from tests.video.stack import VideoStack

SHARE = 9  # every Nth file of the archive
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
# Some that refer to files by name, and some that reach a demuxer; `make corpus-videos` tries all.
SOME_REFERENCES = (
    "hls-path.m3u8",
    "concat-local.mp4",
    "playlist-behind-an-ftyp.mp4",
    "playlist-behind-a-video.mp4",
    "external-data-alis.mov",
    "external-data-remote.mp4",
    "reference-movie-local.mov",
)


@pytest.fixture(scope="module")
def stack() -> Iterator[VideoStack]:
    with VideoStack() as running:
        yield running


@pytest.mark.long
@pytest.mark.skipif(not corpus.ARCHIVE.exists(), reason="../shared/corpus is absent")
def test_odd_videos_of_others_end_in_one_record_and_leave_nothing(stack: VideoStack, tmp_path: Path) -> None:
    with access_monitor.AccessMonitor(tmp_path / "references") as monitor:
        results = [corpus.examine(stack, monitor, name, data) for name, data in corpus.archived(SHARE)]
    assert [violation for result in results for violation in result["violations"]] == []
    assert len(results) == 7
    assert stack.peak_megabytes() <= corpus.MOST_MEMORY


def test_no_video_makes_the_function_open_anything_else(stack: VideoStack, tmp_path: Path) -> None:
    with access_monitor.AccessMonitor(tmp_path / "references") as monitor:
        made = access_monitor.inputs(monitor, tmp_path)
        results = [
            corpus.examine(stack, monitor, f"references/{name}", made[name]) for name in SOME_REFERENCES
        ]
    assert [violation for result in results for violation in result["violations"]] == []


@pytest.mark.parametrize("name", SOME_ODD)
def test_odd_video_ends_as_it_should(stack: VideoStack, tmp_path: Path, name: str) -> None:
    with access_monitor.AccessMonitor(tmp_path / "references") as monitor:
        result = corpus.examine(stack, monitor, f"odd/{name}", odd_videos.ODD[name].make(tmp_path / name))
    assert result["violations"] == []
    assert result["status"] in odd_videos.ODD[name].ends, result


@pytest.mark.long
def test_card_for_a_second_between_hard_cuts_blocks(stack: VideoStack, tmp_path: Path) -> None:
    assert all(one.blocked for one in sampling_trial.run(stack, [between_hard_cuts(7)], tmp_path))


@pytest.mark.long
def test_card_for_its_share_of_the_time_blocks(stack: VideoStack, tmp_path: Path) -> None:
    films = [for_a_share(seed, sampling_trial.MODERATION_FRAMES) for seed in (1, 3, 6)]
    assert all(one.blocked for one in sampling_trial.run(stack, films, tmp_path))


@pytest.mark.long
@pytest.mark.parametrize(
    "hidden",
    [
        decoys.still_in_pieces(2, sampling_trial.MODERATION_FRAMES),
        decoys.moving_in_one_piece(1, sampling_trial.MODERATION_FRAMES),
    ],
    ids=lambda hidden: hidden.name,
)
def test_card_among_decoys_blocks(stack: VideoStack, hidden: decoys.Hidden, tmp_path: Path) -> None:
    assert all(one.blocked for one in sampling_trial.run(stack, [hidden], tmp_path))
