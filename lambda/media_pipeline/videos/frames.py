"""Conversion of decoded frames to published ones: scaled, upright, in the web's colours, at their own times."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from av.filter import Graph
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import VideoFrame

from media_pipeline.images.sizes import Colour
from media_pipeline.videos.filter_graphs import (
    TICK,
    Output,
    build,
    published_matrix,
    pull,
    set_supported_matrix,
)
from media_pipeline.videos.geometry import fitted, fitted_into, turn_of, upright
from media_pipeline.videos.source import SourceVideo, bytes_per_pixel, decoding
from media_pipeline.videos.video_limits import VideoLimits

MIN_FRAME_DISTANCE = Fraction(1, 80)
"""Seconds between two frames: above 60 frames a second some are dropped; a jittery clock costs none of 60."""


class FrameConverter:
    """Converts decoded frames; with `grey` colour is removed, `background` is what transparent frames lie on."""

    def __init__(
        self, source: SourceVideo, limits: VideoLimits, *, lines: int, grey: bool, background: Colour
    ) -> None:
        self._source = source
        self._limits = limits
        self._lines = lines
        self._grey = grey
        self._background = background
        self._graph: Graph | None = None
        self._graph_input: tuple[object, ...] = ()
        self._output: Output | None = None
        self._last_time: Fraction | None = None
        self._held_back: tuple[VideoFrame, Fraction] | None = None
        self._interlaced = False
        self.first: Fraction | None = None
        """Time of the source's first frame in seconds on the source's clock: 0 in the published video."""
        self.original = (0, 0)
        """Width and height of the source's first frame as a player shows it, in square pixels."""
        self.decoded = 0

    @property
    def output(self) -> Output:
        """Size and colours of the published video; known after the first frame."""
        if self._output is None:
            raise AssertionError("no frame was converted yet")
        return self._output

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
        announced, end = self._source.video_track_seconds, self._source.times.video_end
        if announced is None or end is None:
            return frame.duration * frame.time_base if frame.duration and frame.time_base else Fraction(0)
        # In MP4 durations follow the order of decoding: the last frame shown may carry another frame's.
        return max(Fraction(0), min(announced, end - (self.first or Fraction(0))) - time)

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
        """Return the filter graph for frames like this one: a stream may change its size or shape in the middle."""
        self._interlaced = self._interlaced or frame.interlaced_frame  # mixed video is filtered as interlaced
        set_supported_matrix(frame)
        aspect, turn = self._source.current_aspect(), turn_of(_display_matrix(frame))
        graph_input = (
            frame.width,
            frame.height,
            frame.format.name,
            int(frame.colorspace),
            int(frame.color_range),
            int(frame.color_primaries),
            int(frame.color_trc),
            aspect,
            turn,
            self._interlaced,
        )
        if self._graph is not None and graph_input == self._graph_input:
            return self._graph
        self._limits.check_picture(frame.width, frame.height, bytes_per_pixel(frame.format))
        stored = (frame.width, frame.height, aspect, turn)
        if self._output is None:
            geometry, self.original = fitted(*stored, self._lines), upright(*stored)
            self._output = Output(
                size=geometry.shown,
                matrix=published_matrix(frame),
                grey=self._grey,
                background=self._background,
            )
        else:
            geometry = fitted_into(*stored, self._output.size)
        self._graph = build(
            frame, geometry, self._output, interlaced=self._interlaced, folder=self._source.folder
        )
        self._graph_input = graph_input
        return self._graph


def _display_matrix(frame: VideoFrame) -> bytes | None:
    # Not `frame.side_data`: the frame would keep that, which keeps the frame, until the garbage collector comes by.
    container: Any = SideDataContainer
    side_data = container(frame).get("DISPLAYMATRIX")
    return bytes(side_data) if side_data is not None else None
