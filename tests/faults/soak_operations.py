"""What surrounds the users of a seed: time-outs and configurations that change, operators, and clients of the API."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from media_pipeline.records.decisions import Action
from tests.faults.configurations import CACHE_DAYS, Deployment
from tests.faults.record_items import is_undecided, version_of
from tests.faults.sample_uploads import REASONS, Content
from tests.faults.scenarios_backfills import backfill
from tests.faults.scenarios_time_outs import with_time_out
from tests.faults.simulation import Simulation

TIME_OUTS = (15.0, 20.0, 60.0, 60.0, 60.0, 300.0)  # seconds, of the functions that only react
COMMANDS = 3  # of operators, per seed
UPLOADS = (Content.CLEAN, Content.CLEAN, Content.WEAPON, Content.FIGHT, Content.CORRUPT)
API_UPLOADS = 2  # per seed
CACHING_SHARE = 0.7  # of the seeds keep answers for later uploads
COPIES = 6  # of earlier uploads under keys of their own, in these seeds
ROUNDS_OF_REDRIVING = 3
DECISIONS = 20  # of people, per seed
POSSIBLE: Mapping[str, tuple[Action, ...]] = {
    "REVIEW": (
        Action.APPROVE,
        Action.APPROVE,
        Action.REJECT,
        Action.WITHDRAW,
        Action.ESCALATE,
        Action.RELEASE,
    ),
    "BLOCKED": (Action.APPROVE, Action.RESTORE, Action.RESTORE, Action.ESCALATE, Action.RELEASE),
    "PUBLISHED": (Action.WITHDRAW,),
    "REJECTED": (Action.WITHDRAW,),
    "SUPERSEDED": (Action.WITHDRAW, Action.RESTORE),
}
"""What a person asks for, by the status of that moment; some is refused, such as a release of what is not held."""
BACKFILLS = 3  # per seed
MODES = ("render", "decide", "ask")
LOST_DECISIONS = 0.2  # share of them whose message is lost


class Surroundings:
    """Draws from a sequence of its own, so that the users of a seed do the same whatever surrounds them."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"surroundings {seed}")
        self._cache_rng = random.Random(f"cache {seed}")
        self._decision_rng = random.Random(f"decisions {seed}")
        self._caches = self._cache_rng.random() < CACHING_SHARE

    def choose(self, deployments: Sequence[Deployment]) -> Deployment:
        """Return one of the deployments, with any time-out, and with or without a cache of answers."""
        chosen = with_time_out(self._rng.choice(deployments), self._rng.choice(TIME_OUTS))
        days = self._cache_rng.choice((CACHE_DAYS, CACHE_DAYS, 1, 0)) if self._caches else 0
        return replace(chosen, cache_days=days)

    def schedule(self, run: Simulation, seconds: float, first_number: int) -> None:
        """Schedule operators and clients of the API; `first_number` is that of the first picture not in use."""
        rng = self._rng
        for _ in range(COMMANDS):
            command = rng.choice((run.operator.redrive, run.operator.reconcile))
            run.clock.after(rng.uniform(0, 2 * seconds), command)
        for number in range(first_number, first_number + API_UPLOADS):
            run.clock.after(rng.uniform(0, seconds), partial(run.api.upload, rng.choice(UPLOADS), number))
        form = partial(run.api.ask_for_form, rng.choice(UPLOADS), first_number + API_UPLOADS)
        run.clock.after(rng.uniform(0, seconds), form)
        for _ in range(DECISIONS):
            run.clock.after(self._decision_rng.uniform(0, 2 * seconds), partial(self._decide, run))
        for _ in range(BACKFILLS):
            sends = partial(backfill(self._decision_rng.choice(MODES)), run)
            run.clock.after(self._decision_rng.uniform(0, 2 * seconds), sends)
        if self._caches:
            self._schedule_copies(run, seconds)

    def _decide(self, run: Simulation) -> None:
        """Have a person decide about a version as it is now, of any status that has one."""
        rng, by_status = self._decision_rng, defaultdict(list)
        for item in run.stack.all_items():
            upload = run.history.uploads.get((item["object_key"], version_of(item)))
            if upload is not None and item["status"] in POSSIBLE:
                by_status[item["status"]].append(upload)
        if by_status:
            status = rng.choice(sorted(by_status))
            run.reviewers.lost_messages = rng.random() < LOST_DECISIONS
            run.reviewers.decide(rng.choice(POSSIBLE[status]), rng.choice(by_status[status]))
            run.reviewers.lost_messages = False

    def _schedule_copies(self, run: Simulation, seconds: float) -> None:
        """Schedule uploads of bytes that were uploaded before, and another model of Rekognition."""
        rng = self._cache_rng
        for number in range(COPIES):
            copy = partial(self._copy, run, f"again/{number}.jpg")
            run.clock.after(rng.uniform(seconds / 4, 1.5 * seconds), copy)
        if rng.random() < 0.5:
            run.clock.after(rng.uniform(0, 1.5 * seconds), partial(setattr, run.rekognition, "model", "7.1"))

    def _copy(self, run: Simulation, key: str) -> None:
        copied = [upload for upload in run.history.uploads.values() if upload.kind not in REASONS]
        if copied:
            upload = self._cache_rng.choice(copied)
            run.put(key, upload.kind, upload.number)


def redrive_all(run: Simulation) -> list[str]:
    """Redrive as an operator does until nothing is left to redrive; return what is left after that."""
    failed: list[str] = []
    for _ in range(ROUNDS_OF_REDRIVING + 1):
        # A version whose original is gone may stay FAILED: no redrive can bring it back.
        items = run.stack.all_items()
        left = [item for item in items if item["status"] == "FAILED" and item["reason"] != "original_gone"]
        failed = [f"{item['object_key']} is still FAILED ({item['reason']}) after redrives" for item in left]
        left = [item for item in items if item["status"] in POSSIBLE and is_undecided(item)]
        failed += [f"what was decided about {item['object_key']} is not carried out" for item in left]
        if not failed:
            break
        run.operator.redrive()
        run.run()
    return failed
