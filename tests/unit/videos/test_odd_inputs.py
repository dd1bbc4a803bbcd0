"""Odd files through the one pass that makes a video: each ends well or in one readable refusal, and opens nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest

from media_pipeline.errors import RejectedError
from media_pipeline.images.sniffing import sniff
from media_pipeline.videos.source import open_video
from media_pipeline.videos.transcoding import transcode
from media_pipeline.videos.video_limits import FRAMES_HELD, VideoLimits
from tests.video import access_monitor, odd_videos
from tests.video.video_builder import SIZE, Sound, Track, craft

SLOW = {"grows-beyond-all-limits.webm"}  # `make corpus-videos` has them
LINES = 720


@dataclass(frozen=True)
class End:
    """What became of a file: a rejection, or what a player sees of the video."""

    rejected: RejectedError | None = None
    width: int = 0
    height: int = 0
    original: tuple[int, int] = (0, 0)
    times: tuple[float, ...] = ()
    sounds: int = 0
    seconds: float = 0.0
    data: bytes = b""


def end_of(data: bytes, folder: Path, limits: VideoLimits | None = None) -> End:
    source, target = folder / "source", folder / "made.mp4"
    source.write_bytes(data)
    limits = limits or VideoLimits()
    try:
        with open_video(source, sniff(data[:4096]).content_type, limits) as video:
            original = transcode(video, target, lines=LINES, limits=limits).original
    except RejectedError as rejected:
        return End(rejected=rejected)
    with av.open(str(target), "r") as container:
        frames: list[Any] = list(container.decode(video=0))
        return End(
            width=frames[0].width,
            height=frames[0].height,
            original=original,
            times=tuple(frame.time for frame in frames),
            sounds=len(container.streams.audio),
            seconds=(container.duration or 0) / av.time_base,
            data=target.read_bytes(),
        )


def made(name: str, folder: Path) -> End:
    (folder / "made").mkdir(exist_ok=True)
    return end_of(odd_videos.ODD[name].make(folder / "made" / name), folder)


@pytest.mark.parametrize("name", [name for name in odd_videos.ODD if name not in SLOW])
def test_odd_file_is_published_or_refused_in_words_for_people(name: str, tmp_path: Path) -> None:
    data = odd_videos.ODD[name].make(tmp_path / name)
    if sniff(data[:4096]).family != "video":
        return  # it never gets here: the image function judges it
    end = end_of(data, tmp_path)
    assert ("REJECTED" if end.rejected else "PUBLISHED") in odd_videos.ODD[name].ends, end.rejected
    if end.rejected:
        words = str(end.rejected)
        assert str(tmp_path) not in words, "where the function keeps its files is nobody's business"
        assert "Error" not in words
        assert "Errno" not in words


def test_no_file_makes_its_reader_open_another_even_when_it_is_taken_for_a_video(tmp_path: Path) -> None:
    with access_monitor.AccessMonitor(tmp_path / "references") as monitor:
        for name, data in access_monitor.inputs(monitor, tmp_path).items():
            (tmp_path / name).write_bytes(data)
            for content_type in ("video/mp4", "video/quicktime", "video/webm", "video/x-matroska"):
                try:
                    with open_video(tmp_path / name, content_type, VideoLimits()) as video:
                        transcode(video, tmp_path / "made.mp4", lines=LINES, limits=VideoLimits())
                except RejectedError:
                    """Refused is fine, too."""
                assert monitor.accesses() == [], f"{name} as {content_type}"


def test_edit_list_is_followed(tmp_path: Path) -> None:
    assert len(made("edited.mp4", tmp_path).times) == 10


@pytest.mark.parametrize("name", ["begins-late.mkv", "begins-before-zero.mp4"])
def test_video_begins_at_zero_whenever_its_source_begins(name: str, tmp_path: Path) -> None:
    end = made(name, tmp_path)
    assert end.times[0] == 0
    assert end.seconds == pytest.approx(end.times[-1] + 0.1, abs=0.02)


def test_pauses_keep_their_length_and_the_last_frame_gets_none_of_them(tmp_path: Path) -> None:
    end = made("minutes-between-two-frames.mp4", tmp_path)
    assert end.times == pytest.approx((0.0, 0.1, 200.0), abs=0.01)
    assert end.seconds == pytest.approx(200.1, abs=1.0)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("odd-sides.mp4", (100, 76)),
        ("very-high.mp4", (6, 720)),
        ("turned-90.mp4", (96, 160)),
        ("turned-180.mp4", (160, 96)),
        ("anamorphic.mp4", (232, 96)),
        ("grows.webm", (160, 96)),
        ("shrinks-and-grows.webm", (160, 96)),
    ],
)
def test_sides_are_even_and_as_a_player_would_show_them(
    name: str, size: tuple[int, int], tmp_path: Path
) -> None:
    end = made(name, tmp_path)
    assert (end.width, end.height) == size


@pytest.mark.parametrize(
    ("name", "size"),
    [("turned-90.mp4", (96, 160)), ("turned-180.mp4", (160, 96)), ("very-high.mp4", (16, 2160))],
)
def test_what_is_known_of_the_original_is_how_a_player_shows_it(
    name: str, size: tuple[int, int], tmp_path: Path
) -> None:
    assert made(name, tmp_path).original == size


def test_of_five_sounds_one_is_left(tmp_path: Path) -> None:
    assert made("five-sounds.mp4", tmp_path).sounds == 1


def test_where_and_with_what_it_was_filmed_is_gone(tmp_path: Path) -> None:
    data = odd_videos.ODD["whereabouts.mov"].make(tmp_path / "a.mov")
    for secret in (b"48.1374", b"Secret Phone", b"a secret title"):
        assert secret in data
    published = end_of(data, tmp_path).data
    for secret in (b"48.1374", b"11.5755", b"Secret", b"secret", b"Example"):
        assert secret not in published


def test_few_scratches_are_concealed_and_a_lost_half_is_refused(tmp_path: Path) -> None:
    whole = bytearray(craft(tmp_path / "a.mp4", [Track(times=odd_videos.tenths(100), options={"bf": "0"})]))
    scratched = whole.copy()
    middle = whole.index(b"mdat") + (whole.index(b"moov") - whole.index(b"mdat")) // 2
    scratched[middle : middle + 8] = b"\xff" * 8
    end = end_of(bytes(scratched), tmp_path)
    assert end.rejected is None, end.rejected
    assert end.seconds == pytest.approx(10.0, abs=0.3)
    front = craft(
        tmp_path / "b.mp4", [Track(times=odd_videos.tenths(100))], options={"movflags": "faststart"}
    )
    lost = end_of(front[: len(front) // 2], tmp_path)
    assert lost.rejected is not None
    assert lost.rejected.reason == "corrupt"


def test_sound_without_end_is_refused_where_the_header_does_not_tell(tmp_path: Path) -> None:
    """A live recording's Matroska says no length: what comes out of the decoder has to be counted."""
    data = craft(tmp_path / "a.mkv", [Track()], [Sound(end=30.0, codec="pcm_s16le")], options={"live": "1"})
    end = end_of(data, tmp_path, VideoLimits(seconds=10))
    assert end.rejected is not None
    assert end.rejected.reason == "too_long"


