"""Whatever the bytes: a picture or a RejectedError with the right reason, never anything else."""

import io
import struct
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.containers.webp import canvas
from media_pipeline.images.decoding import decoding
from media_pipeline.limits import MAX_SIDE, Limits
from tests.unit.images.drawing import LIMITS, detailed, marked, rendered, saved, specs
from tests.unit.images.test_inputs import png_chunk


def reason(data: bytes, limits: Limits = LIMITS) -> Reason:
    with pytest.raises(RejectedError) as refused:
        rendered(data, limits=limits)
    assert refused.value.detail
    return refused.value.reason


def webp_header(width: int, height: int) -> bytes:
    """A lossless WebP of nothing but its header: 38 bytes."""
    bits = (width - 1) | (height - 1) << 14
    body = b"\x2f" + struct.pack("<I", bits) + b"\0" * 13
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


def box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + name + content


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b"")
    )


def gif_header(width: int, height: int) -> bytes:
    descriptor = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0)
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0" + descriptor + b"\x02\x02\x44\x01\0;"


def bmp_header(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def avif_header(width: int, height: int) -> bytes:
    size = box(b"ispe", struct.pack(">III", 0, width, height))
    meta = box(b"meta", bytes(4), box(b"iprp", box(b"ipco", size)))
    return box(b"ftyp", b"avif", bytes(4), b"avif") + meta


def test_no_bytes_are_empty() -> None:
    assert reason(b"") is Reason.EMPTY


def test_too_many_bytes_are_too_large() -> None:
    data = saved(marked())
    assert rendered(data, limits=Limits(bytes=len(data)))
    assert reason(data, Limits(bytes=len(data) - 1)) is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "data",
    [
        b"this is a text that somebody named .jpg",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!DOCTYPE html><html><img src=x></html>",
        b"%PDF-1.7\n",
        b"8BPS\0\x01" + b"\0" * 100,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"SIMPLE  =                    T",  # FITS
        b"BLP2" + b"\0" * 200,
        b"P6\n10 10\n255\n" + b"\xff" * 300,
        b"\0\0\0\x20ftypisom\0\0\0\0isomiso2avc1mp41",
        b"\0" * 5000,
    ],
)
def test_what_is_no_supported_picture_is_told_so(data: bytes) -> None:
    assert reason(data) is Reason.UNSUPPORTED_TYPE


@pytest.mark.parametrize("header", [webp_header, png_header, gif_header, bmp_header, avif_header])
@pytest.mark.parametrize(("width", "height"), [(10_000, 6_000), (16_000, 16_000)])
def test_bombs_are_told_by_their_header(header: object, width: int, height: int) -> None:
    assert reason(header(width, height)) is Reason.TOO_MANY_PIXELS  # type: ignore[operator]


def test_webp_of_38_bytes_and_60_megapixels_never_reaches_its_decoder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def opened(*_: object) -> None:
        pytest.fail("the decoder takes the memory of the whole canvas when it is opened")

    monkeypatch.setattr("PIL._webp.WebPAnimDecoder", opened)
    data = webp_header(10_000, 6_000)
    assert len(data) == 38
    assert reason(data) is Reason.TOO_MANY_PIXELS


@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": False}, {"xmp": b"x"}])
@pytest.mark.parametrize("size", [(1, 1), (300, 77), (5000, 3)])
def test_canvas_of_webp_is_read_as_its_decoder_reads_it(
    options: dict[str, object], size: tuple[int, int]
) -> None:
    assert canvas(saved(Image.new("RGB", size), "WEBP", **options)) == size


def test_one_long_side_is_refused_however_few_the_pixels() -> None:
    assert rendered(saved(Image.new("L", (20_000, 1)), "PNG"))
    assert reason(saved(Image.new("L", (MAX_SIDE + 1, 1)), "PNG")) is Reason.TOO_MANY_PIXELS


@pytest.mark.parametrize("limit", [255_999, 256_000])
def test_pixel_limit_is_exact(limit: int) -> None:
    data = saved(marked(640, 400))
    if limit == 640 * 400:
        assert rendered(data, limits=Limits(pixels=limit))
    else:
        assert reason(data, Limits(pixels=limit)) is Reason.TOO_MANY_PIXELS


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_truncated_picture_is_corrupt(format_name: str, kept: float) -> None:
    data = saved(detailed(300, 200), format_name)
    assert rendered(data)
    assert reason(data[: int(len(data) * kept)]) is Reason.CORRUPT


@pytest.mark.parametrize("length", range(8, 34))
def test_png_that_breaks_off_in_its_header_is_corrupt(length: int) -> None:
    assert reason(png_header(4, 4)[:length]) is Reason.CORRUPT


def test_truncated_pictures_stay_refused_everywhere() -> None:
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize(
    "error",
    [
        OSError,
        ValueError,
        SyntaxError,
        RuntimeError,
        NotImplementedError,
        EOFError,
        KeyError,
        IndexError,
        TypeError,
        struct.error,
        OverflowError,
        ZeroDivisionError,
    ],
)
def test_whatever_a_decoder_raises_is_a_corrupt_file(error: type[Exception]) -> None:
    with pytest.raises(RejectedError) as refused, decoding(LIMITS):
        raise error("something\nin the bytes")
    assert refused.value.reason is Reason.CORRUPT
    assert "\n" not in refused.value.detail


def test_memory_error_is_never_blamed_on_the_file() -> None:
    with pytest.raises(MemoryError), decoding(LIMITS):
        raise MemoryError
    with pytest.raises(MemoryError), decoding(LIMITS):
        raise OSError("out of memory when reading image file")


def test_programming_error_outside_of_decoding_is_no_corrupt_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from media_pipeline.images import renditions

    def wrong(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(renditions, "scaled", wrong)
    with pytest.raises(ZeroDivisionError):
        rendered(saved(marked()))


def test_pillows_own_state_is_left_as_it_was() -> None:
    before = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    rendered(saved(marked()))
    reason(b"\xff\xd8\xff rubbish")
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before


def test_warning_of_a_bomb_is_an_error() -> None:
    with pytest.raises(RejectedError) as refused, decoding(Limits(pixels=100)):
        Image.open(io.BytesIO(saved(Image.new("RGB", (15, 10)))))
    assert refused.value.reason is Reason.TOO_MANY_PIXELS


SEEDS = (
    saved(detailed(48, 32)),
    saved(detailed(48, 32), progressive=True),
    *(saved(detailed(48, 32), name) for name in ("PNG", "GIF", "WEBP", "BMP", "AVIF")),
    saved(detailed(48, 32), "TIFF", compression="tiff_lzw"),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, len(SEEDS) - 1),
    changes=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 4000),
)
def test_damaged_pictures_are_rendered_or_rejected(
    seed: int, changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(SEEDS[seed])
    for at, value in changes:
        damaged[at % len(damaged)] = value
    data = bytes(damaged[: max(1, len(damaged) - cut)] if cut < 1000 else damaged)
    expected = (
        Reason.CORRUPT,
        Reason.TOO_MANY_PIXELS,
        Reason.UNSUPPORTED_TYPE,
        Reason.TOO_MANY_FRAMES,
        Reason.RESOURCE_EXHAUSTED,  # a count of items, chunks or scans that is larger than what is allowed
    )
    assert outcome(data, Limits(pixels=1_000_000)) in ("rendered", *expected)


def outcome(data: bytes, limits: Limits) -> str:
    try:
        rendered(data, specs({"small": 20}, ("jpeg", "webp")), limits)
    except RejectedError as error:
        return error.reason
    return "rendered"
