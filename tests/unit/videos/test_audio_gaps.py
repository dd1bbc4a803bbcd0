"""Sound with long gaps is published in step, and its silence costs no memory."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import pytest
from av.audio.frame import AudioFrame
from av.container import InputContainer

from benchmarks import peak
from media_pipeline.videos.audio import AudioConverter
from media_pipeline.videos.source import open_video
from media_pipeline.videos.transcoding import transcode
from media_pipeline.videos.video_limits import VideoLimits
from tests.video.video_builder import Sound, Track, craft

CHANNELS = {"mono": 1, "stereo": 2, "7.1": 8}
RATE = 48_000
LATE = 150.25
_LEVEL = 8000
_LOUD = 0.02
_ENOUGH = 150_000_000  # bytes; two minutes of silence as wide as the source are over one gigabyte


def level(start: float, end: float, *, rate: int = RATE, layout: str = "stereo") -> Iterator[AudioFrame]:
    """Yield decoded sound without one silent sample, in frames of a tenth of a second."""
    size = rate // 10
    samples = array("h", [_LEVEL]) * (size * CHANNELS[layout])
    for first in range(round(start * rate), round(end * rate), size):
        frame = AudioFrame(format="s16", layout=layout, samples=size)
        frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = rate, first, Fraction(1, rate)
        yield frame


def published(frames: Iterable[AudioFrame], *, rate: int = RATE, layout: str = "stereo") -> list[AudioFrame]:
    sounds = AudioConverter(VideoLimits(), rate=rate, channels=CHANNELS[layout])
    made = [made for frame in frames for made in sounds.convert([frame], Fraction(0))]
    return made + list(sounds.flush())


def changes(frames: Iterable[AudioFrame]) -> list[float]:
    """Return when it becomes loud, silent, loud and so on, in seconds; and when it ends."""
    found: list[float] = []
    loud, at, rate = False, 0, RATE
    for frame in frames:
        assert frame.pts == at, "published sound has neither gaps nor overlaps"
        for sample in array("f", bytes(frame.planes[0])[: frame.samples * 4]):
            if (abs(sample) > _LOUD) != loud:
                loud = not loud
                found.append(at / rate)
            at += 1
    return [*found, at / rate]


def times_of_sound(container: InputContainer) -> Iterator[float]:
    """Yield the times of all samples that are not silent, in seconds."""
    for frame in container.decode(audio=0):
        samples = array("f", bytes(frame.planes[0])[: frame.samples * 4])
        if max(samples) > _LOUD or min(samples) < -_LOUD:  # or each of millions would be looked at
            for number, sample in enumerate(samples):
                if abs(sample) > _LOUD:
                    yield (frame.time or 0.0) + number / frame.sample_rate


@pytest.mark.parametrize(("rate", "layout"), [(RATE, "stereo"), (192_000, "7.1"), (8_000, "mono")])
@pytest.mark.parametrize("begin", [1.05, 10.25])
def test_sound_that_begins_late_begins_at_its_own_time(begin: float, rate: int, layout: str) -> None:
    made = published(level(begin, begin + 0.5, rate=rate, layout=layout), rate=rate, layout=layout)
    assert changes(made) == pytest.approx([begin, begin + 0.5], abs=1.5 / min(rate, RATE))


@pytest.mark.parametrize(("rate", "layout"), [(RATE, "stereo"), (192_000, "7.1"), (8_000, "mono")])
def test_sound_after_each_gap_is_at_its_own_time(rate: int, layout: str) -> None:
    parts = [(0.0, 0.5), (2.0, 2.4), (4.3, 4.7), (7.7, 8.0)]
    frames = chain(*(level(*part, rate=rate, layout=layout) for part in parts))
    made = published(frames, rate=rate, layout=layout)
    assert changes(made) == pytest.approx(list(chain(*parts)), abs=1.5 / min(rate, RATE))


def test_long_gap_after_a_short_one_is_in_step() -> None:
    made = published(chain(level(0, 1), level(1.7, 2), level(5, 6)))
    assert changes(made) == pytest.approx([0, 1, 1.7, 2, 5, 6], abs=0.001)


def test_time_that_goes_back_is_no_gap_afterwards() -> None:
    made = published(chain(level(0, 3), level(1, 1.5), level(3, 4), level(2, 2.5), level(7, 8)))
    assert changes(made) == pytest.approx([0, 4, 7, 8], abs=0.001)


def test_sound_before_the_first_picture_is_left_out_and_what_follows_a_gap_is_in_step() -> None:
    assert changes(published(level(-3, 0.5))) == pytest.approx([0, 0.5], abs=0.001)
    assert changes(published(chain(level(-9, -8), level(5, 6)))) == pytest.approx([5, 6], abs=0.001)


def test_sound_whose_layout_changes_goes_on_without_a_pause() -> None:
    rate = 96_000
    frames = chain(level(0, 1, rate=rate), level(1, 2, rate=rate, layout="mono"))
    assert changes(published(frames, rate=rate)) == pytest.approx([0, 2], abs=0.001)


@pytest.mark.skipif(not peak.measurable(), reason="this system does not tell a process's peak")
@pytest.mark.parametrize("sound", [Sound(start=LATE), Sound(hole=(0.3, LATE))], ids=["late", "hole"])
def test_minutes_without_sound_cost_no_memory_and_put_nothing_out_of_step(
    sound: Sound, tmp_path: Path
) -> None:
    wide = replace(sound, codec="flac", rate=192_000, layout="7.1", end=LATE + 0.25)
    craft(tmp_path / "a.mkv", [Track(times=(0.0, 0.1, LATE))], [wide])
    before = peak.peak_bytes()
    with open_video(tmp_path / "a.mkv", "video/x-matroska", VideoLimits()) as video:
        transcode(video, tmp_path / "made.mp4", lines=90, limits=VideoLimits())
    assert peak.peak_bytes() - before < _ENOUGH
    with av.open(str(tmp_path / "a.mkv")) as source, av.open(str(tmp_path / "made.mp4")) as made:
        begin = next(frame.time for frame in source.decode(audio=0) if frame.time and frame.time > 1)
        assert begin == pytest.approx(LATE, abs=0.1), "the gap is in the file"
        assert next(time for time in times_of_sound(made) if time > 1) == pytest.approx(begin, abs=0.002)
