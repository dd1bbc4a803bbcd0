"""FFmpeg filter graphs from decoded frames to published ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.audio.frame import AudioFrame
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

from media_pipeline.images.sizes import Colour
from media_pipeline.videos import colour_conversion
from media_pipeline.videos.alpha_track import has_alpha
from media_pipeline.videos.geometry import Geometry
from media_pipeline.videos.source import THREADS, decoding

TICK = Fraction(1, 90_000)
"""Time base of the published video in seconds: fine enough for 1/24, 1/30 and 1/29.97 s."""
_BT709, _BT601 = "bt709", "smpte170m"
MATRICES = {_BT709: 1, _BT601: 6}
"""Published colour matrices -> their numbers in ITU-T H.273."""
_UNSPECIFIED = 2  # of colour matrix, primaries and transfer, in H.273
_BT601_MATRICES = (5, 6)
_CONSTANT_LUMINANCE, _BT2020 = 10, 9
_SUPPORTED_MATRICES = frozenset({0, 1, _UNSPECIFIED, 4, *_BT601_MATRICES, 7, _BT2020})
"""Colour matrices that libswscale can read."""
_HIGH_DEFINITION = 720  # lines from which untagged video is BT.709, as players assume


@dataclass(frozen=True, kw_only=True)
class Output:
    """What all frames of one video become."""

    size: tuple[int, int]
    """Width and height in pixels."""
    matrix: str
    """A key of MATRICES."""
    grey: bool
    background: Colour
    """What transparent frames lie on."""


def pull(graph: Graph) -> VideoFrame | AudioFrame | None:
    """Return the next frame that a filter graph has ready, None where it needs more input first.

    Raises RejectedError: corrupt.
    """
    with decoding():
        try:
            return graph.pull()
        except (BlockingIOError, EOFError):
            return None


def set_supported_matrix(frame: VideoFrame) -> None:
    """Replace a colour matrix that libswscale cannot read by the nearest one, or by none."""
    if int(frame.colorspace) not in _SUPPORTED_MATRICES:
        frame.colorspace = _BT2020 if int(frame.colorspace) == _CONSTANT_LUMINANCE else _UNSPECIFIED


def published_matrix(frame: VideoFrame) -> str:
    """Return the source's matrix where the web supports it: converting it would only cost."""
    if colour_conversion.is_wide(int(frame.color_primaries), int(frame.color_trc)):
        return _BT709
    is_601 = int(frame.colorspace) in _BT601_MATRICES or _source_matrix(frame) == _BT601
    return _BT601 if is_601 else _BT709


def build(frame: VideoFrame, geometry: Geometry, output: Output, *, interlaced: bool, folder: Path) -> Graph:
    """Build the graph for frames like this one; `folder` is where colour tables are written."""
    graph = Graph()
    wide = colour_conversion.is_wide(int(frame.color_primaries), int(frame.color_trc))
    # The encoder's threads keep all processors busy, so more here would only wait; the table is expensive.
    graph.threads = THREADS if wide else 1
    last = _input(graph, frame, interlaced=interlaced)
    for name, arguments in _steps(frame, geometry, output, folder):
        if name == "overlay":
            last = _over_background(graph, last, output.background)
            continue
        node = graph.add(name, arguments or None)
        last.link_to(node)
        last = node
    last.link_to(graph.add("buffersink"))
    graph.configure()
    return graph


def _input(graph: Graph, frame: VideoFrame, *, interlaced: bool) -> FilterContext:
    known = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={TICK}"
    colours = f"colorspace={int(frame.colorspace)}:range={int(frame.color_range)}"
    source = graph.add("buffer", f"{known}:pixel_aspect=1/1:{colours}")
    if not interlaced:
        return source
    deinterlaced = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    restored = graph.add("settb", str(TICK))  # bwdif halves the time base
    source.link_to(deinterlaced)
    deinterlaced.link_to(restored)
    return restored


def _steps(frame: VideoFrame, geometry: Geometry, output: Output, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the filters in order, each with its arguments."""
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    wide = colour_conversion.is_wide(primaries, transfer)
    transparent = has_alpha(frame.format)
    size = f"{geometry.width}:{geometry.height}:flags=bicubic"
    read = f"in_color_matrix={_source_matrix(frame)}"
    written = f"out_color_matrix={output.matrix}:out_range=tv"
    if not wide and not transparent:
        yield "scale", f"{size}:{read}:{written}"
    if wide:
        table = folder / f"colours-{primaries}-{transfer}.cube"
        colour_conversion.write_table(table, primaries, transfer)
        # What is transparent is scaled later, and without its colour.
        yield "scale", read if transparent else f"{size}:{read}"
        yield "format", "gbrap12le" if transparent else "gbrp12le"
        yield "lut3d", f"file={table}"
    if transparent:
        yield "scale", read
        yield "format", "gbrap"
        yield "premultiply", "inplace=1"  # or scaling would mix hidden colours into what is visible
        yield "scale", size
        yield "unpremultiply", "inplace=1"
        yield "overlay", ""
    if wide or transparent:
        yield "scale", written
    for step in geometry.turn:
        name, _, arguments = step.partition("=")
        yield name, arguments
    yield "format", "yuv420p"
    if geometry.shown != output.size:
        yield "pad", f"{output.size[0]}:{output.size[1]}:(ow-iw)/2:(oh-ih)/2:color=black"
    if output.grey:
        yield "lutyuv", "u=128:v=128"
    yield "setparams", f"range=tv:color_primaries={_BT709}:color_trc={_BT709}:colorspace={output.matrix}"


def _over_background(graph: Graph, frames: FilterContext, background: Colour) -> FilterContext:
    """Compose frames over a colour."""
    split, filled = (
        graph.add("split"),
        graph.add("drawbox", f"color=#{bytes(background).hex()}:t=fill:replace=1"),
    )
    composed = graph.add("overlay", "format=gbrp")
    frames.link_to(split)
    split.link_to(filled, 0, 0)
    filled.link_to(composed, 0, 0)
    split.link_to(composed, 1, 1)
    return composed


def _source_matrix(frame: VideoFrame) -> str:
    """Return libswscale's name for a frame's matrix: where it is untagged, the one that players assume."""
    if int(frame.colorspace) != _UNSPECIFIED:
        return "auto"
    return _BT709 if frame.height >= _HIGH_DEFINITION else _BT601
