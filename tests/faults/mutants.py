"""`make mutants`: does the harness notice plausible mistakes? Own ones (mistakes.py), or foreign patch files.

Each is tried in a process of its own until the first violation; a patch is applied in a scratch copy.
    python -m tests.faults.mutants --only acknowledge-on-throttling
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.faults.cloud import Cloud
from tests.faults.exhaustive import Bench, cases
from tests.faults.functions import ClientPool
from tests.faults.mistakes_of_delivery import MISTAKES
from tests.faults.scenarios import SCENARIOS
from tests.faults.soak import run_seed

WANTED = 0.95  # share that must be detected
SHARES = (41, 13, 5)  # of the cases: few first, so that what is easy to see is seen soon
SEEDS = range(1, 9)
UNNOTICED, NOTICED, BROKEN = 0, 1, 3
TRY_SECONDS = 900
ROOT = Path(__file__).parents[2]
COPIED = ("lambda", "tests", "pyproject.toml")


@dataclass(frozen=True)
class Trial:
    """What came of one mistake."""

    name: str
    detected: bool
    by: str
    seconds: float


def first_violation() -> str | None:
    """The first thing that the harness finds wrong with the code as it is now, or None."""
    for name, violations in _looks():
        if violations:
            return f"{name}: {violations[0]}"
    return None


def _looks() -> Iterator[tuple[str, list[str]]]:
    with Cloud() as cloud:
        pool = ClientPool()
        bench = Bench(cloud, pool)
        for story in SCENARIOS:
            yield story, bench.run(f"{story}/")
        names = list(cases(bench))
        tried: set[str] = set()
        crossed, paused = [name for name in names if "-crossed" in name], [n for n in names if "-paused" in n]
        for name in (*crossed[::5], *paused[::9]):
            yield name, bench.run(name)
        for round_number, share in enumerate(SHARES):
            for name in names[::share]:
                if name not in tried:
                    tried.add(name)
                    yield name, bench.run(name)
            for seed in SEEDS[round_number :: len(SHARES)]:
                yield f"seed {seed}", run_seed(cloud, pool, seed).violations


def try_here(name: str) -> int:
    """In a child process: make the mistake, if one is named, and look."""
    if name:
        MISTAKES[name]()
    found = first_violation()
    print(found or "nothing")
    return NOTICED if found else UNNOTICED


def _child(name: str, root: Path) -> Trial:
    began = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(root / "lambda"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.faults.mutants", f"--try={name}"]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TRY_SECONDS,
            check=False,
        )
        last = (done.stdout.strip() or done.stderr.strip() or "nothing was said").splitlines()[-1]
        # A harness that cannot even run noticed as well: the code does not import, or never ends.
        detected = done.returncode != UNNOTICED
    except subprocess.TimeoutExpired:
        last, detected = f"did not come to an end in {TRY_SECONDS} s", True
    return Trial(name, detected, last, time.perf_counter() - began)


def _patched(patch: Path) -> Trial:
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        scratch = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, scratch / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, scratch / name)
        git = shutil.which("git") or "git"
        applied = subprocess.run(
            [git, "apply", "--include=lambda/*", str(patch.resolve())],
            cwd=scratch, env={**os.environ, "GIT_DIR": str(scratch / "none")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if applied.returncode:
            return Trial(
                patch.name, detected=False, by=f"does not apply: {applied.stderr.strip()}", seconds=0.0
            )
        trial = _child("", scratch)
        return Trial(patch.name, trial.detected, trial.by, trial.seconds)


def try_all(names: Sequence[str], patches: Sequence[Path], processes: int) -> list[Trial]:
    """Try them all, and tell of each."""
    trials = []
    with ThreadPoolExecutor(processes) as executor:
        runs = [executor.submit(_patched, patch) for patch in patches]
        runs += [executor.submit(_child, name, ROOT) for name in names]
        for run in runs:
            trial = run.result()
            trials.append(trial)
            word = "detected" if trial.detected else "MISSED  "
            print(f"{word} {trial.name} ({trial.seconds:.0f} s): {trial.by[:160]}", flush=True)
    return trials


def main() -> int:
    """Try all mistakes, or those asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--try", dest="attempt", help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", choices=sorted(MISTAKES))
    parser.add_argument("--patches", type=Path, help="a folder of *.patch files to try instead")
    parser.add_argument("--json", type=Path, default=Path("build/mutants.json"))
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 2))
    arguments = parser.parse_args()
    if arguments.attempt is not None:
        return try_here(arguments.attempt)
    patches = sorted(arguments.patches.glob("*.patch")) if arguments.patches else []
    if arguments.patches and not patches:
        print(f"{arguments.patches} holds no *.patch file", file=sys.stderr)
        return BROKEN
    names = [] if patches else arguments.only or list(MISTAKES)
    trials = try_all(names, patches, arguments.processes)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    document = [{"patch": trial.name, "detected": trial.detected} for trial in trials]
    arguments.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    detected = sum(trial.detected for trial in trials)
    print(f"{detected} of {len(trials)} detected")
    return 0 if detected >= WANTED * len(trials) else 1


if __name__ == "__main__":
    sys.exit(main())
