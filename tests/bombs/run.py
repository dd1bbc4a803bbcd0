"""`make bombs`: what do uploads cost that are made to cost much? No picture and no container of a video more than 20 s
of processor time, and nothing more than half of its function's memory.

Each is processed in a process of its own, with the settings of dev, and must end published or refused with a reason.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from media_pipeline.limits import MEBIBYTE
from tests.bombs.films import FILMS
from tests.bombs.measuring import Cost, measured
from tests.bombs.pictures import ANIMATIONS, PICTURES

BOMBS: Mapping[str, Callable[[], bytes]] = {**PICTURES, **ANIMATIONS, **FILMS}


def line(name: str, size: int, cost: Cost) -> str:
    """Return one line of the report."""
    return (
        f"{name:26}{size / 1e6:8.1f} MB {cost.seconds:6.1f} s {cost.peak / MEBIBYTE:7,.0f} of"
        f" {cost.memory / 2 / MEBIBYTE:5,.0f} MB  {cost.ending[:100]}"
    )


def main() -> int:
    """Try all bombs, or those whose name contains a word; return 1 where one costs too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a part of the name")
    parser.add_argument("--json", type=Path, default=Path("build/bombs.json"))
    arguments = parser.parse_args()
    report, violations = {}, []
    for name, make in BOMBS.items():
        if arguments.only not in name:
            continue
        data = make()
        cost = measured(data)
        report[name] = {"bytes": len(data), **asdict(cost), "violations": cost.violations()}
        violations += [f"{name}: {violation}" for violation in cost.violations()]
        print(line(name, len(data), cost), flush=True)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print("\n".join(violations) or f"{len(report)} uploads, none over the limits")
    return 1 if violations or not report else 0


if __name__ == "__main__":
    sys.exit(main())
