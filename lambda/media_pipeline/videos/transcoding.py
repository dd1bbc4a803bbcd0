"""One pass over a video: decoded, scaled, encoded anew as H.264 and AAC in MP4, and sketched frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags, ThreadType
from av.container import OutputContainer
from av.error import InvalidDataError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.limits import MEBIBYTE
from media_pipeline.videos.audio import Sounds
from media_pipeline.videos.fingerprints import Sketch, sketch
from media_pipeline.videos.frames import MATRICES, TICK, Pictures
from media_pipeline.videos.scenes import Shown
from media_pipeline.videos.source import THREADS, Opened, decoding, nominal_rate
from media_pipeline.videos.video_limits import VideoLimits

PRESET, CRF = "veryfast", 23
SOUND_BITS = {"mono": 64_000, "stereo": 128_000}
WHOLE_EVERY = 4  # seconds: how far a player has to decode to jump anywhere
BROKEN_SHARE = 0.05
"""Part of the picture's packets that may be broken: a scratch is concealed, a file that is mostly grey is refused."""
MISSING_SHARE, MISSING_SECONDS = (
    0.1,
    1.0,
)  # of the announced length: with more than both missing it is cut off
SOUND_BEFORE = 2000  # frames of sound that may come before the first picture; more is no interleaved file
_LAST_SECONDS = 0.04  # how long the last frame is shown where nobody says
SOUND_BEFORE_BYTES = 64 * MEBIBYTE
_BT709, _LIMITED_RANGE = 1, 1
_FALLBACK_RATE = 30.0

Watch = Callable[[float], None]
"""Called between packets with the part that is done, from 0 to 1; stops the work by raising."""


@dataclass(kw_only=True)
class Transcoded:
    """The published video, and what is known of its frames."""

    path: Path
    width: int
    height: int
    original: tuple[int, int]
    """Width and height of what it was made of, as a player shows it."""
    frames: tuple[Shown, ...]
    whole: tuple[Fraction, ...]
    """Times in seconds of the frames that can be decoded without others, in order."""
    has_sound: bool

    @property
    def seconds(self) -> float:
        """How long the picture lasts."""
        return self.frames[-1].time + self.frames[-1].seconds


def transcode(
    source: Opened,
    target: Path,
    *,
    lines: int,
    grey: bool = False,
    limits: VideoLimits,
    watch: Watch = lambda _: None,
) -> Transcoded:
    """Write what is published of an opened video to `target`, at most `lines` high.

    Raises RejectedError: corrupt, too_long, too_many_pixels, too_many_frames; and what `watch` raises.
    """
    options = {"movflags": "+faststart", "fflags": "+bitexact"}  # bitexact: no name of the muxer, no date
    with av.open(str(target), "w", format="mp4", options=options) as container:
        run = _Run(source, container, Pictures(source, limits, lines=lines, grey=grey), limits)
        for packet, done in packets(source, [source.picture, *([source.sound] if source.sound else [])]):
            watch(done)
            run.take(packet)
        run.finish()
    return run.result(target)


def packets(source: Opened, streams: list[VideoStream | AudioStream]) -> Iterator[tuple[Packet[Any], float]]:
    """Read packets to the end, each with the part of the file that is read; a broken end is an end."""
    container = source.container
    done = 0.0
    found = container.demux(streams)
    while True:
        with decoding():
            packet = next(found, None)
        if packet is None:
            return
        if packet.pos is not None:
            done = max(done, min(1.0, packet.pos / source.length))
        yield packet, done


def decoded(packet: Packet[Any]) -> tuple[list[Any], bool]:
    """Decode one packet; gives the frames, and whether it was broken."""
    with decoding():
        try:
            return list(packet.decode()), False
        except EOFError:
            return [], False
        except InvalidDataError:
            return [], True  # the next may be fine


