"""A process that transcodes videos: a line `{"source", "target"}` in, a line with figures out.

`python -m benchmarks.video_worker RECIPE SETTINGS`. It is warm, like the function after its first event: no figure
includes the loading of libraries.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.peak import measurable, peak_bytes
from benchmarks.video_recipes import Settings, plain_loop

_PAGE = 4096
_OWN = Path("/proc/self")

Recipe = Callable[[Path, Path, Settings], None]


def recipe(name: str) -> Recipe:
    """Import and return the recipe of that name."""
    if name == "plain":
        return plain_loop
    from benchmarks.video_pipeline import as_the_function_does

    return as_the_function_does


def main(name: str, settings: str) -> None:
    """Transcode until the input ends."""
    make, given = recipe(name), Settings(**json.loads(settings))
    for line in sys.stdin:
        asked = json.loads(line)
        idle = _resident()
        began, used = time.perf_counter(), time.process_time()
        make(Path(asked["source"]), Path(asked["target"]), given)
        seconds, cpu = time.perf_counter() - began, time.process_time() - used
        peak = peak_bytes() - idle if measurable() else None
        print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_bytes": peak}), flush=True)


def _resident() -> int:
    """Return the bytes in use now, and reset the kernel's peak; return 0 where this cannot be measured."""
    if not measurable():
        return 0
    (_OWN / "clear_refs").write_text("5")
    return int((_OWN / "statm").read_text().split()[1]) * _PAGE


if __name__ == "__main__":
    main(*sys.argv[1:3])
