"""Colours are converted to sRGB: judged against the published arithmetic, not against the library that does it."""

import pytest
from PIL import Image, ImageCms

from benchmarks.measures import colour_difference
from media_pipeline.images.colour import is_srgb
from tests.unit.images.drawing import detailed, marked, opened, pixel, rendered, rendition, saved, specs
from tests.unit.images.profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    grey_profile,
    rgb_profile,
    table_profile,
)

SAMPLE = (180, 90, 60)
XYZ_D50_TO_SRGB = (
    (3.1341359, -1.6173863, -0.4906619),
    (-0.9787955, 1.9162544, 0.0334427),
    (0.0719554, -0.2289768, 1.4053860),
)


def converted(
    colour: tuple[int, ...], primaries: tuple[tuple[float, ...], ...], gamma: float
) -> tuple[int, ...]:
    linear = [(level / 255) ** gamma for level in colour]
    xyz = [sum(primaries[light][axis] * linear[light] for light in range(3)) for axis in range(3)]
    levels = [sum(row[axis] * xyz[axis] for axis in range(3)) for row in XYZ_D50_TO_SRGB]
    return tuple(round(255 * encoded(min(1.0, max(0.0, level)))) for level in levels)


def encoded(level: float) -> float:
    return 12.92 * level if level <= 0.0031308 else 1.055 * level ** (1 / 2.4) - 0.055


def flat(colour: tuple[int, ...], mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (640, 400), colour if len(colour) > 1 else colour[0])


def middle(image: Image.Image) -> tuple[int, ...]:
    return pixel(image.convert("RGB"), (image.width // 2, image.height // 2))


@pytest.mark.parametrize(("primaries", "gamma"), [(DISPLAY_P3, 2.2), (ADOBE_RGB, 2.19921875)])
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("output", ["jpeg", "png"])
def test_wide_gamut_is_converted_to_srgb(
    primaries: tuple[tuple[float, ...], ...], gamma: float, format_name: str, output: str
) -> None:
    options = {"lossless": True} if format_name == "WEBP" else {}
    data = saved(flat(SAMPLE), format_name, icc_profile=rgb_profile(primaries, gamma), **options)
    found = middle(rendition(data, specs(formats=(output,))))
    expected = converted(SAMPLE, primaries, gamma)
    assert colour_difference(SAMPLE, expected) > 5, "the profile must matter for this test to tell anything"
    assert colour_difference(found, expected) < 2.3


def test_transparent_picture_is_converted_too() -> None:
    drawn = flat(SAMPLE).convert("RGBA")
    drawn.putpixel((0, 0), (0, 0, 0, 0))
    data = saved(drawn, "PNG", icc_profile=rgb_profile(ADOBE_RGB, 2.2))
    found = middle(rendition(data, specs(formats=("png",))))
    assert colour_difference(found, converted(SAMPLE, ADOBE_RGB, 2.2)) < 2.3


def test_every_size_is_converted_once() -> None:
    data = saved(flat(SAMPLE), icc_profile=rgb_profile(ADOBE_RGB, 2.2))
    sizes = {
        "same": 640,
        "near": 600,
        "nearer": 580,
        "half": 320,
        "card": {"width": 90, "height": 90, "fit": "cover"},
    }
    result = rendered(data, specs(sizes, ("png",)))
    expected = converted(SAMPLE, ADOBE_RGB, 2.2)
    for made in result.renditions:
        found = middle(opened(made.data))
        assert colour_difference(found, expected) < 2.3, made.name


def test_judged_picture_is_converted_too() -> None:
    data = saved(flat(SAMPLE), icc_profile=rgb_profile(ADOBE_RGB, 2.2))
    result = rendered(data, specs(formats=("webp",)))
    found = middle(opened(result.proxies[0]))
    assert colour_difference(found, converted(SAMPLE, ADOBE_RGB, 2.2)) < 3


def test_lookup_table_of_rgb_is_applied() -> None:
    """The table swaps red and green, as no matrix with curves would: yellow-green Lab for red light."""
    lab = {
        (1, 0, 0): (87.8, -79.3, 81.0),
        (0, 1, 0): (54.3, 80.8, 69.9),
        (0, 0, 0): (0, 0, 0),
        (1, 1, 1): (100, 0, 0),
    }
    profile = table_profile(b"RGB ", 3, lambda *light: lab.get(light, (50, 0, 0)))
    found = middle(rendition(saved(flat((255, 0, 0)), "PNG", icc_profile=profile)))
    assert found[1] > 200 > 60 > found[2]


def test_cmyk_with_a_profile_is_converted_by_it() -> None:
    """An ink of this profile is a pure blue, which plain arithmetic would show as cyan."""

    def lab(cyan: int, magenta: int, yellow: int, black: int) -> tuple[float, float, float]:
        inks = (cyan, magenta, yellow, black)
        return (30, 68, -112) if inks == (1, 0, 0, 0) else (95 - 24 * sum(inks), 0, 0)

    profile = table_profile(b"CMYK", 4, lab)
    drawn = flat((255, 0, 0, 0), "CMYK")
    plain = middle(rendition(saved(drawn, "TIFF")))
    found = middle(rendition(saved(drawn, "TIFF", icc_profile=profile)))
    assert colour_difference(plain, (0, 255, 255)) < 40
    assert found[2] > 180
    assert max(found[:2]) < 110


def test_grey_profile_is_applied() -> None:
    data = saved(flat((100,), "L"), "PNG", icc_profile=grey_profile(1.0))
    expected = round(255 * encoded(100 / 255))
    found = middle(rendition(data, specs(formats=("png",))))
    assert max(abs(level - expected) for level in found) <= 3
    assert found[0] == found[1] == found[2]


def test_lab_is_converted() -> None:
    lab = Image.new("LAB", (640, 400), (138, 209, 198))  # L 54, a 81, b 70: sRGB's red
    assert colour_difference(middle(rendition(saved(lab, "TIFF"))), (255, 0, 0)) < 8


@pytest.mark.parametrize(
    "profile", [b"no profile at all", rgb_profile(ADOBE_RGB, 2.2)[:200], grey_profile(1.8)]
)
def test_profile_that_is_broken_or_of_another_space_is_ignored(profile: bytes) -> None:
    assert colour_difference(middle(rendition(saved(flat(SAMPLE), icc_profile=profile))), SAMPLE) < 2.3


def test_srgb_is_told_by_what_it_does_not_by_its_name() -> None:
    assert is_srgb(None)
    assert is_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    named = rgb_profile(ADOBE_RGB, 2.2).replace(b"test", b"sRGB")
    assert not is_srgb(named)
    assert colour_difference(middle(rendition(saved(flat(SAMPLE), icc_profile=named))), SAMPLE) > 5


def test_picture_without_profile_is_taken_for_srgb() -> None:
    image = rendition(saved(marked(), "PNG"), specs({"same": 640}, ("png",)))
    assert image.tobytes() == marked().tobytes()


def test_what_was_converted_carries_no_profile() -> None:
    data = saved(detailed(320, 200), "JPEG", icc_profile=rgb_profile(ADOBE_RGB, 2.2))
    for made in rendered(data, specs({"same": 320}, ("jpeg", "png", "webp", "avif"))).renditions:
        assert "icc_profile" not in opened(made.data).info, f"{made.format}: sRGB is what viewers assume"
