"""The demo's videos: what is drawn and encoded is what their names promise."""

from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from embedded_aws.rekognition import read_card
from local.demo import scenes, videos
from local.demo.filming import picture_of, watch

LABELS = {"Weapons": 96.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("videos")
    videos.draw(made)
    videos.draw_card(made, LABELS)
    videos.draw_broken(made)
    return made


def difference(first: Image.Image, second: Image.Image) -> float:
    stat = ImageStat.Stat(ImageChops.difference(first, second.resize(first.size)))
    return sum(stat.mean) / len(stat.mean)


@pytest.mark.long
def test_the_same_bytes_come_out_again_and_they_are_few(folder: Path, tmp_path: Path) -> None:
    videos.draw_card(tmp_path, LABELS)
    for again in tmp_path.iterdir():
        assert again.read_bytes() == (folder / again.name).read_bytes()
    assert sum(file.stat().st_size for file in folder.iterdir()) < 1_000_000


def test_plain_video_moves(folder: Path) -> None:
    frames = list(watch(folder / "panorama, panned.mp4"))
    assert len(frames) == videos.SECONDS * videos.RATE
    assert difference(frames[0][1], frames[-1][1]) > 5


def test_turned_video_is_stored_lying_and_says_how_to_turn_it(folder: Path) -> None:
    with av.open(str(folder / "held upright, with sound.mov")) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height, frame.rotation) == (640, 360, -90)
        upright = picture_of(frame).transpose(Image.Transpose.ROTATE_270)  # as `rotation` says, clockwise
    scene = scenes.balloons((360, 800))
    assert difference(upright, scene.crop((0, 160, 360, 800))) < 4


def test_sound_lasts_as_long_as_the_picture_and_is_not_silent(folder: Path) -> None:
    with av.open(str(folder / "held upright, with sound.mov")) as container:
        (sound,) = container.streams.audio
        assert sound.duration is not None
        assert sound.time_base is not None
        assert float(sound.duration * sound.time_base) == pytest.approx(videos.SECONDS, abs=0.05)
        loudest = max(max(bytes(frame.planes[0])) for frame in container.decode(sound))
        assert loudest > 0


def test_frames_of_the_uneven_video_come_at_changing_intervals(folder: Path) -> None:
    times = [time for time, _ in watch(folder / "at an uneven pace.webm")]
    intervals = [later - earlier for earlier, later in pairwise(times)]
    assert max(intervals) > 2 * min(intervals)
    assert times[-1] == pytest.approx(videos.SECONDS, abs=0.1)


def test_card_is_shown_in_the_middle_second_only(folder: Path) -> None:
    for time, picture in watch(folder / "card in a video.mp4"):
        card = list(LABELS.items()) if 1.5 <= time < 2.5 else None
        assert read_card(picture) == card, time


def test_half_a_video_cannot_be_opened(folder: Path) -> None:
    with pytest.raises(av.error.InvalidDataError):
        av.open(str(folder / "half a video.mp4"))
