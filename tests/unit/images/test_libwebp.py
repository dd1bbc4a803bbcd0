"""WebP that is encoded from planes: the same picture as from RGB, of any sides, and errors instead of crashes."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.measures import psnr, ssim
from media_pipeline.images import libwebp
from media_pipeline.images.encoders import webp
from media_pipeline.images.rasters import Decoded, Packed, Planes, Raster, half
from tests.unit.images.drawing import opened, photographic, rendered, saved, specs
from tests.unit.images.test_photos import PHOTOS, needs_photos, reference

METHOD = 2


def planes(image: Image.Image) -> libwebp.Planes:
    luma, blue, red = image.convert("YCbCr").split()
    return luma, blue.reduce(2), red.reduce(2)


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=["WEBP"])
    image.load()
    return image


def test_pillows_libwebp_is_called_where_the_tests_run() -> None:
    assert libwebp.is_available()


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 600), (17, 16), (641, 427), (640, 428)])
def test_picture_of_any_sides_is_what_pillow_makes_of_it(size: tuple[int, int]) -> None:
    drawn = photographic(640, 428).resize(size)
    ours = decoded(libwebp.encode(planes(drawn), 90, METHOD))
    theirs = opened(saved(drawn, "WEBP", quality=90, method=METHOD))
    assert (ours.mode, ours.size) == (theirs.mode, theirs.size) == ("RGB", size)
    assert psnr(ours, drawn) > psnr(theirs, drawn) - (0.5 if min(size) > 1 else 2)
    assert psnr(ours, theirs) > 37


@pytest.mark.parametrize(
    "colour",
    [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (250, 240, 30)],
)
def test_colours_and_both_ends_of_brightness_are_kept(colour: tuple[int, int, int]) -> None:
    seen = decoded(libwebp.encode(planes(Image.new("RGB", (64, 48), colour)), 95, METHOD)).getpixel((30, 20))
    assert isinstance(seen, tuple)
    assert max(abs(a - b) for a, b in zip(seen, colour, strict=True)) <= 4


def test_better_quality_takes_more_bytes_and_is_more_alike() -> None:
    drawn = photographic(640, 428)
    low, high = (libwebp.encode(planes(drawn), quality, METHOD) for quality in (30, 95))
    assert len(low) < len(high)
    assert psnr(decoded(low), drawn) < psnr(decoded(high), drawn) - 3


def test_more_effort_is_another_file() -> None:
    drawn = planes(photographic(320, 214))
    assert libwebp.encode(drawn, 80, 0) != libwebp.encode(drawn, 80, 4)


def test_sides_beyond_what_webp_can_have_are_refused() -> None:
    flat = Image.new("L", (16_384, 2)), Image.new("L", (8192, 1)), Image.new("L", (8192, 1))
    with pytest.raises(ValueError, match="encoding error 5 of libwebp at 16384 x 2 pixels"):
        libwebp.encode(flat, 80, METHOD)


@pytest.mark.parametrize("code", [1, 2])
def test_libwebp_without_memory_is_an_error_of_memory(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which says as much about the function as about the picture."""
    library = libwebp._library()
    assert library is not None

    def encode(_config: object, picture: object) -> int:
        picture._obj.error_code = code  # type: ignore[attr-defined]
        return 0

    monkeypatch.setattr(library, "WebPEncode", encode)
    with pytest.raises(MemoryError):
        libwebp.encode(planes(photographic(64, 48)), 80, METHOD)


def test_several_threads_encode_at_once_what_one_does() -> None:
    drawn = [planes(photographic(400 + 2 * number, 300)) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(lambda each: libwebp.encode(each, 80, METHOD), drawn))
    assert at_once == [libwebp.encode(each, 80, METHOD) for each in drawn]


@pytest.mark.parametrize("stored", [(400, 300), (200, 150), (150, 100), (399, 299)])
def test_colours_of_any_resolution_are_encoded_in_half_of_it(stored: tuple[int, int]) -> None:
    drawn = photographic(400, 300)
    luma, blue, red = drawn.convert("YCbCr").split()
    raster = Planes(luma, (blue.resize(stored), red.resize(stored)))
    assert [plane.size for plane in raster.planes()] == [(400, 300), half((400, 300)), half((400, 300))]
    by_way_of_rgb = opened(saved(raster.image(), "WEBP", quality=95, method=METHOD))
    assert psnr(decoded(webp(raster, 95)), drawn) > psnr(by_way_of_rgb, drawn) - 0.2


def test_picture_that_is_held_as_one_image_has_no_planes() -> None:
    raster: Raster = Packed(photographic(64, 48))
    assert raster.planes() is None


def test_without_libwebp_and_with_a_packet_pillow_encodes_the_same_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = photographic(640, 428)
    raster = Decoded(drawn.convert("YCbCr"))
    direct = webp(raster, 80)
    from_planes = decoded(direct)
    with_packet = webp(raster, 80, b"<x:xmpmeta/>")
    assert decoded(with_packet).info["xmp"] == b"<x:xmpmeta/>"
    monkeypatch.setattr(libwebp, "_library", lambda: None)
    without = webp(raster, 80)
    assert without != direct
    for other in (without, with_packet):
        assert abs(psnr(decoded(other), drawn) - psnr(from_planes, drawn)) < 0.3
        assert abs(ssim(decoded(other), drawn) - ssim(from_planes, drawn)) < 0.002
    with pytest.raises(ValueError, match="cannot be called here"):
        libwebp.encode(raster.planes(), 80, METHOD)


@pytest.mark.parametrize("missing", [*libwebp._FUNCTIONS, "structures"])
def test_libwebp_that_lacks_a_function_or_has_other_structures_is_not_called(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Library:
        def __init__(self, _: str) -> None:
            for name in libwebp._FUNCTIONS:
                if name != missing:
                    setattr(self, name, lambda *_: missing != "structures")

    monkeypatch.setattr("ctypes.CDLL", Library)
    assert libwebp._library.__wrapped__() is None


@needs_photos
@pytest.mark.parametrize("name", ["S2_landscape6.jpg", "M5_downtown.jpg"])
def test_webp_of_a_photograph_is_as_much_like_full_resolution_as_by_way_of_rgb(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One with colours of half the resolution, and one with all of them."""
    data = Path(PHOTOS / name).read_bytes()
    wanted = specs({"large": 2048, "small": 512}, ("jpeg", "webp"), quality=80)
    ours = [each for each in rendered(data, wanted).renditions if each.format == "webp"]
    monkeypatch.setattr(libwebp, "_library", lambda: None)
    by_way_of_rgb = [each for each in rendered(data, wanted).renditions if each.format == "webp"]
    for direct, converted in zip(ours, by_way_of_rgb, strict=True):
        assert direct.data != converted.data
        expected = reference(data).resize((direct.width, direct.height), Image.Resampling.LANCZOS)
        assert psnr(decoded(direct.data), expected) > psnr(decoded(converted.data), expected) - 0.3
        assert ssim(decoded(direct.data), expected) > ssim(decoded(converted.data), expected) - 0.002
        assert len(direct.data) < len(converted.data) * 1.01
