"""AVIF and HEIC: cropped to the clean aperture before they are turned; HDR is tone mapped as videos are."""

import io
import struct
import zlib
from typing import Any

import pillow_heif
import pytest
from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images import icc
from media_pipeline.images.cicp import CodePoints, as_profile
from media_pipeline.images.containers import isobmff
from media_pipeline.images.inspection import inspect
from media_pipeline.images.memory_estimate import memory
from media_pipeline.images.opening import open_picture
from tests.unit.images.drawing import (
    BLUE,
    CORNERS,
    GREEN,
    LIMITS,
    RED,
    YELLOW,
    marked,
    pixel,
    rendition,
    saved,
    specs,
)
from tests.unit.images.profiles import ADOBE_RGB, rgb_profile
from tests.unit.images.test_hostile import box
from tests.unit.images.test_inputs import exif

WANTED = specs({"same": 640}, ("png",))


def with_property(data: bytes, made: bytes) -> bytes:
    """Add a property of the primary item to an AVIF file of one item, as Pillow writes it."""
    for name in (b"meta", b"iprp", b"ipco"):
        at = data.index(name) - 4
        data = (
            data[:at]
            + struct.pack(">I", int.from_bytes(data[at : at + 4], "big") + len(made))
            + data[at + 4 :]
        )
    at = data.index(b"ipco") - 4
    end = at + int.from_bytes(data[at : at + 4], "big") - len(made)
    data = data[:end] + made + data[end:]
    at = data.index(b"ipma")
    count = data[at + 14]
    number = len(list(isobmff._boxes(memoryview(data)[data.index(b"ipco") + 4 : end + len(made)])))
    grown = data[: at + 14] + bytes([count + 1]) + data[at + 15 : at + 15 + count] + bytes([number | 0x80])
    data = grown + data[at + 15 + count :]
    for name in (b"ipma", b"iprp", b"meta"):
        at = data.index(name) - 4
        data = data[:at] + struct.pack(">I", int.from_bytes(data[at : at + 4], "big") + 1) + data[at + 4 :]
    return moved(data, len(made) + 1)


def moved(data: bytes, by: int) -> bytes:
    """Move the offsets of the items' data, which Pillow writes without a base, libheif with one."""
    at = data.index(b"iloc")
    sizes, base, items = data[at + 8], data[at + 9] >> 4, int.from_bytes(data[at + 10 : at + 12], "big")
    assert sizes == 0x44
    position, out = at + 12, bytearray(data)

    def move(where: int) -> None:
        out[where : where + 4] = struct.pack(">I", int.from_bytes(data[where : where + 4], "big") + by)

    for _ in range(items):
        if base:
            move(position + 4)
        position += 4 + base
        for extent in range(int.from_bytes(data[position : position + 2], "big")):
            if not base:
                move(position + 2 + 8 * extent)
        position += 2 + 8 * int.from_bytes(data[position : position + 2], "big")
    return bytes(out)


def clap(width: float, height: float, across: float, down: float, unit: int = 2) -> bytes:
    numbers = (round(value * unit) for value in (width, height, across, down))
    return box(b"clap", *(struct.pack(">iI", number, unit) for number in numbers))


def avif(*properties: bytes, **options: Any) -> bytes:
    data = saved(marked(640, 400), "AVIF", quality=95, **options)
    for made in properties:
        data = with_property(data, made)
    return data


QUARTERS = [  # the middle of each quarter, from the picture's middle; the mark that is in it
    ((-160, -100), RED, 0),
    ((160, -100), GREEN, 1),
    ((-160, 100), BLUE, 2),
    ((160, 100), YELLOW, 3),
]


@pytest.mark.parametrize(("middle", "colour", "corner"), QUARTERS)
def test_what_lies_outside_of_the_clean_aperture_is_not_published(
    middle: tuple[int, int], colour: tuple[int, ...], corner: int
) -> None:
    data = avif(clap(320, 200, *middle))
    seen = inspect(data, LIMITS)
    assert (seen.width, seen.height) == (320, 200)
    image = rendition(data, WANTED).convert("RGB")
    assert image.size == (320, 200)
    at = [(20, 20), (299, 20), (20, 179), (299, 179)][corner]
    assert all(abs(a - b) < 20 for a, b in zip(pixel(image, at), colour, strict=True))
    others = [other for other in CORNERS if other != colour]
    found = image.getcolors(320 * 200) or []
    assert not [
        level
        for count, level in found
        if isinstance(level, tuple)
        for other in others
        if count > 50 and all(abs(a - b) < 12 for a, b in zip(level, other, strict=True))
    ]


@pytest.mark.parametrize(
    ("turned", "size", "at"), [((b"irot", 1), (200, 320), (20, 299)), ((b"imir", 1), (320, 200), (299, 20))]
)
def test_picture_is_cropped_first_and_turned_then(
    turned: tuple[bytes, int], size: tuple[int, int], at: tuple[int, int]
) -> None:
    """Counter-clockwise by a quarter, or mirrored left to right: the red corner goes where it must."""
    name, value = turned
    data = avif(clap(320, 200, -160, -100), box(name, bytes([value])))
    seen = inspect(data, LIMITS)
    assert (seen.width, seen.height) == size
    image = rendition(data, WANTED).convert("RGB")
    assert image.size == size
    assert all(abs(a - b) < 20 for a, b in zip(pixel(image, at), RED, strict=True))


