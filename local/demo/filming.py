"""Encode drawn pictures and generated sound into video files, with the same bytes at every run on one machine."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

SAMPLE_RATE = 48_000
_AUDIO_FRAME = 1024  # samples: what AAC takes at a time
_TICK = Fraction(1, 12_800)  # fine enough for any rate here; MP4 would round 1/24 by itself otherwise

Shot = tuple[float, Image.Image]
"""When a picture appears, in seconds from the start, and the picture."""


@dataclass(frozen=True, kw_only=True)
class Film:
    """How a video is encoded. The container follows from the file's suffix.

    `rotation` is what a player turns the stored picture by, counter-clockwise in degrees, as a phone writes it
    into the display matrix. `crf` and `preset` are x264's.
    """

    codec: str = "libx264"
    sound_codec: str = "aac"
    pixels: str = "yuv420p"
    rate: int = 24
    crf: int = 23
    preset: str = "veryfast"
    rotation: int = 0
    options: Mapping[str, str] | None = None


def film(
    path: Path,
    shots: Iterable[Shot],
    how: Film,
    *,
    seconds: float,
    sound: array[int] | None = None,
    late: float = 0.0,
) -> None:
    """Encode `shots`, which have one size, into `path`; the last stays until `seconds`.

    `sound` is mono, 16 bits a sample at SAMPLE_RATE, and begins `late` seconds after zero. Raises
    av.error.FFmpegError where that cannot be encoded.
    """
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        pictures = iter(shots)
        began, first = next(pictures)
        options = {"threads": "1"}
        if how.codec == "libx264":
            options |= {"crf": str(how.crf), "preset": how.preset}
        options |= how.options or {}
        stream = cast(VideoStream, container.add_stream(how.codec, rate=how.rate, options=options))
        stream.width, stream.height = first.size
        stream.pix_fmt = how.pixels
        stream.codec_context.time_base = _TICK
        if how.rotation:
            stream.set_display_rotation(how.rotation)
        audio: AudioStream | None = None
        if sound is not None:
            audio = cast(AudioStream, container.add_stream(how.sound_codec, rate=SAMPLE_RATE, layout="mono"))
        shown = (began, first)
        for upcoming in pictures:
            container.mux(stream.encode(_frame(*shown, upcoming[0])))
            shown = upcoming
        container.mux(stream.encode(_frame(*shown, seconds)))
        container.mux(stream.encode(None))
        if audio is not None and sound is not None:
            for frame in _audio_frames(sound, round(late * SAMPLE_RATE)):
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))


def watch(path: Path) -> Iterator[Shot]:
    """Yield every frame of a video with its time, as stored: not rotated. Raises FFmpegError."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.time or 0.0, picture_of(frame)


def picture_of(frame: VideoFrame) -> Image.Image:
    """Return the frame in RGB."""
    return cast(Image.Image, cast(Any, frame).to_image())  # PyAV leaves it untyped


def _frame(time: float, picture: Image.Image, until: float) -> VideoFrame:
    frame = cast(VideoFrame, cast(Any, VideoFrame).from_image(picture))
    frame.time_base = _TICK
    frame.pts = round(time / _TICK)
    frame.duration = round(until / _TICK) - frame.pts
    return frame


def _audio_frames(sound: array[int], offset: int) -> Iterable[AudioFrame]:
    for start in range(0, len(sound), _AUDIO_FRAME):
        part = sound[start : start + _AUDIO_FRAME]
        frame = AudioFrame(format="s16", layout="mono", samples=len(part))
        frame.planes[0].update(part.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        frame.pts = offset + start
        yield frame


def tune(seconds: float, notes: Iterable[float] = (262, 330, 392, 523, 392, 330)) -> array[int]:
    """Return plucked notes, half a second each, given by their frequencies in Hz and repeated."""
    pitches = tuple(notes)
    beat = SAMPLE_RATE // 2
    sound = array("h", bytes(2 * round(seconds * SAMPLE_RATE)))
    for index in range(len(sound)):
        number, since = divmod(index, beat)
        pitch = pitches[number % len(pitches)]
        fading = 1 - since / beat
        sound[index] = round(9000 * fading * fading * math.sin(math.tau * pitch * since / SAMPLE_RATE))
    return sound
