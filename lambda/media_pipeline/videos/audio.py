"""Conversion of decoded audio to published audio: stereo or mono, on the video's clock, without gaps."""

from collections.abc import Iterator
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.filter import Graph

from media_pipeline.videos.filter_graphs import pull
from media_pipeline.videos.source import decoding
from media_pipeline.videos.video_limits import VideoLimits

RATES = (44_100, 48_000)
SAMPLES = 1024
"""Samples per AAC frame."""
_MAX_DRIFT = 0.02
"""Seconds by which audio may be early or late before samples are dropped or padded; 0.04 s can be heard."""
_MAX_FILTER_GAP = 1
"""Seconds of silence that the filter may insert: it allocates them all at once, in the source's channels."""


class AudioConverter:
    """Converts decoded audio; time 0 of the published audio is that of the first picture."""

    def __init__(self, limits: VideoLimits, *, rate: int, channels: int) -> None:
        self._limits = limits
        self.rate = rate if rate in RATES else RATES[-1]
        self.layout = "mono" if channels == 1 else "stereo"
        self._graph: Graph | None = None
        self._graph_input: tuple[object, ...] = ()
        self._next_sample = 0
        self._expected = Fraction(0)
        self._reached = Fraction(0)  # the latest time so far: time stamps may go back

    def convert(self, frames: list[AudioFrame], first: Fraction) -> Iterator[AudioFrame]:
        """Yield the published frames of some decoded ones; `first` is the first picture's time in the source.

        Raises RejectedError: corrupt, too_long.
        """
        for frame in frames:
            if not frame.samples or not frame.sample_rate:
                continue
            known = frame.pts is not None and bool(frame.time_base)
            time = frame.pts * frame.time_base - first if known else self._expected  # type: ignore[operator]
            self._expected = time + Fraction(frame.samples, frame.sample_rate)
            self._limits.check_seconds(float(self._expected))
            graph_input = (frame.format.name, frame.layout.name, frame.sample_rate)
            gap = time - self._reached > _MAX_FILTER_GAP
            self._reached = max(self._reached, self._expected)
            if gap or graph_input != self._graph_input:
                yield from self.flush()
                self._graph, self._graph_input = None, graph_input
            if gap:
                yield from self._silence_until(round(time * self.rate))
            with decoding():
                if self._graph is None:
                    self._graph = self._build_graph(frame)
                graph = self._graph
                frame.time_base = Fraction(1, frame.sample_rate)
                frame.pts = round(time * frame.sample_rate)
                graph.push(frame)
            yield from self._available(graph)

    def flush(self) -> Iterator[AudioFrame]:
        """Yield what the filters still hold. Raises RejectedError: corrupt."""
        if self._graph is None:
            return
        with decoding():
            self._graph.push(None)
        yield from self._available(self._graph)

    def silence(self) -> AudioFrame:
        """Return one silent frame, for a track of which nothing could be decoded."""
        return self._numbered(self._silent(SAMPLES))

    def _silence_until(self, end: int) -> Iterator[AudioFrame]:
        while (left := end - self._next_sample) > 0:
            yield self._numbered(self._silent(min(left, SAMPLES)))

    def _silent(self, samples: int) -> AudioFrame:
        frame = AudioFrame(format="fltp", layout=self.layout, samples=samples)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = self.rate
        return frame

    def _numbered(self, frame: AudioFrame) -> AudioFrame:
        """Return the frame with the next consecutive time stamp: gaps are filled with silence by now."""
        frame.pts, frame.time_base = self._next_sample, Fraction(1, self.rate)
        self._next_sample += frame.samples
        return frame

    def _available(self, graph: Graph) -> Iterator[AudioFrame]:
        while (converted := pull(graph)) is not None:
            if isinstance(converted, AudioFrame):
                yield self._numbered(converted)

    def _build_graph(self, frame: AudioFrame) -> Graph:
        graph = Graph()
        known = f"sample_rate={frame.sample_rate}:sample_fmt={frame.format.name}"
        source = graph.add(
            "abuffer", f"{known}:channel_layout={frame.layout.name}:time_base=1/{frame.sample_rate}"
        )
        begin = round(Fraction(self._next_sample * frame.sample_rate, self.rate))  # in samples of the input
        resampled = graph.add(
            "aresample", f"{self.rate}:async=1:min_hard_comp={_MAX_DRIFT}:first_pts={begin}"
        )
        formatted = graph.add(
            "aformat", f"sample_fmts=fltp:sample_rates={self.rate}:channel_layouts={self.layout}"
        )
        split = graph.add("asetnsamples", f"n={SAMPLES}:p=0")
        graph.link_nodes(source, resampled, formatted, split, graph.add("abuffersink")).configure()
        return graph
