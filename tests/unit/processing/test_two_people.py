"""The worker counts again who approved: what a console wrote past the rule publishes nothing."""

from dataclasses import replace
from typing import Any

import pytest

from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.records.record import Status
from tests.fixtures.deciding import PERSON, decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.test_decisions import FIGHT, held_back, outcome

OTHER = "arn:aws:iam::123456789012:user/bea"


def approvals(decision: dict[str, Any], *persons: str) -> list[dict[str, str]]:
    """Return what the record holds of approvals; the last of the persons completed them."""
    ids = [*(f"0{number}" for number in range(len(persons) - 1)), decision["decision"]["id"]]
    return [
        {"person": person, "at": "2026-11-29T00:00:00.000Z", "id": each}
        for person, each in zip(persons, ids, strict=True)
    ]


@pytest.mark.parametrize(
    ("persons", "status"),
    [
        ((OTHER, PERSON), Status.PUBLISHED),
        ((), Status.REVIEW),
        ((PERSON, PERSON), Status.REVIEW),
    ],
)
def test_two_different_persons_publish(
    stack: MotoStack, picture: bytes, persons: tuple[str, ...], status: Status
) -> None:
    stack.settings = replace(stack.settings, approvals=ApprovalRule.parse({"Violence": 2}))
    event = held_back(stack, picture, labels=FIGHT)
    message = decide(stack, "a.jpg", event)
    record = stack.record("a.jpg", event)
    key = record.object_key, record.sequencer
    stack.records._items.update(
        key, {"approvals": approvals(message, *persons) if persons else []}, condition={}
    )
    assert stack.deliver(message)
    record = stack.record("a.jpg", event)
    assert record.status is status
    assert record.attributes["carried_out"] == message["decision"]["id"]
    if status is Status.REVIEW:
        assert outcome(record) == (Status.REVIEW, "policy_review")
        assert record.attributes["detail"] == "2 different persons must approve it, and 1 did"
        assert record.attributes["attention"] == "REVIEW"
        assert stack.keys("renditions") == set()


def test_approvals_of_another_decision_do_not_count(stack: MotoStack, picture: bytes) -> None:
    stack.settings = replace(stack.settings, approvals=ApprovalRule.parse({"default": 2}))
    event = held_back(stack, picture)
    earlier = {"decision": {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}}
    message = decide(stack, "a.jpg", event)
    record = stack.record("a.jpg", event)
    key = record.object_key, record.sequencer
    stack.records._items.update(key, {"approvals": approvals(earlier, OTHER, "carl")}, condition={})
    assert stack.deliver(message)
    assert stack.record("a.jpg", event).status is Status.REVIEW
