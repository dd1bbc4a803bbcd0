"""Evidence without effect is found; what took effect, is too young, or is settled is not."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.records.attention import Attention
from media_pipeline.records.decisions import Action
from operations.evidence import Evidence, WithoutEffect
from operations.keeping_evidence import keep_evidence
from tests.unit.reviews.conftest import ANNA, BERT, LOGS, Stack
from tests.unit.reviews.test_asking import Failing, refusal
from tests.unit.reviews.test_second_looks import decided

HOUR = 3600.0


def found(stack: Stack, later: float = HOUR) -> list[WithoutEffect]:
    return Evidence(
        dynamodb=stack.dynamodb, s3=stack.s3, table="records", logs=LOGS, clock=lambda: stack.now + later
    ).without_effect()


def cut_off(stack: Stack, record: Any, action: Action = Action.APPROVE) -> None:
    """Ask, and die between evidence and record."""
    dynamodb = Failing(stack.dynamodb, "update_item", refusal("InternalServerError", "UpdateItem"))
    with pytest.raises(ClientError):
        stack.decisions(dynamodb=dynamodb).ask(record, action, ANNA)


def test_act_that_was_cut_off_is_listed_with_who_and_what(stack: Stack) -> None:
    cut_off(stack, stack.put("a.jpg"))
    ((_, evidence),) = stack.evidence().items()
    (act,) = found(stack)
    assert (act.action, act.person, act.at, act.object_key) == ("approve", ANNA, evidence["at"], "a.jpg")
    assert found(stack, later=60) == []  # it may be under way
    assert found(stack, later=20 * 24 * HOUR) == []


def test_acts_that_the_record_shows_are_not_listed(stack: Stack) -> None:
    stack.places = stack.places.__class__(
        **{**vars(stack.places), "approvals": ApprovalRule.parse({"default": 2})}
    )
    record = stack.put("a.jpg")
    stack.decisions().ask(record, Action.APPROVE, ANNA)
    stack.now += 1
    stack.decisions().ask(stack.read(record), Action.APPROVE, BERT)
    stack.now += 1
    stack.decisions().ask(stack.read(record), Action.ESCALATE, BERT, override=True)
    assert found(stack) == []


def test_second_look_that_the_record_shows_is_not_listed_when_an_appeal_has_it_wait_again(
    stack: Stack,
) -> None:
    record = decided(stack)
    stack.decisions().ask(record, Action.REJECT, BERT)
    looked_at = stack.read(record).attributes
    stack.put(record.object_key, **{**looked_at, "attention": Attention.APPEAL, "appeal": {"state": "open"}})
    assert found(stack) == []


def test_check_that_the_record_shows_is_not_listed_when_the_version_waits_again(stack: Stack) -> None:
    record = stack.put(status="PUBLISHED", attention="CHECK", check=True)
    stack.decisions().ask(record, Action.APPROVE, ANNA)
    checked = stack.read(record).attributes
    stack.put(record.object_key, **{**checked, "status": "REVIEW", "attention": "REVIEW"})
    assert found(stack) == []


def test_what_was_settled_since_has_its_end(stack: Stack) -> None:
    record = stack.put("a.jpg")
    cut_off(stack, record)
    stack.put("a.jpg", sequencer=record.sequencer, version_id=record.version_id, status="BLOCKED")
    assert found(stack) == []


def test_other_version_of_the_key_does_not_count(stack: Stack) -> None:
    first = stack.put("a.jpg", status="BLOCKED")
    stack.put("a.jpg")
    cut_off(stack, first, Action.RESTORE)
    assert found(stack) == []


def test_evidence_about_no_object_is_passed_over(stack: Stack) -> None:
    record = stack.put("a.jpg")
    keep_evidence(stack.s3, LOGS, stack="test", action="hashes-add", person=ANNA, now=stack.now, facts={})
    assert found(stack) == []
    cut_off(stack, record)
    assert [act.action for act in found(stack)] == ["approve"]


def test_evidence_whose_answer_was_lost_is_kept_once_and_counts(stack: Stack) -> None:
    s3: Any = Failing(stack.s3, "put_object", refusal("PreconditionFailed", "PutObject"), after=True)
    key = keep_evidence(s3, LOGS, stack="test", action="hashes-add", person=ANNA, now=stack.now, facts={})
    assert list(stack.evidence()) == [key]


def test_evidence_that_could_not_be_put_is_an_error(stack: Stack) -> None:
    s3: Any = Failing(stack.s3, "put_object", refusal("AccessDenied", "PutObject"))
    with pytest.raises(ClientError, match="AccessDenied"):
        keep_evidence(s3, LOGS, stack="test", action="hashes-add", person=ANNA, now=stack.now, facts={})
