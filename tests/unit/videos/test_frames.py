"""What the published picture looks like: its size, which way is up, its colours, and when its frames are shown."""

import gc
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.frame import VideoFrame
from PIL import Image

from media_pipeline.images.sniffing import sniff
from media_pipeline.videos import colour_conversion
from media_pipeline.videos.geometry import fitted, turn_of
from media_pipeline.videos.judged_frames import from_published
from media_pipeline.videos.source import open_video
from media_pipeline.videos.transcoding import TranscodedVideo, transcode
from media_pipeline.videos.video_limits import VideoLimits
from tests.unit.videos.filming import plain, shoot

CLOCK, COUNTER = ("transpose=clock",), ("transpose=cclock",)
ONE = 1 << 16
Colour = tuple[int, int, int]


def made(folder: Path, name: str = "a.mp4", *, lines: int = 720, **how: Any) -> TranscodedVideo:
    path = folder / name
    shoot(path, **how)
    with open_video(path, sniff(path.read_bytes()[:4096]).content_type, VideoLimits()) as source:
        return transcode(source, folder / "made.mp4", lines=lines, limits=VideoLimits())


def first_picture(video: TranscodedVideo) -> Image.Image:
    (frame,) = from_published(video, (0,), lambda _: None)
    return frame.picture


def colour_at(picture: Image.Image, x: int, y: int) -> Colour:
    found: Any = picture.getpixel((x, y))
    red, green, blue = found
    return red, green, blue


def test_frames_are_freed_without_the_garbage_collector(tmp_path: Path) -> None:
    gc.collect()
    gc.disable()
    try:
        published = made(tmp_path)
        kept = sum(isinstance(one, VideoFrame) for one in gc.get_objects())
    finally:
        gc.enable()
    assert kept < len(published.frames) / 2


@pytest.mark.parametrize(
    ("stored", "aspect", "turn", "lines", "shown"),
    [
        ((1920, 1080), 1, (), 720, (1280, 720)),
        ((1920, 1080), 1, CLOCK, 720, (404, 720)),
        ((640, 360), 1, (), 720, (640, 360)),
        ((161, 121), 1, (), 720, (160, 120)),
        ((720, 576), Fraction(64, 45), (), 720, (1024, 576)),
        ((720, 576), Fraction(64, 45), COUNTER, 720, (404, 720)),
        ((1440, 1080), Fraction(4, 3), (), 721, (1280, 720)),
        ((1, 1), 1, (), 720, (2, 2)),
        ((4000, 2), 1, (), 720, (4000, 2)),
    ],
)
def test_picture_is_fitted_into_the_lines_and_never_enlarged(
    stored: tuple[int, int], aspect: Any, turn: tuple[str, ...], lines: int, shown: tuple[int, int]
) -> None:
    assert fitted(*stored, Fraction(aspect), turn, lines).shown == shown


@pytest.mark.parametrize(
    ("a", "b", "c", "d", "turn"),
    [
        (ONE, 0, 0, ONE, ()),
        (0, ONE, -ONE, 0, CLOCK),
        (-ONE, 0, 0, -ONE, ("hflip", "vflip")),
        (0, -ONE, ONE, 0, COUNTER),
        (-ONE, 0, 0, ONE, ("hflip",)),
        (0, ONE, ONE, 0, ("transpose=cclock_flip",)),
        (ONE, ONE, -ONE, ONE, ()),
        (0, 0, 0, 0, ()),
    ],
)
def test_display_matrix_is_read(a: int, b: int, c: int, d: int, turn: tuple[str, ...]) -> None:
    assert turn_of(struct.pack("=9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)) == turn


def test_no_or_a_cut_off_display_matrix_turns_nothing() -> None:
    assert (turn_of(None), turn_of(b"\x00" * 8)) == ((), ())


def corners(_: float) -> Image.Image:
    """Red at the top left, blue at the top right, green below."""
    picture = plain((0, 160, 0))
    picture.paste((220, 20, 20), (0, 0, 80, 60))
    picture.paste((20, 20, 220), (80, 0, 160, 60))
    return picture


@pytest.mark.parametrize(
    ("rotation", "size", "red", "blue"),
    [
        (0, (160, 120), (20, 20), (140, 20)),
        (90, (120, 160), (20, 140), (20, 20)),
        (-90, (120, 160), (100, 20), (100, 140)),
        (180, (160, 120), (140, 100), (20, 100)),
    ],
)
def test_video_is_shown_the_way_up_that_its_file_says(
    tmp_path: Path, rotation: int, size: tuple[int, int], red: tuple[int, int], blue: tuple[int, int]
) -> None:
    picture = first_picture(made(tmp_path, "a.mov", picture=corners, rotation=rotation))
    assert picture.size == size
    assert colour_at(picture, *red)[0] > 150
    assert colour_at(picture, *blue)[2] > 150


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "yuv444p", "yuv422p"])
def test_colours_stay_what_they_were(tmp_path: Path, pixels: str) -> None:
    wanted = (200, 60, 120)
    video = made(tmp_path, picture=lambda _: plain(wanted), pixels=pixels)
    shown = colour_at(first_picture(video), 80, 60)
    assert all(abs(one - other) <= 6 for one, other in zip(shown, wanted, strict=True)), shown
    with av.open(str(video.path)) as container:
        context = container.streams.video[0].codec_context
        assert context.pix_fmt == "yuv420p"
        tags = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
        assert [int(tag) for tag in tags] == [6, 1, 1, 1], "the matrix that it had, limited range"


