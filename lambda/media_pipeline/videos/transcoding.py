"""One pass over a video: decode, scale, encode as H.264 and AAC in MP4, and fingerprint every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.sizes import WHITE, Colour
from media_pipeline.limits import MEBIBYTE
from media_pipeline.videos.audio import AudioConverter
from media_pipeline.videos.filter_graphs import MATRICES, TICK
from media_pipeline.videos.fingerprints import Fingerprint, fingerprint
from media_pipeline.videos.frames import FrameConverter
from media_pipeline.videos.packets import decode, packets
from media_pipeline.videos.scenes import TimedFrame
from media_pipeline.videos.source import THREADS, SourceVideo, nominal_frame_rate
from media_pipeline.videos.video_limits import VideoLimits

PRESET, CRF = "veryfast", 23
AUDIO_BIT_RATES = {"mono": 64_000, "stereo": 128_000}
KEYFRAME_SECONDS = 4  # the most that a player has to decode to seek
BROKEN_SHARE = 0.05
"""Share of the video packets that may be broken: few are concealed, a mostly grey video is rejected."""
MISSING_SHARE, MISSING_SECONDS = 0.1, 1.0
"""Of the announced duration: a video that lacks more than both is cut off."""
EARLY_AUDIO_FRAMES, EARLY_AUDIO_BYTES = 2000, 64 * MEBIBYTE
"""Audio that may precede the first picture; a file with more is not interleaved."""
_DEFAULT_FRAME_SECONDS = 0.04  # of a last frame without a duration
_BT709, _LIMITED_RANGE = 1, 1
_FALLBACK_RATE = 30.0

ProgressCallback = Callable[[float], None]
"""Called between packets with the share that is done, from 0 to 1; stops the work by raising."""


@dataclass(kw_only=True)
class TranscodedVideo:
    """The published video and its frames."""

    path: Path
    width: int
    height: int
    original: tuple[int, int]
    """Width and height of the source, as a player shows it."""
    frames: tuple[TimedFrame, ...]
    keyframes: tuple[Fraction, ...]
    """Times of the keyframes in seconds, in order."""
    has_sound: bool

    @property
    def seconds(self) -> float:
        """Duration of the video track."""
        return self.frames[-1].time + self.frames[-1].seconds


def transcode(
    source: SourceVideo,
    target: Path,
    *,
    lines: int,
    grey: bool = False,
    background: Colour = WHITE,
    limits: VideoLimits,
    on_progress: ProgressCallback = lambda _: None,
) -> TranscodedVideo:
    """Write the published video of an opened one to `target`, at most `lines` high.

    With `grey` it has no colour; transparent pictures are composed over `background`.

    Raises RejectedError: corrupt, too_long, too_many_pixels, too_many_frames; and what `on_progress` raises.
    """
    options = {
        "movflags": "+faststart",
        "fflags": "+bitexact",
    }  # bitexact: without the muxer's name and the date
    with av.open(str(target), "w", format="mp4", options=options) as container:
        transcoder = _Transcoder(
            source,
            container,
            FrameConverter(source, limits, lines=lines, grey=grey, background=background),
            limits,
        )
        for packet, done in packets(
            source, [source.video_track, *([source.audio_track] if source.audio_track else [])]
        ):
            on_progress(done)
            transcoder.process(packet)
        transcoder.finish()
    return transcoder.result(target)


class _Transcoder:
    """The state of one pass; the output tracks are created with the first frame, which has their size."""

    def __init__(
        self, source: SourceVideo, container: OutputContainer, converter: FrameConverter, limits: VideoLimits
    ) -> None:
        self._source = source
        self._container = container
        self._frame_converter = converter
        self._limits = limits
        self._video: VideoStream | None = None
        self._audio: AudioStream | None = None
        self._audio_converter: AudioConverter | None = None
        self._early_audio: list[AudioFrame] = []
        self._early_audio_bytes = 0
        self._fingerprints: list[tuple[Fraction, Fingerprint]] = []
        self._last_seconds = 0.0
        self._keyframes: list[Fraction] = []
        self._packets = self._broken = 0
        self._has_audio = False

    def process(self, packet: Packet[Any]) -> None:
        """Process one packet of the source."""
        frames, broken = decode(self._source, packet)
        if packet.stream.type == "audio":
            self._take_audio(frames)
            return
        self._packets += 1
        self._broken += broken or any(frame.is_corrupt for frame in frames)
        for frame in self._frame_converter.convert(frames):
            self._take_picture(frame)

    def finish(self) -> None:
        """Write what the filters and encoders still hold, and check how much of the source was decoded.

        Raises RejectedError: corrupt.
        """
        for frame in self._frame_converter.flush():
            self._take_picture(frame)
        if self._video is None:
            raise RejectedError(Reason.CORRUPT, "not one frame of it can be decoded")
        if self._broken > BROKEN_SHARE * self._packets:
            raise RejectedError(
                Reason.CORRUPT, f"{self._broken} of {self._packets} parts of its picture are broken"
            )
        self._mux(self._video.encode(None))
        if self._audio is not None and self._audio_converter is not None:
            self._write_audio(self._audio_converter.flush())
            if not self._has_audio:
                self._write_audio([self._audio_converter.silence()])
            self._mux(self._audio.encode(None))

    def result(self, target: Path) -> TranscodedVideo:
        """Return what was written.

        Raises RejectedError: corrupt.
        """
        times = [time for time, _ in self._fingerprints]
        durations = [float(later - time) for time, later in pairwise(times)]
        durations.append(self._last_seconds or (durations[-1] if durations else _DEFAULT_FRAME_SECONDS))
        width, height = self._frame_converter.output.size
        result = TranscodedVideo(
            path=target,
            width=width,
            height=height,
            original=self._frame_converter.original,
            frames=tuple(
                TimedFrame(float(time), seconds, found)
                for (time, found), seconds in zip(self._fingerprints, durations, strict=True)
            ),
            keyframes=tuple(sorted(self._keyframes)),
            has_sound=self._audio is not None,
        )
        self._limits.check_seconds(result.seconds)
        self._check_completeness(result.seconds)
        return result

    def _check_completeness(self, seconds: float) -> None:
        times = self._source.times
        if self._source.video_track_seconds is not None:
            announced = float(self._source.video_track_seconds)
            # In MP4 the last picture's duration may be stored with another picture's sample.
            reached = max(seconds, float(times.video_span))
        elif self._source.end is not None:
            first = float(times.first or 0)  # Matroska announces the end of all tracks together
            announced, reached = self._source.end - first, float(times.last_end) - first
        else:
            return
        missing = announced - reached
        if missing > MISSING_SECONDS and missing > MISSING_SHARE * announced:
            raise RejectedError(
                Reason.CORRUPT, f"it ends after {reached:.1f} s of the {announced:.1f} s that it announces"
            )

    def _take_picture(self, frame: VideoFrame) -> None:
        if self._video is None:
            self._begin()
        self._fingerprints.append((cast(int, frame.pts) * TICK, fingerprint(cast(Any, frame.planes))))
        self._last_seconds = float((frame.duration or 0) * TICK)
        self._mux(cast(VideoStream, self._video).encode(frame))

    def _take_audio(self, frames: list[AudioFrame]) -> None:
        if self._audio_converter is None:
            self._early_audio += frames
            self._early_audio_bytes += sum(plane.buffer_size for frame in frames for plane in frame.planes)
            if len(self._early_audio) > EARLY_AUDIO_FRAMES or self._early_audio_bytes > EARLY_AUDIO_BYTES:
                raise RejectedError(Reason.CORRUPT, "its picture does not begin where its sound begins")
            return
        self._write_audio(self._audio_converter.convert(frames, self._frame_converter.first or Fraction(0)))

    def _write_audio(self, frames: Iterable[AudioFrame]) -> None:
        for frame in frames:
            self._has_audio = True
            self._mux(cast(AudioStream, self._audio).encode(frame))

    def _begin(self) -> None:
        """Create the output tracks."""
        rate = min(nominal_frame_rate(self._source.video_track) or _FALLBACK_RATE, 60.0)
        options = {
            "preset": PRESET,
            "crf": str(CRF),
            "threads": str(THREADS),
            "g": str(max(1, round(rate * KEYFRAME_SECONDS))),
        }
        fraction = Fraction(rate).limit_denominator(1001)
        video = self._container.add_stream("libx264", rate=fraction, options=options)
        video.width, video.height = self._frame_converter.output.size
        video.pix_fmt = "yuv420p"
        context = video.codec_context
        context.thread_type = ThreadType.AUTO  # PyAV's default is slices, which cost time and quality
        context.time_base = TICK
        context.color_primaries = context.color_trc = _BT709
        context.colorspace = MATRICES[self._frame_converter.output.matrix]
        context.color_range = _LIMITED_RANGE
        context.flags |= Flags.frame_duration  # or the last frame would get the duration of the one before
        self._video = video
        if self._source.audio_track is not None:
            self._begin_audio(self._source.audio_track)

    def _begin_audio(self, track: AudioStream) -> None:
        context = track.codec_context
        channels = context.layout.nb_channels
        self._audio_converter = AudioConverter(self._limits, rate=context.sample_rate, channels=channels)
        audio = self._container.add_stream(
            "aac", rate=self._audio_converter.rate, layout=self._audio_converter.layout
        )
        audio.bit_rate = AUDIO_BIT_RATES[self._audio_converter.layout]
        audio.codec_context.flags |= Flags.bitexact  # or its first frame would name the encoder
        self._audio = audio
        early, self._early_audio = self._early_audio, []
        self._take_audio(early)

    def _mux(self, packets: Iterable[Packet[Any]]) -> None:
        for packet in packets:
            if packet.is_keyframe and packet.stream is self._video and packet.pts is not None:
                self._keyframes.append(packet.pts * packet.time_base)
            self._container.mux(packet)
