"""The second look: blind, by another person, with evidence, and without any effect."""

import json
from http import HTTPStatus
from typing import Any

import pytest

from media_pipeline.errors import DecidedError
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Record, iso_time
from media_pipeline.reviews.routes import Request, ReviewApi
from media_pipeline.reviews.waiting import review_id
from tests.unit.reviews.conftest import ANNA, BERT, SHA256, Stack, WrittenTwice


def decided(stack: Stack, action: str = "reject", **changed: Any) -> Record:
    """Put what Anna decided about, and what another person is to look at."""
    decision = {
        "id": "01" + "0" * 24,
        "action": action,
        "person": ANNA,
        "at": iso_time(stack.now),
        "sha256": SHA256,
        "policy_version": "0123456789ab",
        "reason": "cruelty",
    }
    status = "BLOCKED" if action == "reject" else "PUBLISHED"
    facts = {
        "attention": "SECOND",
        "decision": decision,
        "carried_out": decision["id"],
        "reason": "person_block",
        "detail": "a person decided against it: cruelty",
    }
    return stack.put(status=status, **{**facts, **changed})


def call(stack: Stack, path: str, person: str = BERT, body: Any = None) -> tuple[HTTPStatus, Any]:
    api = ReviewApi(stack="test", waiting=stack.waiting, pictures=stack.pictures, decisions=stack.decisions())
    path, _, query = path.partition("?state=")
    reply = api.answer(
        Request(
            method="POST" if body else "GET",
            path=path,
            person=person,
            query={"state": query} if query else {},
            body=json.dumps(body).encode(),
        )
    )
    return reply.status, json.loads(reply.body)


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_nothing_shows_what_was_decided_or_by_whom(stack: Stack, action: str) -> None:
    record = decided(stack, action)
    _, listed = call(stack, "/v1/reviews?state=SECOND")
    _, shown = call(stack, f"/v1/reviews/{review_id(record)}")
    said = json.dumps([listed, shown]).lower()
    for word in ("anna", "cruelty", "a person decided", "person_block", "blocked", "published", '"reject'):
        assert word not in said
    assert shown["why"] == "Graphic Violence 87.2 reached the review threshold of 50 for Violence"
    assert (shown["status"], shown["decisions"], shown["history"][0]["decided_by"]) == ("REVIEW", [], None)


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_second_look_is_noted_with_evidence_and_changes_nothing_else(stack: Stack, action: str) -> None:
    record = decided(stack)
    path = f"/v1/reviews/{review_id(record)}/decision"
    status, answer = call(stack, path, body={"action": action, "decision_seen": None})
    assert status == HTTPStatus.ACCEPTED
    after = stack.read(record)
    (second,) = after.attributes["second"]
    assert (second["person"], second["action"]) == (BERT, action)
    assert second["id"] == answer["decision"]["id"]
    before = {name: value for name, value in record.attributes.items() if name != "attention"}
    assert after.attributes == {
        **before,
        "second": [second],
        "updated_at": after.attributes["updated_at"],
    }
    assert stack.messages() == []
    (evidence,) = stack.evidence().values()
    assert (evidence["attention_seen"], evidence["person"], evidence["action"]) == ("SECOND", BERT, action)
    assert call(stack, "/v1/reviews?state=SECOND")[1]["items"] == []


@pytest.mark.long
def test_whoever_decided_first_neither_sees_it_nor_looks_again(stack: Stack) -> None:
    record = decided(stack, approvals=[{"person": BERT, "at": "x", "id": "y"}])
    for person in (ANNA, BERT):
        assert call(stack, "/v1/reviews?state=SECOND", person)[1]["items"] == []
        with pytest.raises(DecidedError, match="another person"):
            stack.decisions().ask(record, Action.APPROVE, person)
    assert stack.evidence() == {}


def test_of_two_second_looks_one_counts(stack: Stack) -> None:
    record = decided(stack)
    stack.decisions().ask(record, Action.APPROVE, BERT)
    with pytest.raises(DecidedError):
        stack.decisions().ask(record, Action.REJECT, "arn:aws:iam::123456789012:user/cleo")
    assert [each["person"] for each in stack.read(record).attributes["second"]] == [BERT]


def test_second_look_whose_answer_was_lost_counts_once(stack: Stack) -> None:
    record = decided(stack)
    stack.decisions(dynamodb=WrittenTwice(stack.dynamodb)).ask(record, Action.APPROVE, BERT)
    assert len(stack.read(record).attributes["second"]) == 1


def test_override_at_a_second_look_is_a_decision_of_its_own(stack: Stack) -> None:
    record = decided(stack)
    asked = stack.decisions().ask(record, Action.APPROVE, BERT, override=True)
    assert stack.read(record).decision == asked.decision
    assert len(stack.messages()) == 1
    assert stack.read(record).attributes["attention"] == "DECIDED"
