"""Moderation cards: pictures that tell the Rekognition stand-in which labels to return.

A card is a caption for people, a strip of eight reference swatches, and a grid of blocks that hold the
message. In colour, a block is one of four hues and holds two bits; hues are distinguished by chroma alone, so
that a card in grey cannot be read, just as it should be judged in colour. A hidden card has one ink on
transparency and holds one bit per block: over the ink's own colour there is nothing to see.

Everything is placed in fractions of the picture, so resizing, stretching, JPEG, chroma subsampling, H.264,
plain margins and turning or mirroring do not harm; cropping does. The CRC keeps photographs from reading as
cards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from PIL import Image, ImageChops, ImageDraw, ImageFont

from embedded_aws.rekognition import encoding
from embedded_aws.rekognition.encoding import CardError

Ink = Literal["white", "black"]
Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

DEFAULT_SIZE = (1200, 800)
MIN_SIDE = 48

_HUES: tuple[Colour, ...] = ((222, 53, 48), (43, 170, 74), (45, 84, 214), (242, 208, 44))
_PAPER: Colour = (250, 248, 243)
_TEXT: Colour = (38, 36, 48)
_FRAME: Colour = (104, 58, 150)
_FRAME_WIDTH = 0.01
_CAPTION: Box = (0.04, 0.04, 0.96, 0.22)
_STRIP: Box = (0.04, 0.24, 0.96, 0.31)
_BLOCKS: Box = (0.04, 0.33, 0.96, 0.96)
# The order of the swatches is not symmetric: it shows which way up the card is.
_COLOUR_STRIP = (0, 1, 2, 3, 1, 0, 3, 2)
_INK_STRIP = (0, 1, 0, 0, 1, 1, 1, 0)
_GRIDS = ((10, 5), (14, 7), (20, 10), (30, 14), (44, 20), (64, 30))
_READ_SIZE = (960, 640)
_MIN_CHROMA_DISTANCE = 36
_MIN_INK_CONTRAST = 70
_MARGIN_TOLERANCE = 40
_UPRIGHT_FIRST: tuple[Image.Transpose | None, ...] = (None, *Image.Transpose)


def draw_card(
    labels: Mapping[str, float],
    size: tuple[int, int] = DEFAULT_SIZE,
    *,
    hidden_in: Ink | None = None,
) -> Image.Image:
    """Draw a card of `size` px that makes the stand-in return `labels` (name -> confidence, 0 to 100).

    With `hidden_in`, the card is an RGBA drawing in ink of that colour on transparency: nothing to see over
    that colour, readable over the other. No labels make a harmless picture. Raises CardError.
    """
    labels = encoding.checked(labels)
    if min(size) < MIN_SIDE:
        raise CardError(f"A card needs at least {MIN_SIDE} px a side, got {size[0]} x {size[1]}.")
    message = encoding.encode(labels)
    bits = 1 if hidden_in else 2
    grid = next((g for g in _GRIDS if g[0] * g[1] * bits >= len(message) * 8), None)
    if grid is None:
        raise CardError(f"{len(labels)} labels with {len(message)} bytes of text do not fit on one card.")
    if hidden_in:
        ink: Colour = (255, 255, 255) if hidden_in == "white" else (0, 0, 0)
        # The clear pixels carry the ink's colour too, so that a reader that drops alpha sees nothing either.
        card = Image.new("RGBA", size, (*ink, 0))
        text: tuple[int, ...] = (*ink, 255)
        frame: tuple[int, ...] = (*ink, 255)
        palette: Sequence[tuple[int, ...]] = ((*ink, 0), (*ink, 255))
        strip: Sequence[int] = _INK_STRIP
    else:
        card = Image.new("RGB", size, _PAPER)
        text, frame = _TEXT, _FRAME
        palette, strip = _HUES, _COLOUR_STRIP
    pen = ImageDraw.Draw(card)
    width = max(1, round(min(size) * _FRAME_WIDTH))
    pen.rectangle((0, 0, size[0] - 1, size[1] - 1), outline=frame, width=width)
    _caption(pen, labels, size, text)
    _fill(card, _STRIP, (len(strip), 1), [palette[symbol] for symbol in strip])
    symbols = encoding.to_symbols(message, grid[0] * grid[1], bits)
    _fill(card, _BLOCKS, grid, [palette[symbol] for symbol in symbols])
    return card


def read_card(image: Image.Image) -> list[tuple[str, float]] | None:
    """Return what a card says, [] for a card without labels, None for any other picture.

    Transparency is read over white; for another background composite first.
    """
    flat = _flatten(image)
    for box in _candidates(flat):
        card = flat.resize(_READ_SIZE, Image.Resampling.BOX, box=box)
        for turn in _UPRIGHT_FIRST:
            labels = _read_upright(card.transpose(turn) if turn is not None else card)
            if labels is not None:
                return labels
    return None


def _flatten(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        drawn = image.convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB")
    else:
        flat = image.convert("RGB")
    return flat.reduce(max(1, max(flat.size) // _READ_SIZE[0]))


def _candidates(image: Image.Image) -> list[Box]:
    """Return the whole picture, and it without its plain margins, which may be nested twice."""
    left, top, right, bottom = 0, 0, image.width, image.height
    found: list[Box] = [(left, top, right, bottom)]
    for _ in range(2):
        inner = image.crop((left, top, right, bottom))
        plain = Image.new("RGB", inner.size, inner.getpixel((0, 0)))
        box = ImageChops.difference(inner, plain).convert("L").point(_beyond_tolerance).getbbox()
        if box is None or box == (0, 0, *inner.size):
            break
        left, top, right, bottom = left + box[0], top + box[1], left + box[2], top + box[3]
        found.append((left, top, right, bottom))
    return found


def _beyond_tolerance(level: int) -> int:
    return 255 if level > _MARGIN_TOLERANCE else 0


def _read_upright(card: Image.Image) -> list[tuple[str, float]] | None:
    strip = _samples(card, _STRIP, (len(_COLOUR_STRIP), 1))
    chroma = [_chroma(colour) for colour in strip]
    references = _references(chroma, _COLOUR_STRIP, 4, _MIN_CHROMA_DISTANCE)
    if references:
        for grid in _GRIDS:
            found = [_chroma(colour) for colour in _samples(card, _BLOCKS, grid)]
            labels = encoding.decode(encoding.from_symbols([_nearest(c, references) for c in found], 2))
            if labels is not None:
                return labels
    luma = [(_luma(colour), 0.0) for colour in strip]
    for order in (_INK_STRIP, tuple(1 - symbol for symbol in _INK_STRIP)):
        references = _references(luma, order, 2, _MIN_INK_CONTRAST)
        if references:
            for grid in _GRIDS:
                levels = [(_luma(colour), 0.0) for colour in _samples(card, _BLOCKS, grid)]
                labels = encoding.decode(encoding.from_symbols([_nearest(v, references) for v in levels], 1))
                if labels is not None:
                    return labels
    return None


def _references(
    seen: Sequence[tuple[float, float]], order: Sequence[int], kinds: int, least: float
) -> list[tuple[float, float]] | None:
    """Average the swatches of each kind; None unless the kinds lie apart and each swatch fits its own."""
    groups = [
        [value for value, symbol in zip(seen, order, strict=True) if symbol == kind] for kind in range(kinds)
    ]
    means = [
        (sum(v[0] for v in group) / len(group), sum(v[1] for v in group) / len(group)) for group in groups
    ]
    apart = all(math.dist(a, b) >= least for i, a in enumerate(means) for b in means[:i])
    matching = all(_nearest(value, means) == symbol for value, symbol in zip(seen, order, strict=True))
    return means if apart and matching else None


def _nearest(value: tuple[float, float], references: Sequence[tuple[float, float]]) -> int:
    return min(range(len(references)), key=lambda index: math.dist(value, references[index]))


def _samples(card: Image.Image, area: Box, grid: tuple[int, int]) -> list[Colour]:
    """Average the middle third of every cell, row by row."""
    box = (area[0] * card.width, area[1] * card.height, area[2] * card.width, area[3] * card.height)
    thirds = card.resize((grid[0] * 3, grid[1] * 3), Image.Resampling.BOX, box=box)
    middle = thirds.resize(grid, Image.Resampling.NEAREST)  # takes the centre of each 3 x 3
    data = middle.tobytes()
    return [(data[i], data[i + 1], data[i + 2]) for i in range(0, len(data), 3)]


def _chroma(colour: Colour) -> tuple[float, float]:
    """Return Cb and Cr of BT.601, without offset."""
    red, green, blue = colour
    return -0.169 * red - 0.331 * green + 0.5 * blue, 0.5 * red - 0.419 * green - 0.081 * blue


def _luma(colour: Colour) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def _fill(card: Image.Image, area: Box, grid: tuple[int, int], colours: Sequence[tuple[int, ...]]) -> None:
    """Paint the cells of an area; neighbours share their rounded edge, so that nothing shines through."""
    left, top = area[0] * card.width, area[1] * card.height
    step_x, step_y = (area[2] - area[0]) * card.width / grid[0], (area[3] - area[1]) * card.height / grid[1]
    for index, colour in enumerate(colours):
        row, column = divmod(index, grid[0])
        box = (
            round(left + column * step_x),
            round(top + row * step_y),
            round(left + (column + 1) * step_x),
            round(top + (row + 1) * step_y),
        )
        card.paste(colour, box)


def _caption(
    pen: ImageDraw.ImageDraw, labels: Mapping[str, float], size: tuple[int, int], colour: tuple[int, ...]
) -> None:
    """Write the labels where people look first; blocks carry the message, so it may be too small to read."""
    left, top, right, bottom = (_CAPTION[i] * size[i % 2] for i in range(4))
    text = "\n".join(f"{name}  {confidence:g}" for name, confidence in labels.items()) or "No labels"
    text = "Moderation card\n" + text
    height = (bottom - top) / (len(labels) + 1 if labels else 2)
    font = ImageFont.load_default(max(1.0, height * 0.8))
    box = pen.multiline_textbbox((left, top), text, font=font, spacing=height * 0.1)
    if box[2] > right:
        font = ImageFont.load_default(max(1.0, height * 0.8 * (right - left) / (box[2] - left)))
    pen.multiline_text((left, top), text, fill=colour, font=font, spacing=height * 0.1)
