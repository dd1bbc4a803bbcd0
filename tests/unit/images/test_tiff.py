"""TIFF files: raw photographs and layouts that cannot be decoded are named, negatives turned round."""

import io
import struct

import pytest
from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.inspection import inspect
from media_pipeline.images.sniffing import sniff
from media_pipeline.images.sources.tiff import MAX_PIECES
from tests.unit.images.drawing import LIMITS, marked, pixel, rendition, saved, specs
from tests.unit.images.test_inputs import has_marks

WANTED = specs({"same": 640}, ("png",))
Tag = tuple[int, int, tuple[int, ...]]


def tiff(
    tags: list[Tag], pixels: bytes, *more: list[Tag], order: str = "<", magic: bytes | None = None
) -> bytes:
    """A file of directories that follow each other; tag 273 of each points at the one strip of pixels."""
    head = magic or (b"II*\0" if order == "<" else b"MM\0*")
    out = bytearray(head + struct.pack(f"{order}I", 8 + len(pixels)) + pixels)
    for number, listed in enumerate([tags, *more]):
        entries, values = b"", b""
        behind = len(out) + 2 + 12 * len(listed) + 4
        for tag, kind, value in sorted(listed):
            body = struct.pack(f"{order}{len(value)}{'BHI'[{1: 0, 3: 1, 4: 2}[kind]]}", *value)
            if len(body) > 4:
                entries += struct.pack(f"{order}HHII", tag, kind, len(value), behind + len(values))
                values += body
            else:
                entries += struct.pack(f"{order}HHI4s", tag, kind, len(value), body)
        following = behind + len(values) if number < len(more) else 0
        out += struct.pack(f"{order}H", len(listed)) + entries + struct.pack(f"{order}I", following) + values
    return bytes(out)


def picture(
    photometric: int,
    bits: tuple[int, ...],
    *others: Tag,
    size: tuple[int, int] = (64, 32),
    compression: int = 1,
) -> list[Tag]:
    length = size[0] * size[1] * sum(bits) // 8
    return [
        (256, 4, (size[0],)),
        (257, 4, (size[1],)),
        (258, 3, bits),
        (259, 3, (compression,)),
        (262, 3, (photometric,)),
        (273, 4, (8,)),
        (277, 3, (len(bits),)),
        (278, 4, (size[1],)),
        (279, 4, (length,)),
        *others,
    ]


def refusal(data: bytes) -> str:
    with pytest.raises(RejectedError) as refused:
        inspect(data, LIMITS)
    assert refused.value.reason is Reason.UNSUPPORTED_TYPE
    return refused.value.detail


THUMBNAIL = picture(2, (8, 8, 8))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("DNG", [*THUMBNAIL, (50706, 1, (1, 4, 0, 0))], None),
        (
            "NEF",
            [*THUMBNAIL, (271, 1, tuple(b"NIKON CORPORATION\0"))],
            picture(32803, (14,), compression=34713),
        ),
        ("PEF", [*THUMBNAIL, (271, 1, tuple(b"PENTAX\0"))], picture(32803, (16,), compression=65535)),
        ("ARW", [*THUMBNAIL, (271, 1, tuple(b"SONY\0"))], picture(32803, (12,), compression=32767)),
        ("raw photograph", THUMBNAIL, picture(32803, (16,))),
        ("raw photograph", THUMBNAIL, picture(34892, (16, 16, 16))),
    ],
)
def test_raw_photograph_is_named_instead_of_its_thumbnail_published(
    name: str, first: list[Tag], second: list[Tag] | None, order: str
) -> None:
    pages = (second,) if second else ()
    assert name in refusal(tiff(first, bytes(8192), *pages, order=order))


def test_raw_pixels_in_a_directory_inside_of_another_are_found() -> None:
    """As NEF and ARW have them: tag 330 points at what no reader of pages comes by."""
    inside = picture(32803, (16,))
    data = tiff([*THUMBNAIL, (330, 4, (0,))], bytes(8192))
    at = len(data)
    alone = tiff(inside, b"")
    data = data.replace(struct.pack("<HHII", 330, 4, 1, 0), struct.pack("<HHII", 330, 4, 1, at)) + alone[8:]
    assert "raw" in refusal(data)


def test_canon_is_named_by_its_mark() -> None:
    data = tiff(THUMBNAIL, b"CR\2\0" + bytes(8192))
    assert "CR2" in refusal(data)


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (b"IIRO\x08\0\0\0", "image/x-olympus-orf"),
        (b"IIRS\x08\0\0\0", "image/x-olympus-orf"),
        (b"MMOR\0\0\0\x08", "image/x-olympus-orf"),
        (b"IIU\0\x18\0\0\0", "image/x-panasonic-rw2"),
        (b"FUJIFILMCCD-RAW 0201", "image/x-fuji-raf"),
        (b"\0MRM\0\0\0\0", "image/x-minolta-mrw"),
        (b"FOVb\0\0\0\0", "image/x-sigma-x3f"),
        (b"II\x1a\0\0\0HEAPCCDR", "image/x-canon-crw"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "image/x-canon-cr3"),
    ],
)
def test_raw_photographs_with_a_head_of_their_own_are_named(head: bytes, content_type: str) -> None:
    assert sniff(head + bytes(100)).content_type == content_type
    assert content_type in refusal(head + bytes(100))


