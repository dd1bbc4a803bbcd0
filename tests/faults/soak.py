"""`make soak SEEDS=1000 [SEED_START=0]`: forty objects a seed with overwrites, deletes, duplicates and faults.

One seed again, with a trace of every call:
    python -m tests.faults.soak --start 17 --seeds 1 --trace
"""

import argparse
import json
import math
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from tests.faults.configurations import DEPLOYMENTS, TAKING_VIDEOS, Deployment
from tests.faults.fault_profile import Climate, StormyWeather
from tests.faults.history import Upload
from tests.faults.process_pool import INTERRUPTED, Crew, Progress, interruptible
from tests.faults.sample_uploads import Kind
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import Cloud
from tests.faults.simulation import Simulation

OBJECTS = 40
KEYS = 24
KINDS = (Kind.CLEAN,) * 5 + (Kind.WEAPON,) * 2 + (Kind.FIGHT,) * 2 + (Kind.HIDDEN,)
VIDEOS = (Kind.VIDEO, Kind.VIDEO, Kind.ARMED_VIDEO)
VIDEO_SHARE = 0.2
REJECTED_KINDS = (Kind.CORRUPT, Kind.EMPTY, Kind.TEXT, Kind.BROKEN_VIDEO, Kind.POISON)
REJECTED_SHARE = 0.15
IMPATIENT_SHARE = 0.25
STRANGE_SHARE = 0.3
STRANGE_MESSAGES = ('{"Event": "s3:TestEvent"}', "no JSON", '{"Records": []}', '{"Records": [{}]}')
ACTIVE = 5_400.0  # virtual seconds in which people upload and things go wrong
ROUNDS_OF_REDRIVING = 3


@dataclass
class Outcome:
    """What came of one seed."""

    seed: int
    objects: int
    faults: int
    violations: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)


def run_seed(cloud: Cloud, pool: ClientPool, seed: int, *, trace: bool = False) -> Outcome:
    """Run one seed to its end and judge it."""
    climate = Climate.of(seed)
    storms = StormyWeather(climate, seed)
    run = Simulation(
        cloud, pool, seed=seed, weather=climate.weather, injector=storms, deployment=_choices(climate, 0)[0]
    )
    storms.attend(run)
    if trace:
        run.network.trace = []
    with run.timeline:
        People(run).begin()
        if climate.redeploys:
            for _ in range(run.rng.randint(1, 3)):
                at = run.rng.uniform(0, ACTIVE)
                run.timeline.after(at, partial(run.deploy, run.rng.choice(_choices(climate, at))))
        if 0 < climate.videos_from < math.inf:
            run.timeline.after(climate.videos_from, partial(run.deploy, TAKING_VIDEOS[0]))
        run.run()
        storms.calm()
        for _ in range(ROUNDS_OF_REDRIVING):
            if not run.redrive():
                break
            run.run()
        violations = run.judge()
        # A version that a person deleted may stay FAILED: no redrive can bring its original back.
        failed = [item for item in cloud.all_items() if item["status"] == "FAILED"]
        violations += [
            f"{item['object_key']} is still FAILED ({item['reason']}) after redrives"
            for item in failed
            if item["reason"] != "original_gone"
        ]
    return Outcome(
        seed, len(run.ledger.uploads), len(run.network.struck), violations, run.network.trace or []
    )


def _choices(climate: Climate, at: float) -> tuple[Deployment, ...]:
    """What may be deployed at that second: videos are never turned off again, which would remove their queue."""
    return TAKING_VIDEOS if at >= climate.videos_from else DEPLOYMENTS


class People:
    """Who uploads, overwrites and deletes, at random times."""

    def __init__(self, run: Simulation) -> None:
        self._run = run
        self._living: list[Upload] = []

    def begin(self) -> None:
        """Plan everything that they will do."""
        run, rng = self._run, self._run.rng
        names = ("a/{}.jpg", "b ü+{}.png", "{}", "deep/er/{} (1).webp")
        keys = [rng.choice(names).format(number) for number in range(KEYS)]
        for number in range(OBJECTS):
            kind = _kind(rng)
            at, key = rng.uniform(0, ACTIVE), rng.choice(keys)
            run.timeline.after(at, partial(self._put, key, kind, number))
            if rng.random() < IMPATIENT_SHARE:  # away with it again, while it is worked on
                act = rng.choice((partial(self._delete, key), self._delete_version))
                run.timeline.after(at + rng.uniform(0.2, 5.0), act)
        for _ in range(rng.randint(0, 6)):
            run.timeline.after(rng.uniform(0, ACTIVE), partial(self._delete, rng.choice(keys)))
        for body in STRANGE_MESSAGES:
            if rng.random() < STRANGE_SHARE:
                run.timeline.after(rng.uniform(0, ACTIVE), partial(run.queues["images"].send, body))

    def _put(self, key: str, kind: Kind, number: int) -> None:
        self._living.append(self._run.put(key, kind, number))

    def _delete(self, key: str) -> None:
        if any(upload.key == key for upload in self._living):
            self._run.delete(key)

    def _delete_version(self) -> None:
        # What was moved to quarantine is no longer there for anybody to delete.
        read = self._run.cloud.read_version
        there = [one for one in self._living if not one.deleted and read(one.key, one.version) is not None]
        if there:
            self._run.delete_version(self._run.rng.choice(there))


def _kind(rng: random.Random) -> Kind:
    share = rng.random()
    if share < REJECTED_SHARE:
        return rng.choice(REJECTED_KINDS)
    return rng.choice(VIDEOS if share < REJECTED_SHARE + VIDEO_SHARE else KINDS)


@cache
def _cloud() -> tuple[Cloud, ClientPool]:
    return Cloud().__enter__(), ClientPool()


def _run(seed: int) -> Outcome:
    return run_seed(*_cloud(), seed)


def run_seeds(crew: Crew, seeds: Sequence[int], done: list[Outcome]) -> None:
    """Run seeds; what comes of each is in `done` at once."""
    progress = Progress(len(seeds), "seeds")
    for outcome in crew.each(_run, seeds):
        done.append(outcome)
        if outcome.violations:
            print(f"\nseed {outcome.seed}")
            for violation in outcome.violations:
                print(f"  {violation}")
            print(f"  again: make soak SEED_START={outcome.seed} SEEDS=1", flush=True)
        progress.tell(len(done), sum(bool(outcome.violations) for outcome in done))


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
    began = time.perf_counter()
    seeds = range(arguments.start, arguments.start + arguments.seeds)
    if arguments.trace:
        for seed in seeds:
            print("\n".join(run_seed(*_cloud(), seed, trace=True).trace))
    done: list[Outcome] = []
    try:
        with Crew(arguments.processes if len(seeds) > 1 else 1) as crew:
            run_seeds(crew, seeds, done)
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
    print(f"{report}, at least {least} faults a seed, {time.perf_counter() - began:.0f} s")
    if len(done) < len(seeds):
        return INTERRUPTED
    return 1 if report["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
