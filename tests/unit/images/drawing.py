"""Pictures that the tests draw, and what they look for in the renditions."""

import io
import math
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageDraw

from media_pipeline.images.inspection import inspect
from media_pipeline.images.renditions import Rendered, Size, Specs, render
from media_pipeline.images.sizes import WHITE, Colour, Transparency
from media_pipeline.limits import Limits

LIMITS = Limits()
RED, GREEN, BLUE, YELLOW = (200, 30, 30), (30, 150, 60), (40, 60, 190), (220, 200, 40)
GREY = (128, 128, 128)
CORNERS = (RED, GREEN, BLUE, YELLOW)
"""Colours of the marks: top left, top right, bottom left, bottom right."""


def marked(width: int = 640, height: int = 400, background: tuple[int, int, int] = GREY) -> Image.Image:
    """A plain picture with a square mark of its own colour in each corner, a fifth of the short side wide."""
    image = Image.new("RGB", (width, height), background)
    side = min(width, height) // 5
    draw = ImageDraw.Draw(image)
    for colour, (x, y) in zip(CORNERS, corner_origins(width, height, side), strict=True):
        draw.rectangle((x, y, x + side - 1, y + side - 1), fill=colour)
    return image


def corner_origins(width: int, height: int, side: int) -> list[tuple[int, int]]:
    return [(0, 0), (width - side, 0), (0, height - side), (width - side, height - side)]


def corner_colours(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours in the middle of where `marked` puts its marks."""
    side = min(image.size) // 5
    rgb = image.convert("RGB")
    middles = [(x + side // 2, y + side // 2) for x, y in corner_origins(*image.size, side)]
    return [pixel(rgb, middle) for middle in middles]


def detailed(width: int = 1500, height: int = 1000, seed: int = 1) -> Image.Image:
    """Something like a photograph: soft shapes, hard edges, fine lines and a little grain, all in colour."""
    image = Image.merge(
        "RGB",
        [
            Image.radial_gradient("L").resize((width, height)),
            Image.linear_gradient("L").resize((width, height)),
            Image.linear_gradient("L").rotate(90).resize((width, height)),
        ],
    )
    draw = ImageDraw.Draw(image)
    state = seed
    for _ in range(120):
        values = []
        for _ in range(7):
            state = (1103515245 * state + 12345) % 2**31
            values.append(state >> 8)
        x, y = values[0] % width, values[1] % height
        across, down = 10 + values[2] % (width // 6), 10 + values[3] % (height // 6)
        colour = (values[4] % 256, values[5] % 256, values[6] % 256)
        if values[2] % 3:
            draw.ellipse((x, y, x + across, y + down), fill=colour)
        else:
            draw.line((x, y, x + across, y + down), fill=colour, width=2)
    return image


def photographic(width: int, height: int) -> Image.Image:
    """Like a camera's picture: no edge as sharp as its pixels, no colour as pure as a computer's, fine texture.

    The texture is rings that grow finer outwards: what a poor filter turns into patterns that were not there.
    """
    smooth = detailed(width // 2, height // 2).resize((width, height), Image.Resampling.BICUBIC)
    smooth = Image.blend(smooth, smooth.convert("L").convert("RGB"), 0.3)
    side = 256
    rings = Image.frombytes(
        "L",
        (side, side),
        bytes(
            round(128 + 127 * math.cos(math.pi * (x * x + y * y) / side))
            for y in range(side)
            for x in range(side)
        ),
    )
    texture = Image.new("L", (width, height))
    for x in range(0, width, side):
        for y in range(0, height, side):
            texture.paste(rings, (x, y))
    return Image.blend(smooth, texture.convert("RGB"), 0.05)


def pixel(image: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    found = image.getpixel(at)
    return tuple(int(level) for level in found) if isinstance(found, tuple) else (int(found or 0),)


def saved(image: Image.Image, format_name: str = "JPEG", **options: Any) -> bytes:
    if format_name == "JPEG":
        options = {"quality": 95, "subsampling": "4:4:4"} | options
    out = io.BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def specs(
    sizes: Mapping[str, object] | None = None,
    formats: tuple[str, ...] = ("jpeg",),
    *,
    quality: int = 95,
    grayscale: bool = False,
    transparency: Transparency = "flatten",
    background: Colour = WHITE,
) -> Specs:
    return Specs(
        sizes=tuple(Size.parse(name, value) for name, value in (sizes or {"small": 320}).items()),
        formats=formats,
        quality=dict.fromkeys(("jpeg", "webp", "avif"), quality),
        grayscale=grayscale,
        transparency=transparency,
        background=background,
    )


def rendered(data: bytes, wanted: Specs | None = None, limits: Limits = LIMITS) -> Rendered:
    return render(data, inspect(data, limits), wanted or specs(), limits)


def rendition(data: bytes, wanted: Specs | None = None) -> Image.Image:
    """The first rendition, decoded."""
    return opened(rendered(data, wanted).renditions[0].data)
