"""What stands in a record for a picture that is not loaded yet: a ThumbHash of about 25 bytes, and one colour.

The hash is made as its published algorithm says (evanw.github.io/thumbhash): the picture in at most 100 x 100 px
as brightness, two colour differences and opacity, each as a few coefficients of a cosine transform. Written here
because the packages on the index either pin an old Pillow or take numpy along, which costs 200 ms at a cold start.
"""

import base64
import math
from collections.abc import Sequence

from PIL import Image

from media_pipeline.images.rasters import Raster

SIDE = 32
"""Long edge of the picture that both are made from: finer detail does not reach 25 bytes, but costs its square."""
_POINTS = 8
_COLOURS = 6
_HALF_OPAQUE = 128


def small_picture(raster: Raster) -> Image.Image:
    """Shrink a raster to RGBA with at most SIDE pixels a side."""
    width, height = raster.size
    scale = min(1.0, SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return raster.resized(size).image().convert("RGBA")


def dominant_colour(small: Image.Image) -> str:
    """Return the mean of the largest group of like colours as "#rrggbb"; what is see-through does not count."""
    shown = [pixel[:3] for pixel in _pixels(small) if pixel[3] >= _HALF_OPAQUE]
    if not shown:
        return "#ffffff"  # nothing to be seen: the white that it is flattened on
    strip = Image.new("RGB", (len(shown), 1))
    strip.putdata(shown)
    groups = strip.quantize(_COLOURS, Image.Quantize.MEDIANCUT)
    counts = groups.histogram()[:_COLOURS]
    largest = counts.index(max(counts))
    red, green, blue = (groups.getpalette() or [])[largest * 3 : largest * 3 + 3]
    return f"#{red:02x}{green:02x}{blue:02x}"


def thumbhash(small: Image.Image) -> str:
    """Return the ThumbHash of an RGBA picture of at most 100 px a side, as base64."""
    width, height = small.size
    # On fewer points than coefficients these would not be independent: a single pixel would come back as another.
    small = small.resize((max(_POINTS, width), max(_POINTS, height)), Image.Resampling.NEAREST)
    luma, yellow, red, alpha = _channels(_pixels(small))
    has_alpha = min(alpha) < 1
    limit = 5 if has_alpha else 7  # fewer coefficients of brightness where opacity needs some
    longest = max(width, height)
    across = max(1, round(limit * width / longest))
    down = max(1, round(limit * height / longest))
    cosines = _Cosines(*small.size, 7)
    l_dc, l_ac, l_scale = cosines.encode(luma, max(3, across), max(3, down))
    p_dc, p_ac, p_scale = cosines.encode(yellow, 3, 3)
    q_dc, q_ac, q_scale = cosines.encode(red, 3, 3)
    header = (
        _level(63 * l_dc)
        | _level(31.5 + 31.5 * p_dc) << 6
        | _level(31.5 + 31.5 * q_dc) << 12
        | _level(31 * l_scale) << 18
        | int(has_alpha) << 23
    )
    is_landscape = width > height
    tail = (
        (down if is_landscape else across)
        | _level(63 * p_scale) << 3
        | _level(63 * q_scale) << 9
        | int(is_landscape) << 15
    )
    out = bytearray(header.to_bytes(3, "little") + tail.to_bytes(2, "little"))
    coefficients = [*l_ac, *p_ac, *q_ac]
    if has_alpha:
        a_dc, a_ac, a_scale = cosines.encode(alpha, 5, 5)
        out.append(_level(15 * a_dc) | _level(15 * a_scale) << 4)
        coefficients += a_ac
    levels = [_level(15 * value) for value in coefficients]
    levels += [0] * (len(levels) % 2)
    out += bytes(low | high << 4 for low, high in zip(levels[::2], levels[1::2], strict=True))
    return base64.b64encode(out).decode("ascii")


def _pixels(image: Image.Image) -> list[tuple[int, int, int, int]]:
    raw = image.tobytes()
    return list(zip(raw[::4], raw[1::4], raw[2::4], raw[3::4], strict=True))


def _channels(pixels: Sequence[tuple[int, int, int, int]]) -> tuple[list[float], ...]:
    """Brightness, yellow - blue, red - green and opacity, the colours over the picture's mean colour."""
    weight = sum(pixel[3] for pixel in pixels) or 1
    means = [sum(pixel[band] * pixel[3] for pixel in pixels) / weight / 255 for band in range(3)]
    if not any(pixel[3] for pixel in pixels):
        means = [0.0, 0.0, 0.0]
    luma, yellow, red, alpha = [], [], [], []
    for r8, g8, b8, a8 in pixels:
        opacity = a8 / 255
        under = 1 - opacity
        r = means[0] * under + opacity * r8 / 255
        g = means[1] * under + opacity * g8 / 255
        b = means[2] * under + opacity * b8 / 255
        luma.append((r + g + b) / 3)
        yellow.append((r + g) / 2 - b)
        red.append(r - g)
        alpha.append(opacity)
    return luma, yellow, red, alpha


class _Cosines:
    """The first few basis functions over a grid of width x height points, made once for all channels."""

    def __init__(self, width: int, height: int, count: int) -> None:
        self._width = width
        self._across = [_basis(width, order) for order in range(count)]
        self._down = [_basis(height, order) for order in range(count)]

    def encode(self, channel: list[float], nx: int, ny: int) -> tuple[float, list[float], float]:
        """Return the mean, the coefficients of the lower triangle scaled to 0..1, and that scale."""
        rows = [channel[at : at + self._width] for at in range(0, len(channel), self._width)]
        # Separable: first along the rows, then down the columns of what is left.
        partial = [[_dot(row, self._across[cx]) for row in rows] for cx in range(nx)]
        dc, ac, scale = 0.0, [], 0.0
        for cy in range(ny):
            cx = 0
            while cx * ny < nx * (ny - cy):
                value = _dot(partial[cx], self._down[cy]) / len(channel)
                if cx or cy:
                    ac.append(value)
                    scale = max(scale, abs(value))
                else:
                    dc = value
                cx += 1
        if scale:
            ac = [0.5 + 0.5 / scale * value for value in ac]
        return dc, ac, scale


def _basis(length: int, order: int) -> list[float]:
    return [math.cos(math.pi / length * order * (at + 0.5)) for at in range(length)]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _level(value: float) -> int:
    """Round as JavaScript does, which the algorithm is given in: halves up."""
    return math.floor(value + 0.5)
