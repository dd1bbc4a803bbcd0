"""Four recipes for the same jobs: long edges of a photograph as upright sRGB JPEGs without metadata, 4:2:0.

Every recipe is `recipe(data, sizes, quality) -> {name: bytes}` with `sizes` name -> long edge in pixels. They run in
one process and on one CPU, except `sharp`, which runs in a Node.js process that is started once. The second job makes
a WebP beside each JPEG, as stacks do by default: `{name}.webp`.
"""

import importlib
import io
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PIL import Image, ImageCms, ImageOps

from benchmarks import node
from media_pipeline.images import renditions, resize_plan, stills
from media_pipeline.images.encoders import WEBP_METHOD
from media_pipeline.images.inspection import inspect
from media_pipeline.images.sizes import Size, Specs
from media_pipeline.limits import Limits

DEFAULT_EFFORT = 4
"""libwebp's, and so pyvips', sharp's and Pillow's."""
Recipe = Callable[[bytes, Mapping[str, int], int], dict[str, bytes]]


def pipeline(
    data: bytes, sizes: Mapping[str, int], quality: int, *, formats: tuple[str, ...] = ("jpeg",)
) -> dict[str, bytes]:
    """Do what process-image does, with the same code, but without proxies and placeholder, like the other recipes."""
    limits = Limits()
    specs = Specs(
        sizes=tuple(Size(name=name, width=edge) for name, edge in sizes.items()),
        formats=formats,
        quality=dict.fromkeys(formats, quality),
    )
    inspection = inspect(data, limits)
    targets = {size.name: size.target(inspection.width, inspection.height) for size in specs.sizes}
    made = stills.pictures(data, inspection, resize_plan.plan(targets.values()), specs, limits)
    encoded = renditions.encode_stills(made, specs)
    return {
        name if form == "jpeg" else f"{name}.{form}": encoded[target, form]
        for name, target in targets.items()
        for form in formats
    }


def naive(
    data: bytes, sizes: Mapping[str, int], quality: int, *, with_webp: bool = False
) -> dict[str, bytes]:
    """Do it as most code on Pillow does: everything at full size, then a copy and `thumbnail` for each size."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    profile = image.info.get("icc_profile")
    if profile:
        converted = ImageCms.profileToProfile(
            image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        image = converted or image
    made = {}
    for name, edge in sizes.items():
        small = image.copy()
        small.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        small.convert("RGB").save(out, "JPEG", quality=quality, subsampling="4:2:0")
        made[name] = out.getvalue()
        if with_webp:
            out = io.BytesIO()
            small.convert("RGB").save(out, "WEBP", quality=quality)
            made[f"{name}.webp"] = out.getvalue()
    return made


def pyvips(
    data: bytes, sizes: Mapping[str, int], quality: int, *, webp_effort: int | None = None
) -> dict[str, bytes]:
    """Decode once with libvips, each size from the next larger; its resampler is vectorised.

    `webp_effort` is libwebp's method, for a WebP beside each JPEG.
    """
    image: Any = None
    made = {}
    for name, edge in sorted(sizes.items(), key=lambda item: -item[1]):
        if image is None:
            # Converting a picture without a profile would make it three times as slow.
            has_profile = _libvips().Image.new_from_buffer(data, "").get_typeof("icc-profile-data") != 0
            profile = {"export_profile": "srgb"} if has_profile else {}
            image = _libvips().Image.thumbnail_buffer(data, edge, height=edge, size="down", **profile)
        else:
            image = image.thumbnail_image(edge, height=edge, size="down")
        image = image.copy_memory()
        made[name] = image.jpegsave_buffer(Q=quality, keep="none", subsample_mode="on")
        if webp_effort is not None:
            made[f"{name}.webp"] = image.webpsave_buffer(Q=quality, keep="none", effort=webp_effort)
    return made


def sharp(
    data: bytes, sizes: Mapping[str, int], quality: int, *, webp_effort: int | None = None
) -> dict[str, bytes]:
    """Do it as sharp's documentation shows: one input, `clone()` per size, in Node.js."""
    return node.process().render(data, sizes, quality, webp_effort)


RECIPES: Mapping[str, Recipe] = {"pipeline": pipeline, "naive": naive, "pyvips": pyvips, "sharp": sharp}
WITH_WEBP: Mapping[str, Recipe] = {
    "pipeline": partial(pipeline, formats=("jpeg", "webp")),
    "naive": partial(naive, with_webp=True),
    "pyvips": partial(pyvips, webp_effort=WEBP_METHOD),
    "pyvips, effort 4": partial(pyvips, webp_effort=DEFAULT_EFFORT),
    "sharp": partial(sharp, webp_effort=DEFAULT_EFFORT),
}
"""pyvips once with the pipeline's own effort, and once with the effort that it and the others take by default."""
JOBS: Mapping[str, Mapping[str, Recipe]] = {"jpeg": RECIPES, "jpeg+webp": WITH_WEBP}


def available(job: str = "jpeg") -> dict[str, Recipe]:
    """Return a job's recipes whose library is installed here; the pipeline and the naive one always are."""
    missing = {
        name for name, is_here in (("pyvips", _has_pyvips()), ("sharp", node.installed())) if not is_here
    }
    return {name: recipe for name, recipe in JOBS[job].items() if name.split(",")[0] not in missing}


def _has_pyvips() -> bool:
    try:
        _libvips()
    except (ImportError, OSError):  # OSError: the binding is installed, the library is not
        return False
    return True


def _libvips() -> Any:
    library = importlib.import_module("pyvips")  # a requirement of the benchmark only
    library.cache_set_max(0)  # the same photograph is used repeatedly, and results must not be cached
    return library
