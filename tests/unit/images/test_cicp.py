"""Colours told by code points are converted like those told by a profile: judged by the published arithmetic."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import pillow_heif
import pytest
from PIL import Image, ImageCms

from benchmarks.measures import colour_difference
from media_pipeline.images.cicp import CodePoints, as_profile
from media_pipeline.images.containers import isobmff
from tests.unit.images.drawing import opened, pixel, rendered, rendition, saved, specs
from tests.unit.images.profiles import ADOBE_RGB, rgb_profile
from tests.unit.images.test_hostile import box

SAMPLE = (200, 90, 60)
SRGB, BT2020, DISPLAY_P3 = 1, 9, 12
BT709_CURVE, GAMMA_22, LINEAR, SRGB_CURVE, PQ, HLG = 1, 4, 8, 13, 16, 18
CHROMATICITIES = {  # x and y of red, green, blue, as H.273 has them; white is D65
    SRGB: ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    DISPLAY_P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
XYZ_D65_TO_SRGB = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)


def expected(primaries: int, transfer: int = SRGB_CURVE) -> tuple[int, ...]:
    """SAMPLE in sRGB: to light, to XYZ by the primaries' own matrix, to sRGB's light, to levels."""
    light = [to_light(level / 255, transfer) for level in SAMPLE]
    columns = [(x / y, 1.0, (1 - x - y) / y) for x, y in CHROMATICITIES[primaries]]
    white = (0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290)
    whole = determinant(columns)
    # Cramer's rule: how much of each light makes white.
    shares = [determinant([*columns[:at], white, *columns[at + 1 :]]) / whole for at in range(3)]
    xyz = [sum(columns[at][axis] * shares[at] * light[at] for at in range(3)) for axis in range(3)]
    found = (sum(row[axis] * xyz[axis] for axis in range(3)) for row in XYZ_D65_TO_SRGB)
    return tuple(round(255 * to_level(min(1.0, max(0.0, level)))) for level in found)


def determinant(columns: Sequence[tuple[float, ...]]) -> float:
    (a, b, c), (d, e, f), (g, h, i) = columns
    return a * (e * i - f * h) - d * (b * i - c * h) + g * (b * f - c * e)


def to_light(level: float, transfer: int) -> float:
    if transfer == LINEAR:
        return level
    if transfer == GAMMA_22:
        return float(level**2.2)
    return level / 12.92 if level <= 0.04045 else float(((level + 0.055) / 1.055) ** 2.4)


def to_level(light: float) -> float:
    return 12.92 * light if light <= 0.0031308 else float(1.055 * light ** (1 / 2.4) - 0.055)


def png(primaries: int, transfer: int, profile: bytes | None = None, **options: Any) -> bytes:
    """A PNG whose cICP chunk stands where the standard wants it, behind IHDR."""
    data = saved(Image.new("RGB", (320, 200), SAMPLE), "PNG", icc_profile=profile, **options)
    body = b"cICP" + bytes((primaries, transfer, 0, 1))
    chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


def avif(primaries: int, transfer: int, profile: bytes | None = None) -> bytes:
    data = saved(Image.new("RGB", (320, 200), SAMPLE), "AVIF", quality=95, icc_profile=profile)
    before = b"colrnclx" + struct.pack(">HH", 1, 13)
    assert profile or before in data
    return data.replace(before, b"colrnclx" + struct.pack(">HH", primaries, transfer))


def heic(primaries: int, transfer: int, profile: bytes | None = None) -> bytes:
    pillow_heif.register_heif_opener()
    points = {"color_primaries": primaries, "transfer_characteristics": transfer}
    picture = Image.new("RGB", (320, 200), SAMPLE)
    return saved(picture, "HEIF", quality=95, icc_profile=profile, **({} if profile else points))


def shown(data: bytes) -> tuple[int, ...]:
    image = rendition(data, specs({"small": 160}, ("png",))).convert("RGB")
    return pixel(image, (80, 50))


@pytest.mark.parametrize("primaries", [DISPLAY_P3, BT2020])
@pytest.mark.parametrize("made", [png, avif, heic])
def test_wide_gamut_told_by_code_points_is_converted_to_srgb(
    made: Callable[[int, int], bytes], primaries: int
) -> None:
    wanted = expected(primaries)
    assert colour_difference(SAMPLE, wanted) > 5, "the code points must matter for this test to tell anything"
    assert colour_difference(shown(made(primaries, SRGB_CURVE)), wanted) < 2.3


@pytest.mark.parametrize("transfer", [LINEAR, GAMMA_22])
def test_curve_told_by_code_points_is_undone(transfer: int) -> None:
    assert colour_difference(shown(png(SRGB, transfer)), expected(SRGB, transfer)) < 2.3


@pytest.mark.parametrize(
    "points", [(SRGB, SRGB_CURVE), (SRGB, BT709_CURVE), (2, 2), (DISPLAY_P3, 17), (0, 255)]
)
@pytest.mark.parametrize("made", [png, avif])
def test_srgb_and_what_is_not_known_stays_as_it_is(
    made: Callable[[int, int], bytes], points: tuple[int, int]
) -> None:
    assert colour_difference(shown(made(*points)), SAMPLE) < 2.3
    assert as_profile(CodePoints(*points)) is None


def test_animation_is_converted_by_its_code_points() -> None:
    later = Image.new("RGB", (320, 200), SAMPLE)
    later.putpixel((0, 0), (0, 0, 0))
    data = png(BT2020, SRGB_CURVE, save_all=True, append_images=[later], duration=100)
    image = rendition(data, specs({"small": 160}, ("webp",)))
    assert getattr(image, "n_frames", 1) == 2
    for frame in range(2):
        image.seek(frame)
        assert colour_difference(pixel(image.convert("RGB"), (80, 50)), expected(BT2020)) < 2.3
    result = rendered(data, specs({"small": 160}, ("webp",)))
    for proxy in result.proxies:
        assert colour_difference(pixel(opened(proxy), (80, 50)), expected(BT2020)) < 3


def test_code_points_go_before_the_profile_of_a_png_and_after_that_of_avif_and_heic() -> None:
    profile = rgb_profile(ADOBE_RGB, 2.2)
    by_profile = shown(saved(Image.new("RGB", (320, 200), SAMPLE), "PNG", icc_profile=profile))
    assert colour_difference(by_profile, SAMPLE) > 5
    assert colour_difference(by_profile, expected(BT2020)) > 5
    assert colour_difference(shown(png(BT2020, SRGB_CURVE, profile)), expected(BT2020)) < 2.3
    assert colour_difference(shown(png(SRGB, SRGB_CURVE, profile)), SAMPLE) < 2.3
    assert colour_difference(shown(png(BT2020, 17, profile)), by_profile) < 2.3, "SMPTE ST 428 is not known"
    assert colour_difference(shown(avif(BT2020, SRGB_CURVE, profile)), by_profile) < 2.3
    assert colour_difference(shown(heic(BT2020, SRGB_CURVE, profile)), by_profile) < 2.3


def nclx(primaries: int) -> bytes:
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, SRGB_CURVE, 6, 0x80))


@pytest.mark.parametrize("wide_numbers", [False, True])
@pytest.mark.parametrize("wide_properties", [False, True])
@pytest.mark.parametrize(("primary", "found"), [(1, BT2020), (2, DISPLAY_P3), (3, None)])
def test_code_points_are_those_of_the_primary_item(
    primary: int, found: int | None, wide_properties: bool, wide_numbers: bool
) -> None:
    """Others have their own: a gain map, for example. A property's highest bit says that readers must know it."""
    number = ">I" if wide_numbers else ">H"
    version = struct.pack(">I", (int(wide_numbers) << 24) + int(wide_properties))
    entries = b""
    for item, properties in ((1, (1, 3)), (2, (1, 2)), (3, (1,))):
        entries += struct.pack(number, item) + bytes([len(properties)])
        for at in properties:
            entries += struct.pack(">H", at | 0x8000) if wide_properties else bytes([at | 0x80])
    size = box(b"ispe", struct.pack(">III", 0, 320, 200))
    kept = box(b"ipco", size, nclx(DISPLAY_P3), nclx(BT2020))
    associations = box(b"ipma", version, struct.pack(">I", 3), entries)
    pitm = box(b"pitm", struct.pack(">I", int(wide_numbers) << 24), struct.pack(number, primary))
    file = box(b"ftyp", b"avif") + box(b"meta", bytes(4), pitm, box(b"iprp", kept, associations))
    assert isobmff.read(file).code_points == ((found, SRGB_CURVE) if found else None)


def test_tables_of_an_avif_that_break_off_say_nothing() -> None:
    data = avif(DISPLAY_P3, SRGB_CURVE)
    whole = {isobmff.read(data[:end]).code_points for end in range(len(data))}
    assert whole == {None, CodePoints(DISPLAY_P3, SRGB_CURVE)}


def test_made_profile_is_one_that_others_read_too() -> None:
    made = as_profile(CodePoints(DISPLAY_P3, SRGB_CURVE))
    assert made is not None
    assert int.from_bytes(made[:4], "big") == len(made)
    opened = ImageCms.ImageCmsProfile(io.BytesIO(made)).profile
    assert (opened.xcolor_space.strip(), opened.connection_space.strip()) == ("RGB", "XYZ")
    found = [opened.red_colorant, opened.green_colorant, opened.blue_colorant]
    for colorant, (x, y) in zip(
        found, ((0.51512, 0.24120), (0.29198, 0.69225), (0.15710, 0.06657)), strict=True
    ):
        assert colorant is not None
        assert colorant[0][:2] == pytest.approx((x, y), abs=1e-4)
