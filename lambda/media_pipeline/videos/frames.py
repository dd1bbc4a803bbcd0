"""From decoded frames to frames as they are published: scaled, turned, in the web's colours, at their own times."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from av.audio.frame import AudioFrame
from av.filter import Graph
from av.video.frame import VideoFrame

from media_pipeline.videos import colour_conversion
from media_pipeline.videos.geometry import Geometry, fitted, turn_of, upright
from media_pipeline.videos.source import THREADS, Opened, bytes_per_pixel, decoding
from media_pipeline.videos.video_limits import VideoLimits

TICK = Fraction(1, 90_000)
"""Unit of published time stamps: fine enough for 1/24 and 1/30 as for 1/29.97 s."""
LEAST_DISTANCE = Fraction(1, 80)
"""Seconds between two frames: of more than 60 a second some are left out; a clock that jitters costs none of 60."""
_BT709, _BT601 = "bt709", "smpte170m"
MATRICES = {_BT709: 1, _BT601: 6}
"""Colour matrices that are published -> their numbers in ITU-T H.273."""
_UNKNOWN = 2  # colour space, primaries and transfer that nobody told
_OF_BT601 = (5, 6)
_CONSTANT_LUMINANCE, _BT2020 = 10, 9
_READABLE = frozenset({0, 1, _UNKNOWN, 4, *_OF_BT601, 7, _BT2020})
"""Colour matrices that the scaler knows."""
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
        self._near: tuple[VideoFrame, Fraction] | None = None
        self._interlaced = False
        self.matrix = _BT709
        """The colour matrix of what is published; known once there was a frame."""
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
            if time < 0:
                continue
            if self._is_near(time):
                if self._last is not None and time - self._last > TICK:
                    self._near = frame, time  # it counts where no other follows soon
                continue
            yield from self._near_one(time)
            self._last = time
            yield from self._filtered(frame, time)

    def rest(self) -> Iterator[VideoFrame]:
        """Yield what is left at the end."""
        yield from self._near_one(None)
        if self._graph is not None:
            yield from self._drained(self._graph)

    def _is_near(self, time: Fraction) -> bool:
        return self._last is not None and time - self._last < LEAST_DISTANCE

    def _near_one(self, following: Fraction | None) -> Iterator[VideoFrame]:
        """Yield the frame that came soon after another, if it stays until the following one; at the end, as it says."""
        if self._near is None:
            return
        frame, time = self._near
        self._near = None
        stays = self._seconds(frame, time) if following is None else following - time
        if stays >= LEAST_DISTANCE:
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
        announced = self._source.picture_seconds
        if announced is None:
            return seconds
        # In MP4 a sample's duration counts in the order of decoding: the last one shown may have another's.
        left = announced - time
        return min(seconds, left) if left > 0 else seconds

    def _filtered(self, frame: VideoFrame, time: Fraction) -> Iterator[VideoFrame]:
        old = self._graph
        with decoding():
            graph = self._graph_for(frame)
        if old is not None and graph is not old:
            yield from self._drained(old)
        with decoding():
            seconds = self._seconds(frame, time)
            frame.pts, frame.duration, frame.time_base = round(time / TICK), round(seconds / TICK), TICK
            graph.vpush(frame)
        yield from self._ready(graph)

    def _drained(self, graph: Graph) -> Iterator[VideoFrame]:
        with decoding():
            graph.vpush(None)
        yield from self._ready(graph)

    def _ready(self, graph: Graph) -> Iterator[VideoFrame]:
        while (made := pulled(graph)) is not None:
            if isinstance(made, VideoFrame):
                made.pict_type = 0  # which frames are whole is for the encoder to say
                yield made

    def _graph_for(self, frame: VideoFrame) -> Graph:
        """The chain for frames like this one: streams may change their size in the middle."""
        self._interlaced = self._interlaced or frame.interlaced_frame  # films of both take the way of both
        if int(frame.colorspace) not in _READABLE:
            constant = int(frame.colorspace) == _CONSTANT_LUMINANCE
            frame.colorspace = _BT2020 if constant else _UNKNOWN  # nearest to it, or as if nothing was told
        seen = (
            frame.width,
            frame.height,
            frame.format.name,
            int(frame.colorspace),
            int(frame.color_range),
            int(frame.color_primaries),
            int(frame.color_trc),
            self._interlaced,
        )
        if self._graph is None or seen != self._seen:
            self._limits.check_picture(frame.width, frame.height, bytes_per_pixel(frame.format))
            stored = (frame.width, frame.height, self._source.aspect, turn_of(_matrix(frame)))
            geometry = fitted(*stored, self._lines)
            if self._shape is None:
                self._shape, self.original = geometry, upright(*stored)
                self.matrix = _published_matrix(frame)
            self._graph, self._seen = self._build(frame, geometry.turn), seen
        return self._graph

    def _build(self, frame: VideoFrame, turn: tuple[str, ...]) -> Graph:
        graph = Graph()
        primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
        wide = colour_conversion.is_wide(primaries, transfer)
        # The encoder's threads have work for all processors, so that more here only wait; but a table is dear.
        graph.threads = THREADS if wide else 1
        width, height = self.size
        if any(step.startswith("transpose") for step in turn):
            width, height = height, width
        known = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={TICK}"
        colours = f"colorspace={int(frame.colorspace)}:range={int(frame.color_range)}"
        nodes = [graph.add("buffer", f"{known}:pixel_aspect=1/1:{colours}")]
        if self._interlaced:
            nodes.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
            nodes.append(graph.add("settb", str(TICK)))  # it counts in halves
        scaled = f"{width}:{height}:flags=bicubic:in_color_matrix={_matrix_of(frame)}"
        wanted = f"out_color_matrix={self.matrix}:out_range=tv"
        if wide:
            table = self._source.folder / f"colours-{primaries}-{transfer}.cube"
            colour_conversion.write_table(table, primaries, transfer)
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
        tags = f"range=tv:color_primaries={_BT709}:color_trc={_BT709}:colorspace={self.matrix}"
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


def _published_matrix(frame: VideoFrame) -> str:
    """The matrix of the source where the web knows it: to change it would only cost."""
    if colour_conversion.is_wide(int(frame.color_primaries), int(frame.color_trc)):
        return _BT709
    is_601 = int(frame.colorspace) in _OF_BT601 or _matrix_of(frame) == _BT601
    return _BT601 if is_601 else _BT709


def _matrix_of(frame: VideoFrame) -> str:
    """How a frame's colours are to be read: as players do where nothing is told."""
    if int(frame.colorspace) != _UNKNOWN:
        return "auto"
    return _BT709 if frame.height >= _HIGH_DEFINITION else _BT601


def _matrix(frame: VideoFrame) -> bytes | None:
    side_data: Any = frame.side_data.get("DISPLAYMATRIX")
    return bytes(side_data) if side_data is not None else None
