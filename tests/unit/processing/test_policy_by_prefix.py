"""Objects are judged by the policy for their key, whatever was answered or decided about the same picture elsewhere."""

from dataclasses import replace

import pytest

from media_pipeline.events import ReworkMode
from media_pipeline.moderation.policy import Policy
from media_pipeline.records.record import Status
from tests.fixtures.backfilling import order, with_policy
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import WEAPON, draw

POLICY = {"mode": "enforce", "block": {"Weapons": 90}, "recordFrom": 60}
PATHS = [
    {"prefix": "children/", "block": {"Violence": 30}, "recordFrom": 30},
    {"prefix": "children/games/", "exempt": ["Weapons"]},
    {"prefix": "staff/", "mode": "observe"},
    {"prefix": "maps/", "mode": "off"},
]
BY_PREFIX = Policy.parse({**POLICY, "paths": PATHS})
VIOLENCE = [("Violence", "", 45.0)]


def outcome(stack: MotoStack, key: str, shade: int = 1) -> tuple[Status, str]:
    """Upload the same picture under a key; return its status, and the version of the policy that decided."""
    event = stack.upload(key, draw((shade, 0, 0)))
    assert stack.deliver(event)
    record = stack.record(key, event)
    assert record.moderation is not None
    return record.status, record.moderation.policy_version


def test_the_longest_prefix_of_a_key_decides(stack: MotoStack) -> None:
    with_policy(stack, BY_PREFIX)
    stack.rekognition.labels = list(VIOLENCE)
    for key, status in {
        "children/1.jpg": Status.BLOCKED,
        "children/games/1.jpg": Status.PUBLISHED,
        "childrens/1.jpg": Status.PUBLISHED,
        "1.jpg": Status.PUBLISHED,
    }.items():
        assert outcome(stack, key) == (status, BY_PREFIX.of(key).version), key
    stack.rekognition.labels = list(WEAPON)
    assert outcome(stack, "children/games/2.jpg", 2)[0] is Status.PUBLISHED
    assert outcome(stack, "2.jpg", 2)[0] is Status.BLOCKED


def test_a_mode_holds_for_its_prefix_alone(stack: MotoStack) -> None:
    with_policy(stack, BY_PREFIX)
    stack.rekognition.labels = list(WEAPON)
    assert outcome(stack, "staff/1.jpg")[0] is Status.PUBLISHED
    assert outcome(stack, "1.jpg")[0] is Status.BLOCKED
    asked = len(stack.rekognition.calls)
    assert outcome(stack, "maps/1.jpg")[0] is Status.PUBLISHED
    assert len(stack.rekognition.calls) == asked, "nobody is asked where the mode is off"


def test_answers_that_are_kept_serve_other_prefixes_only_where_they_hold_enough(stack: MotoStack) -> None:
    stack.settings = replace(stack.settings, cache_days=30)
    with_policy(stack, BY_PREFIX)
    stack.rekognition.labels = list(VIOLENCE)
    keys = ("1.jpg", "children/1.jpg", "2.jpg", "children/2.jpg")
    assert [outcome(stack, key)[0] for key in keys] == [
        Status.PUBLISHED,
        Status.BLOCKED,
        Status.PUBLISHED,
        Status.BLOCKED,
    ]
    # The first answer was asked for from 60 percent: what blocks from 30 needs one of its own, which then serves all.
    assert [call["MinConfidence"] for call in stack.rekognition.calls] == [60, 30]


def test_a_backfill_withholds_where_the_policy_for_the_key_does(stack: MotoStack) -> None:
    with_policy(stack, Policy.parse({**POLICY, "recordFrom": 30}))
    stack.rekognition.labels = list(VIOLENCE)
    events = {key: stack.upload(key, draw((1, 0, 0))) for key in ("children/1.jpg", "1.jpg")}
    assert all(stack.deliver(event) for event in events.values())
    with_policy(stack, BY_PREFIX)
    for key, event in events.items():
        assert stack.deliver(order(stack, key, event, ReworkMode.DECIDE))
    found = {key: stack.record(key, event).status for key, event in events.items()}
    assert found == {"children/1.jpg": Status.BLOCKED, "1.jpg": Status.PUBLISHED}


def test_a_backfill_that_was_ordered_by_another_policy_for_the_key_changes_nothing(stack: MotoStack) -> None:
    with_policy(stack, BY_PREFIX)
    stack.rekognition.labels = [("Violence", "", 25.0)]
    event = stack.upload("children/1.jpg", draw((1, 0, 0)))
    assert stack.deliver(event)
    stricter = replace(BY_PREFIX, paths={"children/": replace(BY_PREFIX, block={"Violence": 20})})
    asked = order(stack, "children/1.jpg", event, ReworkMode.DECIDE, policy_version=BY_PREFIX.version)
    with_policy(stack, stricter)
    assert stack.deliver(asked)
    rework = stack.record("children/1.jpg", event).attributes["rework"]
    assert rework["ended"] == "other_policy"


@pytest.mark.parametrize("prefix", ["", "children/"])
def test_retries_reuse_a_verdict_only_as_the_mode_for_the_key_allows(stack: MotoStack, prefix: str) -> None:
    """An object that was published while it was only observed is withheld once its prefix is enforced."""
    key = f"{prefix}1.jpg"
    observed = Policy.parse({**POLICY, "mode": "observe", "block": {"Violence": 30}, "recordFrom": 30})
    stack.rekognition.labels = list(VIOLENCE)
    with_policy(stack, observed)
    event = stack.upload(key, draw((1, 0, 0)))
    assert stack.deliver(event)
    enforced = Policy.parse(
        {
            **POLICY,
            "mode": "observe",
            "block": {"Violence": 30},
            "paths": [{"prefix": "children/", "mode": "enforce"}],
        }
    )
    with_policy(stack, enforced)
    assert stack.deliver(order(stack, key, event, ReworkMode.DECIDE))
    assert stack.record(key, event).status is (Status.BLOCKED if prefix else Status.PUBLISHED)
