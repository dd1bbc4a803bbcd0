"""Compare the lossy encoders with JPEG's at 1024 px: encoding time and bytes, as multiples of JPEG's."""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from media_pipeline.images.encoders import ENCODERS
from media_pipeline.images.formats import FORMATS
from media_pipeline.images.inspection import inspect
from media_pipeline.images.rasters import Raster
from media_pipeline.images.resize_plan import plan
from media_pipeline.images.sizes import Size, Specs
from media_pipeline.images.stills import pictures
from media_pipeline.limits import Limits

_QUALITY = {name: known.default_quality for name, known in FORMATS.items() if known.default_quality}
_EDGE = 1024
_RUNS = 5


def encoder_costs(photos: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Return the median ratios over the photographs: {"webp": {"time", "bytes"}, "avif": ...}."""
    ratios: dict[str, list[tuple[float, float]]] = {name: [] for name in _QUALITY if name != "jpeg"}
    for path in photos:
        costs = _costs(_scaled(path.read_bytes()))
        jpeg_time, jpeg_bytes = costs["jpeg"]
        for name, found in ratios.items():
            taken, length = costs[name]
            found.append((taken / jpeg_time, length / jpeg_bytes))
    return {
        name: {
            "time": round(median(ratio[0] for ratio in found), 1),
            "bytes": round(median(ratio[1] for ratio in found), 3),
        }
        for name, found in ratios.items()
    }


def _costs(raster: Raster) -> dict[str, tuple[float, int]]:
    """Return the least CPU seconds of a few runs and the bytes, by format.

    The encoders take turns, as they do in the function: an encoder that runs repeatedly finds its code and tables in
    the processor's caches, which makes the fastest of them, JPEG's, look a tenth faster than it is.
    """
    seconds, length = dict.fromkeys(_QUALITY, float("inf")), dict.fromkeys(_QUALITY, 0)
    for _ in range(_RUNS):
        for name, quality in _QUALITY.items():
            start = time.process_time()
            length[name] = len(ENCODERS[name](raster, quality))
            seconds[name] = min(seconds[name], time.process_time() - start)
    return {name: (seconds[name], length[name]) for name in _QUALITY}


def _scaled(data: bytes) -> Raster:
    limits = Limits()
    specs = Specs(sizes=(Size(name="medium", width=_EDGE),), formats=tuple(_QUALITY), quality=_QUALITY)
    seen = inspect(data, limits)
    target = specs.sizes[0].target(seen.width, seen.height)
    return pictures(data, seen, plan([target]), specs, limits).targets[target]
