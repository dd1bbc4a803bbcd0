"""Open an uploaded video: one demuxer, chosen from the bytes, that reads no other file and no URL.

No other module hands the bytes of an uploaded video to a demuxer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream
from av.video.format import VideoFormat
from av.video.stream import VideoStream

from media_pipeline.errors import PipelineError, Reason, RejectedError
from media_pipeline.videos.video_limits import (
    AUDIO_DECODERS,
    BYTES_PER_PIXEL,
    FORMATS,
    MAX_RATE,
    MAX_STREAMS,
    VIDEO_DECODERS,
    VideoLimits,
)

DEFAULT_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""Number of channels -> the default channel order for it, by PyAV's name."""
THREADS = 0
"""0: each codec's own choice, a few more than there are processors, since threads wait for one another."""
_SANE_ASPECT = Fraction(1, 8), Fraction(8)
"""A pixel aspect ratio beyond these is an error in the file and ignored."""


@dataclass(frozen=True, kw_only=True)
class SourceVideo:
    """A video whose header was read and checked against the limits; no frame of it is decoded yet."""

    container: InputContainer
    folder: Path
    """Folder of the file, also used for lookup tables."""
    length: int
    """Size of the file in bytes."""
    video_track: VideoStream
    audio_track: AudioStream | None
    seconds: float | None
    """Duration from the header, None where it has none."""
    aspect: Fraction
    """Pixel aspect ratio: width / height of a stored pixel."""

    @property
    def video_track_seconds(self) -> Fraction | None:
        """Duration of the video track from the header, None where it has that of the whole file only."""
        track = self.video_track
        if self.container.format.name.startswith("matroska") or not track.duration or not track.time_base:
            return None
        return track.duration * track.time_base

    @property
    def codec(self) -> str:
        """Name of the video codec."""
        return self.video_track.codec_context.codec.canonical_name

    @property
    def audio_codec(self) -> str | None:
        """Name of the audio codec, None without audio."""
        return self.audio_track.codec_context.codec.canonical_name if self.audio_track else None


@contextmanager
def open_video(path: Path, content_type: str, limits: VideoLimits) -> Iterator[SourceVideo]:
    """Open a video file and check its header against the limits.

    Raises RejectedError: unsupported_type, corrupt, too_long, too_many_pixels, too_many_frames, too_many_streams.
    """
    demuxer = FORMATS.get(content_type)
    if demuxer is None:
        raise RejectedError(
            Reason.UNSUPPORTED_TYPE, f"the bytes are {content_type}; accepted are MP4, MOV, WebM and Matroska"
        )
    with decoding():
        container = av.open(str(path), "r", format=demuxer, options=_options(demuxer, limits))
    with container:
        yield _check_header(container, path, limits)


@contextmanager
def decoding() -> Iterator[None]:
    """Raise every error of a demuxer or decoder as RejectedError; the body does nothing but read and decode.

    MemoryError passes: it may be the function's fault and not the file's.
    """
    try:
        yield
    except (PipelineError, MemoryError):
        raise
    except Exception as error:
        # FFmpegError of many kinds, and what PyAV raises on unexpected values: which one depends on the file.
        # Only strerror is used: the whole text names the function's own file.
        message = error.strerror if isinstance(error, FFmpegError) else None
        why = message[0].lower() + message[1:] if message else "its data contradict each other"
        raise RejectedError(Reason.CORRUPT, f"the video cannot be decoded: {why}") from error


def _options(demuxer: str, limits: VideoLimits) -> dict[str, str]:
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm",
        "codec_whitelist": ",".join(sorted(VIDEO_DECODERS | AUDIO_DECODERS)),
        "max_streams": str(MAX_STREAMS + 1),  # one more, to recognise too many
        "max_pixels": str(limits.pixels),
    }
    # A track may refer to samples in another file: off is the default and must stay so.
    return options | ({"enable_drefs": "0", "use_absolute_path": "0"} if demuxer == "mov" else {})


