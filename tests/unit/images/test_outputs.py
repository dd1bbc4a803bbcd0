"""What is published: formats, transparency, grey, crops, and nothing but pixels."""

import io
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from benchmarks.measures import colour_difference, psnr, ssim
from media_pipeline.images.formats import FORMATS
from media_pipeline.images.sizes import Colour, Transparency
from tests.unit.images.drawing import (
    CORNERS,
    RED,
    corner_colours,
    detailed,
    marked,
    opened,
    pixel,
    rendered,
    rendition,
    saved,
    specs,
)
from tests.unit.images.profiles import ADOBE_RGB, rgb_profile

ALL = tuple(FORMATS)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def see_through(width: int = 640, height: int = 400) -> Image.Image:
    """The marks on a background that is fully transparent, with a bright colour hidden under it."""
    drawn = marked(width, height, background=(255, 0, 255)).convert("RGBA")
    alpha = Image.new("L", drawn.size, 0)
    side = min(width, height) // 5
    for x, y in ((0, 0), (width - side, 0), (0, height - side), (width - side, height - side)):
        alpha.paste(255, (x, y, x + side, y + side))
    drawn.putalpha(alpha)
    return drawn


def test_there_is_one_rendition_for_every_size_and_format() -> None:
    result = rendered(saved(detailed()), specs({"large": 1200, "small": 300}, ALL))
    assert [(r.name, r.format, r.width, r.height) for r in result.renditions] == [
        (name, format_name, *size)
        for name, size in (("large", (1200, 800)), ("small", (300, 200)))
        for format_name in ALL
    ]
    for made in result.renditions:
        image = opened(made.data)
        assert image.format == made.format.upper()
        assert image.size == (made.width, made.height)
        assert made.content_type == FORMATS[made.format].content_type == f"image/{made.format}"


def test_equal_pictures_are_encoded_once_and_listed_for_each_size() -> None:
    result = rendered(saved(detailed(600, 400)), specs({"large": 2048, "medium": 1024, "small": 300}))
    large, medium, small = result.renditions
    assert (large.width, large.height) == (medium.width, medium.height) == (600, 400)
    assert large.data is medium.data
    assert small.data != large.data


def test_same_picture_gives_the_same_bytes() -> None:
    data = saved(detailed())
    wanted = specs({"large": 1200, "card": {"width": 200, "height": 200, "fit": "cover"}}, ALL)
    first, second = rendered(data, wanted), rendered(data, wanted)
    assert [r.data for r in first.renditions] == [r.data for r in second.renditions]
    assert first.proxies == second.proxies


@pytest.mark.parametrize("format_name", ALL)
@pytest.mark.parametrize("profile", [SRGB, rgb_profile(ADOBE_RGB, 2.2)], ids=["sRGB", "Adobe RGB"])
def test_no_metadata_is_published(format_name: str, profile: bytes) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret description"
    exif.get_ifd(0x8825)[2] = (48.0, 12.0, 0.0)
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "secret comment")
    hidden: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": profile}
    sources = (
        saved(
            marked(),
            comment=b"secret comment",
            xmp=b"<x:xmpmeta>secret xmp</x:xmpmeta>",
            dpi=(300, 300),
            **hidden,
        ),
        saved(see_through(), "PNG", pnginfo=info, dpi=(300, 300), **hidden),
        saved(see_through(), "WEBP", xmp=b"<x:xmpmeta>secret xmp</x:xmpmeta>", **hidden),
    )
    for source in sources:
        for wanted in (
            specs({"same": 640, "small": 100}, (format_name,)),
            specs({"same": 640, "small": 100}, (format_name,), transparency="keep"),
            specs(formats=(format_name,), grayscale=True, transparency="keep"),
        ):
            result = rendered(source, wanted)
            for data in (*(r.data for r in result.renditions), *result.proxies):
                image = opened(data)
                assert b"secret" not in data
                assert not dict(image.getexif())
                assert not {"exif", "icc_profile", "comment", "xmp", "dpi", "Comment"} & set(image.info)


