"""Every kind of picture that comes in comes out with its marks where they belong and in their colours."""

import io
import struct
import zlib

import pillow_heif
import pytest
from PIL import Image, ImageOps

from benchmarks.measures import colour_difference, ssim
from media_pipeline.images.inspection import inspect
from tests.unit.images.drawing import (
    CORNERS,
    LIMITS,
    RED,
    corner_colours,
    detailed,
    marked,
    pixel,
    rendered,
    rendition,
    saved,
    specs,
)

VISIBLE = 2.3  # CIE76: the least difference that an eye sees
ORIENTED_BY = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
"""EXIF's orientation -> Pillow's transposition that undoes what the viewer will do."""


def exif(orientation: int) -> bytes:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010F] = "Maker"
    return made.tobytes()


def has_marks(image: Image.Image, tolerance: float = VISIBLE) -> bool:
    found = corner_colours(image)
    return all(colour_difference(a, b) < tolerance for a, b in zip(found, CORNERS, strict=True))


@pytest.mark.parametrize(
    ("format_name", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"subsampling": "4:2:0"}),
        ("JPEG", {"keep_rgb": True}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 95}),
        ("AVIF", {"quality": 90}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg"}),
        ("BMP", {}),
        ("MPO", {"save_all": True, "append_images": [Image.new("RGB", (64, 64), "black")]}),
    ],
)
@pytest.mark.parametrize("output", ["jpeg", "png"])
def test_colour_picture_keeps_its_marks(format_name: str, options: dict[str, object], output: str) -> None:
    data = saved(marked(), format_name, **options)
    image = rendition(data, specs({"small": 320}, (output,)))
    assert image.size == (320, 200)
    assert has_marks(image)


@pytest.mark.parametrize("name", ["rgb24", "palette", "gif"])
def test_palette_becomes_true_colour(name: str) -> None:
    quantized = marked().quantize(16)
    data = saved(quantized, "GIF" if name == "gif" else "PNG") if name != "rgb24" else saved(marked(), "PNG")
    assert has_marks(rendition(data))


def test_jpeg_of_rgb_that_numbers_its_components_like_ycbcr_is_told_by_its_adobe_marker() -> None:
    data = saved(marked(), keep_rgb=True)
    assert b"Adobe" in data
    for letter, number in zip(b"RGB", (1, 2, 3), strict=True):
        data = data.replace(bytes([letter, 0x11, 0]), bytes([number, 0x11, 0]))  # in the frame
        data = data.replace(bytes([letter, 0]), bytes([number, 0]), 1)  # in the scan
    assert [layer[0] for layer in Image.open(io.BytesIO(data)).layer] == [1, 2, 3]  # type: ignore[attr-defined]
    assert has_marks(rendition(data))


def test_interlaced_png_is_read() -> None:
    assert has_marks(rendition(interlaced_png(marked(64, 40))))


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_heic_is_read_upright(orientation: int) -> None:
    stored = marked(600, 400)
    if orientation != 1:
        stored = stored.transpose(Image.Transpose(ORIENTED_BY[orientation]))
    pillow_heif.register_heif_opener()
    data = saved(stored, "HEIF", quality=95, exif=exif(orientation))
    seen = inspect(data, LIMITS)
    assert (seen.content_type, seen.width, seen.height) == ("image/heic", 600, 400)
    image = rendition(data, specs({"small": 300}))
    assert image.size == (300, 200)
    assert has_marks(image, tolerance=4)


def test_cmyk_jpeg_is_shown_in_its_colours() -> None:
    image = rendition(saved(marked().convert("CMYK")))
    assert image.mode == "RGB"
    assert has_marks(image, tolerance=4)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "TIFF", "BMP"])
def test_grey_picture_stays_grey(format_name: str) -> None:
    drawn = marked().convert("L")
    image = rendition(saved(drawn, format_name))
    for found, colour in zip(corner_colours(image), CORNERS, strict=True):
        expected = pixel(Image.new("RGB", (1, 1), colour).convert("L"), (0, 0))[0]
        assert max(abs(level - expected) for level in found) <= 2


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(format_name: str) -> None:
    grey = Image.linear_gradient("L").resize((640, 400))
    deep = grey.convert("I").point(lambda level: level * 257).convert("I;16")
    image = rendition(saved(deep, format_name))
    expected = grey.resize((320, 200), Image.Resampling.LANCZOS)
    assert ssim(image, expected) > 0.99


@pytest.mark.parametrize(("scale", "mode"), [(1 / 255, "F"), (1.0, "I"), (257.0, "I"), (1e6, "I")])
def test_wide_numbers_are_brought_to_eight_bits(scale: float, mode: str) -> None:
    grey = Image.linear_gradient("L").resize((640, 400))
    wide = grey.convert("F").point(lambda level: level * scale + 0).convert(mode)
    image = rendition(saved(wide, "TIFF"))
    assert abs(pixel(image.convert("L"), (160, 100))[0] - 127) <= 2


