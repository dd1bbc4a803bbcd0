"""The frames that are judged, as pictures: read back from the video that will be published."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from media_pipeline.errors import FailedError, Reason
from media_pipeline.images.sizes import Colour
from media_pipeline.videos.filter_graphs import MATRICES, TICK
from media_pipeline.videos.frames import FrameConverter
from media_pipeline.videos.packets import decode, packets
from media_pipeline.videos.scenes import TimedFrame
from media_pipeline.videos.source import THREADS, SourceVideo
from media_pipeline.videos.transcoding import ProgressCallback, TranscodedVideo
from media_pipeline.videos.video_limits import VideoLimits

FAIR_CONTRAST = 0.6
"""Share of the largest contrast among the judged frames: the first frame with as much is the poster."""
_HALF_TICK = TICK / 2


@dataclass(frozen=True)
class JudgedFrame:
    """One frame to judge: its time in seconds and its picture in RGB."""

    time: float
    picture: Image.Image


def choose_poster(frames: Sequence[TimedFrame], chosen: Sequence[int]) -> int:
    """Return the number of the chosen frame that becomes the poster."""
    contrasts = {number: frames[number].fingerprint.contrast for number in chosen}
    enough = FAIR_CONTRAST * max(contrasts.values())
    return next(number for number in chosen if contrasts[number] >= enough)


def from_published(
    transcoded: TranscodedVideo, chosen: Sequence[int], on_progress: ProgressCallback
) -> Iterator[JudgedFrame]:
    """Read the chosen frames, in order, back from the published file.

    Raises FailedError if one is missing: the pipeline wrote that file itself.
    """
    with av.open(str(transcoded.path), "r", format="mp4") as container:
        track = container.streams.video[0]
        track.thread_type = "AUTO"
        track.codec_context.thread_count = THREADS
        read = container.decode(track)
        position = Fraction(-1)
        for number in chosen:
            wanted = Fraction(transcoded.frames[number].time)
            starts = [time for time in transcoded.keyframes if time <= wanted + _HALF_TICK]
            if any(position < time for time in starts):
                container.seek(int((wanted + _HALF_TICK) / _base(track)), stream=track)
                read = container.decode(track)
            frame = _next_at(read, wanted, on_progress)
            # With uneven times a seek may lead too far: then start from an earlier keyframe.
            while frame is None and starts:
                container.seek(int(starts.pop() / _base(track)), stream=track)
                frame = _next_at(container.decode(track), wanted, on_progress)
            if frame is None:
                raise FailedError(
                    Reason.PROXY_REFUSED,
                    f"the published file has no frame at {float(wanted):.3f} s, which was to be judged",
                )
            position = wanted
            yield JudgedFrame(transcoded.frames[number].time, _rgb(frame))


def from_source(
    source: SourceVideo,
    transcoded: TranscodedVideo,
    chosen: Sequence[int],
    *,
    lines: int,
    background: Colour,
    limits: VideoLimits,
    on_progress: ProgressCallback,
) -> Iterator[JudgedFrame]:
    """Convert the chosen frames, in order, once more from the original in colour, where published ones are grey.

    Raises RejectedError, and FailedError if the frames differ from those of the first pass.
    """
    converter = FrameConverter(source, limits, lines=lines, grey=False, background=background)
    wanted = list(chosen)
    count = 0
    for frame in _all(source, converter, on_progress):
        if wanted and count == wanted[0]:
            yield JudgedFrame(transcoded.frames[wanted.pop(0)].time, _rgb(frame))
        count += 1
    if wanted or count != len(transcoded.frames):
        raise FailedError(Reason.PROXY_REFUSED, "the frames to judge are not those that would be published")


def _all(
    source: SourceVideo, converter: FrameConverter, on_progress: ProgressCallback
) -> Iterator[VideoFrame]:
    for packet, done in packets(source, [source.video_track]):
        on_progress(done)
        frames, _ = decode(source, packet)
        yield from converter.convert(frames)
    yield from converter.flush()


def _next_at(
    read: Iterator[VideoFrame], wanted: Fraction, on_progress: ProgressCallback
) -> VideoFrame | None:
    for frame in read:
        on_progress(1.0)
        if frame.pts is not None and frame.time_base:
            time = frame.pts * frame.time_base
            if abs(time - wanted) <= _HALF_TICK:
                return frame
            if time > wanted:
                break
    return None


def _base(track: VideoStream) -> Fraction:
    if not track.time_base:
        raise AssertionError("a track of MP4 always has a time base")
    return Fraction(track.time_base.numerator, track.time_base.denominator)


def _rgb(frame: VideoFrame) -> Image.Image:
    """Return a frame of limited range, as all published ones are, in RGB."""
    is_601 = int(frame.colorspace) == MATRICES["smpte170m"]
    picture: Image.Image = frame.to_image(  # type: ignore[no-untyped-call] # PyAV leaves it so
        src_colorspace="ITU601" if is_601 else "ITU709", src_color_range="MPEG", dst_color_range="JPEG"
    )
    return picture
