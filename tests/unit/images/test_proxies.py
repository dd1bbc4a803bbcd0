"""What Rekognition is shown: the whole picture in colour, within its bounds, with nothing hidden."""

import pytest
from PIL import Image

from benchmarks.measures import colour_difference, ssim
from media_pipeline.images.proxies import LEAST_QUALITY, MAX_BYTES, MAX_SIDE, MIN_SIDE, proxies
from media_pipeline.images.rasters import Packed
from tests.unit.images.drawing import (
    BLUE,
    CORNERS,
    GREEN,
    RED,
    YELLOW,
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


@pytest.mark.parametrize("quality", [30, LEAST_QUALITY - 1, LEAST_QUALITY])
def test_a_jpeg_rendition_is_judged_itself_from_a_fair_quality_on(quality: int) -> None:
    result = rendered(saved(detailed()), specs({"large": 1200}, quality=quality))
    (made,), (proxy,) = result.renditions, result.proxies
    assert (proxy == made.data) is (quality >= LEAST_QUALITY)


@pytest.mark.parametrize("formats", [("jpeg", "webp"), ("png",), ("avif",)])
def test_flattened_picture_is_judged_once_as_it_is_published(formats: tuple[str, ...]) -> None:
    drawn = marked(640, 400, (255, 255, 255)).convert("RGBA")
    drawn.putalpha(Image.radial_gradient("L").resize(drawn.size))
    result = rendered(saved(drawn, "PNG"), specs({"same": 640}, formats, background=(0, 90, 200)))
    (proxy,) = result.proxies
    for made in result.renditions:
        assert ssim(opened(proxy), opened(made.data).convert("RGB")) > 0.98


def test_flattened_jpeg_is_the_very_picture_that_is_judged() -> None:
    drawn = marked().convert("RGBA")
    drawn.putalpha(Image.radial_gradient("L").resize(drawn.size))
    result = rendered(saved(drawn, "PNG"), specs({"same": 640}, ("jpeg", "webp")))
    assert result.proxies == (result.renditions[0].data,)


def test_kept_transparency_is_judged_over_white_black_and_grey_and_without_its_opacity() -> None:
    drawn = Image.new("RGBA", (640, 400), (255, 255, 255, 0))
    drawn.paste((200, 40, 40, 128), (200, 100, 440, 300))
    wanted = specs({"same": 640}, ("webp",), transparency="keep")
    views = [opened(proxy) for proxy in rendered(saved(drawn, "PNG"), wanted).proxies]
    found = [(pixel(view, (10, 10)), pixel(view, (320, 200))) for view in views]
    expected = [
        ((255, 255, 255), (227, 147, 147)),
        ((0, 0, 0), (100, 20, 20)),
        ((128, 128, 128), (164, 84, 84)),
        ((0, 0, 0), (200, 40, 40)),
    ]
    for (behind, shown), (wanted_behind, wanted_shown) in zip(found, expected, strict=True):
        assert max(abs(a - b) for a, b in zip(behind, wanted_behind, strict=True)) <= 1
        assert max(abs(a - b) for a, b in zip(shown, wanted_shown, strict=True)) <= 6


def test_kept_transparency_is_judged_over_the_background_of_its_jpegs_too() -> None:
    drawn = Image.new("RGBA", (640, 400), (0, 90, 200, 0))
    drawn.paste((0, 90, 200, 255), (200, 100, 440, 300))
    wanted = specs({"same": 640}, ("jpeg", "webp"), transparency="keep", background=(250, 220, 0))
    result = rendered(saved(drawn, "PNG"), wanted)
    published = opened(result.renditions[0].data)
    assert any(ssim(opened(proxy), published) > 0.98 for proxy in result.proxies)


def test_colour_under_full_transparency_is_neither_published_nor_judged() -> None:
    drawn = marked().convert("RGBA")
    drawn.putalpha(0)
    for transparency in ("flatten", "keep"):
        wanted = specs(
            {"same": 640, "small": 200}, ("png", "webp", "avif", "jpeg"), transparency=transparency
        )
        result = rendered(saved(drawn, "PNG"), wanted)
        for made in result.renditions:
            shown = opened(made.data).convert("RGB").getextrema()
            is_flat = made.format == "jpeg" or transparency == "flatten"
            assert shown == (((255, 255),) * 3 if is_flat else ((0, 0),) * 3), made.format
        levels = {opened(proxy).convert("L").getextrema() for proxy in result.proxies}
        assert levels == ({(255, 255)} if transparency == "flatten" else {(255, 255), (0, 0), (128, 128)})


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


def test_picture_that_no_single_jpeg_can_hold_at_half_its_scale_is_judged_in_tiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each mark, of which one lies across the middle, is whole in a tile, at half its scale or more."""
    monkeypatch.setattr("media_pipeline.images.proxies.MAX_BYTES", 60_000)
    picture = Image.effect_noise((900, 1400), 200).convert("RGB")
    for place, hue in (((0, 0), RED), ((800, 0), GREEN), ((0, 1300), BLUE), ((420, 670), YELLOW)):
        picture.paste(hue, (*place, place[0] + 100, place[1] + 60))
    tiles = proxies(Packed(picture))
    assert 1 < len(tiles) <= 16
    assert max(map(len, tiles)) <= 60_000
    for hue in CORNERS:
        seen = max(pixels_like(hue, opened(tile)) for tile in tiles)
        assert seen > 0.8 * 50 * 30, hue


def pixels_like(hue: tuple[int, int, int], image: Image.Image) -> int:
    colours: list[tuple[int, tuple[int, int, int]]] = image.getcolors(1 << 24) or []  # type: ignore[assignment]
    return sum(count for count, shown in colours if colour_difference(shown, hue) < 10)
