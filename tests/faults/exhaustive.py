"""`make faults`: every call of every way, struck by every fault; every pair; every order; every point of preemption.

A case has a name that says all about it, so that one command runs it again:
    python -m tests.faults.exhaustive --case publish/crash-after@3
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from tests.faults.event_orders import ORDERS, run_order
from tests.faults.fault_injection import ALWAYS, Call, Fault, Kind
from tests.faults.preemption import PREEMPTIONS, run_preemption
from tests.faults.process_pool import INTERRUPTED, Crew, Progress, interruptible
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import Cloud
from tests.faults.simulation import Simulation

CHUNK = 25  # cases that a process runs before it tells
ENOUGH_CALLS = 40  # a way with one fault in it is never longer
SINGLES = (
    Fault(Kind.CRASH_BEFORE),
    Fault(Kind.CRASH_AFTER),
    Fault(Kind.LOST),
    Fault(Kind.LOST, ALWAYS),
    Fault(Kind.LATE, seconds=2.0),
    Fault(Kind.LATE, ALWAYS, seconds=400.0),
    Fault(Kind.THROTTLED),
    Fault(Kind.THROTTLED, ALWAYS),
    Fault(Kind.TIMEOUT),
    Fault(Kind.TIMEOUT, ALWAYS),
    Fault(Kind.ERROR),
    Fault(Kind.ERROR, ALWAYS),
    Fault(Kind.DENIED, ALWAYS),
    Fault(Kind.BROKEN_BODY),
    Fault(Kind.SHORT_BODY),
    Fault(Kind.PARTIAL),
    Fault(Kind.PARTIAL, ALWAYS),
    Fault(Kind.UNDONE),
)
PAIRED = (Fault(Kind.CRASH_AFTER), Fault(Kind.LOST, ALWAYS), Fault(Kind.ERROR, ALWAYS))
NAMES = {
    f"{fault}{f'+{fault.seconds:.0f}s' if fault.seconds else ''}": fault for fault in (*SINGLES, *PAIRED)
}


# The same place of four attempts in a row: that is nobody's poison, since none of them came to decode anything.
REPEATED = (
    # Cut off while it is published, again and again: its verdict stands, so decoding is not what kills.
    "publish/crash-after@7,crash-after@14,crash-after@21,crash-after@28",
    # Two attempts killed in decoding, then a verdict, then one more: not three in a row.
    "publish/crash-before@5,crash-before@11,crash-after@19,crash-after@24",
    *(
        f"{story}/" + ",".join(f"{kind}@{at}" for at in places)
        for story in ("publish", "block", "review", "reject")
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
class Strike:
    """Fault `name` at call number `at` of the disturbed function, counted over all its invocations."""

    name: str
    at: int

    def __str__(self) -> str:
        return f"{self.name}@{self.at}"


class Planned:
    """Strikes exactly where the plan says, and counts the calls meanwhile."""

    def __init__(self, function: str, strikes: Sequence[Strike]) -> None:
        self._function = function
        self._plan = {strike.at: NAMES[strike.name] for strike in strikes}
        self._last: Call | None = None
        self.calls: list[Call] = []
        self.struck: set[int] = set()

    def choose(self, call: Call) -> Fault | None:
        """Part of `Injector`."""
        if call.operation == "step" or call.invocation.function_name != self._function:
            return None
        if call is not self._last:
            self._last = call
            self.calls.append(call)
        fault = self._plan.get(len(self.calls))
        if fault is None or call.attempt > fault.attempts or not fault.fits(call.operation):
            return None
        self.struck.add(len(self.calls))
        return fault


def run_strikes(cloud: Cloud, pool: ClientPool, name: str) -> tuple[list[str], Planned]:
    """Run `scenario/strike[,strike]`; gives the violations, and what the plan saw."""
    story, _, plan = name.partition("/")
    strikes = [Strike(text.split("@")[0], int(text.split("@")[1])) for text in plan.split(",") if text]
    scenario = SCENARIOS[story]
    planned = Planned(scenario.function, strikes)
    run = Simulation(cloud, pool, seed=crc32(name.encode()), deployment=scenario.deployment)
    with run.timeline:
        scenario.prepare(run)
        run.injector = planned
        scenario.act(run)
        run.run()
        return [*run.judge(), *_ended_wrong(run, scenario)], planned


def _ended_wrong(run: Simulation, scenario: Scenario) -> Iterator[str]:
    items = run.cloud.all_items()
    newest = max(items, key=lambda item: str(item["sequencer"]), default=None)
    if newest is None or newest["status"] != scenario.status:
        yield f"ended {newest and newest['status']}, not {scenario.status}"


class Bench:
    """One cloud for many cases."""

    def __init__(self, cloud: Cloud, pool: ClientPool) -> None:
        self.cloud = cloud
        self.pool = pool

    def run(self, case: str) -> list[str]:
        """The violations of a case by its name."""
        family, _, rest = case.partition(":")
        if family == "order":
            return run_order(self.cloud, self.pool, rest)
        if family == "preempt":
            return run_preemption(self.cloud, self.pool, rest)
        return run_strikes(self.cloud, self.pool, case)[0]


def cases(bench: Bench) -> Iterator[str]:
    """Names of all cases but pairs. What calls there are is learnt by running each way, not written down."""
    for story in SCENARIOS:
        for at, call in enumerate(_calls(bench, story), 1):
            yield from (
                f"{story}/{Strike(name, at)}"
                for name, fault in NAMES.items()
                if fault in SINGLES and fault.fits(call.operation)
            )
    yield from REPEATED
    yield from (f"preempt:{name}" for name in PREEMPTIONS)
    yield from (f"order:{name}" for name in ORDERS)


def one_of_each(bench: Bench) -> Iterator[str]:
    """Each fault at each operation once, wherever it comes first: what finds most, soonest."""
    seen: set[tuple[str, str]] = set()
    for story in SCENARIOS:
        for at, call in enumerate(_calls(bench, story), 1):
            for name, fault in NAMES.items():
                if fault in SINGLES and fault.fits(call.operation) and (str(call), name) not in seen:
                    seen.add((str(call), name))
                    yield f"{story}/{Strike(name, at)}"


def firsts(bench: Bench) -> Iterator[str]:
    """All cases that pairs begin with."""
    names = [name for name, fault in NAMES.items() if fault in PAIRED]
    for story in (name for name, scenario in SCENARIOS.items() if scenario.in_pairs):
        places = range(1, len(_calls(bench, story)) + 1)
        yield from (f"{story}/{Strike(name, at)}" for name, at in itertools.product(names, places))


def pairs(bench: Bench, first: str) -> list[str]:
    """All pairs that begin so: the first fault changes the way, the second strikes every call that follows it."""
    names = [name for name, fault in NAMES.items() if fault in PAIRED]
    _, planned = run_strikes(bench.cloud, bench.pool, first)
    after = range(int(first.rpartition("@")[2]) + 1, min(len(planned.calls), ENOUGH_CALLS) + 1)
    return [f"{first},{Strike(name, at)}" for name in names for at in after]


def _calls(bench: Bench, story: str) -> list[Call]:
    return run_strikes(bench.cloud, bench.pool, f"{story}/")[1].calls


@cache
def _bench() -> Bench:
    return Bench(Cloud().__enter__(), ClientPool())  # for as long as this process lives


def _pairs(first: str) -> list[str]:
    return pairs(_bench(), first)


def run_case(name: str) -> tuple[str, list[str]]:
    """Run one case in this process; gives its name and violations."""
    try:
        return name, _bench().run(name)
    except Exception as error:  # noqa: BLE001 - one case that breaks the simulator must not end all the others
        return name, [f"the run broke: {error!r}"]


def run_cases(names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Run some cases in this process."""
    return [run_case(name) for name in names]


