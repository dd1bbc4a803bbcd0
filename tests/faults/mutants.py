"""`make mutants`: does the harness notice plausible mistakes? Own ones (mistakes.py), or foreign patch files.

Each is tried in a process of its own until the first violation; a patch is applied in a scratch copy.
    python -m tests.faults.mutants --only acknowledge-on-throttling
"""

import argparse
import itertools
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

from tests.faults.exhaustive import REPEATED, Bench, cases, one_of_each
from tests.faults.mutations_video import MISTAKES
from tests.faults.process_pool import INTERRUPTED, interruptible
from tests.faults.scenarios import SCENARIOS
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import Cloud
from tests.faults.soak import run_seed

WANTED = 0.95  # share that must be detected
SHARES = (41, 13, 5)  # of the cases: few first, so that what is easy to see is seen soon
SEEDS = range(1, 9)
UNCHANGED = "unchanged"  # no mistake: there the harness must find nothing
UNNOTICED, NOTICED, BROKEN = 0, 1, 3
TRY_SECONDS = 600
ROOT = Path(__file__).parents[2]
COPIED = ("lambda", "demo", "tests/faults")


@dataclass(frozen=True)
class Trial:
    """What came of one mistake."""

    name: str
    detected: bool
    by: str
    seconds: float
    tried: bool = True


def first_violation(*, shortly: bool = False) -> str | None:
    """The first thing that the harness finds wrong with the code as it is now, or None."""
    for name, violations in itertools.islice(_looks(), len(SCENARIOS) if shortly else None):
        if violations:
            return f"{name}: {violations[0]}"
    return None


def _looks() -> Iterator[tuple[str, list[str]]]:
    with Cloud() as cloud:
        pool = ClientPool()
        bench = Bench(cloud, pool)
        for story in SCENARIOS:
            yield story, bench.run(f"{story}/")
        names, tried = list(cases(bench)), set[str]()
        preempting = [name for name in names if name.startswith("preempt:")]
        for name in (*REPEATED[:2], *REPEATED[2::4], *preempting[::4], *one_of_each(bench)):
            tried.add(name)
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
    if name and name != UNCHANGED:
        MISTAKES[name]()
    found = first_violation(shortly=name == UNCHANGED)
    print(found or "nothing")
    return NOTICED if found else UNNOTICED


class Trials:
    """Tries mistakes, each in a process of its own; whatever is still running is ended with it."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()

    def end(self) -> None:
        """End what is running."""
        for process in list(self._running):
            process.kill()

    def own(self, name: str) -> Trial:
        """Try one of the mistakes here."""
        return self._child(name, name, ROOT)

    def patch(self, patch: Path) -> Trial:
        """Try a patch in a scratch copy of the code and of the harness."""
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            scratch = Path(folder)
            for name in COPIED:
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, scratch / name, ignore=ignored)
            problem = _apply(patch, scratch)
            if problem:
                return Trial(patch.name, detected=False, by=problem, seconds=0.0, tried=False)
            return self._child(patch.name, "", scratch)

    def _child(self, name: str, mistake: str, root: Path) -> Trial:
        began = time.perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(root / "lambda"), "PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.faults.mutants", f"--try={mistake}"],
            cwd=root, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._running.add(process)
        try:
            out, err = process.communicate(timeout=TRY_SECONDS)
            last = (out.strip() or err.strip() or "nothing was said").splitlines()[-1]
            # Code that does not even import was noticed as well.
            detected = process.returncode != UNNOTICED
        except subprocess.TimeoutExpired:
            last, detected = f"did not come to an end in {TRY_SECONDS} s", True
        finally:
            process.kill()
            self._running.discard(process)
        return Trial(name, detected, last, time.perf_counter() - began)


def _apply(patch: Path, scratch: Path) -> str | None:
    """Apply a unified diff to `lambda/`, whatever prefix its paths have; gives what is wrong with it, or None."""
    git = shutil.which("git")
    if git is None:
        return "git is not there to apply it"
    problems = []
    for how in (["-p1"], ["-p0"], ["-p1", "--directory=lambda"], ["-p0", "--directory=lambda"]):
        before = _contents(scratch)
        applied = subprocess.run(
            [git, "apply", "--include=lambda/*", "--ignore-whitespace", *how, str(patch.resolve())],
            cwd=scratch, env={**os.environ, "GIT_DIR": str(scratch / "none")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if applied.returncode == 0 and _contents(scratch) != before:
            return None
        problems.append(applied.stderr.strip().splitlines()[0] if applied.stderr.strip() else "")
    return f"does not apply to lambda/: {problems[0] or 'it changes nothing there'}"


def _contents(scratch: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (scratch / "lambda").rglob("*.*") if path.is_file()}


def try_all(names: Sequence[str], patches: Sequence[Path], processes: int, done: list[Trial]) -> None:
    """Try them all, and tell of each."""
    trials = Trials()
    total = len(names) + len(patches)
    executor = ThreadPoolExecutor(processes)
    try:
        runs = [executor.submit(trials.patch, patch) for patch in patches]
        runs += [executor.submit(trials.own, name) for name in names]
        for run in runs:
            trial = run.result()
            done.append(trial)
            word = "detected" if trial.detected else "MISSED  " if trial.tried else "BROKEN  "
            print(
                f"{len(done)}/{total} {word} {trial.name} ({trial.seconds:.0f} s): {trial.by[:160]}",
                flush=True,
            )
    finally:
        for run in runs:
            run.cancel()
        trials.end()
        executor.shutdown()


def main() -> int:
    """Try all mistakes, or those asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--try", dest="attempt", help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", choices=sorted(MISTAKES))
    parser.add_argument("--patches", type=Path, help="a folder of *.patch or *.diff files to try instead")
    parser.add_argument("--json", type=Path, default=Path("build/mutants.json"))
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 2))
    arguments = parser.parse_args()
    if arguments.attempt is not None:
        return try_here(arguments.attempt)
    patches = []
    if arguments.patches:
        patches = sorted(path for path in arguments.patches.glob("*") if path.suffix in (".patch", ".diff"))
        if not patches:
            print(f"{arguments.patches} holds no *.patch and no *.diff file", file=sys.stderr)
            return BROKEN
    names = [] if patches else arguments.only or list(MISTAKES)
    interruptible()
    control = Trials().own(UNCHANGED)
    if control.detected:
        print(f"without any mistake the harness finds: {control.by}", file=sys.stderr)
        return BROKEN
    began, done = time.perf_counter(), list[Trial]()
    try:
        try_all(names, patches, arguments.processes, done)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    finally:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        document = [{"patch": trial.name, "detected": trial.detected} for trial in done]
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    detected, broken = sum(trial.detected for trial in done), sum(not trial.tried for trial in done)
    print(f"{detected} of {len(done) - broken} detected, {time.perf_counter() - began:.0f} s")
    if len(done) < len(names) + len(patches):
        return INTERRUPTED
    if broken:
        print(f"{broken} could not be tried", file=sys.stderr)
        return BROKEN
    return 0 if detected >= WANTED * len(done) else 1


if __name__ == "__main__":
    sys.exit(main())
