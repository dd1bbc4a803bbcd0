"""Checks of what the policy allowed: approved they are only noted, rejected they withdraw what is published."""

from typing import Any

import pytest

from media_pipeline.errors import DecidedError
from media_pipeline.records.attention import Attention
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Record
from media_pipeline.reviews.documents import CHECKED, summary
from tests.unit.reviews.conftest import ANNA, BERT, Stack


def check(stack: Stack, **changed: Any) -> Record:
    return stack.put(status="PUBLISHED", **{"attention": "CHECK", "check": True, **changed})


def test_approved_check_is_noted_with_evidence_and_changes_nothing(stack: Stack) -> None:
    record = check(stack)
    assert [each.sequencer for each in stack.waiting.page(Attention.CHECK).records] == [record.sequencer]
    assert summary(record)["why"] == CHECKED
    decision = stack.decisions().ask(record, Action.APPROVE, ANNA).decision
    after = stack.read(record)
    checked = {"id": decision.id, "person": ANNA, "action": "approve", "at": decision.at}
    before = {name: value for name, value in record.attributes.items() if name != "attention"}
    assert after.attributes == {**before, "checked": checked, "updated_at": after.attributes["updated_at"]}
    assert after.decision is None
    assert stack.messages() == []
    (evidence,) = stack.evidence().values()
    assert (evidence["attention_seen"], evidence["action"]) == ("CHECK", "approve")
    with pytest.raises(DecidedError):
        stack.decisions().ask(record, Action.REJECT, BERT)


def test_rejected_check_withdraws_what_is_published(stack: Stack) -> None:
    record = check(stack)
    decision = stack.decisions().ask(record, Action.REJECT, ANNA, reason="cruelty").decision
    assert decision.action is Action.WITHDRAW
    after = stack.read(record)
    assert after.decision == decision
    assert (after.attributes["checked"]["id"], after.attributes["attention"]) == (decision.id, "DECIDED")
    assert len(stack.messages()) == 1
    with pytest.raises(DecidedError):
        stack.decisions().ask(record, Action.APPROVE, BERT)


def test_takedown_of_what_is_to_be_checked_is_no_check(stack: Stack) -> None:
    record = check(stack)
    stack.decisions().ask(record, Action.WITHDRAW, ANNA)
    assert "checked" not in stack.read(record).attributes


def test_what_is_published_and_waits_for_no_check_is_not_decided_about(stack: Stack) -> None:
    for action in (Action.APPROVE, Action.REJECT):
        with pytest.raises(DecidedError):
            stack.decisions().ask(stack.put(status="PUBLISHED", check=True), action, ANNA)
