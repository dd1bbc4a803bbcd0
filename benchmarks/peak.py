"""Measure how much memory a recipe adds to an idle process, each picture in a process of its own.

`python -m benchmarks.peak RECIPE PHOTO [JOB]` prints the bytes.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SIZES = {"large": 2048, "medium": 1024, "small": 512, "thumbnail": 150}
QUALITY = 80
_OTHER_LIBRARIES = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep)[1:] if folder]
"""What `make bench` adds after `lambda`: the peers."""
_STATUS = "/proc/{}/status"


def measurable() -> bool:
    """Whether this system has the peak of a process since its start (`ru_maxrss` begins with the parent's)."""
    return Path(_STATUS.format("self")).exists()


def peak_bytes(process: int | str = "self") -> int:
    """Return the most memory that a process has used, in bytes; Linux only."""
    status = Path(_STATUS.format(process))
    for line in status.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{status} does not contain VmHWM")


def added(recipe: str, photo: Path, checkout: Path = ROOT, *, job: str = "jpeg") -> int:
    """Run a checkout's recipe over a photo in a fresh process.

    Return by how many bytes its peak exceeds the idle process.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peak", recipe, str(photo), *([job] if job != "jpeg" else [])],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(checkout / "lambda"), *_OTHER_LIBRARIES])},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def main(recipe_name: str, photo: str, job: str = "jpeg") -> None:
    """Warm the recipe up with a tiny picture, so that libraries loaded at first use do not count; then measure."""
    import io

    from PIL import Image

    from benchmarks import node, recipes

    recipe = recipes.JOBS[job][recipe_name]
    tiny = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(tiny, "JPEG")
    data = Path(photo).read_bytes()
    recipe(tiny.getvalue(), SIZES, QUALITY)
    process = node.process().pid if recipe_name == "sharp" else "self"
    idle = peak_bytes(process)
    recipe(data, SIZES, QUALITY)
    print(peak_bytes(process) - idle)


if __name__ == "__main__":
    main(*sys.argv[1:])
