"""What Rekognition is shown: the whole picture in colour, within its bounds, with nothing hidden."""

import pytest
from PIL import Image

from benchmarks.measures import colour_difference, ssim
from media_pipeline.images.proxies import MAX_BYTES, MAX_SIDE, MIN_SIDE, proxies
from media_pipeline.images.rasters import Packed
from tests.unit.images.drawing import (
    CORNERS,
    corner_colours,
    detailed,
    marked,
    opened,
    pixel,
    rendered,
    saved,
    specs,
)


def test_largest_jpeg_rendition_is_judged_itself() -> None:
    result = rendered(saved(detailed()), specs({"small": 150, "large": 1200}))
    assert result.proxies == (result.renditions[1].data,)


@pytest.mark.parametrize(
    "wanted",
    [
        specs({"large": 1200}, ("webp",)),
        specs({"large": 1200}, ("png",)),
        specs({"large": 1200}, ("avif",)),
        specs({"large": 1200}, ("jpeg",), quality=20),
        specs({"large": 1200}, ("jpeg",), grayscale=True),
        specs({"small": 100, "card": {"width": 1200, "height": 100, "fit": "cover"}}),
    ],
)
def test_otherwise_the_largest_picture_is_judged_whole_in_colour_and_well(wanted: object) -> None:
    original = marked(1500, 1000)
    result = rendered(saved(original), wanted)  # type: ignore[arg-type]
    (proxy,) = result.proxies
    image = opened(proxy)
    assert image.format == "JPEG"
    assert image.size == (1200, 800)
    assert ssim(image, marked(1200, 800)) > 0.98
    assert all(colour_difference(a, b) < 4 for a, b in zip(corner_colours(image), CORNERS, strict=True))


def test_picture_with_transparency_is_judged_over_white_and_over_black() -> None:
    """A white drawing on nothing cannot be seen over white."""
    drawn = marked(640, 400, (255, 255, 255)).convert("RGBA")
    drawn.putalpha(Image.new("L", drawn.size, 0))
    drawn.paste((255, 255, 255, 255), (200, 100, 440, 300))
    over_white, over_black = (
        opened(p) for p in rendered(saved(drawn, "PNG"), specs(formats=("webp",))).proxies
    )
    assert over_white.convert("L").getextrema() == (255, 255)
    assert pixel(over_black, (160, 100)) == (255, 255, 255)
    assert pixel(over_black, (10, 10)) == (0, 0, 0)


def test_colour_under_full_transparency_is_neither_published_nor_judged() -> None:
    drawn = marked().convert("RGBA")
    drawn.putalpha(0)
    result = rendered(
        saved(drawn, "PNG"), specs({"same": 640, "small": 200}, ("png", "webp", "avif", "jpeg"))
    )
    for made in result.renditions:
        image = opened(made.data)
        shown = image.convert("RGB").getextrema()
        assert shown == (((255, 255),) * 3 if made.format == "jpeg" else ((0, 0),) * 3), made.format
    assert [opened(proxy).convert("L").getextrema() for proxy in result.proxies] == [(255, 255), (0, 0)]


@pytest.mark.parametrize("size", [(1, 1), (40, 3000), (3000, 40), (79, 79), (80, 80), (79, 200)])
def test_small_sides_are_padded(size: tuple[int, int]) -> None:
    (proxy,) = rendered(saved(Image.new("RGB", size, "red")), specs({"large": 2048})).proxies
    image = opened(proxy)
    assert min(image.size) >= MIN_SIDE
    assert max(image.size) <= 2048
    assert pixel(image, (image.width // 2, image.height // 2))[0] > 200


def test_padding_does_not_scale_the_picture() -> None:
    (proxy,) = proxies(Packed(marked(60, 60)))
    image = opened(proxy).crop((10, 10, 70, 70))
    assert all(colour_difference(a, b) < 25 for a, b in zip(corner_colours(image), CORNERS, strict=True))


def test_bytes_and_sides_stay_within_rekognitions_bounds() -> None:
    noise = Image.effect_noise((3400, 3400), 200).convert("RGB")
    for raster in (Packed(noise), Packed(Image.new("RGB", (12_000, 300), "red"))):
        (proxy,) = proxies(raster)
        assert len(proxy) <= MAX_BYTES
        assert max(opened(proxy).size) <= MAX_SIDE
