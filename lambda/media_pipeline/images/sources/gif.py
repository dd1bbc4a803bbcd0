"""GIF files, as browsers show them."""

from functools import partial

from PIL import Image

from media_pipeline.images.canvas import CLEAR, KEEP, RESTORE, Canvas, Part
from media_pipeline.images.containers.gif import Gif, GifFrame, read
from media_pipeline.images.decoding import check_pixels
from media_pipeline.limits import Limits

_DISPOSALS = {2: CLEAR, 3: RESTORE}


def opened(data: bytes, limits: Limits) -> Image.Image:
    """Read a file's blocks; its frames are decoded when the picture is loaded."""
    gif = read(data, limits.frames)
    check_pixels(*gif.size, limits)
    for frame in gif.frames:
        check_pixels(*frame.size, limits)
    parts = [
        Part(
            at=frame.at,
            size=frame.size,
            milliseconds=frame.milliseconds,
            disposal=_DISPOSALS.get(frame.disposal, KEEP),
            is_blended=True,
            decode=partial(_decoded, data, frame),
        )
        for frame in gif.frames
    ]
    canvas = Canvas(gif.size, parts, is_opaque=_is_opaque(gif), default_image=False)
    canvas.format = "GIF"
    if gif.repetitions is not None:
        canvas.info["loop"] = gif.repetitions
    return canvas


def _is_opaque(gif: Gif) -> bool:
    """Whether the first frame covers the whole canvas, and none uncovers it again."""
    first = gif.frames[0]
    covers = first.at == (0, 0) and first.size[0] >= gif.size[0] and first.size[1] >= gif.size[1]
    uncovers = any(frame.disposal == 2 for frame in gif.frames[:-1]) or (
        first.disposal == 3 and len(gif.frames) > 1
    )
    return covers and first.is_opaque and not uncovers


def _decoded(data: bytes, frame: GifFrame) -> Image.Image:
    """Decode one frame by itself: RGB, or RGBA where it has a transparent index."""
    # Where the data ends early, the rest is transparent if anything is.
    indices = Image.new("P" if frame.palette else "L", frame.size, frame.transparent or 0)
    indices.frombytes(data[frame.start : frame.end], "gif", (frame.code_bits, int(frame.is_interlaced), -1))
    if frame.palette:
        indices.putpalette(frame.palette)
    if frame.is_opaque:
        return indices.convert("RGB")
    indices.info["transparency"] = frame.transparent
    return indices.convert("RGBA")
