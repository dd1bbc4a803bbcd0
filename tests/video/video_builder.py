"""Encodes small videos of any shape: codecs, pixel formats, several streams, chosen timestamps."""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import OutputContainer
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw

SIZE = (160, 96)
os.environ.setdefault("SVT_LOG", "1")  # otherwise the AV1 encoder prints a banner
_TICK = Fraction(1, 1000)


@dataclass(frozen=True, kw_only=True)
class Track:
    """A video stream: a ball that rolls over a gradient, at the given times in seconds."""

    codec: str = "libx264"
    size: tuple[int, int] = SIZE
    times: Sequence[float] = tuple(number / 10 for number in range(10))
    pixels: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    aspect: Fraction | None = None
    rotation: int = 0
    rate: int = 10
    later_sizes: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """Number of a frame -> the size from there on; each change is a new encoder in the same stream."""
    colour: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A sound stream: a tone from `start` to `end` in seconds, without samples in the `hole` if given."""

    codec: str = "aac"
    rate: int = 48_000
    layout: str = "mono"
    start: float = 0.0
    end: float = 1.0
    hole: tuple[float, float] | None = None
    language: str = ""


def craft(
    path: Path,
    tracks: Iterable[Track] = (Track(),),
    sounds: Iterable[Sound] = (),
    *,
    options: Mapping[str, str] | None = None,
    attachments: Mapping[str, tuple[str, bytes]] | None = None,
    metadata: Mapping[str, str] | None = None,
    cover: bytes | None = None,
) -> bytes:
    """Encode streams into the container of the path's suffix; return the file's bytes.

    `attachments` are Matroska's (name -> type, data); `cover` is a JPEG as attached picture.
    """
    with av.open(str(path), "w", options={"fflags": "+bitexact", **(options or {})}) as container:
        container.metadata.update(metadata or {})
        for name, (kind, data) in (attachments or {}).items():
            container.add_attachment(name, kind, data)
        streams = [(track, _video_stream(container, track)) for track in tracks]
        audio = [(sound, _audio_stream(container, sound)) for sound in sounds]
        picture = _cover_stream(container, cover)
        for track, stream in streams:
            _encode_video(container, track, stream)
        for sound, stream in audio:
            for frame in _tone(sound, stream):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        if picture is not None and cover is not None:
            packet = av.Packet(cover)
            packet.stream = picture
            packet.pts = packet.dts = 0
            packet.time_base = _TICK
            packet.is_keyframe = True
            container.mux(packet)
    return path.read_bytes()


def drawn(number: int, size: tuple[int, int]) -> Image.Image:
    """Return a frame: a ball over a gradient."""
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    radius = max(1, size[1] // 5)
    x, y = size[0] * (number % 20) // 20, size[1] // 2
    ImageDraw.Draw(picture).ellipse((x - radius, y - radius, x + radius, y + radius), fill=(220, 80, 30))
    return picture


def _video_stream(container: OutputContainer, track: Track) -> Any:
    options = {"threads": "1", **track.options}
    if track.codec == "libx264":
        options = {"preset": "ultrafast", "bf": "2", **options}
    stream: Any = container.add_stream(track.codec, rate=track.rate, options=options)
    stream.width, stream.height = track.size
    stream.pix_fmt = track.pixels
    stream.codec_context.time_base = _TICK
    if track.aspect:
        stream.codec_context.sample_aspect_ratio = track.aspect
    if track.rotation:
        stream.set_display_rotation(track.rotation)
    for name, value in track.colour.items():
        setattr(stream.codec_context, name, value)
    return stream


def _audio_stream(container: OutputContainer, sound: Sound) -> Any:
    stream: Any = container.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
    if sound.language:
        stream.metadata["language"] = sound.language
    return stream


def _cover_stream(container: OutputContainer, cover: bytes | None) -> Any:
    if cover is None:
        return None
    stream: Any = container.add_stream("mjpeg", rate=1)
    stream.width, stream.height = SIZE
    stream.pix_fmt = "yuvj420p"
    stream.disposition = av.stream.Disposition.attached_pic
    return stream


def _encode_video(container: OutputContainer, track: Track, stream: Any) -> None:
    size, encoder = track.size, stream
    for number, time in enumerate(track.times):
        if number in track.later_sizes:
            _mux(container, stream, encoder.encode(None))
            size = track.later_sizes[number]
            encoder = _further_encoder(track, size)
        frame: Any = cast(Any, VideoFrame).from_image(drawn(number, size))
        if track.pixels != "yuv420p":
            frame = frame.reformat(format=track.pixels)
        frame.pts, frame.time_base = round(time / _TICK), _TICK
        _mux(container, stream, encoder.encode(frame))
    if track.times:
        _mux(container, stream, encoder.encode(None))


def _further_encoder(track: Track, size: tuple[int, int]) -> Any:
    encoder: Any = av.CodecContext.create(track.codec, "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt = track.pixels
    encoder.time_base = _TICK
    encoder.options = dict(track.options)
    return encoder


def _mux(container: OutputContainer, stream: Any, packets: Iterable[Any]) -> None:
    for packet in packets:
        packet.stream = stream
        container.mux(packet)


def _tone(sound: Sound, stream: Any) -> Iterable[AudioFrame]:
    resampler = AudioResampler(
        stream.format, sound.layout, sound.rate, stream.codec_context.frame_size or 1024
    )
    step = sound.rate // 10
    for first in range(round(sound.start * sound.rate), round(sound.end * sound.rate), step):
        if sound.hole and sound.hole[0] <= first / sound.rate < sound.hole[1]:
            continue
        samples = array(
            "h", (round(8000 * math.sin(math.tau * 440 * (first + n) / sound.rate)) for n in range(step))
        )
        frame = AudioFrame(format="s16", layout="mono", samples=step)
        frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = sound.rate, first, Fraction(1, sound.rate)
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