def test_one_bit_picture_becomes_grey() -> None:
    drawn = Image.new("1", (640, 400), 1)
    drawn.paste(0, (0, 0, 320, 400))
    image = rendition(saved(drawn, "TIFF", compression="group4"))
    assert pixel(image.convert("L"), (20, 100)) == (0,)
    assert pixel(image.convert("L"), (300, 100)) == (255,)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_picture_is_upright_whatever_its_exif_says(format_name: str, orientation: int) -> None:
    drawn = marked(600, 400)
    turned = ORIENTED_BY.get(orientation)
    stored = drawn if turned is None else drawn.transpose(Image.Transpose(turned))
    data = saved(stored, format_name, exif=exif(orientation))
    seen = inspect(data, LIMITS)
    assert (seen.width, seen.height) == (600, 400)
    result = rendered(data, specs({"small": 300}, ("jpeg",)))
    image = Image.open(io.BytesIO(result.renditions[0].data))
    assert image.size == (300, 200)
    assert has_marks(image, tolerance=4)
    assert ssim(image, marked(300, 200)) > 0.97, "nothing was squeezed on the way"


def test_orientation_behind_the_pixels_of_a_png_is_found() -> None:
    stored = marked(600, 400).transpose(Image.Transpose.ROTATE_90)
    plain = saved(stored, "PNG")
    end = plain.rindex(b"IEND") - 4
    body = exif(6).removeprefix(b"Exif\0\0")
    data = plain[:end] + png_chunk(b"eXIf", body) + plain[end:]
    assert inspect(data, LIMITS).orientation == 6
    assert has_marks(rendition(data))


def test_drawn_orientations_are_what_pillow_takes_them_for() -> None:
    """The test's own table, against the library that the naive recipe trusts."""
    for orientation, turned in ORIENTED_BY.items():
        stored = marked(60, 40).transpose(Image.Transpose(turned))
        upright = ImageOps.exif_transpose(
            Image.open(io.BytesIO(saved(stored, "PNG", exif=exif(orientation))))
        )
        assert upright.tobytes() == marked(60, 40).tobytes()


def test_first_picture_of_several_is_meant() -> None:
    pages = [marked(), Image.new("RGB", (3000, 20), "white")]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert inspect(data, LIMITS).frames == 1
    assert has_marks(rendition(data))


def test_very_narrow_picture_is_rendered() -> None:
    wanted = specs({"large": 2048, "thumbnail": 150}, ("jpeg", "png", "webp"))
    result = rendered(saved(detailed(40, 3000)), wanted)
    assert {(r.name, r.width, r.height) for r in result.renditions} == {
        ("large", 27, 2048),
        ("thumbnail", 2, 150),
    }
    assert len(result.renditions) == 6


def test_single_pixel_is_rendered() -> None:
    result = rendered(
        saved(Image.new("RGB", (1, 1), RED), "PNG"), specs({"s": 150}, ("jpeg", "png", "webp", "avif"))
    )
    assert {(r.width, r.height) for r in result.renditions} == {(1, 1)}


def test_camera_and_time_are_told_but_no_place() -> None:
    made = Image.Exif()
    made[0x010F], made[0x0110] = "NIKON CORPORATION", "NIKON D3100\0"
    made.get_ifd(0x8769)[0x9003] = "2010:12:02 13:18:23"
    made.get_ifd(0x8769)[0x9011] = "+02:00"
    made.get_ifd(0x8825)[2] = (48.0, 12.0, 0.0)
    seen = inspect(saved(marked(), exif=made.tobytes()), LIMITS)
    assert dict(seen.exif) == {"camera": "NIKON D3100", "taken_at": "2010-12-02T13:18:23+02:00"}


@pytest.mark.parametrize("moment", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday"])
def test_clock_that_was_never_set_is_no_time(moment: str) -> None:
    made = Image.Exif()
    made.get_ifd(0x8769)[0x9003] = moment
    assert "taken_at" not in inspect(saved(marked(), exif=made.tobytes()), LIMITS).exif


def test_broken_exif_does_not_cost_the_picture() -> None:
    data = saved(marked(), exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff")
    assert inspect(data, LIMITS).orientation == 1
    assert has_marks(rendition(data))


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def interlaced_png(image: Image.Image) -> bytes:
    """Adam7, which Pillow reads but does not write."""
    rows = b""
    for x0, y0, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        for y in range(y0, image.height, dy):
            row = b"".join(bytes(pixel(image, (x, y))) for x in range(x0, image.width, dx))
            rows += b"\0" + row
    header = struct.pack(">IIBBBBB", *image.size, 8, 2, 0, 0, 1)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)