class _Run:
    """The state of one pass; the tracks are made when the first picture tells their size."""

    def __init__(
        self, source: Opened, container: OutputContainer, pictures: Pictures, limits: VideoLimits
    ) -> None:
        self._source = source
        self._container = container
        self._pictures = pictures
        self._limits = limits
        self._video: VideoStream | None = None
        self._audio: AudioStream | None = None
        self._sounds: Sounds | None = None
        self._waiting: list[AudioFrame] = []
        self._waiting_bytes = 0
        self._sketches: list[tuple[Fraction, Sketch]] = []
        self._last_seconds = 0.0
        self._whole: list[Fraction] = []
        self._packets = self._broken = 0
        self._began: int | None = None
        self._span = Fraction(0)  # seconds that the picture's packets cover in the order of decoding
        self._end = Fraction(0)  # second at which the last packet of any track ends
        self._heard = False

    def take(self, packet: Packet[Any]) -> None:
        """Go on with one packet of the source."""
        frames, broken = decoded(packet)
        self._note_end(packet)
        if packet.stream.type == "audio":
            self._hear(frames)
            return
        self._packets += 1
        self._broken += broken or any(frame.is_corrupt for frame in frames)
        for frame in self._pictures.made_of(frames):
            self._see(frame)

    def finish(self) -> None:
        """Write what the filters and encoders still hold, and judge how much of the source there was.

        Raises RejectedError: corrupt.
        """
        for frame in self._pictures.rest():
            self._see(frame)
        if self._video is None:
            raise RejectedError(Reason.CORRUPT, "not one frame of it can be decoded")
        if self._broken > BROKEN_SHARE * self._packets:
            raise RejectedError(
                Reason.CORRUPT, f"{self._broken} of {self._packets} parts of its picture are broken"
            )
        self._mux(self._video.encode(None))
        if self._audio is not None and self._sounds is not None:
            self._write_sound(self._sounds.rest())
            if not self._heard:
                self._write_sound([self._sounds.silence()])
            self._mux(self._audio.encode(None))

    def result(self, target: Path) -> Transcoded:
        """Describe what was written.

        Raises RejectedError: corrupt.
        """
        times = [time for time, _ in self._sketches]
        lasting = [float(later - time) for time, later in pairwise(times)]
        lasting.append(self._last_seconds or (lasting[-1] if lasting else _LAST_SECONDS))
        width, height = self._pictures.size
        result = Transcoded(
            path=target,
            width=width,
            height=height,
            original=self._pictures.original,
            frames=tuple(
                Shown(float(time), seconds, found)
                for (time, found), seconds in zip(self._sketches, lasting, strict=True)
            ),
            whole=tuple(sorted(self._whole)),
            has_sound=self._audio is not None,
        )
        self._limits.check_seconds(result.seconds)
        self._refuse_cut_off(result.seconds)
        return result

    def _refuse_cut_off(self, seconds: float) -> None:
        if self._source.picture_seconds is not None:
            announced = float(self._source.picture_seconds)
            # In MP4 the time for which the last picture is held may be that of another one's sample.
            reached = max(seconds, float(self._span))
        elif self._source.seconds is not None:
            announced, reached = self._source.seconds, float(self._end)  # all that is known is of all tracks
        else:
            return
        missing = announced - reached
        if missing > MISSING_SECONDS and missing > MISSING_SHARE * announced:
            raise RejectedError(
                Reason.CORRUPT, f"it ends after {reached:.1f} s of the {announced:.1f} s that it announces"
            )

    def _note_end(self, packet: Packet[Any]) -> None:
        if not packet.time_base:
            return
        duration = packet.duration or 0
        if packet.pts is not None:
            self._end = max(self._end, (packet.pts + duration) * packet.time_base)
        if packet.stream.type == "video" and packet.dts is not None:
            if self._began is None:
                self._began = packet.dts
            self._span = max(self._span, (packet.dts + duration - self._began) * packet.time_base)

    def _see(self, frame: VideoFrame) -> None:
        if self._video is None:
            self._begin()
        self._sketches.append((cast(int, frame.pts) * TICK, sketch(cast(Any, frame.planes))))
        self._last_seconds = float((frame.duration or 0) * TICK)
        self._mux(cast(VideoStream, self._video).encode(frame))

    def _hear(self, frames: list[AudioFrame]) -> None:
        if self._sounds is None:
            self._waiting += frames
            self._waiting_bytes += sum(plane.buffer_size for frame in frames for plane in frame.planes)
            if len(self._waiting) > SOUND_BEFORE or self._waiting_bytes > SOUND_BEFORE_BYTES:
                raise RejectedError(Reason.CORRUPT, "its picture does not begin where its sound does")
            return
        self._write_sound(self._sounds.made_of(frames, self._pictures.first or Fraction(0)))

    def _write_sound(self, frames: Iterable[AudioFrame]) -> None:
        for frame in frames:
            self._heard = True
            self._mux(cast(AudioStream, self._audio).encode(frame))

    def _begin(self) -> None:
        """Make the tracks."""
        rate = min(nominal_rate(self._source.picture) or _FALLBACK_RATE, 60.0)
        options = {
            "preset": PRESET,
            "crf": str(CRF),
            "threads": str(THREADS),
            "g": str(max(1, round(rate * WHOLE_EVERY))),
        }
        fraction = Fraction(rate).limit_denominator(1001)
        video = self._container.add_stream("libx264", rate=fraction, options=options)
        video.width, video.height = self._pictures.size
        video.pix_fmt = "yuv420p"
        context = video.codec_context
        context.thread_type = ThreadType.AUTO  # PyAV's own choice is slices, which cost time and quality
        context.time_base = TICK
        context.color_primaries = context.color_trc = _BT709
        context.colorspace = MATRICES[self._pictures.matrix]
        context.color_range = _LIMITED_RANGE
        context.flags |= Flags.frame_duration  # or the last frame would be shown as long as the one before
        self._video = video
        if self._source.sound is not None:
            self._begin_sound(self._source.sound)

    def _begin_sound(self, track: AudioStream) -> None:
        context = track.codec_context
        channels = context.layout.nb_channels
        self._sounds = Sounds(self._limits, rate=context.sample_rate, channels=channels)
        audio = self._container.add_stream("aac", rate=self._sounds.rate, layout=self._sounds.layout)
        audio.bit_rate = SOUND_BITS[self._sounds.layout]
        audio.codec_context.flags |= Flags.bitexact  # or its first frame would name the encoder
        self._audio = audio
        waiting, self._waiting = self._waiting, []
        self._hear(waiting)

    def _mux(self, made: Iterable[Packet[Any]]) -> None:
        for packet in made:
            if packet.is_keyframe and packet.stream is self._video and packet.pts is not None:
                self._whole.append(packet.pts * packet.time_base)
            self._container.mux(packet)
