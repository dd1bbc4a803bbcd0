"""Kinds of video that were found wrong or right in the field: the files at hand, and each kind drawn anew."""

import json
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from PIL import Image

from media_pipeline.errors import RejectedError
from media_pipeline.videos import dolby_vision
from media_pipeline.videos.dolby_vision import DolbyVision, read_records
from media_pipeline.videos.video_limits import VideoLimits
from tests.unit.videos.filming import SIZE, plain
from tests.unit.videos.publishing import element, near, pixel, publish
from tests.video.boxes import Box, boxes, content_at, joined, rewritten
from tests.video.video_builder import Sound, Track, craft

FIELD = Path(__file__).parents[4] / "shared" / "field"
EXPECTED: dict[str, Any] = (
    json.loads((FIELD / "expected.json").read_text()) if (FIELD / "expected.json").exists() else {}
)
SUFFIXES = {".mp4", ".mov", ".webm", ".mkv"}
FILES = sorted(path for path in FIELD.rglob("*") if path.suffix in SUFFIXES and path.name in EXPECTED)
RED = (220, 30, 30)


def yellow_square(image: Image.Image) -> float:
    """Return width / height of what is yellow."""
    mask = Image.merge(
        "RGB",
        [
            band.point(lambda level, low=low, high=high: 255 if low <= level <= high else 0)
            for band, (low, high) in zip(image.split(), ((151, 255), (151, 255), (0, 99)), strict=True)
        ],
    )
    both = mask.convert("L").point(lambda level: 255 if level > 250 else 0)
    box = both.getbbox()
    assert box is not None, "nothing is yellow"
    return (box[2] - box[0]) / (box[3] - box[1])


@pytest.mark.skipif(not FILES, reason="../shared/field is absent")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_video_of_the_field_comes_out_as_expected(path: Path, tmp_path: Path) -> None:
    expected = EXPECTED[path.name]
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    if reason := expected.get(
        "or_rejected"
    ):  # published as expected would be fine, too, but is not what is done
        with pytest.raises(RejectedError) as refused:
            publish(copy)
        assert refused.value.reason == reason
        return
    published = publish(copy)
    if expected["size"]:
        assert list(published.size) == expected["size"]
    if expected.get("seconds"):
        assert published.seconds == pytest.approx(expected["seconds"], abs=0.15)
    for time, x, y, wanted, tolerance in expected["points"]:
        found = pixel(published.at(time), x, y)
        assert near(found, wanted, tolerance), f"{found} at {x}, {y} is not {wanted}"
    if expected.get("square_at"):
        assert yellow_square(published.at(expected["square_at"])) == pytest.approx(1.0, abs=0.1)


def with_configuration(data: bytes, record: bytes, name: bytes = b"dvcC") -> bytes:
    """Return an MP4 whose sample entry carries a Dolby Vision configuration; its index follows the samples."""
    path = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    stsd = content_at(boxes(data), path)
    (entry,) = boxes(stsd[8:])
    inner = entry.content + Box(name, record).bytes
    return joined(rewritten(boxes(data), path, stsd[:8] + Box(entry.kind, inner).bytes))


def configuration(profile: int, compatibility: int) -> bytes:
    """Return a DOVIDecoderConfigurationRecord of version 1.0, level 6, with metadata and base layer."""
    return struct.pack(">BBHB19x", 1, 0, profile << 9 | 6 << 3 | 0b101, compatibility << 4)


