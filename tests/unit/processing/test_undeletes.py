"""Undeletes: what is current again once its delete marker was removed is published again, whatever was cut off."""

from typing import Any

import pytest

from media_pipeline.events import ObjectEvent
from media_pipeline.records.record import Record, Status
from media_pipeline.records.succession import NEVER
from media_pipeline.records.table import Records
from media_pipeline.storage import Storage
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, draw, kill_at, settle
from tests.unit.processing.test_versions_and_deletes import (
    delete,
    delete_version,
    keeping,
    shown,
    version_of,
)


def published_and_deleted(stack: MotoStack) -> tuple[dict[str, Any], dict[str, Any]]:
    """Publish a picture, then delete its key; return both events, which are carried out."""
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    marker = delete(stack, "a.jpg")
    assert stack.deliver(marker)
    return event, marker


def cut_off_and_settle(stack: MotoStack, monkeypatch: pytest.MonkeyPatch, message: dict[str, Any]) -> None:
    """Kill the function that carries a message out when it puts a rendition, and deliver the message again."""
    kill_at(monkeypatch, Storage, "put_rendition")
    with pytest.raises(KILLED):
        stack.deliver(message)
    stack.clock.now += LEASE_OVER
    settle(stack, message)


def test_undelete_that_was_cut_off_goes_on(stack: MotoStack, monkeypatch: pytest.MonkeyPatch) -> None:
    event, marker = published_and_deleted(stack)
    removed = delete_version(stack, "a.jpg", version_of(marker))
    cut_off_and_settle(stack, monkeypatch, removed)
    assert stack.keys("renditions") == stack.record("a.jpg", event).rendition_keys != frozenset()


def test_undelete_before_its_delete_that_was_cut_off_goes_on_below_what_was_rejected(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    kill_at(monkeypatch, Records, "begin_decoding")
    with pytest.raises(KILLED):
        stack.deliver(event)
    rejected = stack.upload("a.jpg", b"")
    assert stack.deliver(rejected)
    stack.clock.now += LEASE_OVER
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.SUPERSEDED
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(rejected)))
    marker = delete(stack, "a.jpg")
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(marker)))
    cut_off_and_settle(stack, monkeypatch, marker)
    record = stack.record("a.jpg", event)
    assert record.status is Status.PUBLISHED
    assert "comes_back" not in record.attributes


def test_undelete_that_was_cut_off_goes_on_below_what_was_never_shown(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    unseen = stack.upload("a.jpg", draw((4, 5, 6)))
    marker = delete(stack, "a.jpg")
    assert stack.deliver(marker)
    assert stack.deliver(unseen)
    assert stack.record("a.jpg", unseen).status is Status.SUPERSEDED
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(unseen)))
    removed = delete_version(stack, "a.jpg", version_of(marker))
    cut_off_and_settle(stack, monkeypatch, removed)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED
    assert stack.keys("renditions") == stack.record("a.jpg", event).rendition_keys != frozenset()


def test_late_event_of_what_was_deleted_for_good_does_not_hide_what_an_undelete_brought_back(
    stack: MotoStack,
) -> None:
    keeping(stack, 30)
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    late = stack.upload("a.jpg", draw((4, 5, 6)))
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(late)))
    marker = delete(stack, "a.jpg")
    assert stack.deliver(marker)
    settle(stack, delete_version(stack, "a.jpg", version_of(marker)))
    brought_back = stack.record("a.jpg", event)
    settle(stack, late)
    assert stack.record("a.jpg", late).status is Status.SUPERSEDED
    assert stack.record("a.jpg", event) == brought_back
    assert (brought_back.status, brought_back.followed_by) == (Status.PUBLISHED, None)


def test_undelete_that_its_delete_carries_out_goes_on_where_it_was_cut_off(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    marker = delete(stack, "a.jpg")
    removed = delete_version(stack, "a.jpg", version_of(marker))
    record_delete_marker = Records.record_delete_marker

    def after_the_undelete(records: Records, delete: ObjectEvent) -> Record:
        monkeypatch.setattr(Records, "record_delete_marker", record_delete_marker)
        assert stack.deliver(removed)
        return record_delete_marker(records, delete)

    monkeypatch.setattr(Records, "record_delete_marker", after_the_undelete)
    assert not stack.deliver(marker), "the undelete waits for the delete"
    stack.clock.now += LEASE_OVER
    cut_off_and_settle(stack, monkeypatch, marker)
    assert stack.keys("renditions") == stack.record("a.jpg", event).rendition_keys != frozenset()


def test_undelete_that_only_the_dead_letters_see_can_be_redriven(stack: MotoStack) -> None:
    event, marker = published_and_deleted(stack)
    assert stack.dead_letter(delete_version(stack, "a.jpg", version_of(marker)))
    failed = stack.record("a.jpg", event)
    assert failed.status is Status.FAILED
    redrive = {"eventSource": "media-pipeline:redrive", "redrive": {"attempt": failed.attempt}}
    settle(stack, {**event, **redrive})
    assert stack.keys("renditions") == stack.record("a.jpg", event).rendition_keys != frozenset()


def test_failed_undelete_stays_until_it_is_redriven_where_records_expire(stack: MotoStack) -> None:
    keeping(stack, 30)
    event, marker = published_and_deleted(stack)
    assert stack.record("a.jpg", event).attributes["expires_at"] < NEVER
    assert stack.dead_letter(delete_version(stack, "a.jpg", version_of(marker)))
    failed = stack.record("a.jpg", event)
    assert failed.status is Status.FAILED
    assert "expires_at" not in failed.attributes


def test_undelete_shows_the_version_again_where_records_expire(stack: MotoStack) -> None:
    keeping(stack, 30)
    _event, marker = published_and_deleted(stack)
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(marker)))
    answer = shown(stack, "a.jpg")
    assert answer is not None
    assert answer["status"] == "PUBLISHED"
    assert answer["renditions"]


def test_undelete_shows_a_rejected_version_again_where_records_expire(stack: MotoStack) -> None:
    keeping(stack, 30)
    assert stack.deliver(stack.upload("a.jpg", b"neither a picture nor a video"))
    marker = delete(stack, "a.jpg")
    assert stack.deliver(marker)
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(marker)))
    answer = shown(stack, "a.jpg")
    assert answer is not None
    assert answer["status"] == "REJECTED"


def test_what_an_undelete_shows_again_expires_only_once_something_newer_follows_it(stack: MotoStack) -> None:
    keeping(stack, 30)
    event = stack.upload("a.jpg", b"neither a picture nor a video")
    assert stack.deliver(event)
    marker = delete(stack, "a.jpg")
    assert stack.deliver(marker)
    assert stack.record("a.jpg", event).attributes["expires_at"] < NEVER
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(marker)))
    assert stack.record("a.jpg", event).attributes["expires_at"] == NEVER


def test_undelete_waits_until_no_invocation_can_still_work_on_the_delete(stack: MotoStack) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    marker = delete(stack, "a.jpg")
    removed = delete_version(stack, "a.jpg", version_of(marker))
    assert stack.deliver(marker)
    assert not stack.deliver(removed), "a second delivery of the marker's event may be at work"
    assert stack.record("a.jpg", event).attempt == 1
    stack.clock.now += LEASE_OVER
    assert stack.deliver(removed)
    assert stack.record("a.jpg", event).attempt == 2
