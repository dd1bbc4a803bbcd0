"""`make soak SEEDS=1000 [SEED_START=0]`: per seed, forty objects with overwrites, deletes, duplicates and faults.

Repeat one seed with a trace of every call:
    python -m tests.faults.soak --start 17 --seeds 1 --trace
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from tests.faults.configurations import DEPLOYMENTS, TAKING_VIDEOS, Deployment
from tests.faults.fault_profile import FaultProfile, RandomFaults
from tests.faults.process_pool import INTERRUPTED, ProcessPool, Progress, interruptible
from tests.faults.random_users import ACTIVE, OBJECTS, RandomUsers
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import SimulatedStack
from tests.faults.simulation import Simulation
from tests.faults.soak_operations import Surroundings, redrive_all
from tests.fixtures.scratch import keep_scratch_files_in_memory


@dataclass
class Outcome:
    """The result of one seed."""

    seed: int
    objects: int
    faults: int
    violations: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)


def run_seed(stack: SimulatedStack, pool: ClientPool, seed: int, *, trace: bool = False) -> Outcome:
    """Run one seed to its end; return its violations, and every call if `trace`."""
    profile, surroundings = FaultProfile.of(seed), Surroundings(seed)
    faults = RandomFaults(profile, seed)
    run = Simulation(
        stack,
        pool,
        seed=seed,
        delivery_profile=profile.delivery_profile,
        injector=faults,
        deployment=surroundings.choose(_choices(profile, 0)[:1]),
    )
    run.functions.retention_days = profile.retention_days
    faults.attach(run)
    if trace:
        run.network.trace = []
    with run.clock:
        users = RandomUsers(run, profile)
        users.schedule()
        surroundings.schedule(run, ACTIVE, OBJECTS)
        if profile.redeploys:
            for _ in range(run.rng.randint(1, 3)):
                at = run.rng.uniform(0, ACTIVE)
                run.clock.after(at, partial(run.deploy, surroundings.choose(_choices(profile, at))))
        if 0 < profile.videos_from < math.inf:
            run.clock.after(profile.videos_from, partial(run.deploy, surroundings.choose(TAKING_VIDEOS[:1])))
        run.run()
        users.come_back()
        faults.stop()
        failed = redrive_all(run)
        violations = [*run.violations(), *failed]
    return Outcome(
        seed, len(run.history.uploads), len(run.network.injected), violations, run.network.trace or []
    )


def _choices(profile: FaultProfile, at: float) -> tuple[Deployment, ...]:
    """Return what may be deployed at a virtual second. Videos are never turned off: that would remove their queue."""
    return TAKING_VIDEOS if at >= profile.videos_from else DEPLOYMENTS


@cache
def _stack() -> tuple[SimulatedStack, ClientPool]:
    return SimulatedStack().__enter__(), ClientPool()


def _run(seed: int) -> Outcome:
    return run_seed(*_stack(), seed)


def run_seeds(pool: ProcessPool, seeds: Sequence[int], done: list[Outcome]) -> None:
    """Run seeds; append each result to `done` as soon as it is known."""
    progress = Progress(len(seeds), "seeds")
    for outcome in pool.map_unordered(_run, seeds):
        done.append(outcome)
        if outcome.violations:
            print(f"\nseed {outcome.seed}")
            for violation in outcome.violations:
                print(f"  {violation}")
            print(f"  repeat: make soak SEED_START={outcome.seed} SEEDS=1", flush=True)
        progress.update(len(done), sum(bool(outcome.violations) for outcome in done))


def main() -> int:
    """Run the seeds asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--trace", action="store_true", help="print every call of every seed")
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 2))
    parser.add_argument("--json", type=Path, default=Path("build/soak.json"))
    arguments = parser.parse_args()
    interruptible()
    keep_scratch_files_in_memory()
    began = time.perf_counter()
    seeds = range(arguments.start, arguments.start + arguments.seeds)
    if arguments.trace:
        for seed in seeds:
            print("\n".join(run_seed(*_stack(), seed, trace=True).trace))
    done: list[Outcome] = []
    try:
        with ProcessPool(arguments.processes if len(seeds) > 1 else 1) as pool:
            run_seeds(pool, seeds, done)
    except KeyboardInterrupt:
        print(f"interrupted: {len(done)} of {len(seeds)} seeds were run", file=sys.stderr)
    finally:
        report = {
            "seeds": len(done),
            "objects": sum(outcome.objects for outcome in done),
            "faults": sum(outcome.faults for outcome in done),
            "violations": sum(len(outcome.violations) for outcome in done),
        }
        if len(done) < len(seeds):
            report |= {"complete": False, "wanted": len(seeds)}
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(report) + "\n", "utf-8")
    least = min((outcome.faults for outcome in done), default=0)
    print(f"{report}, at least {least} faults per seed, {time.perf_counter() - began:.0f} s")
    if len(done) < len(seeds):
        return INTERRUPTED
    return 1 if report["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
