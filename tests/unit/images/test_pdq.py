"""PDQ hashes find copies of a picture, tell other pictures apart, and are those of the published algorithm."""

import io
import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from PIL import Image, ImageEnhance

from media_pipeline.images.pdq import ALIKE, BITS, LEAST_QUALITY, Pdq, pdq
from media_pipeline.images.renditions import Size, Specs
from tests.unit.images.drawing import detailed, rendered

SEEDS = range(1, 7)


def again(image: Image.Image, format_name: str, **options: Any) -> Image.Image:
    """Return the picture as a file of the format shows it."""
    out = io.BytesIO()
    image.save(out, format_name, **options)
    return Image.open(out).convert("RGB")


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "256 px as a poor JPEG": lambda image: again(image.resize((256, 170)), "JPEG", quality=30),
    "WebP": lambda image: again(image, "WEBP", quality=50),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "grey": lambda image: image.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_differs_in_few_bits(copy: str) -> None:
    for seed in SEEDS:
        image = detailed(600, 400, seed=seed)
        assert pdq(COPIES[copy](image)).distance(pdq(image)) <= ALIKE


def test_other_pictures_differ_in_about_half_of_the_bits() -> None:
    hashes = [pdq(detailed(600, 400, seed=seed)) for seed in SEEDS]
    distances = [one.distance(other) for one, other in combinations(hashes, 2)]
    assert min(distances) > 2 * ALIKE
    assert all(found.quality >= LEAST_QUALITY for found in hashes)


def test_a_plain_picture_has_no_quality() -> None:
    assert pdq(Image.new("RGB", (300, 200), (200, 60, 40))).quality == 0
    assert pdq(Image.linear_gradient("L").resize((300, 200))).quality < LEAST_QUALITY


def test_half_of_the_bits_are_set_and_all_are_written() -> None:
    found = pdq(detailed(600, 400))
    assert found.bits.bit_count() == BITS // 2
    assert found.hex == f"{found.bits:064x}"
    assert Pdq(1, 100).hex == "0" * 63 + "1"


def published_algorithm(image: Image.Image) -> int:
    """Return the hash step by step as the paper and its reference code describe it: two box filters each way."""
    width, height = image.size
    rows = [list(map(float, image.convert("L").crop((0, y, width, y + 1)).tobytes())) for y in range(height)]

    def box(line: list[float], window: int) -> list[float]:
        before, after = (window + 2) // 2 - 1, window - (window + 2) // 2
        return [
            sum(line[max(0, at - after) : at + before + 1]) / len(line[max(0, at - after) : at + before + 1])
            for at in range(len(line))
        ]

    def filtered(lines: list[list[float]], length: int) -> list[list[float]]:
        window = (length + 127) // 128
        return [box(line, window) for line in lines]

    def turned(lines: list[list[float]]) -> list[list[float]]:
        return [list(column) for column in zip(*lines, strict=True)]

    for _ in range(2):
        rows = filtered(rows, width)
        rows = turned(filtered(turned(rows), height))
    points = [
        [rows[int((y + 0.5) * height / 64)][int((x + 0.5) * width / 64)] for x in range(64)]
        for y in range(64)
    ]

    def cosine(frequency: int, point: int) -> float:
        return math.cos(math.pi / 128 * frequency * (2 * point + 1))

    across = [[sum(line[x] * cosine(u, x) for x in range(64)) for u in range(1, 17)] for line in points]
    values = [sum(across[y][u] * cosine(v, y) for y in range(64)) for v in range(1, 17) for u in range(16)]
    median = sorted(values)[127]
    return sum((value > median) << place for place, value in enumerate(values))


def test_it_is_the_published_algorithm_but_for_rounding() -> None:
    for seed in (1, 2):
        image = detailed(
            260, 260, seed=seed
        )  # windows of 3: even ones shift the picture of the reference code
        assert Pdq(published_algorithm(image), 100).distance(pdq(image)) <= 14


def test_sizes_and_formats_of_a_stack_hardly_change_the_hash() -> None:
    image = detailed(1500, 1000)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)

    def of(*edges: int) -> Pdq:
        sizes = tuple(Size.parse(f"s{edge}", edge) for edge in edges)
        made = rendered(
            out.getvalue(), Specs(sizes=sizes, formats=("jpeg",), quality={"jpeg": 80}, grayscale=False)
        )
        return Pdq(int(made.pdq, 16), made.pdq_quality)

    for edges in ((1500, 150), (1024, 512, 150), (300,)):
        assert of(*edges).distance(pdq(image)) <= 14
        assert of(*edges).quality >= LEAST_QUALITY
