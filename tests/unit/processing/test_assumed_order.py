"""Versions whose events came without a sequencer, late or in the wrong order: they end in their true place."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from media_pipeline.records.record import Status
from media_pipeline.records.succession import Succession
from media_pipeline.records.table import Records
from media_pipeline.storage import Storage
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, draw, kill_at, settle
from tests.unit.processing.test_null_versions import suspend_versioning
from tests.unit.processing.test_versions_and_deletes import (
    DAY,
    delete,
    delete_version,
    expire,
    keeping,
    shown,
    version_of,
    without_sequencer,
)


def records_of(stack: MotoStack, key: str, event: dict[str, Any]) -> list[Status]:
    return [record.status for record in stack.records.history(key) if record.version == version_of(event)]


def put_at(event: dict[str, Any], when: datetime) -> dict[str, Any]:
    return {**event, "eventTime": when.isoformat().replace("+00:00", "Z")}


def test_current_version_without_a_sequencer_is_published_above_an_older_one_that_was_seen_meanwhile(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = stack.upload("a.jpg", draw((1, 2, 3)))
    current = stack.upload("a.jpg", draw((90, 20, 200)))
    kill_at(monkeypatch, Records, "begin_decoding")
    with pytest.raises(KILLED):
        stack.deliver(without_sequencer(current))
    assert stack.deliver(older)
    stack.clock.now += LEASE_OVER
    assert stack.deliver(without_sequencer(current))
    newest = stack.records.newest("a.jpg")
    assert newest is not None
    assert (newest.status, newest.version) == (Status.PUBLISHED, version_of(current))
    assert stack.record("a.jpg", older).status is Status.SUPERSEDED
    assert stack.deliver(current)
    assert records_of(stack, "a.jpg", current) == [Status.PUBLISHED]


def test_current_version_without_a_sequencer_takes_no_place_of_a_later_one_that_is_in_quarantine(
    stack: MotoStack,
) -> None:
    now = datetime.now(UTC)
    current = put_at(stack.upload("a.jpg", draw((1, 2, 3))), now - timedelta(minutes=1))
    stack.rekognition.labels = WEAPON
    later = put_at(stack.upload("a.jpg", draw((230, 20, 20))), now)
    assert stack.deliver(later)
    stack.rekognition.labels = []
    settle(stack, without_sequencer(current))
    assert records_of(stack, "a.jpg", current) == [Status.SUPERSEDED]
    assert stack.record("a.jpg", later).status is Status.BLOCKED
    assert stack.keys("renditions") == set()


def test_version_that_was_deleted_before_its_event_came_does_not_hide_a_newer_one_without_a_sequencer(
    stack: MotoStack,
) -> None:
    now = datetime.now(UTC)
    older = put_at(stack.upload("a.jpg", draw((1, 2, 3))), now - timedelta(hours=1))
    current = stack.upload("a.jpg", draw((90, 20, 200)))
    assert stack.deliver(without_sequencer(current))
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(older)))
    settle(stack, older)
    assert stack.record("a.jpg", older).status is Status.SUPERSEDED


def test_delete_of_a_version_with_two_records_leaves_the_one_that_moves_it_to_quarantine(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    kill_at(monkeypatch, Records, "begin_decoding")
    with pytest.raises(KILLED):
        stack.deliver(without_sequencer(event))
    kill_at(monkeypatch, Records, "commit")
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += LEASE_OVER
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", version_of(event)))
    settle(stack, event)
    settle(stack, without_sequencer(event))
    assert records_of(stack, "a.jpg", event) == [Status.BLOCKED]
    assert [outcome["status"] for outcome in stack.announcements()] == ["BLOCKED"]


def test_delete_marker_ends_a_version_with_two_records_once(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    kill_at(monkeypatch, Records, "begin_decoding")
    with pytest.raises(KILLED):
        stack.deliver(without_sequencer(event))
    marker = delete(stack, "a.jpg")
    stack.deliver(marker)  # it waits for the lease
    assert stack.deliver(event)
    stack.clock.now += LEASE_OVER
    settle(stack, marker)
    settle(stack, without_sequencer(event))
    assert records_of(stack, "a.jpg", event) == [Status.SUPERSEDED]


def test_delete_that_comes_back_leaves_one_record_of_a_version_that_it_superseded_before(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    marker = delete(stack, "a.jpg")
    for method, cut_off in (("mark_announced", marker), ("commit", without_sequencer(event))):
        kill_at(monkeypatch, Records, method)
        with pytest.raises(KILLED):
            stack.deliver(cut_off)
    stack.clock.now += LEASE_OVER
    settle(stack, without_sequencer(event))  # its place is above the delete, which is recorded
    kill_at(monkeypatch, Succession, "neighbours")
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += LEASE_OVER
    settle(stack, marker)
    assert records_of(stack, "a.jpg", event) == [Status.SUPERSEDED]
    removed = delete_version(stack, "a.jpg", version_of(marker))
    stack.clock.now += LEASE_OVER
    settle(stack, removed)
    assert records_of(stack, "a.jpg", event) == [Status.PUBLISHED]


def test_version_that_was_found_under_a_delete_marker_is_published_once_the_marker_is_gone(
    stack: MotoStack,
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    marker = delete(stack, "a.jpg")
    assert stack.deliver(without_sequencer(event))
    assert stack.record("a.jpg", event).status is Status.SUPERSEDED
    removed = delete_version(stack, "a.jpg", version_of(marker))
    assert stack.deliver(removed)
    assert stack.deliver(marker)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED
    assert stack.deliver(marker)
    assert [outcome["status"] for outcome in stack.announcements()] == ["SUPERSEDED", "PUBLISHED"]


def test_late_delete_marker_hides_nothing_that_was_put_after_it_and_published_without_a_sequencer(
    stack: MotoStack,
) -> None:
    older = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(older)
    marker = delete(stack, "a.jpg")
    assert stack.deliver(without_sequencer(stack.upload("a.jpg", draw((200, 120, 3)))))
    newer = stack.upload("a.jpg", draw((90, 20, 200)))
    assert stack.deliver(without_sequencer(newer))
    assert not stack.deliver(marker)  # it removes what it finds, and waits until no duplicate can still do so
    stack.clock.now += LEASE_OVER
    settle(stack, marker)
    record = stack.record("a.jpg", newer)
    assert record.status is Status.PUBLISHED
    assert stack.keys("renditions") == record.rendition_keys
    answer = shown(stack, "a.jpg")
    assert answer is not None
    assert answer["renditions"]
    told = [(outcome["version_id"], outcome["status"]) for outcome in stack.announcements()]
    assert told[-2:] == [(version_of(marker), "DELETED"), (version_of(newer), "PUBLISHED")]
    assert stack.deliver(marker)
    assert stack.announcements() == []


def test_delete_marker_above_what_was_published_without_a_sequencer_removes_it(stack: MotoStack) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(without_sequencer(event))
    assert stack.deliver(delete(stack, "a.jpg"))
    assert stack.keys("renditions") == set()


def test_function_that_stood_still_while_it_decoded_is_not_counted_as_killed(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    begin = Records.begin_decoding

    def stand_still(self: Records, claim: Any) -> None:
        begin(self, claim)
        stack.clock.now += LEASE_OVER

    with monkeypatch.context() as patched:
        patched.setattr(Records, "begin_decoding", stand_still)
        for _ in range(5):
            assert not stack.deliver(event)
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED


def test_answers_that_were_written_down_are_not_paid_for_again_after_an_undelete(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))

    def fail(*_: Any) -> None:
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(Records, "store_verdict", fail)
        assert not stack.deliver(event)
    asked = len(stack.rekognition.calls)
    marker = delete(stack, "a.jpg")
    assert stack.deliver(marker)
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.SUPERSEDED
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(marker)))
    assert stack.record("a.jpg", event).status is Status.PUBLISHED
    assert len(stack.rekognition.calls) == asked


def test_null_delete_marker_under_a_key_that_ends_in_a_slash_is_recorded_before_what_it_replaced(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspend_versioning(stack)
    monkeypatch.setattr(Storage, "has_uploaded_bytes", lambda *_: False)
    assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "a/", "null"))
    newest = stack.records.newest("a/")
    assert newest is not None
    assert newest.is_tombstone


def test_blocked_record_does_not_expire_before_a_late_message_about_it(stack: MotoStack) -> None:
    keeping(stack, 14)
    stack.rekognition.labels = WEAPON
    blocked = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(blocked)
    stack.rekognition.labels = []
    assert stack.deliver(stack.upload("a.jpg", draw((90, 20, 200))))
    expires = float(stack.record("a.jpg", blocked).attributes["expires_at"])
    assert expires - stack.clock.now > 27 * DAY


def test_renditions_go_with_a_version_that_was_recorded_anew_by_an_event_that_came_again(
    stack: MotoStack,
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    newer = stack.upload("a.jpg", draw((4, 5, 6)))
    assert stack.deliver(newer)
    expire(stack, "a.jpg", stack.record("a.jpg", event).sequencer)
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.SUPERSEDED
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(event)))
    assert stack.keys("renditions") == stack.record("a.jpg", newer).rendition_keys