def _check_header(container: InputContainer, path: Path, limits: VideoLimits) -> SourceVideo:
    if len(container.streams) > MAX_STREAMS:
        raise RejectedError(
            Reason.TOO_MANY_STREAMS,
            f"it has {len(container.streams)} tracks or more; allowed are {MAX_STREAMS}",
        )
    video = _choose_video_track(container)
    audio = _choose_audio_track(container)
    context = video.codec_context
    limits.check_picture(context.width, context.height, bytes_per_pixel(context.format))
    if audio is not None:
        _set_default_layout(audio)
    seconds = _seconds(container, video)
    if seconds is not None:
        limits.check_seconds(seconds)
        limits.check_frames(video.frames, seconds)
    video.codec_context.options = {"max_pixels": str(limits.pixels)}
    video.codec_context.thread_count = THREADS
    video.thread_type = "AUTO"
    return SourceVideo(
        container=container,
        folder=path.parent,
        length=path.stat().st_size,
        video_track=video,
        audio_track=audio,
        seconds=seconds,
        aspect=_aspect(video),
    )


def bytes_per_pixel(format_: VideoFormat | None) -> float:
    """Return the bytes that a decoded pixel of that format takes in memory."""
    return float(format_.padded_bits_per_pixel) / 8 if format_ is not None else BYTES_PER_PIXEL


def _set_default_layout(audio: AudioStream) -> None:
    """Replace a custom channel order by the default one for the number of channels.

    PyAV frees a custom order each time it is read, which every decoded frame does: that crashes the process.
    So it is read once here, and `layout` must live until the order is replaced.
    """
    context = audio.codec_context
    layout = context.layout
    name, channels = layout.name, layout.nb_channels
    if "(" not in name and not name.startswith("ambisonic"):
        return
    default = DEFAULT_LAYOUTS.get(channels)
    if default is None:
        raise RejectedError(Reason.UNSUPPORTED_TYPE, f"its sound has {channels} channels in a custom order")
    context.layout = default
    del layout


def _choose_video_track(container: InputContainer) -> VideoStream:
    """Return the track that a player would show. Raises RejectedError: unsupported_type."""
    tracks = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not tracks:
        raise RejectedError(Reason.UNSUPPORTED_TYPE, "it has no moving picture, only sound or other tracks")
    accepted = [stream for stream in tracks if _decoder(stream) in VIDEO_DECODERS]
    if not accepted:
        names = ", ".join(sorted({_decoder(stream) or "unknown" for stream in tracks}))
        raise RejectedError(
            Reason.UNSUPPORTED_TYPE, f"its picture is in a format ({names}) that is not accepted"
        )
    best = cast(VideoStream | None, container.streams.best("video"))
    return best if best in accepted else accepted[0]


def _choose_audio_track(container: InputContainer) -> AudioStream | None:
    """Return the track that a player would play, None without one. Raises RejectedError: unsupported_type."""
    tracks = list(container.streams.audio)
    accepted = [stream for stream in tracks if _decoder(stream) in AUDIO_DECODERS]
    if tracks and not accepted:
        names = ", ".join(sorted({_decoder(stream) or "unknown" for stream in tracks}))
        raise RejectedError(
            Reason.UNSUPPORTED_TYPE, f"its sound is in a format ({names}) that is not accepted"
        )
    best = cast(AudioStream | None, container.streams.best("audio"))
    return best if best in accepted else next(iter(accepted), None)


def _is_cover(stream: Stream) -> bool:
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _decoder(stream: Stream) -> str | None:
    """Return the name of a track's decoder, None where FFmpeg has none."""
    context = cast(object, stream.codec_context)
    return stream.codec_context.codec.name if context is not None else None


def _seconds(container: InputContainer, video: VideoStream) -> float | None:
    known = [container.duration / av.time_base] if container.duration else []
    if video.duration and video.time_base:
        known.append(float(video.duration * video.time_base))
    return max(known, default=None)


def _aspect(video: VideoStream) -> Fraction:
    stored = video.sample_aspect_ratio
    if not stored:
        return Fraction(1)
    aspect = Fraction(stored.numerator, stored.denominator)  # PyAV 19 has a type of its own
    return aspect if _SANE_ASPECT[0] <= aspect <= _SANE_ASPECT[1] else Fraction(1)


def nominal_frame_rate(video: VideoStream) -> float | None:
    """Return the frames per second from the header, None where it is missing or impossible."""
    for rate in (video.average_rate, video.guessed_rate):
        if rate and 0 < rate <= MAX_RATE:
            return float(rate)
    return None
