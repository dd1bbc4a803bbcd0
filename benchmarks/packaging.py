"""Measure how fast packages are built, against `pip install --target` and zip; exit with 1 if a limit is exceeded.

`python -m benchmarks.packaging`. All wheels are fetched first, and pip gets them from that folder, too: no
figure includes the network. Every Python that is found on PATH must build the same bytes.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import packaging

from components.packaging import Target, build_code, build_stack, fetch
from components.packaging.lock import Lock, without_sdk
from components.packaging.stack import CODE, IMAGE_LOCK
from components.packaging.store import PROJECT, sha256_of
from components.packaging.wheels import default_folder

COLD_LIMIT: Final = (
    6.0  # seconds, including a process of its own and, where Python 3.13 is here, its compiling
)
UNCHANGED_LIMIT: Final = 0.005  # seconds, in the process
TARGET: Final = Target("python3.13", "arm64")
OTHER_PYTHONS: Final = ("python3.11", "python3.12", "python3.13", "python3.14")

PROGRAM: Final = """
import pathlib, sys
from components.packaging import Target, build_stack
packages = build_stack(Target("python3.13", "arm64"), output=pathlib.Path(sys.argv[1]), cache=pathlib.Path(sys.argv[2]))
print(*(package.sha256 for package in packages))
"""


def main() -> int:
    """Measure, print the table, and return 1 if a limit was exceeded or two Pythons disagree."""
    fetch(IMAGE_LOCK, TARGET)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cold = _median(5, lambda: _build(sys.executable, _fresh(folder)))
        output = _fresh(folder)
        build_stack(TARGET, output=output)
        unchanged = _median(50, lambda: build_stack(TARGET, output=output))
        edited = _after_an_edit(folder, output)
        zips = [_fresh(folder) / "pip.zip" for _ in range(2)]
        naive = statistics.median([_timed(partial(_pip_and_zip, path)) for path in zips])
        pip_agrees = sha256_of(zips[0]) == sha256_of(zips[1])
        digests = _digests(folder)
    rows = [
        ("cold, wheels at hand, as a process", cold, COLD_LIMIT),
        ("unchanged, in the process", unchanged, UNCHANGED_LIMIT),
        ("after an edit of the code, in the process", edited, None),
        ("pip install --target, then zip (layer only)", naive, None),
    ]
    for label, seconds, limit in rows:
        verdict = (
            "" if limit is None else f"limit {limit * 1e3:,.0f} ms: {'met' if seconds <= limit else 'MISSED'}"
        )
        print(f"{label:<46}{seconds * 1e3:>10,.1f} ms   {naive / seconds:>8,.1f}x   {verdict}")
    same = "the same bytes" if len(set(digests.values())) == 1 else f"DIFFERENT BYTES: {digests}"
    print(
        f"{same} from {', '.join(digests)}; pip and zip twice: {'the same' if pip_agrees else 'different'} bytes"
    )
    missed = [label for label, seconds, limit in rows if limit is not None and seconds > limit]
    return 1 if missed or len(set(digests.values())) > 1 else 0


def _median(times: int, call: Callable[[], object]) -> float:
    return statistics.median(_timed(call) for _ in range(times))


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _fresh(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


def _build(python: str, output: Path, search: Path = PROJECT) -> str:
    command = [python, "-c", PROGRAM, str(output), str(default_folder())]
    environment = os.environ | {"PYTHONPATH": str(search), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


def _after_an_edit(folder: Path, output: Path) -> float:
    copy = _fresh(folder) / CODE.name
    shutil.copytree(CODE, copy)

    def edit() -> float:
        with (copy / "__init__.py").open("a", encoding="utf-8") as file:
            file.write("# edited\n")
        return _timed(lambda: build_code(copy, output=output))

    return statistics.median(edit() for _ in range(5))


def _pip_and_zip(path: Path) -> None:
    pins = without_sdk(Lock.read(IMAGE_LOCK).select(TARGET.markers).values())
    requirements = path.with_suffix(".txt")
    requirements.write_text(
        "".join(f"{pin} {' '.join(f'--hash=sha256:{each}' for each in pin.hashes)}\n" for pin in pins)
    )
    installed = path.with_suffix("") / "python"
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--no-index", "--find-links", str(default_folder()), "--only-binary=:all:", "--require-hashes"),
        *("--requirement", str(requirements), "--target", str(installed), *TARGET.pip_arguments),
    ]
    subprocess.run(command, check=True)
    shutil.make_archive(str(path.with_suffix("")), "zip", installed.parent)


def _digests(folder: Path) -> dict[str, str]:
    """Build with each working Python on PATH, which gets only the dependencies that packaging needs."""
    search = _fresh(folder)
    shutil.copytree(
        PROJECT / "components", search / "components", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(PROJECT / "lambda", search / "lambda", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(packaging.__file__).parent, search / "packaging")
    # Only the base class of the errors: Pulumi's compiled parts work in this environment's Python only.
    (search / "pulumi.py").write_text("class RunError(Exception): ...\n")
    digests = {f"this {sys.version.split()[0]}": _build(sys.executable, _fresh(folder))}
    for python in OTHER_PYTHONS:
        found = shutil.which(python)
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            digests[python] = _build(found, _fresh(folder), search)
    return digests


if __name__ == "__main__":
    sys.exit(main())
