"""Open an uploaded video: one demuxer, chosen from the bytes, that reads no other file and no URL.

No other module hands the bytes of an uploaded video to a demuxer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
from media_pipeline.limits import MEBIBYTE
from media_pipeline.videos.alpha_track import AlphaTrack, alpha_track
from media_pipeline.videos.bounded_memory import bounded
from media_pipeline.videos.dolby_vision import has_many_tracks, read_records
from media_pipeline.videos.hevc_alpha import HevcAlpha, hevc_alpha
from media_pipeline.videos.overhead import READING_SECONDS, Overhead
from media_pipeline.videos.packet_times import PacketTimes
from media_pipeline.videos.video_limits import (
    AUDIO_DECODERS,
    BYTES_PER_PIXEL,
    FORMATS,
    LARGE_FRAME,
    MAX_RATE,
    MAX_STREAMS,
    VIDEO_DECODERS,
    VideoLimits,
)

DEFAULT_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""Number of channels -> the default channel order for it, by PyAV's name."""
THREADS = 0
"""0: each codec's own choice, a few more than there are processors, since threads wait for one another."""
_THREADS_OF_LARGE_FRAMES = 2
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
    dropped_audio: str | None
    """Why the published video has no sound although this one has: the codecs or channels that are not accepted."""
    seconds: float | None
    """Duration from the header, None where it has none."""
    end: float | None
    """Seconds on the file's own clock at which it ends, from the header; None where it has no duration."""
    aspect: Fraction
    """Pixel aspect ratio: width / height of a stored pixel, as the header has it."""
    coded_aspect: Fraction
    """The same as the codec's own header has it."""
    alpha: AlphaTrack | None
    """What decodes the transparency of VP8 and VP9."""
    hevc_alpha: HevcAlpha | None
    """What checks that the transparency of HEVC is decoded."""
    overhead: Overhead
    """What the video takes beside its pictures and its sound."""
    times: PacketTimes = field(default_factory=PacketTimes)
    """The times of the packets that were read so far."""

    @property
    def video_track_seconds(self) -> Fraction | None:
        """Duration of the video track from the header, None where it has that of the whole file only."""
        track = self.video_track
        if _is_matroska(self.container) or not track.duration or not track.time_base:
            return None
        return track.duration * track.time_base

    def current_aspect(self) -> Fraction:
        """Return the pixel aspect ratio of the frames decoded last: a stream may change it in the middle."""
        coded = _sane_aspect(self.video_track.codec_context.sample_aspect_ratio)
        return self.aspect if coded == self.coded_aspect else coded

    @property
    def codec(self) -> str:
        """Name of the video codec."""
        return self.video_track.codec_context.codec.canonical_name

    @property
    def audio_codec(self) -> str | None:
        """Name of the audio codec, None without audio."""
        return self.audio_track.codec_context.codec.canonical_name if self.audio_track else None


@contextmanager
def open_video(
    path: Path, content_type: str, limits: VideoLimits, overhead: Overhead | None = None
) -> Iterator[SourceVideo]:
    """Open a video file and check its header against the limits; `overhead` is that of an earlier pass over it.

    Raises RejectedError: unsupported_type, corrupt, too_long, too_many_pixels, too_many_frames, too_many_streams,
    resource_exhausted; OutOfTimeError where the machine stood still.
    """
    overhead = overhead or Overhead(limits)
    demuxer = FORMATS.get(content_type)
    if demuxer is None:
        raise RejectedError(
            Reason.UNSUPPORTED_TYPE, f"the bytes are {content_type}; accepted are MP4, MOV, WebM and Matroska"
        )
    with _opened(path, demuxer, limits, overhead) as container:
        _refuse_dolby_vision(path, demuxer)
        source = _inspect(container, path, limits, overhead)
        if source.seconds is not None and source.seconds > limits.seconds and _is_matroska(container):
            # Its duration counts from 0, its clock may begin later: where, the first packet knows for certain.
            source = replace(source, seconds=source.seconds - _first_time(path, demuxer, limits, overhead))
        if source.seconds is not None:
            limits.check_seconds(source.seconds)
            limits.check_frames(source.video_track.frames, source.seconds)
        yield source


def _opened(path: Path, demuxer: str, limits: VideoLimits, overhead: Overhead) -> InputContainer:
    """Open a file: tables of its header may be millions of lines long in a few bytes, and are all kept in memory.

    Raises RejectedError (corrupt, too_many_streams, resource_exhausted), OutOfTimeError.
    """
    options = _options(demuxer, limits)
    try:
        with overhead.opening() as seconds, decoding(), bounded(limits.header_memory):
            return av.open(
                str(path), "r", format=demuxer, options=options, timeout=(seconds, READING_SECONDS)
            )
    except MemoryError as error:
        # FFmpeg says the same of tracks beyond `max_streams` of an MP4 file.
        if demuxer == "mov" and has_many_tracks(path, MAX_STREAMS):
            raise _too_many_streams() from error
        raise RejectedError(
            Reason.RESOURCE_EXHAUSTED,
            f"its header takes more than {limits.header_memory / MEBIBYTE:,.0f} MB to read:"
            " it has too many tracks, pictures, attachments or entries in its tables",
        ) from error


