"""Where two people must approve, one alone publishes nothing, and the same one twice neither."""

import dataclasses
from typing import Any

import pytest

from media_pipeline.errors import DecidedError
from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.records.approvals import approvals_given, approved_by
from media_pipeline.records.decisions import Action
from media_pipeline.reviews.asking import Decisions
from media_pipeline.reviews.documents import summary
from tests.unit.reviews.conftest import ANNA, BERT, Stack, WrittenTwice

CARL = "arn:aws:iam::123456789012:user/carl"


def asking(stack: Stack, **persons: int) -> Decisions:
    """Return the ask side of a stack with `review.approvals`; two persons for Violence by default."""
    rule = ApprovalRule.parse(persons or {"Violence": 2})
    stack.places = dataclasses.replace(stack.places, approvals=rule)
    return stack.decisions()


def test_first_of_two_people_leaves_it_waiting_and_the_second_sends_it(stack: Stack) -> None:
    record, decisions = stack.put(), asking(stack)
    first = decisions.ask(record, Action.APPROVE, ANNA)
    waiting = stack.read(record)
    assert (first.missing, waiting.decision, stack.messages()) == (1, None, [])
    assert waiting.attributes["attention"] == "REVIEW"
    shown = summary(waiting, needed=decisions.approvals_needed(waiting))
    assert (shown["needed"], shown["approvals"]) == (2, [{"person": ANNA, "at": first.decision.at}])
    second = decisions.ask(waiting, Action.APPROVE, BERT)
    decided = stack.read(record)
    assert (second.missing, decided.decision, len(stack.messages())) == (0, second.decision, 1)
    assert approved_by(decided, second.decision) == {ANNA, BERT}
    assert {each["person"] for each in stack.evidence().values()} == {ANNA, BERT}


def test_same_person_does_not_count_twice(stack: Stack) -> None:
    record, decisions = stack.put(), asking(stack)
    first = decisions.ask(record, Action.APPROVE, ANNA)
    with pytest.raises(DecidedError, match="2 different persons") as caught:
        decisions.ask(stack.read(record), Action.APPROVE, ANNA)
    assert (caught.value.by, caught.value.at) == (ANNA, first.decision.at)
    assert len(stack.evidence()) == 1
    assert stack.read(record).decision is None


def test_second_of_two_who_saw_it_without_an_approval_asks_again(stack: Stack) -> None:
    record, decisions = stack.put(), asking(stack)
    decisions.ask(record, Action.APPROVE, ANNA)
    with pytest.raises(DecidedError, match="not as it was"):
        decisions.ask(record, Action.APPROVE, BERT)
    assert [each["person"] for each in approvals_given(stack.read(record))] == [ANNA]


def test_one_person_rejects_and_the_approval_before_it_is_void(stack: Stack) -> None:
    record, decisions = stack.put(), asking(stack)
    decisions.ask(record, Action.APPROVE, ANNA)
    rejected = decisions.ask(stack.read(record), Action.REJECT, BERT)
    found = stack.read(record)
    assert (rejected.missing, found.decision) == (0, rejected.decision)
    assert "approvals" not in found.attributes


def test_override_of_a_block_needs_two_people_as_well(stack: Stack) -> None:
    record, decisions = stack.put(status="BLOCKED"), asking(stack)
    assert decisions.ask(record, Action.APPROVE, ANNA, override=True).missing == 1
    assert decisions.ask(stack.read(record), Action.APPROVE, BERT, override=True).missing == 0


def test_approvals_that_led_to_a_decision_do_not_count_for_the_next_one(stack: Stack) -> None:
    record, decisions = stack.put(), asking(stack)
    decisions.ask(record, Action.APPROVE, ANNA)
    second = decisions.ask(stack.read(record), Action.APPROVE, BERT).decision
    # As the workers leave it where the original had expired: it waits again.
    done = dict(stack.read(record).attributes)
    again = stack.put(
        sequencer=record.sequencer,
        decision=done["decision"],
        approvals=done["approvals"],
        carried_out=second.id,
    )
    asked = decisions.ask(again, Action.APPROVE, BERT)
    assert asked.missing == 1
    assert [each["person"] for each in approvals_given(stack.read(record))] == [BERT]


@pytest.mark.parametrize(("persons", "missing"), [({"default": 3}, 2), ({"Explicit": 2}, 0)])
def test_number_of_persons_is_that_of_the_labels(stack: Stack, persons: Any, missing: int) -> None:
    assert asking(stack, **persons).ask(stack.put(), Action.APPROVE, ANNA).missing == missing


def test_approval_whose_answer_was_lost_counts_once(stack: Stack) -> None:
    record = stack.put()
    asking(stack)
    stack.decisions(dynamodb=WrittenTwice(stack.dynamodb)).ask(record, Action.APPROVE, ANNA)
    assert len(approvals_given(stack.read(record))) == 1
