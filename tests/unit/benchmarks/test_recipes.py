"""The benchmark measures what it says: equal jobs, sorted photographs, a chart that loads nothing."""

import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from benchmarks import bench, encoders, recipes
from benchmarks.chart import chart
from benchmarks.measures import psnr, ssim
from benchmarks.photographs import photographs
from benchmarks.quality import likeness
from media_pipeline.images.rasters import Raster
from tests.unit.images.drawing import detailed, opened, saved
from tests.unit.images.profiles import ADOBE_RGB, rgb_profile

SIZES = {"medium": 400, "small": 200, "thumbnail": 64}


@pytest.mark.parametrize("name", ["pipeline", "naive"])
def test_every_recipe_does_the_same_job(name: str) -> None:
    original = detailed(1000, 600)
    made = recipes.RECIPES[name](saved(original, icc_profile=rgb_profile(ADOBE_RGB, 2.2)), SIZES, 90)
    assert set(made) == set(SIZES)
    for size, data in made.items():
        image = opened(data)
        assert image.format == "JPEG"
        assert max(image.size) == SIZES[size]
        assert "icc_profile" not in image.info
        assert ssim(image, original.resize(image.size, Image.Resampling.LANCZOS)) > 0.9


@pytest.mark.parametrize("name", ["pipeline", "naive"])
def test_every_recipe_can_make_a_webp_beside_each_jpeg(name: str) -> None:
    data = saved(detailed(1000, 600))
    made = recipes.JOBS["jpeg+webp"][name](data, SIZES, 80)
    jpegs = recipes.JOBS["jpeg"][name](data, SIZES, 80)
    assert set(made) == {*SIZES, *(f"{size}.webp" for size in SIZES)}
    for size in SIZES:
        assert opened(made[size]).format == "JPEG"
        assert opened(made[f"{size}.webp"]).format == "WEBP"
        assert opened(made[f"{size}.webp"]).size == opened(jpegs[size]).size
        assert len(made[f"{size}.webp"]) < len(made[size])


def test_recipes_whose_library_is_missing_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.node.FOLDER", Path("nowhere"))
    monkeypatch.setitem(sys.modules, "pyvips", None)
    assert set(recipes.available()) == set(recipes.available("jpeg+webp")) == {"pipeline", "naive"}


def test_photographs_are_sorted_by_megapixels_and_profile(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    for name, size, profile in (
        ("small.jpg", (1000, 700), None),
        ("deeper/middle.jpg", (2000, 1500), None),
        ("large.jpg", (4000, 3000), None),
        ("profile.jpg", (4000, 3000), rgb_profile(ADOBE_RGB, 2.2)),
        ("between.jpg", (1300, 1000), None),
    ):
        (tmp_path / name).write_bytes(saved(Image.new("RGB", size), icc_profile=profile))
    (tmp_path / "grey.jpg").write_bytes(saved(Image.new("L", (1000, 700))))
    (tmp_path / "no picture.jpg").write_text("words")
    found = {name: [photo.path.name for photo in members] for name, members in photographs(tmp_path).items()}
    assert found == {
        "12-24 MP": ["large.jpg"],
        "12-24 MP with ICC": ["profile.jpg"],
        "2-4 MP": ["middle.jpg"],
        "~0.6 MP": ["small.jpg"],
    }


def test_class_that_the_default_folder_lacks_is_filled_with_photographs_made_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(detailed(4200, 2800), exif=exif.tobytes(), subsampling="4:2:2", quality=90)
    (tmp_path / "large.jpg").write_bytes(data)
    monkeypatch.setattr("benchmarks.photographs.DEFAULT", tmp_path)
    found = photographs(None)
    assert list(found) == ["12-24 MP", "8 MP"]
    assert [photo.resampled for members in found.values() for photo in members] == [False, True]
    with Image.open(found["8 MP"][0].path) as image:
        assert image.width * image.height == pytest.approx(8e6, rel=0.001)
        assert image.width / image.height == pytest.approx(1.5, rel=0.001)
        assert image.getexif()[0x0112] == 6
        assert get_sampling(image) == 1  # 4:2:2, as it was
        assert ssim(image, detailed(4200, 2800).resize(image.size)) > 0.9
    # A folder that was asked for is measured as it is.
    assert list(photographs(tmp_path)) == ["12-24 MP"]


def test_encoders_are_compared_with_the_jpeg_of_the_same_picture_in_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, turns = tmp_path / "one.jpg", []
    path.write_bytes(saved(detailed(1200, 800), quality=95))

    def encoder(name: str, length: int) -> Callable[[Raster, int], bytes]:
        def encode(raster: Raster, quality: int) -> bytes:
            turns.append((name, raster.size, quality))
            return b"." * length

        return encode

    sizes = {"jpeg": 1000, "webp": 700, "avif": 500}
    monkeypatch.setattr(encoders, "_QUALITY", {"jpeg": 80, "webp": 80, "avif": 60})
    monkeypatch.setattr(encoders, "ENCODERS", {name: encoder(name, length) for name, length in sizes.items()})
    costs = encoders.encoder_costs([path])
    assert {name: cost["bytes"] for name, cost in costs.items()} == {"webp": 0.7, "avif": 0.5}
    assert turns[:3] == [("jpeg", (1024, 683), 80), ("webp", (1024, 683), 80), ("avif", (1024, 683), 60)]
    assert turns[3:6] == turns[:3]


def test_folder_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--photos", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().out
    assert bench.main(["--photos", str(tmp_path)]) == 2


def test_likeness_is_measured_against_full_resolution() -> None:
    # The picture as the thumbnail of itself: nothing is scaled, so only the conversion to YCbCr is left.
    same = likeness(saved(detailed(300, 200), quality=100), {"same": 300})
    assert same.ssim > 0.995
    assert same.psnr > 40


def test_chart_holds_every_class_and_loads_nothing() -> None:
    classes: list[dict[str, Any]] = [
        {"name": "12-24 MP", "milliseconds": {"pipeline": 100.0, "naive": 300.0, "pyvips": 60.0}},
        {"name": "~0.6 <MP>", "milliseconds": {"pipeline": 10.0, "naive": 15.0, "pyvips": 12.0}},
        {"name": "8 MP", "milliseconds": {"pipeline": 10.0, "naive": 20.0, "pyvips": 9.0}, "resampled": True},
    ]
    drawn = chart(classes)
    texts = [element.text for element in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314
    assert {"12-24 MP", "~0.6 <MP>", "8 MP (resampled)", "3.00 x", "5.00 x", "1.50 x"} <= set(texts)
    assert "href" not in drawn
    assert "sharp" not in drawn


@pytest.mark.parametrize(("shift", "worst"), [(1, 48.2), (10, 28.2)])
def test_psnr_is_what_its_formula_says(shift: int, worst: float) -> None:
    one, other = Image.new("RGB", (32, 32), (100,) * 3), Image.new("RGB", (32, 32), (100 + shift,) * 3)
    assert psnr(one, other) == pytest.approx(worst, abs=0.1)
    assert ssim(one, one) == pytest.approx(1)
    with pytest.raises(ValueError, match="cannot compare"):
        ssim(one, one.resize((16, 16)))