@pytest.mark.parametrize("format_name", ["png", "webp", "avif"])
@pytest.mark.parametrize("size", [640, 320])
def test_transparency_is_kept_and_hides_no_colour(format_name: str, size: int) -> None:
    image = rendition(
        saved(see_through(), "PNG"), specs({"small": size}, (format_name,), transparency="keep")
    )
    assert image.mode == "RGBA"
    assert pixel(image, (image.width // 2, image.height // 2))[3] == 0
    assert pixel(image, (5, 5))[3] == 255
    covered, hidden = (
        image.getchannel("A").point(lambda level: 255 if level == 0 else 0),
        Image.new("RGB", image.size),
    )
    hidden.paste(image.convert("RGB"), mask=covered)
    # Nothing of the magenta. WebP and AVIF are lossy, so near the marks they leave a little of the marks' colours.
    assert hidden.getextrema() == ((0, 0),) * 3 or format_name != "png"
    assert max(pixel(image, (image.width // 2, image.height // 2))[:3]) <= 8


def test_hidden_colour_does_not_bleed_into_edges() -> None:
    drawn = Image.new("RGBA", (400, 400), (255, 0, 255, 0))
    drawn.paste((0, 128, 0, 255), (133, 133, 267, 267))
    image = rendition(saved(drawn, "PNG"), specs({"small": 101}, ("png",), transparency="keep"))
    for count, colour in image.getcolors(101 * 101) or []:
        assert isinstance(colour, tuple)
        assert max(colour[0], colour[2]) <= 3, f"{count} pixels of {colour}"


@pytest.mark.parametrize("transparency", ["flatten", "keep"])
@pytest.mark.parametrize("background", [(255, 255, 255), (12, 200, 90)])
def test_jpeg_shows_transparency_over_the_background(transparency: Transparency, background: Colour) -> None:
    wanted = specs(formats=("jpeg",), transparency=transparency, background=background)
    image = rendition(saved(see_through(), "PNG"), wanted)
    assert colour_difference(pixel(image, (160, 100)), background) < 2
    assert all(colour_difference(a, b) < 4 for a, b in zip(corner_colours(image), CORNERS, strict=True))


@pytest.mark.parametrize("format_name", ALL)
@pytest.mark.parametrize("background", [(255, 255, 255), (12, 200, 90)])
def test_flattened_picture_is_published_over_the_background_in_every_format(
    format_name: str, background: Colour
) -> None:
    image = rendition(saved(see_through(), "PNG"), specs(formats=(format_name,), background=background))
    assert image.mode == "RGB"
    assert colour_difference(pixel(image, (160, 100)), background) < 4
    assert all(colour_difference(a, b) < 4 for a, b in zip(corner_colours(image), CORNERS, strict=True))


def test_partial_transparency_is_blended_with_the_background() -> None:
    drawn = Image.new("RGBA", (320, 200), (200, 40, 0, 128))
    image = rendition(saved(drawn, "PNG"), specs(formats=("png",), background=(0, 100, 250)))
    assert max(abs(a - b) for a, b in zip(pixel(image, (50, 50)), (100, 70, 125), strict=True)) <= 1


@pytest.mark.parametrize(("opacity", "kept"), [(1, 0), (15, 0), (16, 16), (255, 255)])
def test_what_is_hardly_opaque_is_cleared_where_transparency_is_kept(opacity: int, kept: int) -> None:
    drawn = Image.new("RGBA", (400, 300), (200, 40, 0, opacity))
    drawn.paste((0, 0, 0, 0), (0, 0, 20, 20))
    wanted = specs({"same": 400, "small": 200}, ("png", "webp"), transparency="keep")
    for made in rendered(saved(drawn, "PNG"), wanted).renditions:
        image = opened(made.data).convert("RGBA")
        red, _, _, shown = pixel(image, (150, 100))
        assert shown == kept
        assert (red > 150) == (kept > 0)


@pytest.mark.parametrize("mode", ["LA", "P", "L", "RGB"])
def test_every_kind_of_transparency_is_kept(mode: str) -> None:
    data = {
        "LA": lambda: saved(see_through().convert("LA"), "PNG"),
        "P": palette_with_key,
        "L": grey_with_key,
        "RGB": colour_with_key,
    }[mode]()
    image = rendition(data, specs(formats=("png",), transparency="keep"))
    assert image.mode == "RGBA"
    assert pixel(image, (160, 100))[3] == 0
    assert pixel(image, (5, 5))[3] == 255


def palette_with_key() -> bytes:
    drawn = marked().quantize(8)
    key = pixel(drawn, (320, 200))[0]
    return saved(drawn, "PNG", transparency=key)


def grey_with_key() -> bytes:
    return saved(marked().convert("L"), "PNG", transparency=128)


def colour_with_key() -> bytes:
    return saved(marked(), "PNG", transparency=(128, 128, 128))


def test_alpha_channel_that_hides_nothing_is_dropped() -> None:
    result = rendered(saved(marked().convert("RGBA"), "PNG"), specs(formats=("png",), transparency="keep"))
    assert opened(result.renditions[0].data).mode == "RGB"
    assert len(result.proxies) == 1


@pytest.mark.parametrize("format_name", ALL)
def test_grey_renditions_have_no_colour(format_name: str) -> None:
    image = rendition(saved(marked()), specs(formats=(format_name,), grayscale=True)).convert("RGB")
    for found in corner_colours(image):
        assert max(found) - min(found) <= 4
    expected = marked(320, 200).convert("L")
    assert ssim(image, expected) > 0.98


def test_grey_keeps_transparency() -> None:
    image = rendition(
        saved(see_through(), "PNG"), specs(formats=("png",), grayscale=True, transparency="keep")
    )
    assert image.mode == "RGBA"
    red, green, blue, alpha = pixel(image, (5, 5))
    assert red == green == blue
    assert alpha == 255
    assert pixel(image, (160, 100))[3] == 0


@pytest.mark.parametrize(("width", "height"), [(400, 300), (300, 300), (200, 300), (1000, 100)])
@pytest.mark.parametrize("source", ["JPEG", "PNG"])
def test_crop_shows_the_middle_undistorted(width: int, height: int, source: str) -> None:
    original = detailed(1600, 1000)
    card = {"width": width, "height": height, "fit": "cover"}
    image = rendition(saved(original, source), specs({"card": card, "large": 1200}, quality=100))
    assert image.size == (width, height)
    scale = max(width / 1600, height / 1000)
    left, top = (1600 - width / scale) / 2, (1000 - height / scale) / 2
    part = (left, top, left + width / scale, top + height / scale)
    expected = original.resize((width, height), Image.Resampling.LANCZOS, box=part)
    assert ssim(image, expected) > 0.97  # a cut is made between whole pixels, half a pixel off at most


def test_crop_of_a_turned_picture_is_cut_from_the_upright_one() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = detailed(800, 1200)
    data = saved(upright.transpose(Image.Transpose.ROTATE_90), exif=exif.tobytes())
    image = rendition(data, specs({"card": {"width": 400, "height": 200, "fit": "cover"}}))
    expected = upright.resize((400, 200), Image.Resampling.LANCZOS, box=(0, 400, 800, 800))
    assert ssim(image, expected) > 0.97


def test_small_picture_is_cropped_from_its_own_pixels() -> None:
    original = detailed(90, 120)
    image = rendition(
        saved(original, "PNG"), specs({"card": {"width": 400, "height": 300, "fit": "cover"}}, ("png",))
    )
    assert image.size == (90, 68)
    assert image.tobytes() == original.crop((0, 26, 90, 94)).tobytes()


def test_quality_is_the_configured_one() -> None:
    data = saved(detailed())
    sizes = [
        len(rendered(data, specs(formats=("webp",), quality=q)).renditions[0].data) for q in (30, 60, 90)
    ]
    assert all(less < more for less, more in pairwise(sizes))


def test_png_rendition_is_exactly_the_scaled_picture() -> None:
    original = detailed(900, 600)
    image = rendition(saved(original, "PNG"), specs({"small": 400}, ("png",)))
    expected = original.resize((400, 267), Image.Resampling.LANCZOS)
    assert psnr(image, expected) > 36
    assert ssim(image, expected) > 0.99


def test_marks_of_one_pixel_stay_where_they_are() -> None:
    drawn = Image.new("RGB", (1024, 1024), "black")
    drawn.paste(RED, (500, 300, 516, 316))
    image = Image.open(io.BytesIO(rendered(saved(drawn), specs({"s": 256})).renditions[0].data)).convert("L")
    box = image.point(lambda level: 255 if level > 30 else 0).getbbox()
    assert box is not None
    assert max(abs(found - wanted) for found, wanted in zip(box, (125, 75, 129, 79), strict=True)) <= 1
