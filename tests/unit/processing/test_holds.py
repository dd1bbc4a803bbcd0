"""An escalated version stays in quarantine, whatever expires or is deleted, until a person releases it."""

from dataclasses import replace
from typing import Any

import pytest

from media_pipeline.messaging.statuses import sentences_of
from media_pipeline.quarantine import Quarantine
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Status
from media_pipeline.records.succession import NEVER
from tests.fixtures.deciding import PERSON, decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, draw, kill_at
from tests.unit.processing.test_appeals import appealed
from tests.unit.processing.test_decisions import FIGHT, held_back, outcome, quarantined


def escalate(stack: MotoStack, event: dict[str, Any]) -> dict[str, Any]:
    """Escalate the version of an event, as the asking side does; return the message."""
    message = decide(stack, "a.jpg", event, Action.ESCALATE)
    record = stack.record("a.jpg", event)
    hold = {"hold": {"person": PERSON, "at": "2026-11-29T00:00:00.000Z"}}
    stack.records._items.update((record.object_key, record.sequencer), hold, condition={})
    return message


def tags(stack: MotoStack) -> dict[str, dict[str, str]]:
    """Return the tags of what is in quarantine, by key."""
    return {
        key: {
            tag["Key"]: tag["Value"]
            for tag in stack.clients.s3.get_object_tagging(Bucket="quarantine", Key=key)["TagSet"]
        }
        for key in stack.keys("quarantine")
    }


@pytest.mark.parametrize(
    ("labels", "ends"),
    [(FIGHT, (Status.REVIEW, "policy_review")), (WEAPON, (Status.BLOCKED, "policy_block"))],
)
def test_escalated_version_keeps_its_status_leaves_the_lifecycle_and_is_announced(
    stack: MotoStack, picture: bytes, labels: Any, ends: tuple[Status, str]
) -> None:
    event = held_back(stack, picture, labels=labels)
    before = stack.record("a.jpg", event)
    assert {each["status"] for each in tags(stack).values()} == {ends[0].value}
    message = escalate(stack, event)
    assert stack.deliver(message)
    record = stack.record("a.jpg", event)
    assert outcome(record) == ends
    assert record.attributes["detail"] == before.attributes["detail"]
    assert record.attributes["attention"] == "ESCALATED"
    assert "expires_at" not in record.attributes
    assert record.attributes["carried_out"] == message["decision"]["id"]
    found = tags(stack)
    assert set(found) == {quarantined(event), f"{quarantined(event)}.review/1.jpg"}
    assert [(each["status"], each["hold"]) for each in found.values()] == [("HELD", "yes")] * 2
    (announcement,) = stack.announcements()
    assert (announcement["status"], announcement["reason"]) == (ends[0].value, ends[1])
    assert "held as evidence" in sentences_of(record).headline
    assert sentences_of(record).for_uploader == sentences_of(before).for_uploader, (
        "the uploader learns nothing of it"
    )


def test_released_version_waits_again_and_may_expire(stack: MotoStack, picture: bytes) -> None:
    event = held_back(stack, picture)
    before = tags(stack)
    assert stack.deliver(escalate(stack, event))
    assert stack.deliver(decide(stack, "a.jpg", event, Action.RELEASE))
    record = stack.record("a.jpg", event)
    assert outcome(record) == (Status.REVIEW, "policy_review")
    assert record.attributes["attention"] == "REVIEW"
    assert not record.is_held
    after = tags(stack)
    assert {key: each["status"] for key, each in after.items()} == dict.fromkeys(before, "REVIEW")
    assert all("hold" not in each for each in after.values())


def test_deletes_leave_what_is_held_and_a_release_then_removes_it(stack: MotoStack, picture: bytes) -> None:
    event = held_back(stack, picture)
    assert stack.deliver(escalate(stack, event))
    held = stack.keys("quarantine")
    version = event["s3"]["object"]["versionId"]
    assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "marker"))
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", version))
    assert stack.keys("quarantine") == held
    assert stack.record("a.jpg", event).status is Status.REVIEW
    assert stack.deliver(decide(stack, "a.jpg", event, Action.RELEASE))
    assert stack.record("a.jpg", event).status is Status.DELETED
    assert stack.keys("quarantine") == set()


