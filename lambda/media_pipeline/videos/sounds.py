"""From decoded sound to sound as it is published: stereo or mono, at its own times, without a gap."""

from collections.abc import Iterator
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.filter import Graph

from media_pipeline.videos.limits import VideoLimits
from media_pipeline.videos.opening import decoding
from media_pipeline.videos.pictures import pulled

RATES = (44_100, 48_000)
SAMPLES = 1024  # what AAC takes at a time
_STEP = 0.02
"""Seconds by which sound may be off before samples are left out or silence is put in; 0.04 can be heard."""


class Sounds:
    """Turns decoded sound into published sound, whose time 0 is that of the first picture."""

    def __init__(self, limits: VideoLimits, *, rate: int, channels: int) -> None:
        self._limits = limits
        self.rate = rate if rate in RATES else RATES[-1]
        self.layout = "mono" if channels == 1 else "stereo"
        self._graph: Graph | None = None
        self._seen: tuple[object, ...] = ()
        self._next = 0
        self._expected = Fraction(0)

    def made_of(self, frames: list[AudioFrame], first: Fraction) -> Iterator[AudioFrame]:
        """Yield what is published of some decoded sound; `first` is the source's time of the first picture.

        Raises RejectedError: corrupt, too_long.
        """
        for frame in frames:
            if not frame.samples or not frame.sample_rate:
                continue
            known = frame.pts is not None and bool(frame.time_base)
            time = frame.pts * frame.time_base - first if known else self._expected  # type: ignore[operator]
            self._expected = time + Fraction(frame.samples, frame.sample_rate)
            self._limits.check_seconds(float(self._expected))
            with decoding():
                graph = self._graph
                seen = (frame.format.name, frame.layout.name, frame.sample_rate)
                if graph is None or seen != self._seen:
                    if graph is not None:
                        yield from self._drained(graph)
                    graph, self._seen = self._build(frame), seen
                    self._graph = graph
                frame.time_base = Fraction(1, frame.sample_rate)
                frame.pts = round(time * frame.sample_rate)
                graph.push(frame)
            yield from self._pulled(graph)

    def rest(self) -> Iterator[AudioFrame]:
        """Yield what is left at the end."""
        if self._graph is not None:
            yield from self._drained(self._graph)

    def silence(self) -> AudioFrame:
        """Return one frame without a sound, for a track of which nothing could be decoded."""
        frame = AudioFrame(format="fltp", layout=self.layout, samples=SAMPLES)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts, frame.time_base = self.rate, 0, Fraction(1, self.rate)
        return frame

    def _drained(self, graph: Graph) -> Iterator[AudioFrame]:
        with decoding():
            graph.push(None)
        yield from self._pulled(graph)

    def _pulled(self, graph: Graph) -> Iterator[AudioFrame]:
        while (made := pulled(graph)) is not None:
            if isinstance(made, AudioFrame):
                # Numbered without a gap: what was missing is silence by now.
                made.pts, made.time_base = self._next, Fraction(1, self.rate)
                self._next += made.samples
                yield made

    def _build(self, frame: AudioFrame) -> Graph:
        graph = Graph()
        known = f"sample_rate={frame.sample_rate}:sample_fmt={frame.format.name}"
        source = graph.add(
            "abuffer", f"{known}:channel_layout={frame.layout.name}:time_base=1/{frame.sample_rate}"
        )
        steady = graph.add("aresample", f"{self.rate}:async=1:min_hard_comp={_STEP}:first_pts={self._next}")
        wanted = graph.add(
            "aformat", f"sample_fmts=fltp:sample_rates={self.rate}:channel_layouts={self.layout}"
        )
        parts = graph.add("asetnsamples", f"n={SAMPLES}:p=0")
        graph.link_nodes(source, steady, wanted, parts, graph.add("abuffersink")).configure()
        return graph
