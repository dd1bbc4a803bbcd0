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
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from zlib import crc32

from tests.faults.cloud import Cloud
from tests.faults.functions import ClientPool
from tests.faults.injection import ALWAYS, Call, Fault, Kind
from tests.faults.orders import ORDERS, run_order
from tests.faults.preemption import PREEMPTIONS, run_preemption
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.simulation import Simulation

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
)
PAIRED = (Fault(Kind.CRASH_AFTER), Fault(Kind.LOST, ALWAYS), Fault(Kind.ERROR, ALWAYS))
NAMES = {
    f"{fault}{f'+{fault.seconds:.0f}s' if fault.seconds else ''}": fault for fault in (*SINGLES, *PAIRED)
}


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
    run = Simulation(cloud, pool, seed=crc32(name.encode()))
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


def cases(bench: Bench, *, pairs: bool = True) -> Iterator[str]:
    """Names of all cases. What calls there are is learnt by running each way, not written down."""
    for story in SCENARIOS:
        _, planned = run_strikes(bench.cloud, bench.pool, f"{story}/")
        for at, call in enumerate(planned.calls, 1):
            yield from (
                f"{story}/{Strike(name, at)}"
                for name, fault in NAMES.items()
                if fault in SINGLES and fault.fits(call.operation)
            )
        if pairs:
            yield from _pairs(bench, story, len(planned.calls))
    yield from (f"preempt:{name}" for name in PREEMPTIONS)
    yield from (f"order:{name}" for name in ORDERS)


def _pairs(bench: Bench, story: str, calls: int) -> Iterator[str]:
    names = [name for name, fault in NAMES.items() if fault in PAIRED]
    for first in itertools.starmap(Strike, itertools.product(names, range(1, calls + 1))):
        # The first fault changes the way: the second strikes every call that there is after it.
        _, planned = run_strikes(bench.cloud, bench.pool, f"{story}/{first}")
        after = range(first.at + 1, min(len(planned.calls), ENOUGH_CALLS) + 1)
        yield from (f"{story}/{first},{Strike(name, at)}" for name in names for at in after)


@cache
def _bench() -> Bench:
    return Bench(Cloud().__enter__(), ClientPool())  # for as long as this process lives


def _run_many(names: Sequence[str]) -> dict[str, list[str]]:
    found = {name: _bench().run(name) for name in names}
    return {name: violations for name, violations in found.items() if violations}


def run_all(names: Sequence[str], processes: int, chunk: int = 50) -> dict[str, list[str]]:
    """Run cases, in so many processes; gives the violations of those that have any."""
    chunks = [names[start : start + chunk] for start in range(0, len(names), chunk)]
    violations: dict[str, list[str]] = {}
    if processes == 1:
        results: Iterable[dict[str, list[str]]] = map(_run_many, chunks)
        for result in results:
            violations |= result
        return violations
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as executor:
        for done, result in enumerate(executor.map(_run_many, chunks), 1):
            violations |= result
            print(
                f"\r{min(done * chunk, len(names))}/{len(names)} cases", end="", file=sys.stderr, flush=True
            )
    print(file=sys.stderr)
    return violations


def report(violations: dict[str, list[str]], command: str) -> None:
    """Say what was violated, and how to see it again."""
    for name, found in violations.items():
        print(f"\n{name}")
        for violation in found:
            print(f"  {violation}")
        print(f"  again: {command.format(name)}")


def main() -> int:
    """Run all cases, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", default=[], help="run only this case, and trace it")
    parser.add_argument("--share", type=int, default=1, help="run every so-manieth case")
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 2))
    parser.add_argument("--json", type=Path, default=Path("build/faults.json"))
    arguments = parser.parse_args()
    began = time.perf_counter()
    names = arguments.case or list(cases(_bench()))[:: arguments.share]
    violations = run_all(names, 1 if arguments.case else arguments.processes)
    report(violations, "make faults CASE='{}'")
    if not arguments.case:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        found = sum(map(len, violations.values()))
        arguments.json.write_text(json.dumps({"cases": len(names), "violations": found}) + "\n", "utf-8")
    print(f"{len(names)} cases, {len(violations)} with violations, {time.perf_counter() - began:.0f} s")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
