"""`make bench BASE=folder`: this checkout's renditions against those of another checkout, interleaved.

Both run on the same processor, one after the other on every photograph, round after round. What counts is the
processor time against the naive recipe, which is the same code in both and shows how much the machine varies.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import peak
from benchmarks.photographs import ROOT, Photograph

_ROUNDS = 7
_RECIPES = ("pipeline", "naive")
_WORKER = Path(__file__).with_name("recipe_worker.py")
_MEBIBYTE = 1024 * 1024


class Worker:
    """The recipes of one checkout in a process of their own."""

    def __init__(self, checkout: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(_WORKER)],
            cwd=checkout,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, recipe: str, photograph: Photograph) -> dict[str, Any]:
        """Return `seconds` and `bytes` of one run."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the process has no pipes")
        job = {
            "recipe": recipe,
            "path": str(photograph.path.resolve()),
            "sizes": peak.SIZES,
            "quality": peak.QUALITY,
        }
        print(json.dumps(job), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the recipes of {self._process.args!r} ended with {self._process.wait()}")
        return dict(json.loads(line))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@dataclass
class Compared:
    """One class of photographs: by checkout and recipe the seconds of each, and by checkout the highest peak."""

    name: str
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    peaks: dict[str, int] = field(default_factory=dict)

    def ratio(self, checkout: str) -> float:
        """Return the processor time of the pipeline as a share of the naive recipe's: the median photograph's."""
        mine, naive = self.seconds[checkout, "pipeline"], self.seconds[checkout, "naive"]
        return median(one / other for one, other in zip(mine, naive, strict=True))


def compare(base: Path, groups: dict[str, list[Photograph]], console: Console) -> list[dict[str, Any]]:
    """Measure every class; print a table; return what it says."""
    checkouts = {"base": base, "this": ROOT}
    found = [_compared(name, members, checkouts) for name, members in groups.items() if members]
    table = Table("class", "base / naive", "this / naive", "base / this", "peak base", "peak this")
    rows = []
    for one in found:
        row = {
            "class": one.name,
            "base": one.ratio("base"),
            "this": one.ratio("this"),
            "speed": one.ratio("base") / one.ratio("this"),
            "peaks": one.peaks,
        }
        rows.append(row)
        table.add_row(
            one.name,
            f"{row['base']:.3f}",
            f"{row['this']:.3f}",
            f"{row['speed']:.3f}",
            *(f"{one.peaks[name] / _MEBIBYTE:.0f} MB" for name in checkouts),
        )
    console.print(table)
    return rows


def _compared(name: str, members: Sequence[Photograph], checkouts: dict[str, Path]) -> Compared:
    result = Compared(name)
    largest = max(members, key=lambda photograph: photograph.megapixels)
    for checkout, folder in checkouts.items():
        result.peaks[checkout] = peak.added("pipeline", largest.path.resolve(), folder)
    workers = {checkout: Worker(folder) for checkout, folder in checkouts.items()}
    try:
        for photograph in members:
            for worker in workers.values():
                worker.run("pipeline", photograph)  # warm
            took: dict[tuple[str, str], list[float]] = defaultdict(list)
            for _ in range(_ROUNDS):
                for recipe in _RECIPES:
                    for checkout, worker in workers.items():
                        took[checkout, recipe].append(worker.run(recipe, photograph)["seconds"])
            for key, times in took.items():
                result.seconds[key].append(median(times))
    finally:
        for worker in workers.values():
            worker.close()
    return result
