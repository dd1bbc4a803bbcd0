"""Conversion of decoded frames to published ones: scaled, upright, in the web's colours, at their own times."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from av.audio.frame import AudioFrame
from av.filter import Graph
from av.video.frame import VideoFrame

from media_pipeline.videos import colour_conversion
from media_pipeline.videos.geometry import Geometry, fitted, turn_of, upright
from media_pipeline.videos.source import THREADS, SourceVideo, bytes_per_pixel, decoding
from media_pipeline.videos.video_limits import VideoLimits

TICK = Fraction(1, 90_000)
"""Time base of the published video in seconds: fine enough for 1/24, 1/30 and 1/29.97 s."""
MIN_FRAME_DISTANCE = Fraction(1, 80)
"""Seconds between two frames: above 60 frames a second some are dropped; a jittery clock costs none of 60."""
_BT709, _BT601 = "bt709", "smpte170m"
MATRICES = {_BT709: 1, _BT601: 6}
"""Published colour matrices -> their numbers in ITU-T H.273."""
_UNSPECIFIED = 2  # of colour matrix, primaries and transfer, in H.273
_BT601_MATRICES = (5, 6)
_CONSTANT_LUMINANCE, _BT2020 = 10, 9
_SUPPORTED_MATRICES = frozenset({0, 1, _UNSPECIFIED, 4, *_BT601_MATRICES, 7, _BT2020})
"""Colour matrices that libswscale can read."""
_HIGH_DEFINITION = 720  # lines from which untagged video is BT.709, as players assume


class FrameConverter:
    """Converts decoded frames; with `grey` colour is removed."""

    def __init__(self, source: SourceVideo, limits: VideoLimits, *, lines: int, grey: bool) -> None:
        self._source = source
        self._limits = limits
        self._lines = lines
        self._grey = grey
        self._graph: Graph | None = None
        self._graph_input: tuple[object, ...] = ()
        self._geometry: Geometry | None = None
        self._last_time: Fraction | None = None
        self._held_back: tuple[VideoFrame, Fraction] | None = None
        self._interlaced = False
        self.matrix = _BT709
        """Colour matrix of the published video; known after the first frame."""
        self.first: Fraction | None = None
        """Time of the source's first frame in seconds on the source's clock: 0 in the published video."""
        self.original = (0, 0)
        """Width and height of the source's first frame as a player shows it, in square pixels."""
        self.decoded = 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the published video; known after the first frame."""
        if self._geometry is None:
            raise AssertionError("no frame was converted yet")
        return self._geometry.shown

    def convert(self, frames: list[VideoFrame]) -> Iterator[VideoFrame]:
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
            if self._last_time is not None and time - self._last_time < MIN_FRAME_DISTANCE:
                if time - self._last_time > TICK:
                    self._held_back = frame, time  # it is published if no other frame follows soon
                continue
            yield from self._release_held_back(time)
            self._last_time = time
            yield from self._filter(frame, time)

    def flush(self) -> Iterator[VideoFrame]:
        """Yield the frames that are left at the end."""
        yield from self._release_held_back(None)
        if self._graph is not None:
            yield from self._drain(self._graph)

    def _release_held_back(self, next_time: Fraction | None) -> Iterator[VideoFrame]:
        """Yield the frame that soon followed another, if it is shown long enough until the next one or the end."""
        if self._held_back is None:
            return
        frame, time = self._held_back
        self._held_back = None
        seconds = self._seconds(frame, time) if next_time is None else next_time - time
        if seconds >= MIN_FRAME_DISTANCE:
            self._last_time = time
            yield from self._filter(frame, time)

    def _time(self, frame: VideoFrame) -> Fraction:
        """Return the seconds since the first frame; a frame without a time follows the previous one."""
        if frame.pts is None or not frame.time_base:
            return (self._last_time or Fraction(0)) + 2 * MIN_FRAME_DISTANCE
        time = frame.pts * frame.time_base
        if self.first is None:
            self.first = time
        return time - self.first

    def _seconds(self, frame: VideoFrame, time: Fraction) -> Fraction:
        """Return how long a frame is shown, 0 where it is unknown. Only the last frame's matters."""
        seconds = frame.duration * frame.time_base if frame.duration and frame.time_base else Fraction(0)
        announced = self._source.video_track_seconds
        if announced is None:
            return seconds
        # In MP4 durations follow the order of decoding: the last frame shown may carry another frame's.
        left = announced - time
        return min(seconds, left) if left > 0 else seconds

    def _filter(self, frame: VideoFrame, time: Fraction) -> Iterator[VideoFrame]:
        previous = self._graph
        with decoding():
            graph = self._graph_for(frame)
        if previous is not None and graph is not previous:
            yield from self._drain(previous)
        with decoding():
            seconds = self._seconds(frame, time)
            frame.pts, frame.duration, frame.time_base = round(time / TICK), round(seconds / TICK), TICK
            graph.vpush(frame)
        yield from self._available(graph)

    def _drain(self, graph: Graph) -> Iterator[VideoFrame]:
        with decoding():
            graph.vpush(None)
        yield from self._available(graph)

    def _available(self, graph: Graph) -> Iterator[VideoFrame]:
        while (converted := pull(graph)) is not None:
            if isinstance(converted, VideoFrame):
                converted.pict_type = 0  # the encoder chooses the keyframes
                yield converted

    def _graph_for(self, frame: VideoFrame) -> Graph:
        """Return the filter graph for frames like this one: a stream may change its size in the middle."""
        self._interlaced = self._interlaced or frame.interlaced_frame  # mixed video is filtered as interlaced
        if int(frame.colorspace) not in _SUPPORTED_MATRICES:
            constant = int(frame.colorspace) == _CONSTANT_LUMINANCE
            frame.colorspace = _BT2020 if constant else _UNSPECIFIED  # the nearest to it, or untagged
        graph_input = (
            frame.width,
            frame.height,
            frame.format.name,
            int(frame.colorspace),
            int(frame.color_range),
            int(frame.color_primaries),
            int(frame.color_trc),
            self._interlaced,
        )
        if self._graph is None or graph_input != self._graph_input:
            self._limits.check_picture(frame.width, frame.height, bytes_per_pixel(frame.format))
            stored = (frame.width, frame.height, self._source.aspect, turn_of(_display_matrix(frame)))
            geometry = fitted(*stored, self._lines)
            if self._geometry is None:
                self._geometry, self.original = geometry, upright(*stored)
                self.matrix = _published_matrix(frame)
            self._graph, self._graph_input = self._build_graph(frame, geometry.turn), graph_input
        return self._graph

    def _build_graph(self, frame: VideoFrame, turn: tuple[str, ...]) -> Graph:
        graph = Graph()
        primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
        wide = colour_conversion.is_wide(primaries, transfer)
        # The encoder's threads keep all processors busy, so more here would only wait; the table is expensive.
        graph.threads = THREADS if wide else 1
        width, height = self.size
        if any(step.startswith("transpose") for step in turn):
            width, height = height, width
        known = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={TICK}"
        colours = f"colorspace={int(frame.colorspace)}:range={int(frame.color_range)}"
        nodes = [graph.add("buffer", f"{known}:pixel_aspect=1/1:{colours}")]
        if self._interlaced:
            nodes.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
            nodes.append(graph.add("settb", str(TICK)))  # bwdif halves the time base
        scaled = f"{width}:{height}:flags=bicubic:in_color_matrix={_source_matrix(frame)}"
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


def pull(graph: Graph) -> VideoFrame | AudioFrame | None:
    """Return the next frame that a filter graph has ready, None where it needs more input first.

    Raises RejectedError: corrupt.
    """
    with decoding():
        try:
            return graph.pull()
        except (BlockingIOError, EOFError):
            return None


def _published_matrix(frame: VideoFrame) -> str:
    """Return the source's matrix where the web supports it: converting it would only cost."""
    if colour_conversion.is_wide(int(frame.color_primaries), int(frame.color_trc)):
        return _BT709
    is_601 = int(frame.colorspace) in _BT601_MATRICES or _source_matrix(frame) == _BT601
    return _BT601 if is_601 else _BT709


def _source_matrix(frame: VideoFrame) -> str:
    """Return libswscale's name for a frame's matrix: where it is untagged, the one that players assume."""
    if int(frame.colorspace) != _UNSPECIFIED:
        return "auto"
    return _BT709 if frame.height >= _HIGH_DEFINITION else _BT601


def _display_matrix(frame: VideoFrame) -> bytes | None:
    side_data: Any = frame.side_data.get("DISPLAYMATRIX")
    return bytes(side_data) if side_data is not None else None