@pytest.mark.parametrize(
    ("turned", "size", "at"),
    [
        ([], (320, 200), (20, 20)),
        ([(b"irot", 1)], (200, 320), (20, 299)),
        ([(b"irot", 2)], (320, 200), (299, 179)),
        ([(b"irot", 3)], (200, 320), (179, 20)),
        ([(b"imir", 1)], (320, 200), (299, 20)),
        ([(b"imir", 0)], (320, 200), (20, 179)),
        ([(b"irot", 1), (b"imir", 1)], (200, 320), (179, 299)),
    ],
)
@pytest.mark.parametrize("format_name", ["AVIF", "HEIF"])
def test_red_corner_that_is_left_is_where_it_belongs(
    format_name: str, turned: list[tuple[bytes, int]], size: tuple[int, int], at: tuple[int, int]
) -> None:
    pillow_heif.register_heif_opener()
    data = with_property(saved(marked(640, 400), format_name, quality=95), clap(320, 200, -160, -100))
    for name, value in turned:
        data = with_property(data, box(name, bytes([value])))
    seen = inspect(data, LIMITS)
    image = rendition(data, WANTED).convert("RGB")
    assert (seen.width, seen.height) == image.size == size
    assert all(abs(a - b) < 25 for a, b in zip(pixel(image, at), RED, strict=True))


def test_memory_of_what_is_cropped_away_is_counted() -> None:
    whole, part = (
        memory(open_picture(data, "image/avif", LIMITS), inspect(data, LIMITS))
        for data in (avif(), avif(clap(20, 10, 0, 0)))
    )
    assert part == whole


def test_half_pixels_are_cut_off() -> None:
    seen = inspect(avif(clap(319.5, 199.5, -160, -100)), LIMITS)
    assert (seen.width, seen.height) == (318, 198)


def test_aperture_beyond_the_picture_ends_with_it() -> None:
    seen = inspect(avif(clap(640, 400, 320, 200)), LIMITS)
    assert (seen.width, seen.height) == (320, 200)


def test_aperture_that_shows_nothing_is_corrupt() -> None:
    with pytest.raises(RejectedError) as refused:
        inspect(avif(clap(10, 10, 5_000, 0)), LIMITS)
    assert refused.value.reason is Reason.CORRUPT


def test_orientation_of_the_exif_does_not_count_beside_the_boxes() -> None:
    assert inspect(avif(box(b"irot", b"\1")), LIMITS).width == 400
    pillow_heif.register_heif_opener()
    assert inspect(saved(marked(640, 400), "HEIF", quality=90), LIMITS).width == 640


@pytest.mark.parametrize("name", [b"avif", b"heic"])
def test_items_by_the_thousand_are_refused_before_anything_is_decoded(name: bytes) -> None:
    meta = box(b"meta", bytes(4), box(b"iinf", b"\1\0\0\0", struct.pack(">I", isobmff.MAX_ITEMS + 1)))
    with pytest.raises(RejectedError) as refused:
        inspect(box(b"ftyp", name, bytes(4), name) + meta, LIMITS)
    assert refused.value.reason is Reason.RESOURCE_EXHAUSTED


def test_tables_of_megabytes_are_refused() -> None:
    meta = box(b"meta", bytes(isobmff.MAX_TABLES + 1))
    with pytest.raises(RejectedError) as refused:
        inspect(box(b"ftyp", b"avif", bytes(4), b"avif") + meta, LIMITS)
    assert refused.value.reason is Reason.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("name", [b"avif", b"heic"])
@pytest.mark.parametrize(
    "item",
    [
        b"\2\0\0\0" + struct.pack(">HH", 2, 0) + b"Ex\xb1f\0",
        b"\3\0\0\0" + struct.pack(">IH", 2, 0) + b"\xff\xff\xff\xff\0",
        b"\2\0\0\0" + struct.pack(">HH", 2, 0) + b"mime" + b"name\0" + b"text/\xb1\0",
    ],
)
def test_item_whose_type_is_not_text_never_reaches_a_decoder(name: bytes, item: bytes) -> None:
    """libheif's binding ends the whole process there."""
    items = box(b"iinf", bytes(4), struct.pack(">H", 1), box(b"infe", item))
    with pytest.raises(RejectedError, match="is not text") as refused:
        inspect(box(b"ftyp", name, bytes(4), name) + box(b"meta", bytes(4), items), LIMITS)
    assert refused.value.reason is Reason.CORRUPT


PQ, HLG, BT2020 = 16, 18, 9
GREYS = {PQ: [(0, 0), (77, 63), (148, 228), (255, 255)], HLG: [(0, 0), (191, 228), (255, 255)]}
"""Signal of 8 bits -> sRGB: black; 10 cd/m2 of PQ; the reference white of 203 cd/m2; the peak."""