def looked_up(folder: Path, primaries: int, transfer: int, signal: Colour) -> tuple[float, ...]:
    """Return what a table contains at the grid point `signal`."""
    path = folder / f"{primaries}-{transfer}.cube"
    if not path.exists():
        colour_conversion.write_table(path, primaries, transfer)
    lines = path.read_text().splitlines()[1:]
    red, green, blue = signal
    return tuple(
        map(float, lines[red + colour_conversion.POINTS * (green + colour_conversion.POINTS * blue)].split())
    )


@pytest.mark.parametrize("transfer", [colour_conversion.PQ, colour_conversion.HLG])
def test_hdr_greys_stay_grey_in_their_order_and_below_white(tmp_path: Path, transfer: int) -> None:
    levels_in = range(0, colour_conversion.POINTS, 4)
    greys = [looked_up(tmp_path, colour_conversion.BT2020, transfer, (n, n, n)) for n in levels_in]
    assert all(max(grey) - min(grey) < 0.01 for grey in greys)
    levels = [grey[0] for grey in greys]
    assert levels == sorted(levels)
    assert [levels[0], levels[-1]] == pytest.approx([0, 1], abs=0.02)


def test_paper_white_of_hdr_stays_bright_and_what_is_brighter_keeps_its_detail(tmp_path: Path) -> None:
    (white, *_) = looked_up(
        tmp_path, colour_conversion.BT2020, colour_conversion.PQ, (19, 19, 19)
    )  # 203 cd/m2 is 0.58
    (brighter, *_) = looked_up(
        tmp_path, colour_conversion.BT2020, colour_conversion.PQ, (22, 22, 22)
    )  # 500 cd/m2
    assert 0.75 < white < 0.97
    assert white + 0.03 < brighter <= 1


def test_wide_gamut_that_is_no_hdr_keeps_its_brightness(tmp_path: Path) -> None:
    for point in (8, 16, 24, 32):
        grey = looked_up(tmp_path, colour_conversion.DISPLAY_P3, 1, (point, point, point))
        assert grey == pytest.approx((point / 32,) * 3, abs=0.01)
    red, green, _ = looked_up(tmp_path, colour_conversion.DISPLAY_P3, 1, (24, 8, 8))
    assert red > 0.75
    assert green < 0.25


def test_frames_keep_their_uneven_times(tmp_path: Path) -> None:
    times = [0.0, 0.05, 0.3, 0.35, 1.1, 1.15]
    video = made(tmp_path, times=times)
    assert [frame.time for frame in video.frames] == pytest.approx(times, abs=0.001)
    with av.open(str(video.path)) as container:
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx(times, abs=0.001)


def test_of_slow_motion_every_nth_frame_is_published(tmp_path: Path) -> None:
    video = made(tmp_path, times=[number / 240 for number in range(120)], rate=240)
    assert 24 <= len(video.frames) <= 40
    assert video.seconds == pytest.approx(0.5, abs=0.03)


def test_sound_starts_where_it_did(tmp_path: Path) -> None:
    video = made(tmp_path, seconds=2.0, sound=True, sound_late=0.5)
    with av.open(str(video.path)) as container:
        heard = 0.0
        for frame in container.decode(audio=0):
            loudest = max(abs(value) for value in memoryview(frame.planes[0]).cast("f"))
            if loudest > 0.1:
                heard = frame.time or 0.0
                break
    assert heard == pytest.approx(0.5, abs=0.04)


def test_index_is_at_the_front_and_nothing_names_the_encoder(tmp_path: Path) -> None:
    video = made(tmp_path, "a.mov", metadata={"title": "secret"}, sound=True)
    data = video.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    for word in (b"secret", b"Lavf", b"Lavc"):
        assert word not in data
