"""What a person escalates is held: nobody is shown it, nothing else is decided about it, until it is released."""

import json
from typing import Any

import pytest

from media_pipeline.errors import DecidedError
from media_pipeline.records.attention import Attention
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Record
from media_pipeline.reviews.pictures import THUMBHASH
from media_pipeline.reviews.waiting import review_id
from tests.unit.reviews.conftest import ANNA, BERT, Stack
from tests.unit.reviews.test_console import Client, page, stranger

__all__ = ["page", "stranger"]


@pytest.fixture
def held(stack: Stack) -> Record:
    """Escalate a version."""
    record = stack.put("a.jpg")
    stack.decisions().ask(record, Action.ESCALATE, ANNA, reason="a minor")
    return stack.read(record)


@pytest.mark.parametrize("status", ["REVIEW", "BLOCKED"])
def test_escalation_is_a_decision_with_evidence_and_holds_at_once(stack: Stack, status: str) -> None:
    record = stack.put(status=status)
    asked = stack.decisions().ask(record, Action.ESCALATE, ANNA, reason="a minor")
    found = stack.read(record)
    assert found.is_held
    assert found.attributes["hold"] == {"person": ANNA, "at": asked.decision.at, "reason": "a minor"}
    assert (found.status, found.decision) == (status, asked.decision)
    ((_, evidence),) = stack.evidence().items()
    assert (evidence["action"], evidence["reason"]) == ("escalate", "a minor")
    assert json.loads(stack.messages()[0])["Records"][0]["decision"] == {"id": asked.decision.id}


def test_nothing_else_is_decided_while_it_is_held(stack: Stack, held: Record) -> None:
    for action in set(Action) - {Action.RELEASE}:
        with pytest.raises(DecidedError, match="held as evidence") as caught:
            stack.decisions().ask(held, action, BERT, override=True)
        assert (caught.value.by, caught.value.action) == (ANNA, "escalate")
    assert len(stack.evidence()) == 1


def test_release_needs_a_hold(stack: Stack) -> None:
    with pytest.raises(DecidedError, match="is not held"):
        stack.decisions().ask(stack.put(), Action.RELEASE, ANNA)


def test_release_keeps_the_hold_until_the_workers_have_ended_it(stack: Stack, held: Record) -> None:
    done = stack.put(
        "a.jpg",
        sequencer=held.sequencer,
        decision=held.attributes["decision"],
        hold=held.attributes["hold"],
        carried_out=held.attributes["decision"]["id"],
    )
    assert stack.decisions().ask(done, Action.RELEASE, BERT, reason="the year is over").sent
    assert stack.read(held).is_held


def test_console_shows_no_picture_of_what_is_held(stack: Stack, page: Client, held: Record) -> None:
    path = f"/v1/reviews/{review_id(held)}"
    links = page.get(f"{path}/links")
    assert (links.status, links.json["decided_by"], links.json["action"]) == (409, ANNA, "escalate")
    shown = page.get(path).json
    assert shown["thumbhash"] is None
    assert shown["hold"]["reason"] == "a minor"


def test_console_shows_not_even_a_blur_of_what_is_held(stack: Stack, page: Client) -> None:
    look = {"Metadata": {THUMBHASH: "1QcSHQRnh493V4dIh4eXh1h4kJUI"}}
    stack.s3.put_object(Bucket="quarantine", Key="b.jpg.review/0.jpg", Body=b"x", **look)
    record = stack.put("b.jpg", review=[{"key": "b.jpg.review/0.jpg", "sha256": "cd" * 32}])
    path = f"/v1/reviews/{review_id(record)}"
    assert page.get(path).json["thumbhash"] == look["Metadata"][THUMBHASH]
    stack.decisions().ask(record, Action.ESCALATE, ANNA)
    assert page.get(path).json["thumbhash"] is None


def test_held_versions_have_a_list_of_their_own(stack: Stack, page: Client) -> None:
    stack.put("waits.jpg")
    stack.put(
        "held.jpg", attention=Attention.ESCALATED, hold={"person": ANNA, "at": "2026-11-29T00:00:00.000Z"}
    )
    for state, key in (("REVIEW", "waits.jpg"), ("ESCALATED", "held.jpg")):
        (item,) = page.get(f"/v1/reviews?state={state}").json["items"]
        assert item["object_key"] == key
    assert page.get("/v1/reviews?state=FAILED").status == 400


def test_console_escalates_and_releases(stack: Stack, page: Client) -> None:
    record = stack.put()
    assert page.decide(record, "escalate", reason="a minor").status == 202
    decision: Any = stack.read(record).decision
    assert decision.action is Action.ESCALATE
    assert page.decide(record, "approve").status == 409


def test_decision_about_what_waits_for_no_person_is_in_the_index_until_it_is_carried_out(
    stack: Stack,
) -> None:
    published = stack.put(status="PUBLISHED")
    stack.decisions().ask(published, Action.WITHDRAW, ANNA)
    assert stack.read(published).attributes["attention"] == "DECIDED"
    waiting = stack.put("b.jpg")
    stack.decisions().ask(waiting, Action.APPROVE, ANNA)
    assert stack.read(waiting).attributes["attention"] == "REVIEW"
