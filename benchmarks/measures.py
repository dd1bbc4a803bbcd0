"""Measure how similar two pictures are: SSIM for structure, PSNR for all pixels, CIE76 for one colour.

On Pillow alone, in its float mode: neither the tests nor the benchmark need numpy for it.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image, ImageChops, ImageMath, ImageStat

_WINDOW, _STRIDE = 8, 4
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # as in the paper: K1 = 0.01, K2 = 0.03, L = 255
_WHITE_D65 = (95.047, 100.0, 108.883)

Operands = Mapping[str, Any]


def ssim(picture: Image.Image, reference: Image.Image) -> float:
    """Return the mean structural similarity of the brightness, over windows of 8 x 8 px every 4 px.

    Raises ValueError where the sizes differ or are under 8 px.
    """
    if picture.size != reference.size or min(picture.size) < _WINDOW:
        raise ValueError(f"cannot compare {picture.size} with {reference.size}")
    x, y = (image.convert("L").convert("F") for image in (picture, reference))
    planes = {
        "x": x,
        "y": y,
        "xx": _computed(lambda of: of["x"] * of["x"], x=x),
        "yy": _computed(lambda of: of["y"] * of["y"], y=y),
        "xy": _computed(lambda of: of["x"] * of["y"], x=x, y=y),
    }
    offsets = [(left, top) for left in (0, _STRIDE) for top in (0, _STRIDE)]
    total, count = 0.0, 0
    for left, top in offsets:
        if min(x.width - left, x.height - top) < _WINDOW:
            continue
        means = {name: _window_means(plane, left, top) for name, plane in planes.items()}
        windows = means["x"].width * means["x"].height
        mean = _computed(_similarity, **means).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        total += float(mean) * windows  # type: ignore[arg-type]
        count += windows
    return total / count


def psnr(picture: Image.Image, reference: Image.Image) -> float:
    """Return the peak signal-to-noise ratio over all pixels and colours, in dB; infinite for equal pictures."""
    difference = ImageChops.difference(picture.convert("RGB"), reference.convert("RGB"))
    stat = ImageStat.Stat(difference)
    error = sum(stat.sum2) / sum(stat.count)
    return 10 * math.log10(255**2 / error) if error else math.inf


def colour_difference(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Return the CIE76 difference of two sRGB colours; about 2.3 is just noticeable."""
    return math.dist(_lab(one), _lab(other))


def _similarity(of: Operands) -> Any:
    x, y, xx, yy, xy = (of[name] for name in ("x", "y", "xx", "yy", "xy"))
    both, product = x * x + y * y, x * y
    shared = (product * 2 + _C1) * ((xy - product) * 2 + _C2)
    return shared / ((both + _C1) * (xx + yy - both + _C2))


def _window_means(plane: Image.Image, left: int, top: int) -> Image.Image:
    right = left + (plane.width - left) // _WINDOW * _WINDOW
    bottom = top + (plane.height - top) // _WINDOW * _WINDOW
    return plane.crop((left, top, right, bottom)).reduce(_WINDOW)


def _computed(formula: Callable[[Operands], Any], **images: Image.Image) -> Image.Image:
    result = ImageMath.lambda_eval(formula, **images)
    if not isinstance(result, Image.Image):
        raise TypeError(f"the formula returned {result!r}, not a picture")
    return result


def _lab(colour: tuple[int, ...]) -> tuple[float, float, float]:
    r, g, b = (_linear(level / 255) for level in colour[:3])
    x = 41.24564 * r + 35.75761 * g + 18.04375 * b
    y = 21.26729 * r + 71.51522 * g + 7.21750 * b
    z = 1.93339 * r + 11.91920 * g + 95.03041 * b
    fx, fy, fz = (_root(value / white) for value, white in zip((x, y, z), _WHITE_D65, strict=True))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _linear(level: float) -> float:
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def _root(value: float) -> float:
    return value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116
