"""`make chaos`: the deployed zips in real processes, killed with SIGKILL at random moments, in the embedded AWS.

All objects are uploaded at once. Running functions are killed at random (at most twice per object, because a third
kill rightly makes it poison); the poller is killed in the middle with everything that it runs, and started again.
Some functions are stopped for a while; some pictures need more memory than there is, and are killed as by Lambda.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from embedded_aws.runtime.poller import Poller
from embedded_aws.runtime.timescale import TimeScale
from tests.faults.process_chaos import DisturbedFunctions, ProcessChaos
from tests.fixtures.deployed_stack import deployed_stack

REPORT_SECONDS = 10.0
TIME_LIMIT = 1800.0  # seconds; a run that takes longer is ended and reports what is left
IDLE_TIMEOUTS = (
    24.0  # function time-outs without a finished object, after which a run is stuck; normal is up to six
)
PACE = 1.3  # kills are ahead of the work by this factor, so that work remains after the last kill
LONGEST_STALL = 0.3  # of the function's time-out: such a function is slow, not dead


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run does.

    `timeout`: the function's, in seconds on AWS, scaled by `factor`. `retry_speedup`: messages become visible again
    this many times sooner than on AWS (after six time-outs), because only the retry matters, not the wait.
    `file_bytes`: what a function may write to /tmp; 0 simulates a full disk. `time_limit`: in real seconds.
    """

    objects: int
    kills: int = 0
    stalls: int = 0
    restart: bool = True
    heavy: bool = True
    seed: int = 0
    timeout: int = 60
    factor: float = 0.2
    retry_speedup: float = 3.0
    concurrency: int | None = None
    file_bytes: int | None = None
    time_limit: float = TIME_LIMIT

    def overrides(self) -> dict[str, Any]:
        """Return the stack's configuration overrides."""
        overrides: dict[str, Any] = {"media-pipeline:timeout.image": self.timeout}
        if self.concurrency is not None:
            overrides["media-pipeline:concurrency.image"] = self.concurrency
        return overrides


@dataclass
class ChaosReport:
    """The result of a run."""

    plan: Plan
    kills: int = 0
    stalls: int = 0
    restarts: int = 0
    memory_kills: int = 0
    violations: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """Return the content of `build/chaos.json`."""
        return {
            "objects": self.plan.objects,
            "kills": self.kills,
            "memory_kills": self.memory_kills,
            "stalls": self.stalls,
            "restarts": self.restarts,
            "violations": len(self.violations),
            "statuses": self.statuses,
            "seconds": round(self.seconds),
        }


class ChaosRun:
    """One run of a plan; `print_line` gets a line about its progress now and then."""

    def __init__(self, plan: Plan, print_line: Callable[[str], None] = lambda _: None) -> None:
        self._plan = plan
        self._print_line = print_line
        self._rng = random.Random(plan.seed)
        self._began = time.monotonic()
        self._report = ChaosReport(plan)

    def __call__(self) -> ChaosReport:
        """Deploy, upload everything at once, disturb the functions as planned, wait, and check the result."""
        plan, report = self._plan, self._report
        timescale = TimeScale(plan.factor)
        with ExitStack() as stack:
            deployed = stack.enter_context(deployed_stack("dev", plan.overrides()))
            world = deployed.world
            self._functions = stack.enter_context(
                DisturbedFunctions(world, timescale, file_bytes=plan.file_bytes)
            )
            self._chaos = ProcessChaos(deployed, self._functions, self._rng)
            self._new_poller = partial(
                Poller, world, self._functions, TimeScale(plan.factor / plan.retry_speedup)
            )
            self._poller = self._new_poller()
            stack.callback(lambda: self._poller.stop(kill=True))
            self._poller.start()
            expected = self._chaos.put(plan.objects, heavy=plan.heavy)
            unfinished = self._disturb(patience=IDLE_TIMEOUTS * timescale.seconds(plan.timeout))
            if unfinished:
                report.violations += [unfinished, *self._chaos.diagnosis(), *self._poller.faults]
            self._poller.stop(kill=True)
            report.violations += self._chaos.violations(expected)
            report.statuses = dict(Counter(str(item["status"]) for item in deployed.records()))
            deaths = self._functions.deaths.values()
            report.memory_kills = sum(Counter(causes)["memory"] for causes in deaths)
        report.seconds = time.monotonic() - self._began
        return report

    def _disturb(self, patience: float) -> str | None:
        """Disturb the functions until all queues are empty; return why the run was ended before, or None."""
        plan, report, chaos = self._plan, self._report, self._chaos
        longest_stall = LONGEST_STALL * plan.timeout * plan.factor
        fewest, changed, printed = plan.objects + 1, time.monotonic(), 0.0
        while not self._poller.idle():
            now, left = time.monotonic(), chaos.left()
            if left < fewest:
                fewest, changed = left, now
            if now - printed > REPORT_SECONDS:
                self._print_progress(left)
                printed = now
            if now - self._began > plan.time_limit:
                return f"not done after {plan.time_limit:.0f} s"
            if now - changed > patience:
                return f"no object was finished for {patience:.0f} s"
            if plan.restart and not report.restarts and left <= plan.objects * 2 // 3:
                self._restart_poller()
            if report.kills < self._due(plan.kills) and chaos.kill_one():
                report.kills += 1
            if report.stalls < self._due(plan.stalls) and chaos.stall_one(
                self._rng.uniform(0, longest_stall)
            ):
                report.stalls += 1
            chaos.read_announcements()
            time.sleep(self._rng.uniform(0.0, 0.1))
        self._print_progress(0)
        return None

    def _due(self, planned: int) -> float:
        """Return how many of the planned kills or stalls are due after the work that is done so far."""
        whole = self._plan.objects + self._plan.kills
        return min(planned, planned * PACE * self._functions.invocations / whole + 1)

    def _restart_poller(self) -> None:
        """Kill the poller and all functions that it runs, as if its machine failed, and start a new one."""
        self._poller.pause()
        while not self._chaos.restartable():
            time.sleep(0.01)
        self._poller.stop(kill=True)
        self._poller = self._new_poller()
        self._poller.start()
        self._report.restarts += 1

    def _print_progress(self, left: int) -> None:
        done, report = self._plan.objects - left, self._report
        self._print_line(
            f"{time.monotonic() - self._began:5.0f} s: {max(done, 0):,} of {self._plan.objects:,} objects done, "
            f"{self._functions.invocations:,} invocations, {report.kills} kills, {report.stalls} stalls"
        )


def main() -> int:
    """Run with the options of the command line; exit code 1 if there is any violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=TIME_LIMIT, help="seconds")
    parser.add_argument("--json", type=Path, default=Path("build/chaos.json"))
    given = parser.parse_args()
    plan = Plan(
        objects=given.objects,
        kills=given.kills,
        stalls=given.objects // 20,
        seed=given.seed,
        time_limit=given.longest,
    )
    report = ChaosRun(plan, lambda line: print(line, flush=True))()
    if report.kills < plan.kills:
        report.violations.append(f"{report.kills} kills, not {plan.kills}")
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(report.document()) + "\n", "utf-8")
    print("\n".join([*report.violations, json.dumps(report.document())]))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
