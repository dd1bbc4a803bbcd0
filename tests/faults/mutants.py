"""`make mutants`: does the harness detect plausible mistakes? Its own ones (mutations*.py), or patch files.

Each is tried in its own process until the first violation; a patch is applied to a scratch copy. The case that detected
a mutation last time comes first; detected_by.json has them, and `make mutants REMEMBER=1` writes it.
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

from tests.faults import (
    judged_checks,
    mutations_appeals,
    mutations_at_once,
    mutations_backfills,
    mutations_budget,
    mutations_cache,
    mutations_decisions,
    mutations_edge,
    mutations_holds,
    mutations_lists,
    mutations_samples,
    mutations_withdrawals,
)
from tests.faults.all_mutations import MUTATIONS
from tests.faults.all_scenarios import SCENARIOS
from tests.faults.exhaustive import REPEATED, CaseRunner, cases, one_of_each
from tests.faults.fault_injection import FaultKind
from tests.faults.mutations_judged import PURE
from tests.faults.process_pool import INTERRUPTED, interruptible
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import SimulatedStack
from tests.faults.soak import run_seed
from tests.fixtures.scratch import keep_scratch_files_in_memory

REQUIRED_SHARE = 0.95  # of the mutations must be detected
SHARES = (41, 13, 5)  # every 41st case first: what is easy to detect is detected soon
FAMILIES_FIRST = ("preempt:", "race:", "redeploy:", "time-out:")  # each detects what no single fault does
FIRST_FAMILIES = {
    mutations_appeals.__name__: "appeal-",
    mutations_at_once.__name__: "at-once:",
    mutations_backfills.__name__: "backfill-",
    mutations_budget.__name__: "budget-",
    mutations_cache.__name__: "cache-",
    mutations_decisions.__name__: "decide-",
    mutations_edge.__name__: "edge-",
    mutations_holds.__name__: "people-",
    mutations_samples.__name__: "sample-",
    mutations_lists.__name__: "list-",
    mutations_withdrawals.__name__: "race:block+delete",
}
"""Of the mutations of a module: how the names of the cases begin that are most likely to detect them."""
RACE_SHARE = 4  # of the races of a subject, which come before its other cases
CACHE_SHARE = 5
AT_ONCE_SHARE = (
    17  # every Nth case with calls at once first; for a mutation about calls at once before all else
)
SEEDS = range(1, 9)
SEED = "seed "  # begins the name of a seed among the checks
UNCHANGED = "unchanged"  # no mutation: the harness must find nothing
# Exit codes of a child process. Python itself ends with 1 after an uncaught exception.
MISSED, UNCAUGHT, BROKEN, DETECTED = 0, 1, 3, 10
TIME_LIMIT = 600.0  # seconds for one mutation
ROOT = Path(__file__).parents[2]
DETECTED_BY = Path(__file__).with_name("detected_by.json")  # of each mutation: the case that detected it last
COPIED = (
    "lambda",
    "embedded_aws",
    "components",
    "local",
    "operations",
    "tests/faults",
    "tests/fixtures",
    "tests/video",
)  # what the harness imports


@dataclass(frozen=True)
class Trial:
    """The result of one mutation. `detected` means nothing unless it was `tried` to the end."""

    name: str
    detected: bool
    by: str
    seconds: float
    tried: bool = True

    @property
    def word(self) -> str:
        """Return the result in one word."""
        if not self.tried:
            return "BROKEN"
        return "detected" if self.detected else "MISSED"


def first_violation(
    *, brief: bool = False, judged: bool = False, first: str = "", likely: str = ""
) -> str | None:
    """Return the first violation that the harness finds in the code as it is in this process, or None.

    `brief`: run a quarter of the scenarios without faults only, and the checks without a stack; `judged`: run the
    latter alone;
    `likely`: the case to begin with; `first`: after those without faults, begin with the cases whose names begin so.
    """
    checks = _checks(first, likely) if not judged else iter(())
    if brief:
        checks = itertools.islice(checks, len(SCENARIOS) // 4)
    if brief or judged:
        checks = itertools.chain(checks, judged_checks.violations())
    for name, violations in checks:
        if violations:
            return f"{name}: {violations[0]}"
    return None


def _checks(first: str, likely: str) -> Iterator[tuple[str, list[str]]]:
    with SimulatedStack() as stack:
        pool = ClientPool()
        runner = CaseRunner(stack, pool)
        if likely.startswith(SEED):
            yield likely, run_seed(stack, pool, int(likely.removeprefix(SEED))).violations
        elif likely:
            yield likely, runner.run(f"{likely}/" if likely in SCENARIOS else likely)
        # Those of the mutation's subject first.
        for scenario_name in sorted(SCENARIOS, key=lambda name: not (first and name.startswith(first))):
            yield scenario_name, runner.run(f"{scenario_name}/")
        tried = set[str]()
        for name in _first_cases(runner, first):
            if name not in tried:
                tried.add(name)
                yield name, runner.run(name)
        names = list(cases(runner))
        for round_number, share in enumerate(SHARES):
            for name in names[::share]:
                if name not in tried:
                    tried.add(name)
                    yield name, runner.run(name)
            for seed in SEEDS[round_number :: len(SHARES)]:
                yield f"{SEED}{seed}", run_seed(stack, pool, seed).violations


def _first_cases(runner: CaseRunner, first: str) -> Iterator[str]:
    """Yield the cases that find the most in the least time, without those of SHARES."""
    names = list(cases(runner))
    at_once = [name for name in names if name.startswith("at-once:")]
    at_once = [
        *at_once[::AT_ONCE_SHARE],
        *(name for name in at_once if name.endswith(f"/{FaultKind.MEMORY_ERROR}")),
    ]
    if first == "at-once:":
        yield from at_once
    elif first:
        yield from [name for name in names if name.startswith(f"race:{first.removesuffix('-')}+")][
            ::RACE_SHARE
        ]
        yield from [name for name in names if name.startswith(first)][::CACHE_SHARE]
    yield from REPEATED
    yield from (name for name in names if name.startswith("race:") and name.endswith("-lapsed"))
    families = [name for name in names if name.startswith(FAMILIES_FIRST)][::3]
    # In turn: each kind detects what the others do not, and nobody knows which it will be.
    for turn in itertools.zip_longest(one_of_each(runner), families, at_once):
        yield from filter(None, turn)


def try_in_this_process(name: str) -> int:
    """Apply the mutation, if one is named, and run the checks in this child process; return its exit code."""
    if name and name != UNCHANGED:
        try:
            MUTATIONS[name]()
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing was tried
            print(f"the mutation cannot be applied: {error!r}")
            return BROKEN
    first = FIRST_FAMILIES.get(MUTATIONS[name].__module__, "") if name in MUTATIONS else ""
    likely = detected_by().get(name, "")
    found = first_violation(brief=name == UNCHANGED, judged=name in PURE, first=first, likely=likely)
    print(found or "nothing")
    return DETECTED if found else MISSED


def detected_by() -> dict[str, str]:
    """Return of each mutation the case that detected it last, where that is known."""
    known: dict[str, str] = json.loads(DETECTED_BY.read_text("utf-8"))
    return known


def remember(trials: Sequence[Trial]) -> None:
    """Write down by which case each mutation was detected; what others were detected by stays."""
    known = detected_by() | {
        trial.name: trial.by.partition(": ")[0]
        for trial in trials
        if trial.detected and trial.name not in PURE
    }
    kept = {name: case for name, case in sorted(known.items()) if name in MUTATIONS}
    DETECTED_BY.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


class Trials:
    """Tries mutations, each in its own process with `time_limit` seconds; `stop` ends those that still run."""

    def __init__(self, time_limit: float = TIME_LIMIT) -> None:
        self._time_limit = time_limit
        self._running: set[subprocess.Popen[str]] = set()

    @property
    def running(self) -> int:
        """Return how many child processes run now."""
        return len(self._running)

    def stop(self) -> None:
        """Kill the child processes."""
        for process in list(self._running):
            process.kill()

    def own(self, name: str) -> Trial:
        """Try one of `MUTATIONS`, or UNCHANGED."""
        return self._child(name, name, ROOT)

    def patch(self, patch: Path) -> Trial:
        """Try a patch in a scratch copy of the code and the harness."""
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            scratch = Path(folder)
            for name in COPIED:
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, scratch / name, ignore=ignored)
            problem = _apply(patch, scratch)
            if problem:
                return Trial(patch.name, detected=False, by=problem, seconds=0.0, tried=False)
            return self._child(patch.name, "", scratch)

    def _child(self, name: str, mutation: str, root: Path) -> Trial:
        began = time.perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(root / "lambda"), "PYTHONDONTWRITEBYTECODE": "1"}
        with subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.faults.mutants", f"--try={mutation}"],
            cwd=root, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            self._running.add(process)
            try:
                out, err = process.communicate(timeout=self._time_limit)
                by = (out.strip() or err.strip() or "no output").splitlines()[-1]
                code = process.returncode
            except subprocess.TimeoutExpired:
                by, code = f"it did not finish within {self._time_limit:g} s", BROKEN
            finally:
                process.kill()
                self._running.discard(process)
        if code < 0:
            by = f"the process was killed by signal {-code}"
        # A patch after which the code cannot even be imported is detected by every test.
        detected = code == DETECTED or (code == UNCAUGHT and not mutation)
        tried = detected or code == MISSED
        return Trial(name, detected, by, time.perf_counter() - began, tried)


def _apply(patch: Path, scratch: Path) -> str | None:
    """Apply a unified diff to `lambda/`, whatever prefix its paths have; return what is wrong with it, or None."""
    git = shutil.which("git")
    if git is None:
        return "git is not installed, which applies it"
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
    """Try all of them; append each result to `done` and print it as soon as it is known."""
    trials = Trials()
    total = len(names) + len(patches)
    executor = ThreadPoolExecutor(processes)
    try:
        runs = [executor.submit(trials.patch, patch) for patch in patches]
        runs += [executor.submit(trials.own, name) for name in names]
        for run in runs:
            trial = run.result()
            done.append(trial)
            print(
                f"{len(done)}/{total} {trial.word:8} {trial.name} ({trial.seconds:.0f} s): {trial.by[:160]}",
                flush=True,
            )
    finally:
        for run in runs:
            run.cancel()
        trials.stop()
        executor.shutdown()


def main() -> int:
    """Try all mutations, or those given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--try", dest="attempt", help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", metavar="MUTATION", choices=sorted(MUTATIONS))
    parser.add_argument("--patches", type=Path, help="a folder of *.patch or *.diff files to try instead")
    parser.add_argument("--json", type=Path, default=Path("build/mutants.json"))
    parser.add_argument("--remember", action="store_true", help=f"write {DETECTED_BY.name}")
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 2))
    arguments = parser.parse_args()
    if arguments.attempt is not None:
        return try_in_this_process(arguments.attempt)
    patches = []
    if arguments.patches:
        patches = sorted(path for path in arguments.patches.glob("*") if path.suffix in (".patch", ".diff"))
        if not patches:
            print(f"{arguments.patches} holds no *.patch and no *.diff file", file=sys.stderr)
            return BROKEN
    names = [] if patches else arguments.only or list(MUTATIONS)
    interruptible()
    keep_scratch_files_in_memory()
    control = Trials().own(UNCHANGED)
    if control.detected or not control.tried:
        print(f"without any mutation the harness finds: {control.by}", file=sys.stderr)
        return BROKEN
    began, done = time.perf_counter(), list[Trial]()
    try:
        try_all(names, patches, arguments.processes, done)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    finally:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        document = [
            {"patch": trial.name, "detected": trial.detected, "broken": not trial.tried} for trial in done
        ]
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if arguments.remember and not patches:
        remember(done)
    detected, broken = sum(trial.detected for trial in done), sum(not trial.tried for trial in done)
    print(f"{detected} of {len(done) - broken} detected, {time.perf_counter() - began:.0f} s")
    if len(done) < len(names) + len(patches):
        return INTERRUPTED
    if broken:
        print(f"{broken} could not be tried", file=sys.stderr)
        return BROKEN
    return 0 if detected >= REQUIRED_SHARE * len(done) else 1


if __name__ == "__main__":
    sys.exit(main())