def _too_many_streams() -> RejectedError:
    return RejectedError(
        Reason.TOO_MANY_STREAMS, f"it has more than the {MAX_STREAMS} tracks that are allowed"
    )


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


def _refuse_dolby_vision(path: Path, demuxer: str) -> None:
    for configuration in read_records(path, demuxer):
        if not configuration.has_compatible_base:
            raise RejectedError(
                Reason.UNSUPPORTED_TYPE,
                f"its picture is {configuration.name}, which has no base that other decoders can show;"
                " export it as HDR10, HLG or SDR, or as profile 8.1 or 8.4",
            )


def _inspect(container: InputContainer, path: Path, limits: VideoLimits, overhead: Overhead) -> SourceVideo:
    if len(container.streams) > MAX_STREAMS:
        raise _too_many_streams()
    video = _choose_video_track(container)
    audio, dropped = _choose_audio_track(container)
    context = video.codec_context
    of_pixel = bytes_per_pixel(context.format)
    limits.check_picture(context.width, context.height, of_pixel)
    is_large = context.width * context.height * of_pixel > LARGE_FRAME
    seconds = _seconds(container, video)
    video.codec_context.options = {"max_pixels": str(limits.pixels)}
    video.codec_context.thread_count = _THREADS_OF_LARGE_FRAMES if is_large else THREADS
    video.thread_type = "AUTO"
    return SourceVideo(
        container=container,
        folder=path.parent,
        length=path.stat().st_size,
        video_track=video,
        audio_track=audio,
        dropped_audio=dropped,
        seconds=seconds,
        end=_end(container),
        aspect=_sane_aspect(video.sample_aspect_ratio),
        coded_aspect=_sane_aspect(context.sample_aspect_ratio),
        alpha=alpha_track(video, limits.pixels),
        hevc_alpha=hevc_alpha(video),
        overhead=overhead,
    )


def bytes_per_pixel(format_: VideoFormat | None) -> float:
    """Return the bytes that a decoded pixel of that format takes in memory."""
    return float(format_.padded_bits_per_pixel) / 8 if format_ is not None else BYTES_PER_PIXEL


def _set_default_layout(audio: AudioStream) -> str | None:
    """Replace a custom channel order by the default one for the number of channels; return it where there is none.

    PyAV frees a custom order each time it is read, which every decoded frame does: that crashes the process.
    So it is read once here, and `layout` must live until the order is replaced.
    """
    context = audio.codec_context
    layout = context.layout
    name, channels = layout.name, layout.nb_channels
    if "(" not in name and not name.startswith("ambisonic"):
        return None
    default = DEFAULT_LAYOUTS.get(channels)
    if default is None:
        return f"{channels} channels in a custom order"
    context.layout = default
    del layout
    return None


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


def _choose_audio_track(container: InputContainer) -> tuple[AudioStream | None, str | None]:
    """Return the track that a player would play; or None, and why there is sound that cannot be published."""
    tracks = list(container.streams.audio)
    accepted = [stream for stream in tracks if _decoder(stream) in AUDIO_DECODERS]
    if not accepted:
        return None, ", ".join(sorted({_decoder(stream) or "unknown" for stream in tracks})) or None
    best = cast(AudioStream | None, container.streams.best("audio"))
    audio = best if best in accepted else accepted[0]
    unusable = _set_default_layout(audio)
    return (None, unusable) if unusable else (audio, None)


def _is_cover(stream: Stream) -> bool:
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _decoder(stream: Stream) -> str | None:
    """Return the name of a track's decoder, None where FFmpeg has none."""
    context = cast(object, stream.codec_context)
    return stream.codec_context.codec.name if context is not None else None


def _is_matroska(container: InputContainer) -> bool:
    return container.format.name.startswith("matroska")


def _end(container: InputContainer) -> float | None:
    return container.duration / av.time_base if container.duration else None


def _seconds(container: InputContainer, video: VideoStream) -> float | None:
    known = [_end(container)]
    if video.duration and video.time_base:
        known.append(float(video.duration * video.time_base))
    return max((seconds for seconds in known if seconds is not None), default=None)


def _first_time(path: Path, demuxer: str, limits: VideoLimits, overhead: Overhead) -> float:
    """Return the time in seconds of the first packet, 0 where none has one."""
    with _opened(path, demuxer, limits, overhead) as container, overhead.search(), decoding():
        for packet in container.demux():
            if packet.pts is not None and packet.time_base:
                return float(packet.pts * packet.time_base)
    return 0.0


def _sane_aspect(stored: Fraction | None) -> Fraction:
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
