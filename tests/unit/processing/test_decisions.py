"""What a person decided is carried out once, by the worker, about exactly the bytes that it names."""

import dataclasses
import hashlib
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

import media_pipeline.processing.image as story
from media_pipeline.messaging.statuses import sentences_of
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Record, Status
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, draw, kill_at, settle

FIGHT = [("Violence", "", 60.0)]


def held_back(stack: MotoStack, data: bytes, key: str = "a.jpg", labels: Any = FIGHT) -> dict[str, Any]:
    """Upload a picture that the policy withholds, and have it processed."""
    stack.rekognition.labels = labels
    event = stack.upload(key, data)
    assert stack.deliver(event)
    stack.announcements()
    stack.rekognition.calls.clear()
    return event


def quarantined(event: dict[str, Any], key: str = "a.jpg") -> str:
    return f"{key}/{event['s3']['object']['versionId']}"


def outcome(record: Record) -> tuple[Status, Any]:
    return record.status, record.attributes.get("reason")


def test_approved_picture_is_published_from_quarantine_without_asking_rekognition(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    verdict = stack.record("a.jpg", event).attributes["moderation"]
    message = decide(stack, "a.jpg", event)
    assert stack.deliver(message)
    record = stack.record("a.jpg", event)
    assert outcome(record) == (Status.PUBLISHED, None)
    assert stack.keys("renditions") == record.rendition_keys
    assert len(record.renditions) == 2
    assert stack.rekognition.calls == []
    assert stack.keys("quarantine") >= {quarantined(event)}, "the original stays where it is"
    facts = record.attributes
    assert facts["moderation"] == verdict, "the machine's verdict stays as it is"
    assert (facts["original"], facts["carried_out"]) == ("quarantine", message["decision"]["id"])
    assert {"attention", "decided_from", "detail"}.isdisjoint(facts)
    assert facts["placeholder"]
    (announcement,) = stack.announcements()
    assert (announcement["status"], announcement["alert_id"]) == ("PUBLISHED", record.alert_id)


def test_rejected_picture_is_blocked_by_a_person_and_waits_no_longer(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    assert stack.record("a.jpg", event).attributes["attention"] == "REVIEW"
    assert stack.deliver(decide(stack, "a.jpg", event, Action.REJECT, reason="cruelty"))
    record = stack.record("a.jpg", event)
    assert outcome(record) == (Status.BLOCKED, "person_block")
    assert record.attributes["detail"] == "a person decided against it: cruelty"
    assert "attention" not in record.attributes
    assert stack.keys("renditions") == set()
    assert [announcement["reason"] for announcement in stack.announcements()] == ["person_block"]
    assert "A person" in str(sentences_of(record).for_uploader)


def test_picture_that_the_policy_blocks_is_published_where_a_person_overrides_it(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture, labels=WEAPON)
    assert stack.deliver(decide(stack, "a.jpg", event))
    assert stack.record("a.jpg", event).status is Status.PUBLISHED


@pytest.mark.parametrize("action", [Action.APPROVE, Action.REJECT])
def test_message_that_comes_twice_is_carried_out_once(
    stack: MotoStack, picture: bytes, action: Action
) -> None:
    event = held_back(stack, picture)
    message = decide(stack, "a.jpg", event, action)
    assert stack.deliver(message)
    record = stack.record("a.jpg", event)
    assert stack.deliver(message)
    assert stack.record("a.jpg", event).attributes == record.attributes
    assert len(stack.announcements()) == 1


def test_decision_about_other_bytes_publishes_nothing(stack: MotoStack, picture: bytes) -> None:
    event = held_back(stack, picture)
    other = hashlib.sha256(b"other").hexdigest()
    assert stack.deliver(decide(stack, "a.jpg", event, sha256=other))
    record = stack.record("a.jpg", event)
    assert outcome(record) == (Status.REVIEW, "original_expired")
    assert record.attributes["sha256"] == hashlib.sha256(picture).hexdigest()
    assert stack.keys("renditions") == set()


def test_other_bytes_in_quarantine_are_not_published(stack: MotoStack, picture: bytes) -> None:
    event = held_back(stack, picture)
    message = decide(stack, "a.jpg", event)
    stack.clients.s3.put_object(Bucket="quarantine", Key=quarantined(event), Body=draw((1, 2, 3)))
    assert stack.deliver(message)
    record = stack.record("a.jpg", event)
    assert outcome(record) == (Status.REVIEW, "original_expired")
    assert record.attributes["attention"] == "REVIEW"
    assert record.attributes["sha256"] == hashlib.sha256(picture).hexdigest()
    assert stack.keys("renditions") == set()


@pytest.mark.parametrize(
    ("labels", "ends"),
    [(FIGHT, (Status.REVIEW, "original_expired")), (WEAPON, (Status.BLOCKED, "policy_block"))],
)
def test_approval_after_the_original_expired_brings_the_record_back_to_where_it_was(
    stack: MotoStack, picture: bytes, labels: Any, ends: tuple[Status, str]
) -> None:
    event = held_back(stack, picture, labels=labels)
    stack.clients.s3.delete_object(Bucket="quarantine", Key=quarantined(event))
    message = decide(stack, "a.jpg", event)
    assert stack.deliver(message)
    record = stack.record("a.jpg", event)
    assert outcome(record) == ends
    assert "not in the quarantine bucket any more" in record.attributes["detail"]
    assert record.attributes["carried_out"] == message["decision"]["id"]
    assert record.attributes.get("width") is None
    assert [announcement["status"] for announcement in stack.announcements()] == [ends[0]]
    assert stack.deliver(decide(stack, "a.jpg", event, Action.REJECT))
    assert outcome(stack.record("a.jpg", event)) == (Status.BLOCKED, "person_block")


def test_newer_version_wins_over_an_approval(stack: MotoStack, picture: bytes) -> None:
    event = held_back(stack, picture)
    stack.rekognition.labels = []
    newer = stack.upload("a.jpg", draw((200, 10, 10)))
    assert stack.deliver(newer)
    assert stack.deliver(decide(stack, "a.jpg", event))
    assert stack.record("a.jpg", event).status is Status.SUPERSEDED
    assert stack.keys("renditions") == stack.record("a.jpg", newer).rendition_keys


def test_rejection_of_an_older_version_leaves_the_newer_one_to_readers(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    stack.rekognition.labels = []
    newer = stack.upload("a.jpg", draw((200, 10, 10)))
    assert stack.deliver(newer)
    assert stack.deliver(decide(stack, "a.jpg", event, Action.REJECT))
    assert stack.record("a.jpg", event).status is Status.BLOCKED
    assert stack.records.newest("a.jpg") == stack.record("a.jpg", newer)
    assert stack.keys("renditions") == stack.record("a.jpg", newer).rendition_keys


def test_late_event_of_the_move_to_quarantine_does_not_delete_what_was_approved(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    assert stack.deliver(decide(stack, "a.jpg", event))
    moved = stack.event("ObjectRemoved:Delete", "a.jpg", event["s3"]["object"]["versionId"])
    assert stack.deliver(moved)
    record = stack.record("a.jpg", event)
    assert record.status is Status.PUBLISHED
    assert stack.keys("renditions") == record.rendition_keys


def test_delete_marker_removes_what_was_approved(stack: MotoStack, picture: bytes) -> None:
    event = held_back(stack, picture)
    assert stack.deliver(decide(stack, "a.jpg", event))
    assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "marker"))
    assert stack.keys("renditions") == set()


def test_late_upload_message_of_a_version_that_was_decided_changes_nothing(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    assert stack.deliver(decide(stack, "a.jpg", event))
    record = stack.record("a.jpg", event)
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).attributes == record.attributes


@pytest.mark.parametrize("call", ["begin_decoding", "store_verdict", "commit", "mark_announced"])
@pytest.mark.parametrize("again", ["decision", "upload"])
def test_approval_that_is_cut_off_anywhere_is_finished_by_any_message_about_the_version(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch, call: str, again: str
) -> None:
    event = held_back(stack, picture)
    message = decide(stack, "a.jpg", event)
    kill_at(monkeypatch, type(stack.records), call)
    with pytest.raises(KILLED):
        stack.deliver(message)
    stack.clock.now += LEASE_OVER
    settle(stack, message if again == "decision" else event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.announced) == (Status.PUBLISHED, True)
    assert stack.keys("renditions") == record.rendition_keys
    assert stack.rekognition.calls == []
    assert record.carried_out == message["decision"]["id"]


def test_message_of_an_earlier_decision_does_not_carry_out_a_later_one(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    first = decide(stack, "a.jpg", event, Action.APPROVE)
    stack.clock.now += 1
    second = decide(stack, "a.jpg", event, Action.REJECT)
    assert stack.deliver(first)
    assert stack.record("a.jpg", event).status is Status.REVIEW
    assert stack.deliver(second)
    assert outcome(stack.record("a.jpg", event)) == (Status.BLOCKED, "person_block")


def test_decision_whose_record_is_gone_is_acknowledged_and_creates_none(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    message = decide(stack, "a.jpg", event)
    record = stack.record("a.jpg", event)
    key = {"object_key": {"S": "a.jpg"}, "sequencer": {"S": record.sequencer}}
    stack.clients.dynamodb.delete_item(TableName="records", Key=key)
    assert stack.deliver(message)
    assert stack.dead_letter(message)
    assert stack.records.newest("a.jpg") is None


def test_review_that_was_not_announced_is_announced_before_its_decision_is_carried_out(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.rekognition.labels = FIGHT
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, type(stack.records), "mark_announced")
    with pytest.raises(KILLED):
        stack.deliver(event)
    assert stack.deliver(decide(stack, "a.jpg", event))
    assert [each["status"] for each in stack.announcements()][-2:] == ["REVIEW", "PUBLISHED"]


def test_decision_that_no_attempt_began_is_left_to_a_redrive_by_its_dead_letter(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    message = decide(stack, "a.jpg", event)
    assert stack.dead_letter(message)
    record = stack.record("a.jpg", event)
    assert (record.status, record.pending_decision) == (Status.REVIEW, record.decision)


def test_dead_letter_of_an_earlier_decision_leaves_a_later_one_to_its_own_message(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = held_back(stack, picture)
    earlier = decide(stack, "a.jpg", event)
    later = decide(stack, "a.jpg", event, Action.REJECT)
    kill_at(monkeypatch, type(stack.records), "commit")
    with pytest.raises(KILLED):
        stack.deliver(later)
    stack.clock.now += LEASE_OVER
    assert stack.dead_letter(earlier)
    assert stack.record("a.jpg", event).status is Status.PROCESSING
    assert stack.announcements() == []
    assert stack.deliver(later)
    assert outcome(stack.record("a.jpg", event)) == (Status.BLOCKED, "person_block")


def test_decision_that_no_attempt_could_finish_fails_and_is_carried_out_by_a_redrive(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = held_back(stack, picture)
    message = decide(stack, "a.jpg", event)
    kill_at(monkeypatch, type(stack.records), "commit")
    with pytest.raises(KILLED):
        stack.deliver(message)
    stack.clock.now += LEASE_OVER
    assert stack.dead_letter(message)
    record = stack.record("a.jpg", event)
    assert outcome(record) == (Status.FAILED, "retries_exhausted")
    redrive = {**event, "eventSource": "media-pipeline:redrive", "redrive": {"attempt": record.attempt}}
    assert stack.deliver(redrive)
    record = stack.record("a.jpg", event)
    assert (record.status, record.carried_out) == (Status.PUBLISHED, message["decision"]["id"])


def test_decision_that_failed_once_ends_as_it_began_where_its_message_comes_again_too_late(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = held_back(stack, picture)
    message = decide(stack, "a.jpg", event)
    kill_at(monkeypatch, type(stack.records), "commit")
    with pytest.raises(KILLED):
        stack.deliver(message)
    stack.clock.now += LEASE_OVER
    assert stack.dead_letter(message)
    assert stack.record("a.jpg", event).status is Status.FAILED
    stack.clients.s3.delete_object(Bucket="quarantine", Key=quarantined(event))
    assert stack.deliver(message)
    record = stack.record("a.jpg", event)
    assert outcome(record) == (Status.REVIEW, "original_expired")
    assert record.attributes["attention"] == "REVIEW"


def test_approved_picture_that_kills_the_function_each_time_is_not_tried_a_fourth_time(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = held_back(stack, picture)
    message = decide(stack, "a.jpg", event)
    deadly = Mock(side_effect=KILLED)
    monkeypatch.setattr(story, "render", deadly)
    for _ in range(3):
        with pytest.raises(KILLED):
            stack.deliver(message)
        stack.clock.now += LEASE_OVER
    assert stack.deliver(message)
    assert outcome(stack.record("a.jpg", event)) == (Status.REJECTED, "resource_exhausted")
    assert deadly.call_count == 3


def test_refused_read_of_quarantine_brings_the_message_back(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = held_back(stack, picture)
    message = decide(stack, "a.jpg", event)
    refused = ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")

    def get_object(**_: Any) -> Any:
        raise refused

    with monkeypatch.context() as outage:
        outage.setattr(stack.clients.s3, "get_object", get_object)
        assert not stack.deliver(message)
    assert stack.record("a.jpg", event).status is Status.PROCESSING
    settle(stack, message)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED


def test_approved_picture_that_todays_limits_refuse_is_rejected_and_shows_nothing(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    stack.settings = dataclasses.replace(
        stack.settings, limits=dataclasses.replace(stack.settings.limits, pixels=1000)
    )
    assert stack.deliver(decide(stack, "a.jpg", event))
    record = stack.record("a.jpg", event)
    assert outcome(record) == (Status.REJECTED, "too_many_pixels")
    assert record.attributes.get("width") is None
    assert stack.keys("renditions") == set()