def test_picture_without_end_is_refused_where_the_header_does_not_tell(tmp_path: Path) -> None:
    data = craft(tmp_path / "a.mkv", [Track(times=odd_videos.tenths(300))], options={"live": "1"})
    end = end_of(data, tmp_path, VideoLimits(seconds=10))
    assert end.rejected is not None
    assert end.rejected.reason == "too_long"


def test_interlaced_film_keeps_its_frames_and_their_times(tmp_path: Path) -> None:
    end = made("interlaced.mp4", tmp_path)
    assert end.times == pytest.approx(odd_videos.tenths(10), abs=0.001)
    assert end.seconds == pytest.approx(1.0, abs=0.11)


def test_picture_that_stays_is_shown_even_where_it_soon_followed_another(tmp_path: Path) -> None:
    times = (0.0, 0.008, 1.0, 1.008, 2.0)
    end = end_of(craft(tmp_path / "a.mkv", [Track(times=times, options={"bf": "0"})]), tmp_path)
    assert end.times[:4] == pytest.approx(times[:4], abs=0.001)


def test_very_wide_film_is_made_as_narrow_as_players_can_show(tmp_path: Path) -> None:
    end = made("wide-and-anamorphic.mp4", tmp_path)
    assert end.width <= 4096
    assert end.width / end.height == pytest.approx(2200 * 8 / 300, rel=0.03)


def test_what_a_frame_takes_in_memory_depends_on_its_format(tmp_path: Path) -> None:
    limits = VideoLimits(memory=SIZE[0] * SIZE[1] * FRAMES_HELD * 3 // 2 + 1)
    plain, deep = (
        end_of(craft(tmp_path / f"{pixels}.mp4", [Track(pixels=pixels)]), tmp_path, limits)
        for pixels in ("yuv420p", "yuv444p")
    )
    assert plain.rejected is None
    assert deep.rejected is not None
    assert deep.rejected.reason == "too_many_pixels"
