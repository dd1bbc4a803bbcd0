"""Opening an uploaded video: one demuxer, picked by the bytes, no file and no address besides the one file.

Nothing else of the pipeline hands an uploaded video's bytes to a demuxer or decoder.
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

USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""Channels -> the order of them that has no table of its own, as PyAV names it."""
THREADS = 0
"""Each codec's own choice for the machine: some more than there are processors, since threads wait for one another."""
_SANE_ASPECT = Fraction(1, 8), Fraction(8)
"""Pixels wider or higher than that are a fault of the file."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A video whose header was read and held against the limits; nothing of it is decoded for good yet."""

    container: InputContainer
    folder: Path
    """Where the file is; a place for tables, too."""
    length: int
    """Bytes of the file."""
    picture: VideoStream
    sound: AudioStream | None
    seconds: float | None
    """As the header says; None where it does not."""
    aspect: Fraction
    """Width of a pixel by its height."""

    @property
    def picture_seconds(self) -> Fraction | None:
        """How long the picture's own track lasts, as the header says; None where it tells of the whole file only."""
        track = self.picture
        if self.container.format.name.startswith("matroska") or not track.duration or not track.time_base:
            return None
        return track.duration * track.time_base

    @property
    def codec(self) -> str:
        """Name of the picture's codec."""
        return self.picture.codec_context.codec.canonical_name

    @property
    def sound_codec(self) -> str | None:
        """Name of the sound's codec, None where it has no sound."""
        return self.sound.codec_context.codec.canonical_name if self.sound else None


@contextmanager
def opened(path: Path, content_type: str, limits: VideoLimits) -> Iterator[Opened]:
    """Open a video file and look at its header.

    Raises RejectedError: unsupported_type, corrupt, too_long, too_many_pixels, too_many_frames, too_many_streams.
    """
    demuxer = FORMATS.get(content_type)
    if demuxer is None:
        raise RejectedError(
            Reason.UNSUPPORTED_TYPE, f"the bytes are {content_type}; taken are MP4, MOV, WebM and Matroska"
        )
    with decoding():
        container = av.open(str(path), "r", format=demuxer, options=_options(demuxer, limits))
    with container:
        yield _inspected(container, path, limits)


@contextmanager
def decoding() -> Iterator[None]:
    """Tell every error of a demuxer or decoder as a RejectedError; keep the body to reading and decoding alone.

    MemoryError passes: it says as much about this function as about the file.
    """
    try:
        yield
    except (PipelineError, MemoryError):
        raise
    except Exception as error:
        # FFmpegError of many kinds, and what PyAV raises on values that it did not expect: the bytes decide which.
        # Its whole text names the function's own file.
        told = error.strerror if isinstance(error, FFmpegError) else None
        why = told[0].lower() + told[1:] if told else "its data contradict each other"
        raise RejectedError(Reason.CORRUPT, f"the video cannot be decoded: {why}") from error


def _options(demuxer: str, limits: VideoLimits) -> dict[str, str]:
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm",
        "codec_whitelist": ",".join(sorted(VIDEO_DECODERS | AUDIO_DECODERS)),
        "max_streams": str(MAX_STREAMS + 1),  # one more, so that it is told apart from a broken header
        "max_pixels": str(limits.pixels),
    }
    # A track may say that its samples are in another file; off is the default, and has to stay so.
    return options | ({"enable_drefs": "0", "use_absolute_path": "0"} if demuxer == "mov" else {})


