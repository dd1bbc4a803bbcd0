"""Files from public bug reports with exact expected values: `../shared/field`; each kind is drawn anew elsewhere."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageSequence

from media_pipeline.errors import RejectedError
from media_pipeline.images.inspection import inspect
from media_pipeline.images.renditions import Size, Specs, render
from tests.unit.images.drawing import LIMITS, specs

FIELD = Path(__file__).parents[4] / "shared" / "field"
PICTURES = frozenset({".png", ".jpg", ".gif", ".avif", ".heic", ".tif", ".bmp", ".webp", ".dng", ".cr2"})
WANTED = Specs(
    sizes=(Size(name="large", width=2048), Size(name="small", width=150)),
    formats=("jpeg", "webp"),
    quality={},
    transparency="keep",
)


def expected(folder: Path) -> dict[str, Any]:
    path = folder / "expected.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return found


def inputs() -> list[Any]:
    return [
        pytest.param(folder / name, wanted, id=name)
        for folder in sorted(FIELD.glob("*/"))
        for name, wanted in sorted(expected(folder).items())
        if Path(name).suffix in PICTURES
    ]


@pytest.mark.skipif(not FIELD.is_dir(), reason="../shared/field is not here")
@pytest.mark.parametrize(("path", "wanted"), inputs())
def test_field_file_comes_out_as_expected(path: Path, wanted: dict[str, Any]) -> None:
    data = path.read_bytes()
    refusal = wanted["reason"] if wanted["status"] == "REJECTED" else wanted.get("or_rejected")
    if refusal is not None:
        with pytest.raises(RejectedError) as refused:
            render(data, inspect(data, LIMITS), WANTED, LIMITS)
        assert refused.value.reason == refusal
        return
    seen = inspect(data, LIMITS)
    result = render(data, seen, WANTED, LIMITS)
    made = next(one for one in result.renditions if (one.name, one.format) == ("large", "webp"))
    frames = [frame.convert("RGBA") for frame in ImageSequence.Iterator(Image.open(io.BytesIO(made.data)))]
    assert list(frames[0].size) == [seen.width, seen.height] == wanted["size"]
    assert len(frames) == wanted.get("frames", 1)
    for number, x, y, levels, tolerance in wanted["points"]:
        found = frames[number].getpixel((x, y))
        assert isinstance(found, tuple)
        for level, want in zip(found, levels, strict=False):
            assert want is None or abs(level - want) <= tolerance, (
                f"frame {number} at {x}, {y}: {found}, not {levels}"
            )


FLATTENED = {
    "g5_gif_sprite_dispose2.gif",
    "g5c_gif_opaque_d2_bg.gif",
    "k1b_png_2bit_trns.png",
    "a35b_RGB16_trns_lowbyte.png",
    "k1_png_1bit_trns.png",
}
"""What comes out otherwise by default, as `transparency` is `flatten`: where opacity 0 is expected, there is white."""


@pytest.mark.skipif(not FIELD.is_dir(), reason="../shared/field is not here")
@pytest.mark.parametrize(("path", "wanted"), inputs())
def test_field_file_differs_by_default_only_where_it_is_transparent(
    path: Path, wanted: dict[str, Any]
) -> None:
    if wanted["status"] == "REJECTED" or wanted.get("or_rejected"):
        return
    clear = [point for point in wanted["points"] if len(point[3]) == 4 and point[3][3] == 0]
    assert bool(clear) == (path.name in FLATTENED)
    if not clear:
        return
    data = path.read_bytes()
    result = render(data, inspect(data, LIMITS), replace(WANTED, transparency="flatten"), LIMITS)
    made = next(one for one in result.renditions if (one.name, one.format) == ("large", "webp"))
    frames = [frame.convert("RGBA") for frame in ImageSequence.Iterator(Image.open(io.BytesIO(made.data)))]
    for number, x, y, _, _ in clear:
        found = frames[number].getpixel((x, y))
        assert isinstance(found, tuple)
        assert min(found) >= 250, f"frame {number} at {x}, {y}: {found}, not white"


@pytest.mark.skipif(not FIELD.is_dir(), reason="../shared/field is not here")
def test_every_file_with_expected_values_is_tested_here_or_among_the_videos() -> None:
    videos = {".mp4", ".mov", ".webm", ".mkv"}  # tests/unit/videos/test_field.py
    tested = {parameters.values[0].name for parameters in inputs()}
    everything = json.loads((FIELD / "expected.json").read_text())
    assert tested == {name for name in everything if Path(name).suffix not in videos}
    assert {wanted["kind"] for wanted in everything.values()} >= {"control", "F01", "F09", "F17", "F20"}


@pytest.mark.skipif(not FIELD.is_dir(), reason="../shared/field is not here")
@pytest.mark.parametrize(
    ("name", "size", "levels"),
    [
        ("a10b_jpg_exif_noorient_xmp6.jpg", (400, 300), (220, 40, 40)),
        ("k4b_tiff_la_extra0.tif", (256, 64), None),
        ("k7_tiff_thumb_page_first.tif", (1200, 900), None),
        ("r1_heic_from_o6.heic", (400, 300), None),
        ("a11b_cmyk_no_adobe_plain.jpg", (256, 128), (255, 0, 0)),
    ],
)
def test_contested_file_comes_out_as_decided(
    name: str, size: tuple[int, int], levels: tuple[int, ...] | None
) -> None:
    """docs/adr tells why."""
    data = (FIELD / "contested" / name).read_bytes()
    seen = inspect(data, LIMITS)
    assert (seen.width, seen.height) == size
    result = render(data, seen, specs({"large": 2048}, ("png",)), LIMITS)
    image = Image.open(io.BytesIO(result.renditions[0].data)).convert("RGB")
    found = image.getpixel((size[0] // 8, size[1] // 8))
    assert isinstance(found, tuple)
    assert levels is None or max(abs(a - b) for a, b in zip(found, levels, strict=True)) < 60
