"""`make chaos`: the deployed zips in real processes, killed with SIGKILL at random moments, in the embedded AWS.

Objects are put all at once; running functions are killed at random (never the third time in one object's decoding,
since that is what poison looks like); the poller is ended in the middle with all that runs, and started again. Some
functions stand still for a while; some pictures take more memory than there is, and are killed as Lambda does it.
"""

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from components.packaging import PACKAGES_FOR
from embedded_aws.runtime.poller import Poller
from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.world import World
from local.stacks import deploy, stack_region
from tests.faults.process_chaos import BesiegedFunctions, Siege

ROOT = Path(__file__).parents[2]
STACK = "dev"
REPORT_SECONDS = 10.0
LONGEST = 1800.0  # seconds; then the run is ended and says what is left
PATIENCE = (
    24.0  # time-outs without an object done, after which nothing more is expected: the longest pause is six
)
PACE = 1.3  # kills run ahead of the work, so that the last one is not the last thing that happens
LONGEST_STALL = 0.3  # of the function's time-out: a slow function, not a dead one


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run does; `timeout` in AWS's seconds, which `factor` scales, `file_bytes`: as on a full /tmp.

    Messages come back `haste` times sooner than on AWS, where it is after six time-outs: what must be seen is that
    they are taken up again, not for how long nobody does.
    """

    objects: int
    kills: int = 0
    stalls: int = 0
    restart: bool = True
    heavy: bool = True
    seed: int = 0
    timeout: int = 60
    factor: float = 0.2
    haste: float = 3.0
    concurrency: int | None = None
    file_bytes: int | None = None
    longest: float = LONGEST

    def overrides(self) -> dict[str, Any]:
        """The stack's configuration for it."""
        overrides: dict[str, Any] = {"media-pipeline:timeout.image": self.timeout}
        if self.concurrency is not None:
            overrides["media-pipeline:concurrency.image"] = self.concurrency
        return overrides


@dataclass
class Chaos:
    """What came of a run."""

    plan: Plan
    kills: int = 0
    stalls: int = 0
    restarts: int = 0
    memory_kills: int = 0
    violations: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """What `build/chaos.json` holds."""
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


class Run:
    """One run of a plan; `say` is told of its progress."""

    def __init__(self, plan: Plan, say: Any = None) -> None:
        self._plan = plan
        self._say = say or (lambda _line: None)
        self._rng = random.Random(plan.seed)
        self._began = time.monotonic()
        self._chaos = Chaos(plan)

    def __call__(self) -> Chaos:
        """Deploy, put everything at once, do what is planned, wait, judge."""
        os.environ[PACKAGES_FOR] = "host"
        plan, chaos = self._plan, self._chaos
        timescale = TimeScale(plan.factor)
        with ExitStack() as stack:
            world = stack.enter_context(World(region=stack_region(ROOT, STACK)))
            deployed = deploy(ROOT, STACK, world, config_overrides=plan.overrides())
            self._functions = stack.enter_context(
                BesiegedFunctions(world, timescale, file_bytes=plan.file_bytes)
            )
            self._siege = Siege(world, deployed.outputs, self._functions, self._rng)
            self._new_poller = partial(Poller, world, self._functions, TimeScale(plan.factor / plan.haste))
            self._poller = self._new_poller()
            stack.callback(lambda: self._poller.stop(kill=True))
            self._poller.start()
            expected = self._siege.put(plan.objects, heavy=plan.heavy)
            unfinished = self._fight(patience=PATIENCE * timescale.seconds(plan.timeout))
            if unfinished:
                chaos.violations += [unfinished, *self._siege.diagnosis(), *self._poller.faults]
            self._poller.stop(kill=True)
            chaos.violations += self._siege.judge(expected)
            chaos.statuses = dict(Counter(str(item["status"]) for item in self._siege.items()))
            deaths = self._functions.deaths.values()
            chaos.memory_kills = sum(Counter(causes)["memory"] for causes in deaths)
        chaos.seconds = time.monotonic() - self._began
        return chaos

    def _fight(self, patience: float) -> str | None:
        """Go on until all queues are empty; otherwise say why it was ended."""
        plan, chaos, siege = self._plan, self._chaos, self._siege
        longest_stall = LONGEST_STALL * plan.timeout * plan.factor
        fewest, changed, said = plan.objects + 1, time.monotonic(), 0.0
        while not self._poller.idle():
            now, left = time.monotonic(), siege.left()
            if left < fewest:
                fewest, changed = left, now
            if now - said > REPORT_SECONDS:
                self._report(left)
                said = now
            if now - self._began > plan.longest:
                return f"not done after {plan.longest:.0f} s"
            if now - changed > patience:
                return f"no object was finished for {patience:.0f} s"
            if plan.restart and not chaos.restarts and left <= plan.objects * 2 // 3:
                self._end_and_start_again()
            if chaos.kills < self._due(plan.kills) and siege.kill_one():
                chaos.kills += 1
            if chaos.stalls < self._due(plan.stalls) and siege.stall_one(self._rng.uniform(0, longest_stall)):
                chaos.stalls += 1
            siege.listen()
            time.sleep(self._rng.uniform(0.0, 0.1))
        self._report(0)
        return None

    def _due(self, planned: int) -> float:
        """How many of the planned ones the work that is done so far allows for."""
        whole = self._plan.objects + self._plan.kills
        return min(planned, planned * PACE * self._functions.invocations / whole + 1)

    def _end_and_start_again(self) -> None:
        """The poller's machine goes, with all that runs on it, and another one takes over."""
        self._poller.pause()
        while not self._siege.restartable():
            time.sleep(0.01)
        self._poller.stop(kill=True)
        self._poller = self._new_poller()
        self._poller.start()
        self._chaos.restarts += 1

    def _report(self, left: int) -> None:
        done, chaos = self._plan.objects - left, self._chaos
        self._say(
            f"{time.monotonic() - self._began:5.0f} s: {max(done, 0):,} of {self._plan.objects:,} objects done, "
            f"{self._functions.invocations:,} invocations, {chaos.kills} kills, {chaos.stalls} stalls"
        )


def main() -> int:
    """Run it as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=LONGEST, help="seconds")
    parser.add_argument("--json", type=Path, default=Path("build/chaos.json"))
    given = parser.parse_args()
    plan = Plan(
        objects=given.objects,
        kills=given.kills,
        stalls=given.objects // 20,
        seed=given.seed,
        longest=given.longest,
    )
    chaos = Run(plan, lambda line: print(line, flush=True))()
    if chaos.kills < plan.kills:
        chaos.violations.append(f"{chaos.kills} kills, not {plan.kills}")
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(chaos.document()) + "\n", "utf-8")
    print("\n".join([*chaos.violations, json.dumps(chaos.document())]))
    return 1 if chaos.violations else 0


if __name__ == "__main__":
    sys.exit(main())
