"""JPEG files whose markers are odd: a missing end costs nothing, missing pixels do; scans and segments are bounded."""

import struct
from typing import Any

import pytest
from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.containers import jpeg
from media_pipeline.images.inspection import inspect
from tests.unit.images.drawing import LIMITS, detailed, marked, pixel, rendered, rendition, saved, specs
from tests.unit.images.test_inputs import has_marks

TRAILER = b"\0\0\x01\n\x0e\0\0\0Image_UTC_Data1700000000000" + bytes(range(200)) + b"\xff\xe5SEFHk\0\0\0SEFT"
KINDS = [{}, {"progressive": True}, {"subsampling": "4:2:0"}, {"optimize": True}, {"keep_rgb": True}]


def without_end(**options: Any) -> bytes:
    data = saved(marked(), **options)
    assert data.endswith(jpeg.END)
    return data[:-2]


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("rest", [b"", b"\xff", b"\xff" * 40, TRAILER, b"\0" * 50])
def test_complete_picture_without_its_end_marker_is_published(options: dict[str, Any], rest: bytes) -> None:
    assert has_marks(rendition(without_end(**options) + rest), tolerance=4)


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("lost", [12, 60, 400, 2_000])
def test_picture_that_lost_pixels_stays_corrupt(options: dict[str, Any], lost: int) -> None:
    data = saved(detailed(640, 400), **options)[: -2 - lost]
    with pytest.raises(RejectedError) as refused:
        rendered(data)
    assert refused.value.reason is Reason.CORRUPT


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"subsampling": "4:2:0"}, {"restart_marker_rows": 1}])
def test_picture_that_was_cut_off_and_got_an_end_marker_is_corrupt(
    options: dict[str, Any], mode: str, kept: float
) -> None:
    data = saved(detailed(640, 400).convert(mode), **options)
    start = data.index(b"\xff\xda")
    cut = data[: start + int((len(data) - start) * kept)].rstrip(b"\xff") + jpeg.END
    with pytest.raises(RejectedError, match="its data end before its last pixel"):
        rendered(cut)


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_whole_picture_that_ends_in_the_grey_of_missing_pixels_is_published(
    mode: str, options: dict[str, Any]
) -> None:
    image = detailed(640, 400)
    image.paste((128, 128, 128), (0, 300, 640, 400))
    assert rendered(saved(image.convert(mode), **options))


def test_progressive_picture_that_lost_whole_scans_stays_corrupt() -> None:
    data = saved(detailed(640, 400), progressive=True)
    cut = data.rindex(b"\xff\xda")
    cut = data.rindex(b"\xff\xc4", 0, cut)
    assert not jpeg.scans(data[:cut]).is_complete
    with pytest.raises(RejectedError):
        rendered(data[:cut])


def scan_bomb(scans: int, side: int = 800) -> bytes:
    """Scans of one run each, that says of all blocks that there is nothing in them."""
    blocks = (side // 8) ** 2
    bits = "0" + format(blocks - 2**13, "013b")
    data = int(bits.ljust(16, "1"), 2).to_bytes(2, "big").replace(b"\xff", b"\xff\0")

    def segment(marker: int, body: bytes) -> bytes:
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body

    tables = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC4, b"\x10\1" + bytes(15) + b"\xd0")
    frame = segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
    scan = segment(0xDA, b"\1\1\0\1\x3f\0") + data
    return b"\xff\xd8" + tables + frame + scan * scans + jpeg.END


def test_scans_are_bounded_before_anything_is_decoded() -> None:
    assert inspect(scan_bomb(jpeg.MAX_SCANS), LIMITS).width == 800
    with pytest.raises(RejectedError, match="200 scans") as refused:
        inspect(scan_bomb(jpeg.MAX_SCANS + 1), LIMITS)
    assert refused.value.reason is Reason.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    "between",
    [b"\xff\xfe\0\2" * (jpeg.MAX_SEGMENTS + 1), b"\xff\xfe\0\2" + b"junk" * 300_000, b"\xff" * 1_100_000],
)
def test_header_of_nothing_but_segments_or_junk_is_refused(between: bytes) -> None:
    data = saved(marked())
    with pytest.raises(RejectedError) as refused:
        inspect(data[:20] + between + data[20:], LIMITS)
    assert refused.value.reason is Reason.RESOURCE_EXHAUSTED


def test_a_little_junk_between_the_segments_costs_nothing() -> None:
    data = saved(marked())
    assert has_marks(rendition(data[:20] + b"\0\0junk\xff\xff" + data[20:]), tolerance=4)


@pytest.mark.parametrize(
    ("frame", "bits", "words"),
    [
        (0xC3, 8, "lossless coding"),
        (0xC5, 8, "hierarchical coding"),
        (0xF7, 8, "the coding of JPEG-LS"),
        (0xC1, 12, "12 bits a sample"),
    ],
)
def test_process_that_cannot_be_decoded_is_named(frame: int, bits: int, words: str) -> None:
    data = bytearray(saved(marked(64, 48)))
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4] = frame, bits
    with pytest.raises(RejectedError, match=words) as refused:
        inspect(bytes(data), LIMITS)
    assert refused.value.reason is Reason.UNSUPPORTED_TYPE


def test_inks_are_stored_the_other_way_round_only_with_adobes_marker() -> None:
    """Pillow writes the marker and inverts; without it the same bytes are the standard's plain inks."""
    data = saved(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), quality=100)
    at = data.index(b"\xff\xee")
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    plain = data[:at] + data[at + 2 + length :]
    wanted = specs({"same": 64}, ("png",))
    assert pixel(rendition(data, wanted).convert("RGB"), (30, 30))[:1] > (200,)
    red, green, blue = pixel(rendition(plain, wanted).convert("RGB"), (30, 30))
    assert max(red, green, blue) < 60, "all black ink, as inverted values say"


def test_orientation_in_xmp_alone_does_not_count() -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    assert inspect(saved(marked(600, 400), xmp=xmp), LIMITS).orientation == 1
    made = Image.Exif()
    made[0x0112] = 3
    assert inspect(saved(marked(600, 400), xmp=xmp, exif=made.tobytes()), LIMITS).orientation == 3