def _inspected(container: InputContainer, path: Path, limits: VideoLimits) -> Opened:
    if len(container.streams) > MAX_STREAMS:
        raise RejectedError(
            Reason.TOO_MANY_STREAMS,
            f"it has {len(container.streams)} tracks or more; allowed are {MAX_STREAMS}",
        )
    picture = _picture(container)
    sound = _sound(container)
    context = picture.codec_context
    limits.check_picture(context.width, context.height, bytes_per_pixel(context.format))
    if sound is not None:
        _name_channels(sound)
    seconds = _seconds(container, picture)
    if seconds is not None:
        limits.check_seconds(seconds)
        limits.check_frames(picture.frames, seconds)
    picture.codec_context.options = {"max_pixels": str(limits.pixels)}
    picture.codec_context.thread_count = THREADS
    picture.thread_type = "AUTO"
    return Opened(
        container=container,
        folder=path.parent,
        length=path.stat().st_size,
        picture=picture,
        sound=sound,
        seconds=seconds,
        aspect=_aspect(picture),
    )


def bytes_per_pixel(format_: VideoFormat | None) -> float:
    """What a decoded pixel of that format takes in memory."""
    return float(format_.padded_bits_per_pixel) / 8 if format_ is not None else BYTES_PER_PIXEL


def _name_channels(sound: AudioStream) -> None:
    """Give channels in an order of the file's own the usual one for their number.

    PyAV frees such an order each time that somebody looks at it, and every decoded frame does: that ends the process.
    This is the one look, and `layout` has to live until the order is replaced.
    """
    context = sound.codec_context
    layout = context.layout
    name, channels = layout.name, layout.nb_channels
    if "(" not in name and not name.startswith("ambisonic"):
        return
    usual = USUAL_LAYOUTS.get(channels)
    if usual is None:
        raise RejectedError(
            Reason.UNSUPPORTED_TYPE, f"its sound has {channels} channels in an order of its own"
        )
    context.layout = usual
    del layout


def _picture(container: InputContainer) -> VideoStream:
    """The track that a player would show."""
    tracks = [stream for stream in container.streams.video if not _is_still(stream)]
    if not tracks:
        raise RejectedError(Reason.UNSUPPORTED_TYPE, "it has no moving picture, only sound or other tracks")
    taken = [stream for stream in tracks if _decoder(stream) in VIDEO_DECODERS]
    if not taken:
        names = ", ".join(sorted({_decoder(stream) or "unknown" for stream in tracks}))
        raise RejectedError(
            Reason.UNSUPPORTED_TYPE, f"its picture is in a format ({names}) that is not taken"
        )
    best = cast(VideoStream | None, container.streams.best("video"))
    return best if best in taken else taken[0]


def _sound(container: InputContainer) -> AudioStream | None:
    """The track that a player would let hear, if there is one that can be decoded."""
    tracks = list(container.streams.audio)
    taken = [stream for stream in tracks if _decoder(stream) in AUDIO_DECODERS]
    if tracks and not taken:
        names = ", ".join(sorted({_decoder(stream) or "unknown" for stream in tracks}))
        raise RejectedError(Reason.UNSUPPORTED_TYPE, f"its sound is in a format ({names}) that is not taken")
    best = cast(AudioStream | None, container.streams.best("audio"))
    return best if best in taken else next(iter(taken), None)


def _is_still(stream: Stream) -> bool:
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _decoder(stream: Stream) -> str | None:
    """Name of a track's decoder, None where this build has none."""
    context = cast(object, stream.codec_context)
    return stream.codec_context.codec.name if context is not None else None


def _seconds(container: InputContainer, picture: VideoStream) -> float | None:
    told = [container.duration / av.time_base] if container.duration else []
    if picture.duration and picture.time_base:
        told.append(float(picture.duration * picture.time_base))
    return max(told, default=None)


def _aspect(picture: VideoStream) -> Fraction:
    told = picture.sample_aspect_ratio
    if not told:
        return Fraction(1)
    aspect = Fraction(told.numerator, told.denominator)  # PyAV 19 has a type of its own
    return aspect if _SANE_ASPECT[0] <= aspect <= _SANE_ASPECT[1] else Fraction(1)


def nominal_rate(picture: VideoStream) -> float | None:
    """Frames a second as the header has it, None where that cannot be."""
    for rate in (picture.average_rate, picture.guessed_rate):
        if rate and 0 < rate <= MAX_RATE:
            return float(rate)
    return None
