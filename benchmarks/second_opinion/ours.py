"""This pipeline's view of a file, made by the code of its functions, and the facts that explain disagreements."""

import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
from PIL import Image

from benchmarks.second_opinion.peers import SHARES
from benchmarks.second_opinion.views import View, chosen, grid
from media_pipeline.errors import RejectedError
from media_pipeline.images import cicp, tone_mapping
from media_pipeline.images.animation import Film
from media_pipeline.images.containers import gif, isobmff, png, tiff
from media_pipeline.images.inspection import Inspection, inspect
from media_pipeline.images.opening import open_picture
from media_pipeline.images.renditions import Size, Specs, render
from media_pipeline.images.sniffing import HEAD_BYTES, sniff
from media_pipeline.images.stills import publishable
from media_pipeline.limits import Limits
from media_pipeline.videos.source import open_video
from media_pipeline.videos.transcoding import transcode
from media_pipeline.videos.video_limits import VideoLimits

LINES = 720
_TIFF_ORIENTATION = 274
_BMP_HEAD = 54  # bytes of both headers
_HDR = frozenset({16, 18})  # transfer characteristics PQ and HLG (ITU-T H.273)
_SIZES = (Size(name="large", width=2048),)
_SMALL = Specs(sizes=_SIZES, formats=("png",), quality={})
"""Over white, as the stacks publish it, and without losses: what differs is not the encoder's."""
_LARGE = Specs(sizes=_SIZES, formats=("jpeg",), quality={"jpeg": 95})
"""For photographs, of which a PNG takes seconds."""
_SMALL_PIXELS = 500_000


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What the pipeline does with a file."""

    content_type: str
    view: View | None
    """None where the file is rejected."""
    reason: str = ""
    detail: str = ""
    times: tuple[float, ...] | None = None
    """When a video was looked at, in seconds; None for a picture."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the header says: `mode`, `orientation`, `colours`, ..."""


def opinion(data: bytes) -> Opinion:
    """Publish a file on this machine, and return what a viewer sees."""
    kind = sniff(data[:HEAD_BYTES])
    try:
        if kind.family == "video":
            return _of_video(data, kind.content_type)
        return _of_picture(data, kind.content_type)
    except RejectedError as error:
        facts = {"property_tables": data.count(b"ipma")} if kind.content_type == "image/avif" else {}
        return Opinion(
            content_type=kind.content_type,
            view=None,
            reason=str(error.reason),
            detail=error.detail,
            facts=facts,
        )


def _of_picture(data: bytes, content_type: str) -> Opinion:
    limits = Limits()
    seen = inspect(data, limits)
    if seen.animated:
        grids = _frames(data, seen, limits)
    else:
        specs = _SMALL if seen.width * seen.height <= _SMALL_PIXELS else _LARGE
        rendered = render(data, seen, specs, limits)
        with tempfile.TemporaryFile() as file:
            file.write(rendered.renditions[0].data)
            grids = [grid(Image.open(file))]
    view = View(width=seen.width, height=seen.height, frames=seen.frames, grids=tuple(grids))
    return Opinion(content_type=content_type, view=view, facts=_facts(data, seen, limits))


def _frames(data: bytes, seen: Inspection, limits: Limits) -> list[bytes]:
    """Return the frames as they are handed to the encoder of animations."""
    film = Film(data, seen, limits)
    frame = _SIZES[0].target(seen.width, seen.height).frame
    wanted = chosen(seen.frames)
    return [
        grid(publishable(raster, _SMALL).image())
        for number, raster in enumerate(film.rasters(frame))
        if number in wanted
    ]