@pytest.mark.parametrize("order", ["<", ">"])
def test_white_that_is_zero_at_sixteen_bits_is_turned_round(order: str) -> None:
    pixels = struct.pack(f"{order}64H", *[0x1000] * 32, *[0xF000] * 32) * 32
    image = rendition(tiff(picture(0, (16,)), pixels, order=order), WANTED).convert("L")
    assert (pixel(image, (10, 10)), pixel(image, (50, 10))) == ((239,), (15,))


def test_white_that_is_zero_as_a_fraction_is_turned_round() -> None:
    pixels = struct.pack("<64f", *[0.1] * 32, *[0.9] * 32) * 32
    image = rendition(tiff(picture(0, (32,), (339, 3, (3,))), pixels), WANTED).convert("L")
    assert abs(pixel(image, (10, 10))[0] - 230) <= 2
    assert abs(pixel(image, (50, 10))[0] - 25) <= 2


@pytest.mark.parametrize(("photometric", "left", "right"), [(1, 16, 240), (0, 239, 15)])
def test_whole_numbers_of_32_bits_have_no_sign(photometric: int, left: int, right: int) -> None:
    pixels = struct.pack("<64I", *[0x10000000] * 32, *[0xF0000000] * 32) * 32
    image = rendition(tiff(picture(photometric, (32,)), pixels), WANTED).convert("L")
    assert (pixel(image, (10, 10)), pixel(image, (50, 10))) == ((left,), (right,))


def test_bigtiff_in_the_order_that_no_decoder_here_reads_is_named() -> None:
    entries = [(256, 4), (257, 2), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 2), (279, 8)]
    directory = b"".join(struct.pack(">HHQHxxxxxx", tag, 3, 1, value) for tag, value in entries)
    data = b"MM\0+" + struct.pack(">HHQ", 8, 0, 16) + struct.pack(">Q", len(entries)) + directory + bytes(8)
    assert "1 sample of 8 bits, uncompressed, big-endian BigTIFF" in refusal(data)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (picture(5, (8,) * 5, (338, 3, (2,))), "inks, 5 samples of 8 bits, extra samples 2"),
        (picture(1, (16, 16), (338, 3, (2,))), "grey, 2 samples of 16 bits"),
        (picture(2, (32,) * 3, (339, 3, (3, 3, 3))), "RGB, 3 samples of 32 bits, floating point"),
        (picture(8, (16,) * 3), "CIE L*a*b*"),
        (picture(2, (8,) * 3, compression=34712), "JPEG 2000"),
        (picture(2, (8,) * 3, compression=34887), "LERC"),
        (picture(1, (8,), compression=34661), "JBIG"),
        (picture(2, (12,) * 3), "12 bits"),
    ],
)
def test_layout_that_cannot_be_decoded_is_named(tags: list[Tag], words: str) -> None:
    assert words in refusal(tiff(tags, bytes(64 * 32 * 12)))


def test_header_that_makes_no_sense_stays_corrupt() -> None:
    with pytest.raises(RejectedError) as refused:
        inspect(tiff([(256, 4, (64,)), (257, 4, (32,))], b""), LIMITS)
    assert refused.value.reason is Reason.CORRUPT


def test_page_that_is_marked_as_a_smaller_version_is_not_the_picture() -> None:
    small, large = saved(marked(160, 100), "TIFF"), marked(640, 400)
    pages = saved(Image.open(io.BytesIO(small)), "TIFF", save_all=True, append_images=[large])
    assert (inspect(pages, LIMITS).width, inspect(pages, LIMITS).height) == (160, 100)
    reduced = tiff(
        [*picture(2, (8,) * 3, size=(16, 8)), (254, 4, (1,))],
        large.tobytes(),
        picture(2, (8,) * 3, size=(640, 400)),
    )
    assert (inspect(reduced, LIMITS).width, inspect(reduced, LIMITS).height) == (640, 400)
    assert has_marks(rendition(reduced, WANTED))


def test_second_sample_of_unspecified_meaning_is_not_opacity() -> None:
    pixels = bytes((180, 10)) * 64 * 32
    image = rendition(tiff(picture(1, (8, 8), (338, 3, (0,))), pixels), WANTED)
    assert pixel(image.convert("RGBA"), (30, 10)) == (180, 180, 180, 255)


def test_strips_by_the_million_are_refused() -> None:
    count = MAX_PIECES + 1
    tags = [tag for tag in picture(1, (8,), size=(1, 60_000)) if tag[0] not in (273, 278, 279)]
    tags += [(273, 4, (8,) * count), (278, 4, (1,)), (279, 4, (1,) * count)]
    with pytest.raises(RejectedError) as refused:
        inspect(tiff(tags, bytes(64)), LIMITS)
    assert refused.value.reason is Reason.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("offset", [2**40, 2**63 + 1, 2**64 - 1])
@pytest.mark.parametrize("order", ["<", ">"])
def test_offset_that_no_file_can_have_is_corrupt(order: str, offset: int) -> None:
    head = b"II+\0" if order == "<" else b"MM\0+"
    entry = struct.pack(f"{order}HHQQ", 330, 18, 9, offset)
    directory = struct.pack(f"{order}Q", 1) + entry + struct.pack(f"{order}Q", offset)
    with pytest.raises(RejectedError) as refused:
        inspect(head + struct.pack(f"{order}HHQ", 8, 0, 16) + directory, LIMITS)
    assert refused.value.reason is Reason.CORRUPT