@pytest.mark.parametrize(
    ("profile", "compatibility", "name"),
    [(5, 0, b"dvcC"), (10, 0, b"dvvC"), (8, 0, b"dvvC"), (20, 0, b"dvwC")],
)
def test_dolby_vision_without_a_compatible_base_is_refused_by_name(
    profile: int, compatibility: int, name: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(with_configuration(craft(path), configuration(profile, compatibility), name))
    with pytest.raises(RejectedError, match=f"Dolby Vision profile {profile}") as refused:
        publish(path)
    assert refused.value.reason == "unsupported_type"


@pytest.mark.parametrize(("profile", "compatibility"), [(8, 1), (8, 4), (7, 6), (4, 0), (10, 4), (9, 2)])
def test_dolby_vision_with_a_compatible_base_is_published(
    profile: int, compatibility: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(with_configuration(craft(path), configuration(profile, compatibility)))
    assert read_records(path, "mov") == (DolbyVision(profile, compatibility),)
    assert len(publish(path).frames) == 10


@pytest.mark.parametrize("unknown_size", [False, True])
def test_dolby_vision_is_found_in_matroska(unknown_size: bool, tmp_path: Path) -> None:
    mapping = element(0x41E4, element(0x41E7, b"dvvC") + element(0x41ED, configuration(10, 0)))
    tracks = element(0x1654AE6B, element(0xAE, element(0xD7, b"\1") + mapping))
    segment = element(0x18538067, element(0xEC, bytes(9)) + tracks + element(0x1F43B675, bytes(90)))
    if unknown_size:
        segment = segment[:4] + b"\x01" + b"\xff" * 7 + segment[12:]
    (tmp_path / "a.mkv").write_bytes(element(0x1A45DFA3, b"") + segment)
    assert read_records(tmp_path / "a.mkv", "matroska") == (DolbyVision(10, 0),)


@pytest.mark.parametrize("nested", [0, 5000])
@pytest.mark.parametrize("demuxer", ["mov", "matroska"])
def test_header_of_endless_boxes_is_not_read_for_ever(
    demuxer: str, nested: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    real = dolby_vision._Header.read

    def read(self: Any, start: int, length: int) -> bytes:
        reads.append(start)
        return real(self, start, length)

    monkeypatch.setattr(dolby_vision._Header, "read", read)
    tiny = Box(b"free", b"").bytes if demuxer == "mov" else element(0xEC, b"")
    endless = b"\x00\x00\x00\x00moov" if demuxer == "mov" else b"\x18\x53\x80\x67\xff"
    (tmp_path / "a").write_bytes(endless * nested + tiny * 100_000)
    assert read_records(tmp_path / "a", demuxer) == ()
    assert len(reads) <= dolby_vision._MAX_BOXES


def square(size: tuple[int, int]) -> Image.Image:
    """Draw a yellow square in the middle of a dark picture."""
    image = Image.new("RGB", size, (20, 20, 60))
    side = min(size) // 2
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    image.paste((230, 220, 20), (left, top, left + side, top + side))
    return image


def changing(path: Path, shapes: list[tuple[tuple[int, int], int]], rate: int = 10) -> None:
    """Encode a VP8 video whose frames change their size: each so many frames, as a new stream in the same track."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libvpx", rate=rate)
        stream.width, stream.height = shapes[0][0]
        stream.pix_fmt = "yuv420p"
        number = 0
        for size, count in shapes:
            encoder: Any = av.CodecContext.create("libvpx", "w")
            encoder.width, encoder.height = size
            encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, rate)
            encoder.options = {"deadline": "realtime", "cpu-used": "8"}
            for _ in range(count):
                frame: Any = VideoFrame.from_image(square(size))  # type: ignore[no-untyped-call]
                frame.pts, frame.time_base = number, Fraction(1, rate)
                number += 1
                mux(container, stream, encoder.encode(frame))
            mux(container, stream, encoder.encode(None))


def mux(container: Any, stream: Any, packets: Any) -> None:
    for packet in packets:
        packet.stream = stream
        container.mux(packet)


@pytest.mark.parametrize(
    "later",
    [(120, 240), (240, 240), (480, 120), (64, 48), (320, 250)],
    ids=lambda size: f"{size[0]}x{size[1]}",
)
def test_video_that_changes_its_shape_keeps_its_proportions(later: tuple[int, int], tmp_path: Path) -> None:
    changing(tmp_path / "a.webm", [((240, 120), 5), (later, 5)])
    published = publish(tmp_path / "a.webm")
    assert published.size == (240, 120)
    for time in (0.2, 0.8):
        assert yellow_square(published.at(time)) == pytest.approx(1.0, abs=0.08)


def test_margins_of_a_narrower_picture_are_black_and_a_larger_one_of_the_same_shape_has_none(
    tmp_path: Path,
) -> None:
    changing(tmp_path / "a.webm", [((240, 120), 5), ((120, 120), 5), ((480, 240), 5)])
    published = publish(tmp_path / "a.webm")
    assert max(pixel(published.at(0.8), 20, 60)) < 12
    assert pixel(published.at(1.3), 3, 60)[2] > 40


@pytest.mark.parametrize("offset", [400.0, 95_443.0])
def test_matroska_whose_clock_starts_late_has_its_real_length(offset: float, tmp_path: Path) -> None:
    times = tuple(offset + number / 10 for number in range(20))
    craft(tmp_path / "a.mkv", [Track(times=times)], [Sound(start=offset, end=offset + 2)])
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert (container.duration or 0) / av.time_base > offset, "its header counts from zero"
    published = publish(tmp_path / "a.mkv")
    assert published.seconds == pytest.approx(2.0, abs=0.15)
    assert published.has_sound


def test_matroska_that_is_too_long_is_refused_wherever_its_clock_starts(tmp_path: Path) -> None:
    times = (50.0, 50.1, 95.0)
    craft(tmp_path / "a.mkv", [Track(times=times)])
    with pytest.raises(RejectedError) as refused:
        publish(tmp_path / "a.mkv", VideoLimits(seconds=40))
    assert refused.value.reason == "too_long"
    assert publish(tmp_path / "a.mkv", VideoLimits(seconds=50)).seconds == pytest.approx(45.1, abs=0.2)


def test_matroska_that_was_cut_off_is_refused_though_its_clock_starts_late(tmp_path: Path) -> None:
    times = tuple(100 + number / 10 for number in range(100))
    data = craft(tmp_path / "a.mkv", [Track(times=times)])
    (tmp_path / "b.mkv").write_bytes(data[: len(data) // 2])
    with pytest.raises(RejectedError) as refused:
        publish(tmp_path / "b.mkv")
    assert refused.value.reason == "corrupt"


def with_durations(data: bytes, durations: list[int]) -> bytes:
    """Replace the durations of an MP4's samples, which follow the order of decoding."""
    path = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts")
    table = b"".join(struct.pack(">II", 1, duration) for duration in durations)
    return joined(rewritten(boxes(data), path, struct.pack(">II", 0, len(durations)) + table))


def with_lengths(data: bytes, media: int, movie: int) -> bytes:
    """Replace the length of the only track, in its own and in the movie's time scale."""
    track = (b"moov", b"trak")
    for path, field, value in (
        ((*track, b"mdia", b"mdhd"), 16, media),
        ((*track, b"tkhd"), 20, movie),
        ((*track, b"edts", b"elst"), 8, movie),
        ((b"moov", b"mvhd"), 16, movie),
    ):
        old = content_at(boxes(data), path)
        new = old[:field] + struct.pack(">I", value) + old[field + 4 :]
        data = joined(rewritten(boxes(data), path, new))
    return data


@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_last_picture_is_held_as_long_as_the_file_says_also_with_b_frames(
    b_frames: str, tmp_path: Path
) -> None:
    options = {"bf": b_frames, "x264-params": "scenecut=0:b-adapt=0"}
    data = craft(tmp_path / "a.mp4", [Track(times=tuple(n / 10 for n in range(12)), options=options)])
    track = (b"moov", b"trak", b"mdia")
    scale = struct.unpack_from(">I", content_at(boxes(data), (*track, b"mdhd")), 12)[0]
    movie_scale = struct.unpack_from(">I", content_at(boxes(data), (b"moov", b"mvhd")), 12)[0]
    held = 3.0
    # As editors write it: the hold belongs to the last sample decoded, which with B-frames is not the last one shown.
    data = with_durations(data, [scale // 10] * 11 + [round(held * scale)])
    data = with_lengths(data, round((1.1 + held) * scale), round((1.1 + held) * movie_scale))
    (tmp_path / "b.mp4").write_bytes(data)
    published = publish(tmp_path / "b.mp4")
    assert len(published.frames) == 12
    assert published.seconds == pytest.approx(1.1 + held, abs=0.11)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("mov", "pcm_s16be"),
        ("mov", "pcm_s32be"),
        ("mov", "pcm_f32be"),
        ("mov", "pcm_f64le"),
        ("mov", "adpcm_ima_qt"),
    ],
)
def test_uncommon_sound_is_published(suffix: str, codec: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    with_sound(path, codec)
    published = publish(path)
    assert published.dropped_sound is None
    assert published.has_sound
    with av.open(str(tmp_path / "published.mp4")) as container:
        loudest = max(max(memoryview(frame.planes[0]).cast("f")) for frame in container.decode(audio=0))
    assert loudest > 0.1


@pytest.mark.parametrize(("suffix", "codec"), [("mkv", "wavpack"), ("mkv", "tta")])
def test_video_whose_sound_is_not_accepted_is_published_without_it_and_says_so(
    suffix: str, codec: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{suffix}"
    with_sound(path, codec)
    published = publish(path)
    assert not published.has_sound
    assert published.dropped_sound == codec
    assert published.seconds == pytest.approx(1.0, abs=0.11)


def with_sound(path: Path, codec: str) -> None:
    """Encode a second of video with a second of a loud tone."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "threads": "1"})
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        audio: Any = container.add_stream(
            codec, rate=48_000, layout="stereo", options={"strict": "experimental"}
        )
        for number in range(10):
            frame: Any = VideoFrame.from_image(plain(RED))  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for tone in _tone(audio):
            container.mux(audio.encode(tone))
        container.mux(audio.encode(None))


def _tone(audio: Any) -> Iterator[AudioFrame]:
    audio.codec_context.open(strict=False)
    resampler = av.AudioResampler(audio.format, "stereo", 48_000, audio.codec_context.frame_size or 1024)
    for start in range(0, 48_000, 960):
        wave = b"".join(
            struct.pack("<hh", *(2 * [12_000 if ((start + n) // 50) % 2 else -12_000])) for n in range(960)
        )
        frame = AudioFrame(format="s16", layout="stereo", samples=960)
        frame.planes[0].update(wave.ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def test_of_two_sounds_the_one_that_is_accepted_is_published(tmp_path: Path) -> None:
    craft(tmp_path / "a.mkv", [Track()], [Sound(codec="tta"), Sound(codec="libopus")])
    published = publish(tmp_path / "a.mkv")
    assert published.has_sound
    assert published.dropped_sound is None
