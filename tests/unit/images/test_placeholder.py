"""ThumbHash and dominant colour: decoded by the test as the algorithm's publication says, and looked at."""

import base64
import math

import pytest
from PIL import Image

from benchmarks.measures import colour_difference
from media_pipeline.images.placeholder import SIDE, dominant_colour, small_picture, thumbhash
from media_pipeline.images.rasters import Packed
from tests.unit.images.drawing import RED, marked, rendered, saved, specs


def decoded(text: str, side: int = 32) -> Image.Image:
    """Draw a ThumbHash again, after the published decoder."""
    data = base64.b64decode(text)
    header = int.from_bytes(data[:3], "little")
    tail = int.from_bytes(data[3:5], "little")
    has_alpha, is_landscape = header >> 23, tail >> 15
    limit = 5 if has_alpha else 7
    lx = max(3, limit if is_landscape else tail & 7)
    ly = max(3, tail & 7 if is_landscape else limit)
    nibbles = [nibble for byte in data[6 if has_alpha else 5 :] for nibble in (byte & 15, byte >> 4)]
    position = 0

    def channel(nx: int, ny: int, scale: float) -> list[tuple[int, int, float]]:
        nonlocal position
        found = []
        for cy in range(ny):
            cx = 0 if cy else 1
            while cx * ny < nx * (ny - cy):
                found.append((cx, cy, (nibbles[position] / 7.5 - 1) * scale))
                position += 1
                cx += 1
        return found

    l_dc, p_dc, q_dc = (header & 63) / 63, (header >> 6 & 63) / 31.5 - 1, (header >> 12 & 63) / 31.5 - 1
    l_ac = channel(lx, ly, (header >> 18 & 31) / 31)
    p_ac = channel(3, 3, (tail >> 3 & 63) / 63 * 1.25)
    q_ac = channel(3, 3, (tail >> 9 & 63) / 63 * 1.25)
    alpha_dc = (data[5] & 15) / 15 if has_alpha else 1.0
    a_ac = channel(5, 5, (data[5] >> 4) / 15) if has_alpha else []
    ratio = lx / ly
    size = (side, max(1, round(side / ratio))) if ratio > 1 else (max(1, round(side * ratio)), side)
    image = Image.new("RGBA", size)
    for y in range(size[1]):
        for x in range(size[0]):

            def at(dc: float, ac: list[tuple[int, int, float]], x: int = x, y: int = y) -> float:
                return dc + 2 * sum(
                    math.cos(math.pi / size[0] * (x + 0.5) * cx)
                    * math.cos(math.pi / size[1] * (y + 0.5) * cy)
                    * f
                    for cx, cy, f in ac
                )

            light, p, q, a = at(l_dc, l_ac), at(p_dc, p_ac), at(q_dc, q_ac), at(alpha_dc, a_ac)
            b = light - 2 / 3 * p
            r = (3 * light - b + q) / 2
            levels = (round(255 * min(1.0, max(0.0, level))) for level in (r, r - q, b, a))
            image.putpixel((x, y), tuple(levels))
    return image


def shrunk(image: Image.Image) -> Image.Image:
    return small_picture(Packed(image))


def test_placeholder_looks_like_the_picture() -> None:
    drawn = Image.new("RGB", (600, 400), (30, 60, 200))
    drawn.paste((230, 200, 40), (0, 200, 600, 400))
    shown = decoded(thumbhash(shrunk(drawn))).convert("RGB")
    assert shown.width > shown.height
    top, bottom = shown.getpixel((16, 3)), shown.getpixel((16, shown.height - 4))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert colour_difference(top, (30, 60, 200)) < 40
    assert colour_difference(bottom, (230, 200, 40)) < 40


@pytest.mark.parametrize("size", [(600, 400), (400, 600), (500, 500), (3000, 40), (1, 1)])
@pytest.mark.parametrize("colour", [(200, 30, 30), (255, 255, 255), (0, 0, 0), (90, 120, 20)])
def test_plain_picture_has_its_colour_and_shape(size: tuple[int, int], colour: tuple[int, int, int]) -> None:
    text = thumbhash(shrunk(Image.new("RGB", size, colour)))
    assert len(base64.b64decode(text)) <= 25
    shown = decoded(text).convert("RGB")
    middle = shown.getpixel((shown.width // 2, shown.height // 2))
    assert isinstance(middle, tuple)
    assert colour_difference(middle, colour) < 6
    assert (shown.width > shown.height) == (size[0] > size[1])


def test_transparency_is_in_the_hash() -> None:
    drawn = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    drawn.paste((200, 40, 40, 255), (0, 0, 150, 300))
    shown = decoded(thumbhash(small_picture(Packed(drawn.convert("RGBa")))))
    left, right = shown.getpixel((6, 16)), shown.getpixel((26, 16))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[3] > 200
    assert right[3] < 60
    assert colour_difference(left[:3], (200, 40, 40)) < 25


def test_dominant_colour_is_that_of_most_of_the_picture() -> None:
    drawn = Image.new("RGB", (400, 300), (20, 120, 200))
    drawn.paste(RED, (0, 0, 120, 120))
    found = dominant_colour(shrunk(drawn))
    levels = tuple(bytes.fromhex(found.removeprefix("#")))
    assert colour_difference(levels, (20, 120, 200)) < 3


def test_what_is_see_through_has_no_colour() -> None:
    drawn = Image.new("RGBA", (400, 300), (0, 0, 0, 0))
    drawn.paste((*RED, 255), (0, 0, 100, 100))
    levels = tuple(bytes.fromhex(dominant_colour(small_picture(Packed(drawn.convert("RGBa"))))[1:]))
    assert colour_difference(levels, RED) < 3
    nothing = Image.new("RGBa", (400, 300), (0, 0, 0, 0))
    assert dominant_colour(small_picture(Packed(nothing))) == "#ffffff"


def test_both_are_in_what_is_rendered() -> None:
    result = rendered(saved(marked()), specs({"small": 320, "thumbnail": 150}))
    assert decoded(result.placeholder).size == (32, 18)
    assert colour_difference(tuple(bytes.fromhex(result.dominant_colour[1:])), (128, 128, 128)) < 3


def test_grey_stack_gets_grey_placeholders() -> None:
    result = rendered(saved(marked()), specs(grayscale=True))
    colours = decoded(result.placeholder).convert("RGB").getcolors(5000) or []
    for _, colour in colours:
        assert isinstance(colour, tuple)
        assert max(colour) - min(colour) <= 12


def test_small_picture_keeps_its_proportions() -> None:
    assert shrunk(Image.new("RGB", (600, 300))).size == (SIDE, SIDE // 2)
    assert shrunk(Image.new("RGB", (3, 9))).size == (3, 9)
