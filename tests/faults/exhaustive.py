"""`make faults`: every fault at every call of every scenario, pairs of faults, every order of events, preemption.

Of faults that lead to the same code or state at one call, a run tries one, each call another, and one pair in four;
`--all` tries all of them.

The name of a case says everything about it, so that one command repeats it:
    python -m tests.faults.exhaustive --case publish/crash-after@3
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from tests.faults.all_scenarios import SCENARIOS
from tests.faults.calls_at_once import CASES as CALLS_AT_ONCE
from tests.faults.calls_at_once import run_at_once
from tests.faults.event_orders import ORDERS, run_order
from tests.faults.fault_injection import ALWAYS, Call, Fault, FaultKind
from tests.faults.preemption import PREEMPTIONS, run_preemption
from tests.faults.process_pool import INTERRUPTED, ProcessPool, Progress, interruptible
from tests.faults.races import CASES as RACES_AT_CALLS
from tests.faults.races import run_race
from tests.faults.scenarios import DAY, Scenario
from tests.faults.scenarios_cache import cache_problems
from tests.faults.scenarios_configuration import REDEPLOYMENTS, run_redeployment
from tests.faults.scenarios_operations import AT_ANY_MOMENT, run_disturbed
from tests.faults.scenarios_time_outs import TIME_OUTS, run_time_out
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import SimulatedStack
from tests.faults.simulation import Simulation
from tests.fixtures.scratch import keep_scratch_files_in_memory

CHUNK = 25  # cases that a process runs before it reports
ENOUGH_CALLS = 40  # no scenario with one fault takes more calls
SINGLES = (
    Fault(FaultKind.CRASH_BEFORE),
    Fault(FaultKind.CRASH_AFTER),
    Fault(FaultKind.LOST),
    Fault(FaultKind.LOST, ALWAYS),
    Fault(FaultKind.LOST, seconds=5.0),
    Fault(FaultKind.LATE, seconds=2.0),
    Fault(FaultKind.LATE, ALWAYS, seconds=400.0),
    Fault(FaultKind.THROTTLED),
    Fault(FaultKind.THROTTLED, ALWAYS),
    Fault(FaultKind.TIMEOUT),
    Fault(FaultKind.TIMEOUT, ALWAYS),
    Fault(FaultKind.ERROR),
    Fault(FaultKind.ERROR, ALWAYS),
    Fault(FaultKind.DENIED, ALWAYS),
    Fault(FaultKind.BROKEN_BODY),
    Fault(FaultKind.SHORT_BODY),
    Fault(FaultKind.PARTIAL),
    Fault(FaultKind.PARTIAL, ALWAYS),
    Fault(FaultKind.UNDONE),
)
PAIRED = (Fault(FaultKind.CRASH_AFTER), Fault(FaultKind.LOST, ALWAYS), Fault(FaultKind.ERROR, ALWAYS))
NAMES = {
    f"{fault}{f'+{fault.seconds:.0f}s' if fault.seconds else ''}": fault for fault in (*SINGLES, *PAIRED)
}

ALIKE = (
    # botocore's own next attempt succeeds: the function notices nothing but the time.
    (Fault(FaultKind.THROTTLED), Fault(FaultKind.TIMEOUT), Fault(FaultKind.ERROR)),
    # Not carried out, and the call fails.
    (Fault(FaultKind.THROTTLED, ALWAYS), Fault(FaultKind.TIMEOUT, ALWAYS), Fault(FaultKind.ERROR, ALWAYS)),
)

# Of these, one in N: another fault leads to the same code, or to the same state.
ONE_IN = {
    Fault(FaultKind.CRASH_BEFORE): 4,  # what is killed before a call is killed after the one before it
    Fault(
        FaultKind.LOST
    ): 2,  # botocore's own next attempt finds the call carried out, as that of a message does
    Fault(FaultKind.DENIED, ALWAYS): 2,  # not carried out, and the call fails
    Fault(FaultKind.LATE, seconds=2.0): 2,
    Fault(FaultKind.LATE, ALWAYS, seconds=400.0): 2,
}
ONE_PAIR_IN = 4

# The same call of four attempts in a row: the object is not poison, because no attempt got as far as decoding.
REPEATED = (
    # Killed again and again while publishing: the verdict is stored, so decoding is not the cause.
    "publish/crash-after@7,crash-after@14,crash-after@21,crash-after@28",
    # Two attempts killed while decoding, then one with a verdict, then one more: not three in a row.
    "publish/crash-before@5,crash-before@11,crash-after@19,crash-after@24",
    # The second record of a version was claimed, and its function killed before it saw the first one.
    "sequencer-only-later/crash-after@1",
    # The first record is held; the second one's answers are written down, and then its record makes way.
    "sequencer-seconds-later/crash-after@10,error*@17",
    # The answer to what is given back to the day's budget is lost.
    "budget-given-back/lost@7",
    "budget-given-back/lost*@7",
    # Both records of a version are about to store a verdict, and each has just looked for the other.
    "race:no-sequencer+sequencer@10",
    *(
        f"{scenario_name}/" + ",".join(f"{kind}@{at}" for at in places)
        for scenario_name in ("publish", "block", "review", "reject")
        for kind, places in (
            ("crash-after", (1, 3, 5, 7)),
            ("crash-before", (2, 5, 8, 11)),
            ("crash-after", (2, 5, 8, 11)),
            ("crash-before", (3, 7, 11, 15)),
            ("crash-after", (3, 7, 11, 15)),
        )
    ),
)


@dataclass(frozen=True)
class Injection:
    """Fault `name` at call number `at` of the scenario's function, counted over all its invocations."""

    name: str
    at: int

    def __str__(self) -> str:
        return f"{self.name}@{self.at}"


