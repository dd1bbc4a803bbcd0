"""What an operator's backfill has done to published versions, with every fault at every call."""

import json
from collections.abc import Mapping
from dataclasses import replace

from media_pipeline.moderation.policy import Policy
from media_pipeline.records.decisions import Action
from tests.faults.configurations import (
    ANOTHER_SIZE,
    ANOTHER_SIZE_OF_VIDEOS,
    FIRST,
    LAXER,
    OFF,
    OTHER_SIZES,
    RECORDING,
    STRICTER,
    WITH_VIDEOS,
    Deployment,
)
from tests.faults.record_items import Item
from tests.faults.s3_events import PUT, event
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY, Scenario
from tests.faults.scenarios_versions import Act, at_once, cut_off, delete, delete_oldest, first, put
from tests.faults.simulation import Simulation


def backfill(mode: str = "render", *, fresh: bool = False) -> Act:
    """Send the messages of a backfill about everything that is published."""

    def act(run: Simulation) -> None:
        for item in run.stack.all_items():
            if item["status"] == "PUBLISHED":
                run.history.reworked.add(
                    (str(item["object_key"]), str(item["sequencer"]), int(item["attempt"]))
                )
                run.send(_message(run, item, mode, fresh=fresh))

    return act


def _message(run: Simulation, item: Item, mode: str, *, fresh: bool) -> str:
    deployment = run.functions.deployment or FIRST
    described = event(
        PUT, str(item["object_key"]), item["version_id"], str(item["sequencer"]), etag=item.get("etag")
    )
    described |= {
        "eventSource": "media-pipeline:backfill",
        "eventName": "ObjectCreated:Backfill",
        "backfill": {
            "id": f"{mode}-{run.clock.now:.0f}",
            "mode": mode,
            "attempt": int(item["attempt"]),
            "policy_version": Policy.parse(deployment.moderation).version,
            "fresh": fresh,
        },
    }
    return json.dumps({"Records": [described]})


def published(before: Deployment, after: Deployment, kind: Content = Content.CLEAN, *then: Act) -> Act:
    """Publish an upload under one deployment, and deploy another one."""

    def act(run: Simulation) -> None:
        run.deploy(before)
        run.put(KEY, kind, 1)
        run.run(DAY)
        for each in then:
            each(run)
            run.run(DAY)
        run.deploy(after)

    return act


def _twice(run: Simulation) -> None:
    with run.postponed() as bodies:
        backfill()(run)
    for _ in range(2):
        run.queues["images"].send(bodies[0])


def _take_down(run: Simulation) -> None:
    run.reviewers.decide(Action.WITHDRAW)


def _changed_twice(run: Simulation) -> None:
    """Deploy the sizes of before again while files of the rework are put."""
    cut_off("PutObject", backfill())(run)
    run.deploy(FIRST)


def _approve(run: Simulation) -> None:
    run.reviewers.decide(Action.APPROVE)


def _one(prepare: Act, act: Act, status: str, *, faults: bool = True) -> Scenario:
    return Scenario(prepare, act, status, in_pairs=False, faults=faults)


RENDERED = published(FIRST, ANOTHER_SIZE)
RECORDED = published(RECORDING, STRICTER, Content.FIGHT)
"""Published by a policy whose verdicts are stored, and withheld by the one of now."""
UNASKED = published(FIRST, OTHER_SIZES)
"""Published with other sizes: what would be published now was not judged."""
UNASKED_IN_THE_SAME_SIZES = published(OFF, FIRST)
"""Published without moderation: no file would be put anew."""
_THIRD_SIZE = replace(ANOTHER_SIZE, sizes={"large": 88, "mini": 20})


def _cut_off_before_the_last_ones_are_removed(run: Simulation) -> None:
    """Cut a backfill off while what an earlier one replaced is still there for links to it."""
    RENDERED(run)
    backfill()(run)
    run.pass_time(650.0)
    run.deploy(_THIRD_SIZE)
    cut_off("PutObject", backfill())(run)
    run.pass_time(270.0)


_BEGUN = first(RENDERED, cut_off("PutObject", backfill()))
BACKFILLS: Mapping[str, Scenario] = {
    "backfill-cut-off-between-another-one-and-its-removal": _one(
        _cut_off_before_the_last_ones_are_removed, delete_oldest, "DELETED", faults=False
    ),
    "backfill-render": Scenario(RENDERED, backfill(), "PUBLISHED"),
    "backfill-render-twice": _one(RENDERED, _twice, "PUBLISHED", faults=False),
    "backfill-render-of-approved": _one(
        published(FIRST, ANOTHER_SIZE, Content.FIGHT, _approve), backfill(), "PUBLISHED", faults=False
    ),
    "backfill-render-of-what-nobody-judged": _one(UNASKED, backfill(), "PUBLISHED", faults=False),
    "backfill-and-takedown": _one(RENDERED, at_once(backfill(), _take_down), "BLOCKED"),
    "backfill-and-delete": _one(RENDERED, at_once(backfill(), delete), "DELETED"),
    "backfill-and-overwrite": _one(RENDERED, at_once(backfill(), put(Content.CLEAN, 2)), "PUBLISHED"),
    "takedown-of-a-cut-off-backfill": _one(_BEGUN, _take_down, "BLOCKED", faults=False),
    "delete-of-a-cut-off-backfill": _one(_BEGUN, delete, "DELETED", faults=False),
    "delete-version-of-a-cut-off-backfill": _one(_BEGUN, delete_oldest, "DELETED", faults=False),
    "backfill-when-sizes-changed-again": _one(RENDERED, _changed_twice, "PUBLISHED", faults=False),
    "backfill-decide-blocks": Scenario(RECORDED, backfill("decide"), "BLOCKED", in_pairs=False),
    "backfill-decide-and-delete-version": _one(
        RECORDED, at_once(backfill("decide"), delete_oldest), "DELETED"
    ),
    "backfill-decide-for-review": _one(
        published(RECORDING, FIRST, Content.FIGHT), backfill("decide"), "REVIEW"
    ),
    "backfill-ask-blocks": _one(
        published(LAXER, STRICTER, Content.FIGHT), backfill("ask"), "BLOCKED", faults=False
    ),
    "backfill-ask-renders": _one(UNASKED, backfill("ask"), "PUBLISHED"),
    "backfill-video": Scenario(
        published(WITH_VIDEOS, ANOTHER_SIZE_OF_VIDEOS, Content.VIDEO),
        backfill(),
        "PUBLISHED",
        "process-video",
        in_pairs=False,
        faults=False,
    ),
}
