"""What one person decided about a review is looked at again by another one, which changes nothing."""

from dataclasses import replace

import pytest

from media_pipeline.moderation.samples import Samples
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Status
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import WEAPON
from tests.unit.processing.test_decisions import held_back


@pytest.fixture
def everything(stack: MotoStack) -> MotoStack:
    """Return a stack that has every decision looked at again."""
    stack.settings = replace(stack.settings, samples=Samples(second_look=100))
    return stack


@pytest.mark.parametrize(
    ("action", "status"), [(Action.APPROVE, Status.PUBLISHED), (Action.REJECT, Status.BLOCKED)]
)
def test_decided_review_waits_for_a_second_look_as_it_ended(
    everything: MotoStack, picture: bytes, action: Action, status: Status
) -> None:
    event = held_back(everything, picture)
    assert everything.deliver(decide(everything, "a.jpg", event, action))
    record = everything.record("a.jpg", event)
    assert (record.status, record.attributes["attention"]) == (status, "SECOND")
    assert len(everything.announcements()) == 1


def test_what_has_had_its_second_look_gets_no_other_one(everything: MotoStack, picture: bytes) -> None:
    event = held_back(everything, picture)
    record = everything.record("a.jpg", event)
    key = (record.object_key, record.sequencer)
    everything.records._items.update(key, {"second": [{"id": "x", "action": "approve"}]}, condition={})
    assert everything.deliver(decide(everything, "a.jpg", event))
    assert "attention" not in everything.record("a.jpg", event).attributes


def test_override_of_what_was_blocked_is_not_looked_at_again(everything: MotoStack, picture: bytes) -> None:
    event = held_back(everything, picture, labels=WEAPON)
    assert everything.deliver(decide(everything, "a.jpg", event))
    assert "attention" not in everything.record("a.jpg", event).attributes


def test_stack_without_second_looks_has_none(stack: MotoStack, picture: bytes) -> None:
    event = held_back(stack, picture)
    assert stack.deliver(decide(stack, "a.jpg", event))
    assert "attention" not in stack.record("a.jpg", event).attributes