class PlannedFaults:
    """Injects faults exactly where the plan says, and records all calls."""

    def __init__(self, function: str, injections: Sequence[Injection]) -> None:
        self._function = function
        self._plan = {injection.at: NAMES[injection.name] for injection in injections}
        self._places: dict[Call, int] = {}  # of each call among them, from 1
        self.calls: list[Call] = []
        self.injected: set[int] = set()
        self.struck: list[tuple[Call, Fault]] = []

    def choose(self, call: Call) -> Fault | None:
        """Return the fault planned for this call, or None."""
        if call.operation == "step" or call.invocation.function_name != self._function:
            return None
        if call not in self._places:
            self.calls.append(call)
            self._places[call] = len(self.calls)
        at = self._places[call]
        fault = self._plan.get(at)
        if fault is None or call.attempt > fault.attempts or not fault.fits(call.operation):
            return None
        self.injected.add(at)
        self.struck.append((call, fault))
        return fault


def run_injections(stack: SimulatedStack, pool: ClientPool, name: str) -> tuple[list[str], PlannedFaults]:
    """Run `scenario/fault@call[,fault@call]`; return the violations, and the calls that were made."""
    scenario_name, _, plan = name.partition("/")
    injections = [Injection(text.split("@")[0], int(text.split("@")[1])) for text in plan.split(",") if text]
    scenario = SCENARIOS[scenario_name]
    planned = PlannedFaults(scenario.function, injections)
    run = Simulation(stack, pool, seed=crc32(name.encode()), deployment=scenario.deployment)
    with run.clock:
        scenario.prepare(run)
        run.injector = planned
        asked_before = run.checker.answers.requests
        scenario.act(run)
        run.run()
        ended = [*_ended_wrong(run, scenario), *cache_problems(run, scenario, planned.struck, asked_before)]
        if scenario.deployment.retention_days:
            run.pass_time(3 * scenario.deployment.retention_days * DAY)
            run.expire()
        return [*run.violations(), *ended], planned


def _ended_wrong(run: Simulation, scenario: Scenario) -> Iterator[str]:
    items = run.stack.all_items()
    newest = max(items, key=lambda item: str(item["sequencer"]), default=None)
    if newest is None or newest["status"] not in scenario.status.split(" or "):
        yield f"ended {newest and newest['status']}, not {scenario.status}"


FAMILIES: Mapping[str, Callable[[SimulatedStack, ClientPool, str], list[str]]] = {
    "order": run_order,
    "preempt": run_preemption,
    "redeploy": run_redeployment,
    "race": run_race,
    "time-out": run_time_out,
    "operate": run_disturbed,
    "at-once": run_at_once,
}