def test_hold_that_is_asked_for_while_a_delete_is_under_way_wins(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = held_back(stack, picture)
    kept = stack.keys("quarantine")
    real: Any = type(stack.records).delete
    messages: list[dict[str, Any]] = []

    def late(self: Any, record: Any) -> Any:
        if not messages:
            messages.append(escalate(stack, event))
        return real(self, record)

    monkeypatch.setattr(type(stack.records), "delete", late)
    marker = stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "marker")
    assert not stack.deliver(marker), "it comes back"
    assert stack.deliver(messages[0])
    assert stack.deliver(marker)
    assert stack.keys("quarantine") == kept
    assert stack.record("a.jpg", event).attributes["attention"] == "ESCALATED"


@pytest.mark.long  # make test has it in its share of the fault harness
@pytest.mark.parametrize(
    ("call", "action"),
    [("commit", Action.ESCALATE), ("commit", Action.RELEASE), ("mark_announced", Action.RELEASE)],
)
def test_hold_that_is_cut_off_is_finished_by_its_message(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch, call: str, action: Action
) -> None:
    event = held_back(stack, picture)
    message = escalate(stack, event)
    if action is Action.RELEASE:
        assert stack.deliver(message)
        message = decide(stack, "a.jpg", event, action)
    kill_at(monkeypatch, type(stack.records), call)
    with pytest.raises(KILLED):
        stack.deliver(message)
    stack.clock.now += LEASE_OVER
    assert stack.deliver(message)
    record = stack.record("a.jpg", event)
    assert record.attributes["attention"] == ("ESCALATED" if action is Action.ESCALATE else "REVIEW")
    assert {each["status"] for each in tags(stack).values()} == {
        "HELD" if action is Action.ESCALATE else "REVIEW"
    }


def test_record_of_what_is_held_outlives_what_follows_it(stack: MotoStack, picture: bytes) -> None:
    stack.settings = replace(stack.settings, records_retention_days=30)
    event = held_back(stack, picture, labels=WEAPON)
    assert "expires_at" in stack.record("a.jpg", event).attributes
    assert stack.deliver(escalate(stack, event))
    assert "expires_at" not in stack.record("a.jpg", event).attributes
    stack.rekognition.labels = []
    assert stack.deliver(stack.upload("a.jpg", draw((200, 10, 10))))
    held = stack.record("a.jpg", event)
    assert held.followed_by
    assert "expires_at" not in held.attributes
    assert stack.deliver(decide(stack, "a.jpg", event, Action.RELEASE))
    assert "expires_at" in stack.record("a.jpg", event).attributes


def test_picture_that_is_put_late_by_a_machine_that_stood_still_is_held_as_well(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.rekognition.labels = FIGHT
    event = stack.upload("a.jpg", picture)
    real: Any = Quarantine.put_picture
    is_first = True

    def late(self: Any, *args: Any, **facts: Any) -> None:
        nonlocal is_first
        if is_first:
            is_first = False
            stack.clock.now += LEASE_OVER
            assert stack.deliver(event)
            assert stack.deliver(escalate(stack, event))
        real(self, *args, **facts)

    monkeypatch.setattr(Quarantine, "put_picture", late)
    stack.deliver(event)
    assert not is_first
    assert {each["status"] for each in tags(stack).values()} == {"HELD"}


def test_delete_above_what_is_held_outlives_what_follows_it(stack: MotoStack, picture: bytes) -> None:
    stack.settings = replace(stack.settings, records_retention_days=30)
    event = held_back(stack, picture)
    assert stack.deliver(escalate(stack, event))
    assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "marker"))
    stack.rekognition.labels = []
    assert stack.deliver(stack.upload("a.jpg", draw((200, 10, 10))))
    (tombstone,) = (record for record in stack.records.history("a.jpg") if record.is_tombstone)
    assert tombstone.followed_by
    assert tombstone.attributes["expires_at"] == NEVER
    assert stack.deliver(decide(stack, "a.jpg", event, Action.RELEASE))
    assert stack.record("a.jpg", event).status is Status.DELETED


def test_appeal_waits_until_what_it_is_about_is_released(stack: MotoStack, picture: bytes) -> None:
    event, record = appealed(stack, picture)
    assert stack.deliver(escalate(stack, event))
    assert stack.record("a.jpg", event).attributes["attention"] == "ESCALATED"
    assert stack.deliver(decide(stack, "a.jpg", event, Action.RELEASE))
    released = stack.record("a.jpg", event)
    assert released.attributes["attention"] == "APPEAL"
    assert released.attributes["appeal"] == record.attributes["appeal"]


def test_escalation_of_what_has_expired_says_no_more_than_the_record(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    for key in stack.keys("quarantine"):
        stack.clients.s3.delete_object(Bucket="quarantine", Key=key)
    assert stack.deliver(escalate(stack, event))
    assert stack.record("a.jpg", event).attributes["attention"] == "ESCALATED"
