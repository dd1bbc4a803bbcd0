"""`make bench BASE=folder`: this checkout's renditions against those of another checkout, interleaved.

Both run on the same processor, one after the other on every photograph, round after round. What counts is the
processor time against the naive recipe, which is the same code in both and shows how much the machine varies.
"""

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
from benchmarks.json_process import JsonProcess
from benchmarks.photographs import ROOT, Photograph

_ROUNDS = 7
_RECIPES = ("pipeline", "naive")
_WORKER = Path(__file__).with_name("recipe_worker.py")
_MEBIBYTE = 1024 * 1024


def run(worker: JsonProcess, recipe: str, photograph: Photograph) -> float:
    """Return the processor time of one run, in seconds."""
    job = {
        "recipe": recipe,
        "path": str(photograph.path.resolve()),
        "sizes": peak.SIZES,
        "quality": peak.QUALITY,
    }
    return float(worker.ask(job)["seconds"])


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
    command = [sys.executable, str(_WORKER)]
    workers = {checkout: JsonProcess(command, folder) for checkout, folder in checkouts.items()}
    try:
        for photograph in members:
            for worker in workers.values():
                run(worker, "pipeline", photograph)  # warm
            took: dict[tuple[str, str], list[float]] = defaultdict(list)
            for _ in range(_ROUNDS):
                for recipe in _RECIPES:
                    for checkout, worker in workers.items():
                        took[checkout, recipe].append(run(worker, recipe, photograph))
            for key, times in took.items():
                result.seconds[key].append(median(times))
    finally:
        for worker in workers.values():
            worker.close()
    return result
