"""The memory that a picture will take is known before it is decoded."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.peak import measurable
from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.inspection import inspect
from media_pipeline.images.memory_estimate import memory
from media_pipeline.images.opening import open_picture
from media_pipeline.limits import MEBIBYTE, Limits
from tests.unit.images.drawing import LIMITS, detailed, rendered, saved, specs

ROOT = Path(__file__).parents[3]
MEASURE = """
import sys
from pathlib import Path
sys.path[:0] = ["lambda", "."]
from benchmarks.peak import peak_bytes
from media_pipeline.images import memory_estimate
from media_pipeline.images.inspection import inspect
from media_pipeline.limits import Limits
from media_pipeline.images.renditions import Size, Specs, render

estimates = []
for part in ("memory", "memory_of_renditions"):
    def told(*facts, original=getattr(memory_estimate, part)):
        estimates.append(original(*facts))
        return estimates[-1]
    setattr(memory_estimate, part, told)
edges, formats, *names = sys.argv[1:]
specs = Specs(sizes=tuple(Size(name=edge, width=int(edge)) for edge in edges.split(",")),
              formats=tuple(formats.split(",")), quality={})
limits = Limits()
idle = []
for name in names:
    data = Path(name).read_bytes()
    idle.append(peak_bytes())
    render(data, inspect(data, limits), specs, limits)
print(peak_bytes() - idle[1], max(estimates[-2:]))
"""


def estimate(data: bytes) -> int:
    seen = inspect(data, LIMITS)
    return memory(open_picture(data, seen.content_type, LIMITS), seen)


def test_over_the_budget_is_too_many_pixels_and_nothing_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(detailed(2000, 1500), "PNG")
    needed = estimate(data)
    assert rendered(data, limits=Limits(memory=needed))
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("pixels were decoded"))
    with pytest.raises(RejectedError) as refused:
        rendered(data, limits=Limits(memory=needed - 1))
    assert refused.value.reason is Reason.TOO_MANY_PIXELS
    assert "MB" in refused.value.detail


def test_shrinking_on_load_is_counted() -> None:
    """A JPEG that is decoded at a quarter takes a sixteenth."""
    data = saved(detailed(2400, 1600))
    small = rendered(data, specs({"small": 600}), Limits(memory=34 * MEBIBYTE))
    assert small.renditions[0].width == 600
    with pytest.raises(RejectedError):
        rendered(data, specs({"large": 2048}), Limits(memory=34 * MEBIBYTE))


def test_progressive_jpeg_costs_its_coefficients_at_any_scale() -> None:
    baseline, progressive = (saved(detailed(2000, 1500), progressive=flag) for flag in (False, True))
    assert estimate(progressive) - estimate(baseline) == 2000 * 1500 * 3 * 2


@pytest.mark.skipif(not measurable(), reason="only Linux tells a process's peak from its start")
@pytest.mark.parametrize(
    ("format_name", "mode", "options"),
    [
        ("JPEG", "RGB", {}),
        ("JPEG", "RGB", {"progressive": True}),
        pytest.param("JPEG", "CMYK", {}, marks=pytest.mark.long),
        ("PNG", "RGBA", {"compress_level": 1}),
        pytest.param("PNG", "LA", {"compress_level": 1}, marks=pytest.mark.long),
        pytest.param("PNG", "P", {"compress_level": 1}, marks=pytest.mark.long),
        pytest.param("WEBP", "RGB", {"method": 0}, marks=pytest.mark.long),
        ("WEBP", "RGBA", {"method": 0}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
        pytest.param("BMP", "RGB", {}, marks=pytest.mark.long),
    ],
)
def test_estimate_is_not_below_what_is_taken(
    tmp_path: Path, format_name: str, mode: str, options: dict[str, object]
) -> None:
    """In a process of its own, warmed by a small picture of the same kind: the growth of the peak."""
    names = []
    for side in (64, 2900):
        drawn = Image.linear_gradient("L").resize((side, side)).convert("RGB" if mode == "CMYK" else mode)
        if mode in ("RGBA", "LA"):
            drawn.putalpha(Image.radial_gradient("L").resize((side, side)))
        path = tmp_path / f"{side}.{format_name.lower()}"
        drawn.convert(mode).save(path, format_name, **options)
        names.append(str(path))
    taken, estimated = measured("2048,1024,512,150", "jpeg", names)
    assert 0 < taken <= estimated
    assert estimated <= 4 * taken + 64 * MEBIBYTE, "an estimate far too high refuses pictures that would do"


@pytest.mark.skipif(not measurable(), reason="only Linux tells a process's peak from its start")
@pytest.mark.parametrize(
    ("format_name", "formats"), [("PNG", "jpeg"), ("JPEG", "webp"), ("JPEG", "jpeg,avif")]
)
def test_estimate_follows_renditions_that_are_nearly_as_large_as_the_original(
    tmp_path: Path, format_name: str, formats: str
) -> None:
    names = [str(tmp_path / f"{side}") for side in (64, 3000)]
    for name, side in zip(names, (64, 3000), strict=True):
        detailed(side, side).save(name, format_name, subsampling="4:2:0")
    taken, estimated = measured("2900,150", formats, names)
    assert 0 < taken <= estimated <= 2 * taken


def measured(edges: str, formats: str, names: list[str]) -> tuple[int, int]:
    """The bytes that the second picture added to the peak, and the estimate."""
    command = [sys.executable, "-c", MEASURE, edges, formats, *names]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    taken, estimated = (int(word) for word in told.stdout.split())
    return taken, estimated


def test_fifty_megapixels_of_a_camera_are_within_the_default() -> None:
    header = Image.new("RGB", (8660, 5770))
    seen = inspect(saved(Image.new("RGB", (8, 8)), "PNG"), LIMITS)
    for content_type in ("image/jpeg", "image/png", "image/heic", "image/avif", "image/tiff", "image/webp"):
        facts = {**vars(seen), "content_type": content_type, "width": 8660, "height": 5770}
        assert memory(header, type(seen)(**facts)) <= LIMITS.memory, content_type
