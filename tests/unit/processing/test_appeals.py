"""What becomes of an appeal when a person decides about it: settled with the outcome, and announced."""

import dataclasses

import pytest

from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.records.appeals import appealed_values, open_appeal
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Record, Status
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import WEAPON
from tests.unit.processing.test_decisions import held_back, outcome, quarantined


def appealed(stack: MotoStack, picture: bytes) -> tuple[dict[str, object], Record]:
    event = held_back(stack, picture, labels=WEAPON)
    record = stack.record("a.jpg", event)
    values = appealed_values(record, "my own painting", stack.clock.now)
    stack.records._items.update((record.object_key, record.sequencer), values, condition={})
    return event, stack.record("a.jpg", event)


@pytest.mark.parametrize(
    ("action", "ends", "state"),
    [
        (Action.APPROVE, (Status.PUBLISHED, None), "overturned"),
        (Action.REJECT, (Status.BLOCKED, "person_block"), "upheld"),
    ],
)
def test_decided_appeal_is_settled_announced_and_waits_no_longer(
    stack: MotoStack, picture: bytes, action: Action, ends: tuple[Status, str | None], state: str
) -> None:
    event, before = appealed(stack, picture)
    assert open_appeal(before)
    message = decide(stack, "a.jpg", event, action)
    assert stack.deliver(message)
    record = stack.record("a.jpg", event)
    assert outcome(record) == ends
    facts = record.attributes
    assert facts["appeal"] == {
        **before.attributes["appeal"],
        "state": state,
        "decided_at": facts["decision"]["at"],
    }
    assert "attention" not in facts
    (announcement,) = stack.announcements()
    assert announcement["appeal"] == {
        "state": state,
        "at": before.attributes["appeal"]["at"],
        "decided_at": facts["decision"]["at"],
    }
    assert "painting" not in str(announcement)


def test_overturned_appeal_whose_original_has_expired_says_so(stack: MotoStack, picture: bytes) -> None:
    event, _ = appealed(stack, picture)
    message = decide(stack, "a.jpg", event)
    stack.clients.s3.delete_object(Bucket="quarantine", Key=quarantined(event))
    assert stack.deliver(message)
    record = stack.record("a.jpg", event)
    assert outcome(record) == (Status.BLOCKED, "original_expired")
    assert record.attributes["appeal"]["state"] == "overturned"
    assert "attention" not in record.attributes


def test_appeal_still_waits_where_too_few_persons_approved(stack: MotoStack, picture: bytes) -> None:
    stack.settings = dataclasses.replace(stack.settings, approvals=ApprovalRule.parse({"default": 2}))
    event, before = appealed(stack, picture)
    assert stack.deliver(decide(stack, "a.jpg", event))
    record = stack.record("a.jpg", event)
    assert outcome(record) == (Status.BLOCKED, "policy_block")
    assert record.attributes["attention"] == "APPEAL"
    assert record.attributes["appeal"] == before.attributes["appeal"]
