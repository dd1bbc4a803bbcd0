"""PNG files whose chunks are odd: metadata never decides, transparency and colours are as the standard has them."""

import struct
import zlib

import pytest
from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.containers import png
from media_pipeline.images.inspection import inspect
from tests.unit.images.drawing import LIMITS, marked, opened, pixel, rendered, rendition, saved, specs
from tests.unit.images.profiles import grey_profile
from tests.unit.images.test_inputs import exif, has_marks, png_chunk

KEPT = specs({"same": 640}, ("png",), transparency="keep")


def with_chunk(data: bytes, chunk: bytes) -> bytes:
    """Insert a chunk where most may stand, behind IHDR."""
    return data[:33] + chunk + data[33:]


def wrong(name: bytes, content: bytes) -> bytes:
    """A chunk whose checksum is wrong."""
    return png_chunk(name, content)[:-1] + bytes([png_chunk(name, content)[-1] ^ 1])


def of_samples(width: int, height: int, depth: int, colour_type: int, rows: bytes, *chunks: bytes) -> bytes:
    """A PNG of raw samples, `rows` being one row that is repeated."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return b"".join(
        (
            png.SIGNATURE,
            png_chunk(b"IHDR", header),
            *chunks,
            png_chunk(b"IDAT", zlib.compress((b"\0" + rows) * height)),
            png_chunk(b"IEND", b""),
        )
    )


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(3_000_000))),
        png_chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(3_000_000))),
        png_chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(30_000_000))),
        png_chunk(b"tEXt", b"k\0" + b"v" * 2_000_000),
        wrong(b"tEXt", b"k\0v"),
        wrong(b"tIME", b"\x07\xe9\1\1\0\0\0"),
        wrong(b"gAMA", struct.pack(">I", 10_000)),
        wrong(b"abCd", b"private"),
        png_chunk(b"iCCP", b"k\0\7rubbish"),
        png_chunk(b"tEXt", b"") * 5_000,
    ],
    ids=lambda chunk: f"{chunk[4:8].decode()}-{len(chunk)}",
)
def test_ancillary_chunk_never_costs_the_picture(chunk: bytes) -> None:
    data = with_chunk(saved(marked(), "PNG"), chunk)
    assert has_marks(rendition(data))


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT"])
def test_wrong_checksum_of_a_critical_chunk_is_corrupt(name: bytes) -> None:
    data = bytearray(saved(marked(), "PNG"))
    at = data.index(name) - 4
    data[at + 8 + int.from_bytes(data[at : at + 4], "big")] ^= 1
    with pytest.raises(RejectedError) as refused:
        rendered(bytes(data))
    assert refused.value.reason is Reason.CORRUPT


def test_millions_of_chunks_are_refused_before_anything_is_decoded() -> None:
    data = with_chunk(saved(marked(), "PNG"), png_chunk(b"abCd", b"") * (png.MAX_CHUNKS + 1))
    with pytest.raises(RejectedError) as refused:
        inspect(data, LIMITS)
    assert refused.value.reason is Reason.RESOURCE_EXHAUSTED


def test_file_for_ios_alone_is_named() -> None:
    with pytest.raises(RejectedError, match="CgBI") as refused:
        inspect(with_chunk(saved(marked(), "PNG"), png_chunk(b"CgBI", bytes(4))), LIMITS)
    assert refused.value.reason is Reason.UNSUPPORTED_TYPE


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_key_of_grey_is_compared_as_it_is_stored(depth: int) -> None:
    """Both halves of the rows: the brightest level, which is the key, and the one below."""
    top = (1 << depth) - 1
    half = 64 * depth // 8
    row = bytes([0xFF]) * half + bytes([int(f"{top - 1:0{depth}b}" * (8 // depth), 2)]) * half
    key = png_chunk(b"tRNS", struct.pack(">H", top))
    image = rendition(of_samples(128, 64, depth, 0, row, key), KEPT).convert("RGBA")
    assert pixel(image, (10, 10))[3] == 0
    level = round(255 * (top - 1) / top)
    assert pixel(image, (100, 10)) == (level, level, level, 255)


@pytest.mark.parametrize(("colour_type", "samples"), [(0, 1), (2, 3)])
def test_key_of_sixteen_bits_differs_from_its_neighbour_in_the_low_byte(
    colour_type: int, samples: int
) -> None:
    row = struct.pack(">H", 0x2001) * samples * 64 + struct.pack(">H", 0x2002) * samples * 64
    key = png_chunk(b"tRNS", struct.pack(">H", 0x2002) * samples)
    image = rendition(of_samples(128, 64, 16, colour_type, row, key), KEPT).convert("RGBA")
    assert pixel(image, (10, 10)) == (0x20, 0x20, 0x20, 255)
    assert pixel(image, (100, 10))[3] == 0


@pytest.mark.parametrize(
    ("chunks", "level"),
    [
        ((png_chunk(b"gAMA", struct.pack(">I", 100_000)),), 188),  # linear light
        ((png_chunk(b"gAMA", struct.pack(">I", 45_455)),), 128),  # what sRGB pictures say besides
        ((png_chunk(b"gAMA", struct.pack(">I", 0)),), 128),
        ((png_chunk(b"gAMA", struct.pack(">I", 100_000)), png_chunk(b"sRGB", b"\0")), 128),
        ((png_chunk(b"gAMA", struct.pack(">I", 100_000)), png_chunk(b"cICP", b"\1\x0d\0\1")), 128),
    ],
)
@pytest.mark.parametrize("colour_type", [0, 2, 4, 6])
def test_gamma_counts_where_nothing_better_is_said(
    chunks: tuple[bytes, ...], level: int, colour_type: int
) -> None:
    samples = {0: b"\x80", 2: b"\x80" * 3, 4: b"\x80\xff", 6: b"\x80\x80\x80\xff"}[colour_type]
    image = rendition(of_samples(128, 64, 8, colour_type, samples * 128, *chunks), KEPT).convert("RGB")
    assert all(abs(found - level) <= 2 for found in pixel(image, (50, 30)))


def test_chromaticities_are_converted() -> None:
    """Pure green of BT.2020 is beyond sRGB; a muted one becomes more saturated."""
    bt2020 = (31_270, 32_900, 70_800, 29_200, 17_000, 79_700, 13_100, 4_600)
    chunks = png_chunk(b"gAMA", struct.pack(">I", 45_455)), png_chunk(b"cHRM", struct.pack(">8I", *bt2020))
    data = of_samples(128, 64, 8, 2, bytes((100, 160, 100)) * 128, *chunks)
    red, green, blue = pixel(rendition(data, KEPT).convert("RGB"), (50, 30))
    assert (red < 80, green > 160, blue < 105) == (True, True, True)


def test_chromaticities_that_make_no_triangle_say_nothing() -> None:
    data = of_samples(128, 64, 8, 2, b"\x50" * 384, png_chunk(b"cHRM", struct.pack(">8I", *[33_333] * 8)))
    assert pixel(rendition(data, KEPT).convert("RGB"), (50, 30)) == (80, 80, 80)


@pytest.mark.parametrize(("colour_type", "sample"), [(4, b"\x80\xff"), (4, b"\x80\xa0"), (0, b"\x80")])
def test_profile_of_grey_applies_to_grey_with_alpha(colour_type: int, sample: bytes) -> None:
    profile = png_chunk(b"iCCP", b"grey\0\0" + zlib.compress(grey_profile(1.0)))
    image = rendition(of_samples(128, 64, 8, colour_type, sample * 128, profile), KEPT).convert("RGB")
    assert abs(pixel(image, (50, 30))[0] - 188) <= 3


def test_profile_of_grey_says_nothing_of_colours() -> None:
    profile = png_chunk(b"iCCP", b"grey\0\0" + zlib.compress(grey_profile(1.0)))
    image = rendition(of_samples(128, 64, 8, 2, b"\x80" * 384, profile), KEPT).convert("RGB")
    assert pixel(image, (50, 30)) == (128, 128, 128)


def test_orientation_in_a_text_of_imagemagick_counts_and_in_xmp_alone_does_not() -> None:
    drawn = marked(600, 400)
    raw = exif(6).hex()
    text = png_chunk(
        b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(f"\nexif\n{len(raw) // 2:8d}\n{raw}\n".encode())
    )
    assert inspect(with_chunk(saved(drawn, "PNG"), text), LIMITS).orientation == 6
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    chunk = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    assert inspect(with_chunk(saved(drawn, "PNG"), chunk), LIMITS).orientation == 1


def test_rendition_of_a_picture_full_of_metadata_has_none() -> None:
    data = with_chunk(saved(marked(), "PNG", exif=exif(1)), png_chunk(b"tEXt", b"Author\0somebody"))
    made = rendered(data, specs({"small": 320}, ("png", "jpeg", "webp"))).renditions
    for one in made:
        assert not set(opened(one.data).info) & {"Author", "exif", "xmp", "icc_profile", "comment"}
        assert b"somebody" not in one.data


RED, CLEAR = (200, 30, 30, 255), (0, 0, 0, 0)


def apng(*frames: tuple[Image.Image, tuple[int, int], int, int]) -> bytes:
    """An animation of 40 x 40: for each frame picture, place, disposal and blending."""
    sequence, chunks = 0, [png_chunk(b"acTL", struct.pack(">II", len(frames), 0))]
    for number, (picture, at, disposal, blending) in enumerate(frames):
        control = struct.pack(">IIIIIHHBB", sequence, *picture.size, *at, 10, 100, disposal, blending)
        rows = b"".join(
            b"\0" + picture.crop((0, y, picture.width, y + 1)).tobytes() for y in range(picture.height)
        )
        sequence += 1
        chunks.append(png_chunk(b"fcTL", control))
        if number == 0:
            chunks.append(png_chunk(b"IDAT", zlib.compress(rows)))
        else:
            chunks.append(png_chunk(b"fdAT", struct.pack(">I", sequence) + zlib.compress(rows)))
            sequence += 1
    header = struct.pack(">IIBBBBB", 40, 40, 8, 6, 0, 0, 0)
    return b"".join((png.SIGNATURE, png_chunk(b"IHDR", header), *chunks, png_chunk(b"IEND", b"")))


@pytest.mark.parametrize(
    ("disposal", "blending", "inside", "outside"),
    [(0, 0, (30, 30, 200, 255), RED), (1, 0, CLEAR, RED), (2, 0, RED, RED), (0, 1, (30, 30, 200, 255), RED)],
)
def test_frame_of_an_apng_is_disposed_of_as_it_says(
    disposal: int, blending: int, inside: tuple[int, ...], outside: tuple[int, ...]
) -> None:
    part = Image.new("RGBA", (20, 20), (30, 30, 200, 255))
    dot = Image.new("RGBA", (1, 1), (9, 9, 9, 255))
    data = apng(
        (Image.new("RGBA", (40, 40), RED), (0, 0), 0, 0),
        (part, (10, 10), disposal, blending),
        (dot, (39, 39), 0, 0),
    )
    wanted = specs({"same": 40}, ("webp",), transparency="keep", quality=100)
    image = opened(rendered(data, wanted).renditions[0].data)
    image.seek(2)
    shown = image.convert("RGBA")
    for at, expected in (((20, 20), inside), ((5, 5), outside)):
        found = pixel(shown, at)
        assert found[3] == expected[3]
        assert found[3] == 0 or all(abs(a - b) < 16 for a, b in zip(found, expected, strict=True))
