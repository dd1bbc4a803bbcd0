"""Measure what the PDQ hash adds to the processor time of a photograph's renditions, in dev's sizes."""

import statistics
import time
from typing import Final
from unittest import mock

from PIL import Image

from benchmarks.photographs import photographs
from media_pipeline.images import pdq
from media_pipeline.images.inspection import inspect
from media_pipeline.images.renditions import render
from media_pipeline.images.sizes import Size, Specs
from media_pipeline.limits import Limits

CLASSES: Final = ("12-24 MP", "2-4 MP")
PHOTOGRAPHS: Final = 5
ROUNDS: Final = 3
SPECS: Final = Specs(
    sizes=tuple(
        Size.parse(name, edge)
        for name, edge in (("large", 2048), ("medium", 1024), ("small", 512), ("thumbnail", 150))
    ),
    formats=("jpeg", "webp"),
    quality={"jpeg": 80, "webp": 80},
    grayscale=False,
)


def main() -> None:
    """Print the medians for each class."""
    hashed, real = [], pdq.pdq

    def timed(image: Image.Image) -> pdq.Pdq:
        began = time.process_time()
        found = real(image)
        hashed.append(time.process_time() - began)
        return found

    with mock.patch.object(pdq, "pdq", timed):
        for name, members in photographs(None).items():
            if name not in CLASSES:
                continue
            hashed.clear()
            whole = []
            for data in [each.path.read_bytes() for each in members[:PHOTOGRAPHS]] * ROUNDS:
                began = time.process_time()
                render(data, inspect(data, Limits()), SPECS, Limits())
                whole.append(time.process_time() - began)
            share = sum(hashed) / (sum(whole) - sum(hashed))
            print(
                f"{name}: {statistics.median(whole) * 1000:.0f} ms for all renditions, of which"
                f" {statistics.median(hashed) * 1000:.1f} ms for the hash: {share:.1%} more than without"
            )


if __name__ == "__main__":
    main()