def _facts(data: bytes, seen: Inspection, limits: Limits) -> dict[str, Any]:
    image = open_picture(data, seen.content_type, limits)
    points = image.info.get("code_points")
    colours = (
        "profile"
        if image.info.get("icc_profile")
        else "hdr"
        if points and tone_mapping.is_hdr(points.transfer)
        else "code points"
        if cicp.as_profile(points)
        else "numbers"
        if image.info.get("gamma") or image.info.get("chromaticities")
        else "none"
    )
    return {
        "mode": seen.mode,
        "has_alpha": seen.has_alpha,
        "orientation": seen.orientation,
        "colours": colours,
        "has_default_image": bool(getattr(image, "default_image", False)),
        **_facts_of_container(data, seen.content_type),
    }


def _facts_of_container(data: bytes, content_type: str) -> dict[str, Any]:
    if content_type == "image/tiff":
        directory = tiff.shown(data)
        turned = directory.first(_TIFF_ORIENTATION, 1)
        return {"layout": directory.layout, "orientation": turned, "page": directory.page}
    if content_type == "image/bmp" and len(data) >= _BMP_HEAD:
        start, header, bits, compression, colours = struct.unpack_from("<II10xHI12xI", data, 10)
        has_overlap = start < 14 + header + 4 * colours
        return {
            "bits": bits,
            "compression": compression,
            "has_overlap": has_overlap,
            "has_short_palette": bits <= 8 and 0 < colours < 1 << bits,
        }
    if content_type in ("image/avif", "image/heic"):
        return {"has_aperture": isobmff.read(data).aperture is not None}
    if content_type == "image/gif":
        frames = gif.read(data, Limits().frames).frames
        return {
            "disposes": any(frame.disposal > 1 for frame in frames),
            "has_short_palette": any(len(frame.palette) // 3 < 1 << frame.code_bits for frame in frames),
        }
    if content_type == "image/png":
        return {"is_cut": any(chunk.end + 4 > len(data) for chunk in png.read(data, Limits().frames).kept)}
    return {}


def _of_video(data: bytes, content_type: str) -> Opinion:
    limits = VideoLimits()
    with tempfile.TemporaryDirectory(prefix="second-opinion-") as folder:
        source, target = Path(folder) / "source", Path(folder) / "published.mp4"
        source.write_bytes(data)
        with open_video(source, content_type, limits) as opened:
            transcode(opened, target, lines=LINES, limits=limits)
        with av.open(str(source)) as container:
            tracks = container.streams.video
            context: Any = tracks[0].codec_context
            facts = {
                "tracks": len(tracks),
                "is_hdr": int(context.color_trc) in _HDR,
                "pixels": str(context.pix_fmt),
                "start": float(tracks[0].start_time or 0) * float(tracks[0].time_base or 0),
                "metadata": sorted(tracks[0].metadata),
                "sizes": _sizes(container),
            }
        frames: list[tuple[float, Image.Image]] = []
        with av.open(str(target)) as container:
            stream = container.streams.video[0]
            seconds = float((stream.duration or 0) * (stream.time_base or 0))
            size = stream.width, stream.height
            for shown in container.decode(video=0):
                picture: Image.Image = _rgb(shown)
                frames.append((shown.time or 0.0, picture.resize((96, 96), Image.Resampling.BOX)))
    times = tuple(share * seconds for share in SHARES)
    grids = [grid([picture for start, picture in frames if start <= time + 1e-6][-1]) for time in times]
    view = View(width=size[0], height=size[1], frames=0, grids=tuple(grids))
    return Opinion(content_type=content_type, view=view, times=times, facts={**facts, "seconds": seconds})


def _sizes(container: Any) -> int:
    """Count the sizes that the first track's pictures have."""
    found = set()
    try:
        for frame in container.decode(video=0):
            found.add((frame.width, frame.height))
    except av.error.FFmpegError:
        pass  # the peers say what they think of what is broken
    return len(found)


def _rgb(frame: Any) -> Image.Image:
    """Convert a frame with the matrix that its file names."""
    matrix = "ITU601" if int(frame.colorspace) == 6 else "ITU709"
    made: Image.Image = frame.to_image(src_colorspace=matrix, src_color_range="MPEG", dst_color_range="JPEG")
    return made