class CaseRunner:
    """Runs many cases in one simulated stack."""

    def __init__(self, stack: SimulatedStack, pool: ClientPool) -> None:
        self.stack = stack
        self.pool = pool
        self._calls: dict[str, list[Call]] = {}

    def run(self, case: str) -> list[str]:
        """Run a case by its name; return the violations."""
        family, _, rest = case.partition(":")
        if family in FAMILIES:
            return FAMILIES[family](self.stack, self.pool, rest)
        violations, planned = run_injections(self.stack, self.pool, case)
        if not rest and case.endswith("/"):
            self._calls[case.removesuffix("/")] = planned.calls
        return violations

    def calls(self, scenario_name: str) -> list[Call]:
        """Return the calls that a scenario makes without a fault, which is run for it once."""
        if scenario_name not in self._calls:
            self.run(f"{scenario_name}/")
        return self._calls[scenario_name]


def cases(runner: CaseRunner) -> Iterator[str]:
    """Yield the names of all cases except pairs. Which calls a scenario makes is found out by running it."""
    for scenario_name, scenario in SCENARIOS.items():
        if not scenario.faults:
            yield f"{scenario_name}/"
            continue
        for at, call in enumerate(runner.calls(scenario_name), 1):
            yield from (
                f"{scenario_name}/{Injection(name, at)}"
                for name, fault in NAMES.items()
                if fault in SINGLES
                and fault.fits(call.operation)
                and (scenario.late_calls or fault.kind is not FaultKind.LATE)
            )
    yield from REPEATED
    yield from (f"preempt:{name}" for name in PREEMPTIONS)
    yield from (f"race:{name}" for name in RACES_AT_CALLS if f"race:{name}" not in REPEATED)
    yield from (f"redeploy:{name}" for name in REDEPLOYMENTS)
    yield from (f"time-out:{name}" for name in TIME_OUTS)
    yield from (f"operate:{name}" for name in AT_ANY_MOMENT)
    yield from (f"order:{name}" for name in ORDERS)
    yield from (f"at-once:{name}" for name in CALLS_AT_ONCE)


def one_of_each(runner: CaseRunner) -> Iterator[str]:
    """Yield each fault at each operation once, where it first occurs: these find the most in the least time."""
    seen: set[tuple[str, str]] = set()
    for scenario_name in (name for name, scenario in SCENARIOS.items() if scenario.faults):
        for at, call in enumerate(runner.calls(scenario_name), 1):
            for name, fault in NAMES.items():
                if fault in SINGLES and fault.fits(call.operation) and (str(call), name) not in seen:
                    seen.add((str(call), name))
                    yield f"{scenario_name}/{Injection(name, at)}"


def first_faults(runner: CaseRunner) -> Iterator[str]:
    """Yield all cases with which pairs begin."""
    names = [name for name, fault in NAMES.items() if fault in PAIRED]
    for scenario_name in (name for name, scenario in SCENARIOS.items() if scenario.in_pairs):
        places = range(1, len(runner.calls(scenario_name)) + 1)
        yield from (f"{scenario_name}/{Injection(name, at)}" for name, at in itertools.product(names, places))


def pairs(runner: CaseRunner, first: str) -> list[str]:
    """Return all pairs that begin with a case: after its fault, a second one at every call that follows."""
    names = [name for name, fault in NAMES.items() if fault in PAIRED]
    _, planned = run_injections(runner.stack, runner.pool, first)
    after = range(int(first.rpartition("@")[2]) + 1, min(len(planned.calls), ENOUGH_CALLS) + 1)
    return [f"{first},{Injection(name, at)}" for name in names for at in after]


@cache
def _runner() -> CaseRunner:
    return CaseRunner(SimulatedStack().__enter__(), ClientPool())  # for as long as this process lives


def _pairs(first: str) -> list[str]:
    return pairs(_runner(), first)


def run_case(name: str) -> tuple[str, list[str]]:
    """Run one case in this process; return its name and violations."""
    try:
        return name, _runner().run(name)
    except Exception as error:  # noqa: BLE001 - a case that breaks the simulator must not end all the others
        return name, [f"the run broke: {error!r}"]


