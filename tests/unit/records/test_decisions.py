"""Decisions of people: what goes into a record comes out, and what no record may hold is refused."""

from dataclasses import replace
from typing import Any

import pytest

from media_pipeline.records.decisions import (
    DECISIONS_KEPT,
    NOTE_CHARACTERS,
    Action,
    Decision,
    asked_values,
    decision_id,
)
from media_pipeline.records.item_size import fitted
from media_pipeline.records.record import Status, from_item, to_item
from tests.fixtures.moto_stack import MotoStack
from tests.unit.records.test_item_size import facts, put

SHA256 = "0f" * 32
DECISION = Decision(
    id="01KB5Q8YV0ABCDEFGHJKMNPQRS",
    action=Action.APPROVE,
    person="arn:aws:iam::123456789012:user/ada",
    at="2026-11-28T12:00:00.000Z",
    sha256=SHA256,
    policy_version="1a2b3c4d",
    reason="satire",
    note="A statue.",
    seen=True,
    seconds=4.2,
)


def stored(**values: Any) -> dict[str, Any]:
    return to_item({"object_key": "a", "sequencer": "0", "status": Status.REVIEW, **values})


def test_decision_in_a_record_comes_out_as_it_went_in() -> None:
    assert from_item(stored(decision=DECISION.to_document())).decision == DECISION


def test_decision_without_optional_parts_has_none_of_them_in_its_document() -> None:
    bare = replace(DECISION, reason=None, note=None, seen=None, seconds=None)
    assert bare.to_document().keys() == {"id", "action", "person", "at", "sha256", "policy_version"}
    assert Decision.from_document(bare.to_document()) == bare


@pytest.mark.parametrize("missing", ["id", "action", "person", "at", "sha256", "policy_version"])
def test_document_without_a_required_part_is_not_a_decision(missing: str) -> None:
    document = {name: value for name, value in DECISION.to_document().items() if name != missing}
    with pytest.raises(KeyError):
        Decision.from_document(document)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "01KB5Q8YV0ABCDEFGHJKMNPQR"),
        ("id", "01KB5Q8YV0ABCDEFGHJKMNPQRU"),
        ("person", ""),
        ("sha256", SHA256[1:]),
        ("sha256", SHA256.upper()),
        ("reason", "x" * 201),
        ("reason", "half of \ud83c"),
        ("note", "half of \ud83c"),
        ("person", "half of \ud83c"),
        ("note", "x" * 1_001),
    ],
)
def test_decision_that_no_record_may_hold_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"`{field}`"):
        replace(DECISION, **{field: value})


def test_unknown_action_is_not_a_decision() -> None:
    with pytest.raises(ValueError, match="publish"):
        Decision.from_document({**DECISION.to_document(), "action": "publish"})


def test_only_an_approval_approves_and_only_its_own_bytes() -> None:
    assert DECISION.approves(SHA256)
    assert not DECISION.approves("1f" * 32)
    assert not DECISION.approves(None)
    for action in set(Action) - {Action.APPROVE}:
        assert not replace(DECISION, action=action).approves(SHA256)


def test_decision_is_pending_until_it_was_carried_out() -> None:
    document = DECISION.to_document()
    assert from_item(stored()).pending_decision is None
    assert from_item(stored(decision=document)).pending_decision == DECISION
    assert from_item(stored(decision=document, carried_out="older")).pending_decision == DECISION
    assert from_item(stored(decision=document, carried_out=DECISION.id)).pending_decision is None


def test_ids_sort_by_time_and_differ_within_one_millisecond() -> None:
    ids = [decision_id(1_800_000_000 + number) for number in range(50)]
    assert ids == sorted(ids)
    assert len({decision_id(1_800_000_000) for _ in range(50)}) == 50
    # The time of the specification's example, with all random bits zero.
    assert decision_id(1_469_918_176.385, random=bytes) == "01ARYZ6S41" + "0" * 16


def test_asking_again_keeps_the_twenty_newest_earlier_decisions() -> None:
    attributes: dict[str, Any] = {}
    ids = [decision_id(1_800_000_000 + number) for number in range(DECISIONS_KEPT + 5)]
    for found in ids:
        attributes |= asked_values(attributes, replace(DECISION, id=found))
    assert attributes["decision"]["id"] == ids[-1]
    assert [decision["id"] for decision in attributes["decisions"]] == ids[-1 - DECISIONS_KEPT : -1]


def test_record_with_the_longest_decisions_fits_beside_the_longest_facts(stack: MotoStack) -> None:
    longest = replace(DECISION, note="🌸" * NOTE_CHARACTERS, reason="🌸" * 200)
    attributes: dict[str, Any] = {}
    for _ in range(DECISIONS_KEPT + 1):
        attributes |= asked_values(attributes, longest)
    put(stack, {**fitted(facts()), **attributes})  # moto has DynamoDB's limit
