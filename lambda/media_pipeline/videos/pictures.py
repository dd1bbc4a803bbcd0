"""From decoded frames to frames as they are published: scaled, turned, in the web's colours, at their own times."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from av.audio.frame import AudioFrame
from av.filter import Graph
from av.video.frame import VideoFrame

from media_pipeline.videos import tones
from media_pipeline.videos.geometry import Geometry, fitted, turn_of, upright
from media_pipeline.videos.limits import VideoLimits
from media_pipeline.videos.opening import THREADS, Opened, decoding

TICK = Fraction(1, 90_000)
"""Unit of published time stamps: fine enough for 1/24 and 1/30 as for 1/29.97 s."""
LEAST_DISTANCE = Fraction(1, 80)
"""Seconds between two frames: of more than 60 a second some are left out; a clock that jitters costs none of 60."""
_BT709, _BT601 = "bt709", "smpte170m"
_UNKNOWN = 2  # colour space, primaries and transfer that nobody told
_FULL_RANGE = 2
_HIGH_DEFINITION = 720  # lines from which untagged video is BT.709, as players take it


class Pictures:
    """Turns decoded frames into published ones. `grey` drops the colour."""

    def __init__(self, source: Opened, limits: VideoLimits, *, lines: int, grey: bool) -> None:
        self._source = source
        self._limits = limits
        self._lines = lines
        self._grey = grey
        self._graph: Graph | None = None
        self._seen: tuple[object, ...] = ()
        self._shape: Geometry | None = None
        self._offset = Fraction(0)
        self._last: Fraction | None = None
        self.first: Fraction | None = None
        """When the source's first frame appears, on the source's clock in seconds: 0 on the published one."""
        self.original = (0, 0)
        """Width and height of the source's first frame as a player shows it, in square pixels."""
        self.decoded = 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as published; known once there was a frame."""
        if self._shape is None:
            raise AssertionError("no frame was seen yet")
        return self._shape.shown

    def made_of(self, frames: list[VideoFrame]) -> Iterator[VideoFrame]:
        """Yield the published frames of some decoded ones, in yuv420p with times in ticks.

        Raises RejectedError: corrupt, too_long, too_many_pixels, too_many_frames.
        """
        for frame in frames:
            time = self._time(frame)
            self.decoded += 1
            self._limits.check_frames(self.decoded, float(time))
            self._limits.check_seconds(float(time))
            if time < 0 or (self._last is not None and time - self._last < LEAST_DISTANCE):
                continue
            self._last = time
            yield from self._filtered(frame, time)

    def _time(self, frame: VideoFrame) -> Fraction:
        """Seconds since the first frame; a frame without a time follows the one before."""
        if frame.pts is None or not frame.time_base:
            return (self._last or Fraction(0)) + 2 * LEAST_DISTANCE
        time = frame.pts * frame.time_base
        if self.first is None:
            self.first = time
        return time - self.first

    def _seconds(self, frame: VideoFrame, time: Fraction) -> Fraction:
        """How long a frame is shown; 0 where nobody says. It matters for the last one only."""
        seconds = frame.duration * frame.time_base if frame.duration and frame.time_base else Fraction(0)
        track = self._source.picture
        if not track.duration or not track.time_base:
            return seconds
        # In MP4 a sample's duration counts in the order of decoding: the last one shown may have another's.
        left = track.duration * track.time_base - time
        return min(seconds, left) if left > 0 else seconds

    def _filtered(self, frame: VideoFrame, time: Fraction) -> Iterator[VideoFrame]:
        with decoding():
            graph = self._graph_for(frame)
            seconds = self._seconds(frame, time)
            frame.pts, frame.duration, frame.time_base = round(time / TICK), round(seconds / TICK), TICK
            graph.vpush(frame)
        while (made := pulled(graph)) is not None:
            if isinstance(made, VideoFrame):
                made.pict_type = 0  # which frames are whole is for the encoder to say
                yield made

    def _graph_for(self, frame: VideoFrame) -> Graph:
        """The chain for frames like this one: streams may change their size in the middle."""
        seen = (
            frame.width,
            frame.height,
            frame.format.name,
            int(frame.colorspace),
            int(frame.color_range),
            int(frame.color_primaries),
            int(frame.color_trc),
        )
        if self._graph is None or seen != self._seen:
            self._limits.check_picture(frame.width, frame.height)
            stored = (frame.width, frame.height, self._source.aspect, turn_of(_matrix(frame)))
            geometry = fitted(*stored, self._lines)
            if self._shape is None:
                self._shape, self.original = geometry, upright(*stored)
            self._graph, self._seen = self._build(frame, geometry.turn), seen
        return self._graph

    def _build(self, frame: VideoFrame, turn: tuple[str, ...]) -> Graph:
        graph = Graph()
        graph.threads = 1  # the encoder's threads have work for all processors; more here only wait
        width, height = self.size
        if any(step.startswith("transpose") for step in turn):
            width, height = height, width
        known = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={TICK}"
        colours = f"colorspace={int(frame.colorspace)}:range={int(frame.color_range)}"
        nodes = [graph.add("buffer", f"{known}:pixel_aspect=1/1:{colours}")]
        if frame.interlaced_frame:
            nodes.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
        scaled = f"{width}:{height}:flags=bicubic:in_color_matrix={_matrix_of(frame)}"
        wanted = f"out_color_matrix={_BT709}:out_range=tv"
        primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
        if tones.is_wide(primaries, transfer):
            graph.threads = THREADS  # but this is dear
            table = self._source.folder / f"colours-{primaries}-{transfer}.cube"
            tones.write_table(table, primaries, transfer)
            nodes += [graph.add("scale", scaled), graph.add("format", "gbrp12le")]
            nodes += [graph.add("lut3d", file=str(table)), graph.add("scale", wanted)]
        else:
            nodes.append(graph.add("scale", f"{scaled}:{wanted}"))
        for step in turn:
            name, _, argument = step.partition("=")
            nodes.append(graph.add(name, argument or None))
        nodes.append(graph.add("format", "yuv420p"))
        if self._grey:
            nodes.append(graph.add("lutyuv", "u=128:v=128"))
        tags = f"range=tv:color_primaries={_BT709}:color_trc={_BT709}:colorspace={_BT709}"
        nodes += [graph.add("setparams", tags), graph.add("buffersink")]
        graph.link_nodes(*nodes).configure()
        return graph


def pulled(graph: Graph) -> VideoFrame | AudioFrame | None:
    """Take what a chain of filters has ready, None where it wants more first."""
    with decoding():
        try:
            return graph.pull()
        except (BlockingIOError, EOFError):
            return None


def _matrix_of(frame: VideoFrame) -> str:
    """How a frame's colours are to be read: as players do where nothing is told."""
    if int(frame.colorspace) != _UNKNOWN:
        return "auto"
    return _BT709 if frame.height >= _HIGH_DEFINITION else _BT601


def _matrix(frame: VideoFrame) -> bytes | None:
    side_data: Any = frame.side_data.get("DISPLAYMATRIX")
    return bytes(side_data) if side_data is not None else None
