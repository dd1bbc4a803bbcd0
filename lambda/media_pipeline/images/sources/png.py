"""PNG files: transparency by a key colour at every depth, and animations composed as browsers do."""

import io
import struct
from functools import partial

from PIL import Image, ImageChops

from media_pipeline.images import colour
from media_pipeline.images.canvas import CLEAR, KEEP, RESTORE, Canvas, Part
from media_pipeline.images.cicp import CodePoints
from media_pipeline.images.containers import png as container
from media_pipeline.images.containers.png import GREY, GREY_ALPHA, PALETTE, TRUE_COLOUR, FrameControl, Png
from media_pipeline.images.decoding import check_pixels, decoding
from media_pipeline.images.sources.adjusted import Adjusted
from media_pipeline.limits import Limits

_DISPOSALS = {1: CLEAR, 2: RESTORE}
_SCALES = {2: 85, 4: 17}
"""Bits of a sample -> what Pillow multiplies it with, to have it in 8 bits."""


def opened(data: bytes, limits: Limits) -> Image.Image:
    """Read a file's chunks; its pixels are decoded when the picture is loaded."""
    png = container.read(data, limits.frames)
    if png.width and png.height:
        check_pixels(png.width, png.height, limits)
    image = _animation(data, png, limits) if png.is_animated else _still(data, png, limits)
    image.info.pop("icc_profile", None)
    if exif := png.exif:
        image.info["exif"] = exif
    _note_colours(image, png)
    return image


def _note_colours(image: Image.Image, png: Png) -> None:
    """Note what is said of the colours: of several chunks the first in the standard's order counts (PNG 3, 4.3)."""
    image.info["is_grey"] = png.colour_type in (GREY, GREY_ALPHA)
    cicp = png.chunks.get(b"cICP", b"")
    if len(cicp) == 4 and (points := CodePoints(cicp[0], cicp[1])).known:
        image.info["code_points"] = points
    elif profile := png.profile:
        image.info["icc_profile"] = profile
    elif b"sRGB" not in png.chunks:
        gamma, chromaticities = png.chunks.get(b"gAMA", b""), png.chunks.get(b"cHRM", b"")
        image.info["gamma"] = struct.unpack(">I", gamma)[0] / 100_000 if len(gamma) == 4 else 0.0
        if len(chromaticities) == 32:
            values = struct.unpack(">8I", chromaticities)
            image.info["chromaticities"] = tuple(value / 100_000 for value in values)


def _still(data: bytes, png: Png, limits: Limits) -> Image.Image:
    transparency, key = _transparency(png)
    kept = container.without_metadata(data, png, transparency)

    def checked(image: Image.Image) -> Image.Image:
        container.check_pixels(data, png)
        return image if key is None else _without_key(kept, key, limits, image)

    return Adjusted(_opened(kept, limits), checked, mode=None if key is None else "RGBA")


def _opened(data: bytes, limits: Limits) -> Image.Image:
    with decoding(limits):
        return Image.open(io.BytesIO(data), formats=["PNG"])


def _transparency(png: Png) -> tuple[bytes | None, tuple[int, ...] | None]:
    """Return what the tRNS chunk has to say to Pillow, and the key colour of 16 bits, which Pillow cannot use.

    Pillow compares samples that were brought to 8 bits with the value as it is stored.
    """
    stored = png.chunks.get(b"tRNS")
    if stored is None or png.colour_type not in (GREY, TRUE_COLOUR, PALETTE):
        return None, None  # colours that have an opacity of their own must not have the chunk
    if png.colour_type == PALETTE:
        return stored[:256], None
    samples = 1 if png.colour_type == GREY else 3
    if len(stored) < 2 * samples:
        return None, None
    key = struct.unpack_from(f">{samples}H", stored)
    if png.depth == 16:
        return None, key
    mask, scale = (1 << png.depth) - 1, _SCALES.get(png.depth, 1)
    return struct.pack(f">{samples}H", *((value & mask) * scale for value in key)), None


def _without_key(data: bytes, key: tuple[int, ...], limits: Limits, image: Image.Image) -> Image.Image:
    """Make the pixels of one colour of 16 bits clear; only then may they be brought to 8 bits."""
    low_levels, high_levels = [value & 0xFF for value in key], [value >> 8 for value in key]
    if len(key) == 1:
        low, image = Image.frombytes("LA", image.size, image.tobytes()).split()  # I;16 is little-endian
    else:
        # Pillow decodes the high bytes only; the low ones are decoded by themselves.
        low = _opened(data, limits)
        low.tile = [tile._replace(args="RGB;16L") for tile in low.tile]  # type: ignore[attr-defined]
        low.load()
    is_key = _where(low, low_levels)
    del low  # a picture of its own, of which there must not be one too many in memory
    is_key = ImageChops.multiply(is_key, _where(image, high_levels))
    rgba = image.convert("RGBA")
    rgba.putalpha(ImageChops.invert(is_key))
    return rgba


def _where(image: Image.Image, levels: list[int]) -> Image.Image:
    """Return 255 where every band has its level, 0 elsewhere."""
    found = _equal(image.getchannel(0), levels[0])
    for band, level in enumerate(levels[1:], start=1):
        found = ImageChops.multiply(found, _equal(image.getchannel(band), level))
    return found


def _equal(band: Image.Image, level: int) -> Image.Image:
    return band.point([255 if value == level else 0 for value in range(256)])


def _animation(data: bytes, png: Png, limits: Limits) -> Image.Image:
    """Compose the frames; a picture that is not a part of the animation stands before them."""
    size = png.width, png.height
    (announced,) = struct.unpack_from(">I", png.chunks[b"acTL"])
    frames = png.frames[: max(1, announced)]
    parts = [_part(data, png, frame, limits) for frame in frames]
    if not png.still_is_frame:
        still = FrameControl(size, (0, 0), 0, 1, False, png.still)
        parts.insert(0, _part(data, png, still, limits))
    for part in parts:
        check_pixels(*part.size, limits)
    transparency, key = _transparency(png)
    first = frames[0]
    is_opaque = (
        png.colour_type in (GREY, TRUE_COLOUR, PALETTE)
        and transparency is None
        and key is None
        and (first.at, first.size) == ((0, 0), size)
        and (len(frames) == 1 or first.disposal == 0)
        and all(frame.disposal != 1 for frame in frames[:-1])
    )
    canvas = Canvas(size, parts, is_opaque=is_opaque, default_image=not png.still_is_frame)
    canvas.format = "PNG"
    canvas.info["loop"] = png.loop
    return canvas


def _part(data: bytes, png: Png, frame: FrameControl, limits: Limits) -> Part:
    return Part(
        at=frame.at,
        size=frame.size,
        milliseconds=frame.milliseconds,
        disposal=_DISPOSALS.get(frame.disposal, KEEP),
        is_blended=frame.is_blended,
        decode=partial(_decoded, data, png, frame, limits),
    )


def _decoded(data: bytes, png: Png, frame: FrameControl, limits: Limits) -> Image.Image:
    """Decode one frame by itself: RGB, or RGBA where something may shine through."""
    transparency, key = _transparency(png)
    alone = container.picture_of(data, png, frame, transparency)
    image = _opened(alone, limits)
    image.load()
    if key is not None:
        return _without_key(alone, key, limits, image)
    if image.mode == "I;16":
        return colour.high_bytes(image).convert("RGB")
    return image.convert("RGBA" if image.mode in ("LA", "RGBA") or transparency is not None else "RGB")