def run_cases(names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Run some cases in this process; return each one's name and violations."""
    return [run_case(name) for name in names]


def covering(names: Sequence[str]) -> list[str]:
    """Leave out cases whose like is among the others.

    That is of ALIKE faults at a call all but one, of those in ONE_IN the share that it says, and one pair in four.
    """
    left_out = {str(fault): (group, place) for group in ALIKE for place, fault in enumerate(group)}
    shares = {name: ONE_IN[fault] for name, fault in NAMES.items() if fault in ONE_IN}

    def is_kept(name: str) -> bool:
        scenario, _, injected = name.partition("/")
        if scenario not in SCENARIOS or name in REPEATED or not injected:
            return True
        if "," in injected:
            return crc32(name.encode()) % ONE_PAIR_IN == 0
        fault, _, at = injected.partition("@")
        if crc32(name.encode()) % shares.get(fault, 1):
            return int(at) == 1
        group, place = left_out.get(fault, ((fault,), 0))
        return (int(at) + crc32(scenario.encode())) % len(group) == place

    return [name for name in names if is_kept(name)]


@dataclass
class Findings:
    """The results of a run, complete or not."""

    wanted: int = 0
    done: int = 0
    complete: bool = False
    violations: dict[str, list[str]] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """Return the content of `build/faults.json`."""
        found = {"cases": self.done, "violations": sum(map(len, self.violations.values()))}
        return found if self.complete else {**found, "complete": False, "wanted": self.wanted}


def run_all(pool: ProcessPool, findings: Findings, share: int = 1, *, covers: bool = True) -> None:
    """Run the cases, if it only `covers` them those of `covering`, every Nth of them (N: `share`).

    `findings` is updated after every chunk.
    """
    names = list(cases(_runner()))
    begins = list(first_faults(_runner()))
    print(
        f"{len(names):,} cases; looking for the pairs of {len(begins):,} faults", file=sys.stderr, flush=True
    )
    names += sorted(itertools.chain.from_iterable(pool.map_unordered(_pairs, begins)))
    names = (covering(names) if covers else names)[::share]
    findings.wanted = len(names)
    progress = Progress(len(names), "cases")
    for results in pool.map_unordered(
        run_cases, [names[at : at + CHUNK] for at in range(0, len(names), CHUNK)]
    ):
        findings.done += len(results)
        for name, violations in results:
            if violations:
                findings.violations[name] = violations
                report(name, violations)
        progress.update(findings.done, len(findings.violations))
    findings.complete = True


def report(name: str, violations: Sequence[str]) -> None:
    """Print what was violated, and the command that repeats the case."""
    print(f"\n{name}")
    for violation in violations:
        print(f"  {violation}")
    print(f"  repeat: make faults CASE='{name}'", flush=True)


def main() -> int:
    """Run all cases, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", default=[], help="run only this case")
    parser.add_argument("--all", action="store_true", help="also the cases whose like is among the others")
    parser.add_argument("--share", type=int, default=1, help="run every Nth case")
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 2))
    parser.add_argument("--json", type=Path, default=Path("build/faults.json"))
    arguments = parser.parse_args()
    if arguments.case:
        found = [(name, violations) for name, violations in run_cases(arguments.case) if violations]
        for name, violations in found:
            report(name, violations)
        print(f"{len(arguments.case)} cases, {len(found)} with violations")
        return 1 if found else 0
    interruptible()
    keep_scratch_files_in_memory()
    began, findings = time.perf_counter(), Findings()
    try:
        with ProcessPool(arguments.processes) as pool:
            run_all(pool, findings, arguments.share, covers=not arguments.all)
    except KeyboardInterrupt:
        print(f"interrupted: {findings.done:,} of {findings.wanted:,} cases were run", file=sys.stderr)
    finally:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(findings.document) + "\n", "utf-8")
    seconds = time.perf_counter() - began
    print(f"{findings.done:,} cases, {len(findings.violations)} with violations, {seconds:.0f} s")
    if not findings.complete:
        return INTERRUPTED
    return 1 if findings.violations else 0


if __name__ == "__main__":
    sys.exit(main())