@dataclass
class Findings:
    """What came of a run, also of one that was cut short."""

    wanted: int = 0
    done: int = 0
    complete: bool = False
    violations: dict[str, list[str]] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """As `build/faults.json` has it."""
        found = {"cases": self.done, "violations": sum(map(len, self.violations.values()))}
        return found if self.complete else {**found, "complete": False, "wanted": self.wanted}


def run_all(crew: Crew, findings: Findings, share: int = 1) -> None:
    """Run each `share`-th case; what is found is in `findings` at once."""
    names = list(cases(_bench()))
    begins = list(firsts(_bench()))
    print(
        f"{len(names):,} cases; looking for the pairs of {len(begins):,} faults", file=sys.stderr, flush=True
    )
    names = [*names, *sorted(itertools.chain.from_iterable(crew.each(_pairs, begins)))][::share]
    findings.wanted = len(names)
    progress = Progress(len(names), "cases")
    for results in crew.each(run_cases, [names[at : at + CHUNK] for at in range(0, len(names), CHUNK)]):
        findings.done += len(results)
        for name, violations in results:
            if violations:
                findings.violations[name] = violations
                report(name, violations)
        progress.tell(findings.done, len(findings.violations))
    findings.complete = True


def report(name: str, violations: Sequence[str]) -> None:
    """Say what was violated, and how to see it again."""
    print(f"\n{name}")
    for violation in violations:
        print(f"  {violation}")
    print(f"  again: make faults CASE='{name}'", flush=True)


def main() -> int:
    """Run all cases, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", default=[], help="run only this case")
    parser.add_argument("--share", type=int, default=1, help="run every so-manieth case")
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
    began, findings = time.perf_counter(), Findings()
    try:
        with Crew(arguments.processes) as crew:
            run_all(crew, findings, arguments.share)
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
