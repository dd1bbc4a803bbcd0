"""From decoded sound to sound as it is published: stereo or mono, at its own times, without a gap."""

from collections.abc import Iterator
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.filter import Graph

from media_pipeline.videos.frames import pulled
from media_pipeline.videos.source import decoding
from media_pipeline.videos.video_limits import VideoLimits

RATES = (44_100, 48_000)
SAMPLES = 1024  # what AAC takes at a time
_STEP = 0.02
"""Seconds by which sound may be off before samples are left out or silence is put in; 0.04 can be heard."""
_GAP = 1
"""Seconds without sound that the filter may fill: it makes all of the silence at once, as wide as the source."""


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
        self._reached = Fraction(0)  # the furthest that sound went: times may go back

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
            seen = (frame.format.name, frame.layout.name, frame.sample_rate)
            missing = time - self._reached > _GAP
            self._reached = max(self._reached, self._expected)
            if missing or seen != self._seen:
                yield from self.rest()
                self._graph, self._seen = None, seen
            if missing:
                yield from self._silence_until(round(time * self.rate))
            with decoding():
                if self._graph is None:
                    self._graph = self._build(frame)
                graph = self._graph
                frame.time_base = Fraction(1, frame.sample_rate)
                frame.pts = round(time * frame.sample_rate)
                graph.push(frame)
            yield from self._pulled(graph)

    def rest(self) -> Iterator[AudioFrame]:
        """Yield what the filters still hold: the last of it at the end."""
        if self._graph is not None:
            yield from self._drained(self._graph)

    def silence(self) -> AudioFrame:
        """Return one frame without a sound, for a track of which nothing could be decoded."""
        return self._numbered(self._silent(SAMPLES))

    def _silence_until(self, end: int) -> Iterator[AudioFrame]:
        while (left := end - self._next) > 0:
            yield self._numbered(self._silent(min(left, SAMPLES)))

    def _silent(self, samples: int) -> AudioFrame:
        frame = AudioFrame(format="fltp", layout=self.layout, samples=samples)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = self.rate
        return frame

    def _numbered(self, frame: AudioFrame) -> AudioFrame:
        """Number without a gap: what was missing is silence by now."""
        frame.pts, frame.time_base = self._next, Fraction(1, self.rate)
        self._next += frame.samples
        return frame

    def _drained(self, graph: Graph) -> Iterator[AudioFrame]:
        with decoding():
            graph.push(None)
        yield from self._pulled(graph)

    def _pulled(self, graph: Graph) -> Iterator[AudioFrame]:
        while (made := pulled(graph)) is not None:
            if isinstance(made, AudioFrame):
                yield self._numbered(made)

    def _build(self, frame: AudioFrame) -> Graph:
        graph = Graph()
        known = f"sample_rate={frame.sample_rate}:sample_fmt={frame.format.name}"
        source = graph.add(
            "abuffer", f"{known}:channel_layout={frame.layout.name}:time_base=1/{frame.sample_rate}"
        )
        begin = round(Fraction(self._next * frame.sample_rate, self.rate))  # first_pts is in samples put in
        steady = graph.add("aresample", f"{self.rate}:async=1:min_hard_comp={_STEP}:first_pts={begin}")
        wanted = graph.add(
            "aformat", f"sample_fmts=fltp:sample_rates={self.rate}:channel_layouts={self.layout}"
        )
        parts = graph.add("asetnsamples", f"n={SAMPLES}:p=0")
        graph.link_nodes(source, steady, wanted, parts, graph.add("abuffersink")).configure()
        return graph