def hdr_png(transfer: int, level: int) -> bytes:
    data = saved(Image.new("RGB", (64, 64), (level,) * 3), "PNG")
    body = b"cICP" + bytes((BT2020, transfer, 0, 1))
    return data[:33] + struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body)) + data[33:]


def hdr_avif(transfer: int, level: int) -> bytes:
    data = saved(Image.new("RGB", (64, 64), (level,) * 3), "AVIF", quality=100)
    return data.replace(
        b"colrnclx" + struct.pack(">HH", 1, 13), b"colrnclx" + struct.pack(">HH", BT2020, transfer)
    )


def hdr_heic(transfer: int, level: int) -> bytes:
    pillow_heif.register_heif_opener()
    points = {"color_primaries": BT2020, "transfer_characteristics": transfer}
    return saved(Image.new("RGB", (64, 64), (level,) * 3), "HEIF", quality=95, **points)


@pytest.mark.parametrize("made", [hdr_png, hdr_avif, hdr_heic])
@pytest.mark.parametrize(
    ("transfer", "level", "wanted"),
    [(transfer, *pair) for transfer, pairs in GREYS.items() for pair in pairs],
)
def test_high_dynamic_range_is_pressed_below_white(made: Any, transfer: int, level: int, wanted: int) -> None:
    image = rendition(made(transfer, level), WANTED).convert("RGB")
    assert all(abs(found - wanted) <= 6 for found in pixel(image, (30, 30)))


def test_profile_that_announces_hdr_is_tone_mapped_too() -> None:
    """ICC.1:2022's `cicp` tag, as Adobe's HDR pictures have it."""
    profile = rgb_profile(ADOBE_RGB, 2.2)
    count = int.from_bytes(profile[128:132], "big")
    index = bytearray(profile[132 : 132 + 12 * count])
    for number in range(count):
        start = int.from_bytes(index[12 * number + 4 : 12 * number + 8], "big")
        index[12 * number + 4 : 12 * number + 8] = struct.pack(">I", start + 12)
    entry = b"cicp" + struct.pack(">II", len(profile) + 12, 12)
    body = profile[132 + 12 * count :] + b"cicp" + bytes(4) + bytes((BT2020, PQ, 0, 1))
    made = profile[:128] + struct.pack(">I", count + 1) + bytes(index) + entry + body
    assert icc.code_points(struct.pack(">I", len(made)) + made[4:]) == (BT2020, PQ)
    data = saved(Image.new("RGB", (64, 64), (148,) * 3), quality=100, icc_profile=made)
    assert abs(pixel(rendition(data, WANTED).convert("RGB"), (30, 30))[0] - 228) <= 6


def test_hdr_of_unknown_primaries_is_taken_for_bt2020() -> None:
    assert as_profile(CodePoints(2, PQ)) == as_profile(CodePoints(BT2020, PQ))


def test_large_profile_counts_as_absent_and_is_not_kept() -> None:
    profile = rgb_profile(ADOBE_RGB, 1.0)
    assert pixel(rendition(tiff(profile), WANTED).convert("RGB"), (9, 9)) != (80, 80, 80)
    assert pixel(rendition(tiff(profile + bytes(icc.MAX_BYTES)), WANTED).convert("RGB"), (9, 9)) == (
        80,
        80,
        80,
    )


def tiff(profile: bytes) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (80, 80, 80)).save(out, "TIFF", icc_profile=profile)
    return out.getvalue()


def bmp(header: int, alpha: bytes) -> bytes:
    """32 bits a pixel with masks for all four; header of 56, 108 or 124 bytes."""
    pixels = (bytes((40, 60, 200)) + alpha) * 64 * 64
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", header, 64, 64, 1, 32, 3, len(pixels), 0, 0, 0, 0) + masks
    info = info.ljust(header, b"\0")
    return b"BM" + struct.pack("<IHHI", 14 + header + len(pixels), 0, 0, 14 + header) + info + pixels


@pytest.mark.parametrize("header", [56, 108, 124])
def test_bitmap_that_is_clear_everywhere_is_opaque(header: int) -> None:
    kept = specs({"same": 64}, ("png",), transparency="keep")
    assert pixel(rendition(bmp(header, b"\0"), kept).convert("RGBA"), (9, 9)) == (200, 60, 40, 255)
    assert pixel(rendition(bmp(header, b"\x80"), kept).convert("RGBA"), (9, 9))[3] == 128


def test_bitmap_in_a_layout_that_cannot_be_decoded_is_named() -> None:
    info = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 0, 5, 99, 0, 0, 0, 0)
    with pytest.raises(RejectedError, match="PNG inside") as refused:
        inspect(b"BM" + struct.pack("<IHHI", 200, 0, 0, 54) + info + bytes(200), LIMITS)
    assert refused.value.reason is Reason.UNSUPPORTED_TYPE


def test_exif_of_a_heic_is_used_up_by_its_decoder() -> None:
    pillow_heif.register_heif_opener()
    seen = inspect(saved(marked(600, 400), "HEIF", quality=90, exif=exif(6)), LIMITS)
    assert (seen.orientation, seen.exif["camera"]) == (1, "Maker")
