"""What a person withdraws is removed from quarantine as well, and our own moves there never look like that."""

import re
from typing import Any

import pytest

from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.records.record import Status
from media_pipeline.records.table import Records
from media_pipeline.storage import Storage
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, draw, kill_at, settle
from tests.unit.processing.test_null_versions import suspend_versioning, upload_null_version
from tests.unit.processing.test_versions_and_deletes import (
    delete_version,
    expire,
    version_of,
)

FIGHT = [("Violence", "", 60.0)]
KEY = "shop/a.jpg"


def withhold(stack: MotoStack, labels: Any = WEAPON, shade: int = 1, key: str = KEY) -> dict[str, Any]:
    """Upload a picture that is moved to quarantine; return the event of its upload."""
    stack.rekognition.labels = labels
    event = stack.upload(key, draw((shade, 20, 30)))
    assert stack.deliver(event)
    return event


def delete(stack: MotoStack, key: str) -> dict[str, Any]:
    """Delete a key; return S3's event, also where moto makes no delete marker, as no version is left of the key."""
    answer = stack.clients.s3.delete_object(Bucket="uploads", Key=key)
    marker = answer.get("VersionId", f"marker-{stack.sequence}")
    return stack.event("ObjectRemoved:DeleteMarkerCreated", key, marker)


def copy_of(event: dict[str, Any], key: str = KEY) -> str:
    return f"{key}/{version_of(event)}"


def copies(stack: MotoStack) -> set[str]:
    """Return the keys in quarantine without those of pictures for reviewers, which lie beside their copy."""
    found = stack.keys("quarantine")
    pictures = {key for key in found if re.search(r"\.review/\d+\.jpg$", key)}
    assert {key.rpartition(".review/")[0] for key in pictures} <= found
    return found - pictures


def put_pictures_for_reviewers(stack: MotoStack, copy: str, count: int = 2) -> None:
    for number in range(1, count + 1):
        stack.clients.s3.put_object(Bucket="quarantine", Key=f"{copy}.review/{number}.jpg", Body=b"judged")


@pytest.mark.parametrize("labels", [WEAPON, FIGHT], ids=["blocked", "review"])
def test_delete_of_a_withheld_key_removes_its_copy_and_its_pictures(stack: MotoStack, labels: Any) -> None:
    event = withhold(stack, labels)
    put_pictures_for_reviewers(stack, copy_of(event))
    status = stack.record(KEY, event).status
    assert status in (Status.BLOCKED, Status.REVIEW)
    assert stack.deliver(delete(stack, KEY))
    record = stack.record(KEY, event)
    assert record.status is Status.DELETED
    assert "attention" not in record.attributes, "nobody can review what is gone"
    assert record.moderation is not None, "what the machine found stays"
    assert stack.keys("quarantine") == set()
    assert [each["status"] for each in stack.announcements()] == [status, "DELETED", "DELETED"]


def test_delete_removes_the_copies_of_all_versions_of_its_key_alone(stack: MotoStack) -> None:
    withhold(stack, shade=1)
    withhold(stack, FIGHT, shade=200)
    longer, review = f"{KEY}/longer", f"{KEY}/x.review"
    kept = {copy_of(withhold(stack, shade=40, key=key), key) for key in (longer, review)}
    assert stack.deliver(delete(stack, KEY))
    assert copies(stack) == kept


def test_delete_removes_a_copy_although_its_record_expired(stack: MotoStack) -> None:
    event = withhold(stack)
    put_pictures_for_reviewers(stack, copy_of(event))
    expire(stack, KEY, stack.record(KEY, event).sequencer)
    assert stack.deliver(delete(stack, KEY))
    assert stack.keys("quarantine") == set()


def test_delete_leaves_the_copy_of_what_is_worked_on_until_its_lease_is_over(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.rekognition.labels = WEAPON
    event = stack.upload(KEY, draw((1, 20, 30)))
    kill_at(monkeypatch, Records, "commit")
    with pytest.raises(KILLED):
        stack.deliver(event)
    marker = delete(stack, KEY)
    assert not stack.deliver(marker), "the lease is live"
    assert copies(stack) == {copy_of(event)}
    stack.clock.now += LEASE_OVER
    settle(stack, event)
    settle(stack, marker)
    assert stack.record(KEY, event).status is Status.DELETED
    assert stack.keys("quarantine") == set()


def test_late_delete_leaves_the_copy_of_a_newer_version(stack: MotoStack) -> None:
    withhold(stack, shade=1)
    marker = delete(stack, KEY)
    newer = withhold(stack, shade=200)
    assert stack.deliver(marker)
    assert copies(stack) == {copy_of(newer)}
    assert stack.record(KEY, newer).status is Status.BLOCKED


def test_events_of_our_own_move_remove_nothing_however_late_and_often_they_come(stack: MotoStack) -> None:
    event = withhold(stack)
    moved = stack.event("ObjectRemoved:Delete", KEY, version_of(event))
    blocked = stack.record(KEY, event)
    for _ in range(3):
        stack.clock.now += 20 * 86_400
        assert stack.deliver(moved)
    assert stack.record(KEY, event) == blocked
    assert copies(stack) == {copy_of(event)}
    for key in stack.keys("quarantine"):  # as its lifecycle does
        stack.clients.s3.delete_object(Bucket="quarantine", Key=key)
    assert stack.deliver(moved)
    assert stack.record(KEY, event) == blocked


def test_event_of_our_own_move_leaves_a_move_that_was_cut_off(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.rekognition.labels = WEAPON
    event = stack.upload(KEY, draw((1, 2, 3)))
    kill_at(monkeypatch, Records, "commit")
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += LEASE_OVER
    assert stack.deliver(stack.event("ObjectRemoved:Delete", KEY, version_of(event)))
    assert stack.record(KEY, event).status is Status.PROCESSING
    settle(stack, event)
    assert stack.record(KEY, event).status is Status.BLOCKED
    assert copies(stack) == {copy_of(event)}


@pytest.mark.parametrize("upload_first", [True, False])
def test_version_that_a_person_deletes_before_its_move_ends_as_deleted(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch, upload_first: bool
) -> None:
    stack.rekognition.labels = WEAPON
    event = stack.upload(KEY, draw((1, 2, 3)))
    kill_at(monkeypatch, Storage, "quarantine")
    with pytest.raises(KILLED):
        stack.deliver(event)
    removed = delete_version(stack, KEY, version_of(event))
    if upload_first:
        assert not stack.deliver(event), "the event of the delete says why the original is gone"
    settle(stack, removed)
    settle(stack, event)
    assert stack.record(KEY, event).status is Status.DELETED
    assert stack.keys("quarantine") == set()
    assert [each["status"] for each in stack.announcements()] == ["DELETED"]


def test_version_that_is_deleted_during_its_move_waits_for_the_move(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.rekognition.labels = WEAPON
    event = stack.upload(KEY, draw((1, 2, 3)))
    copied = stack.clients.s3.copy_object

    def copy_after_the_delete(**request: Any) -> Any:
        stack.clients.s3.delete_object(Bucket="uploads", Key=KEY, VersionId=version_of(event))
        removed = stack.event("ObjectRemoved:Delete", KEY, version_of(event))
        assert not stack.deliver(removed), "an invocation holds the record"
        return copied(**request)

    monkeypatch.setattr(stack.clients.s3, "copy_object", copy_after_the_delete)
    settle(stack, event)
    assert stack.record(KEY, event).status is Status.DELETED


def test_key_that_is_deleted_during_a_move_leaves_no_copy(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.rekognition.labels = WEAPON
    event = stack.upload(KEY, draw((1, 2, 3)))
    kill_at(monkeypatch, Records, "commit")
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += LEASE_OVER
    assert stack.deliver(delete(stack, KEY))
    settle(stack, event)
    assert stack.record(KEY, event).status is Status.DELETED
    assert stack.keys("quarantine") == set()
    assert stack.keys("uploads") == set()


def test_delete_that_is_cut_off_after_the_record_says_so_still_removes_the_copy(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = withhold(stack)
    marker = delete(stack, KEY)
    kill_at(monkeypatch, Outcomes, "_remove")
    with pytest.raises(KILLED):
        stack.deliver(marker)
    settle(stack, marker)
    kill_at(monkeypatch, Records, "delete", after=True)
    second = withhold(stack, shade=200)
    marker = delete(stack, KEY)
    with pytest.raises(KILLED):
        stack.deliver(marker)
    assert stack.record(KEY, second).status is Status.DELETED
    settle(stack, marker)
    assert stack.keys("quarantine") == set()
    assert stack.record(KEY, event).announced
    assert stack.record(KEY, second).announced


def test_removed_delete_marker_brings_nothing_back_from_quarantine(stack: MotoStack) -> None:
    event = withhold(stack)
    marker = delete(stack, KEY)
    assert stack.deliver(marker)
    settle(stack, delete_version(stack, KEY, version_of(marker)))
    assert stack.record(KEY, event).status is Status.DELETED
    assert stack.keys("renditions") == set()


def test_dead_letter_of_a_delete_removes_copies_as_well(stack: MotoStack) -> None:
    event = withhold(stack)
    assert stack.dead_letter(delete(stack, KEY))
    assert stack.record(KEY, event).status is Status.DELETED
    assert stack.keys("quarantine") == set()


def test_copy_that_a_later_null_version_shares_outlives_the_delete_of_the_earlier_one(
    stack: MotoStack,
) -> None:
    suspend_versioning(stack)
    stack.rekognition.labels = WEAPON
    first = upload_null_version(stack, KEY, draw((1, 2, 3)))
    assert stack.deliver(first)
    marker = delete(stack, KEY)
    again = upload_null_version(stack, KEY, draw((1, 2, 3)))
    assert stack.deliver(again)
    assert stack.deliver(marker)
    assert len(copies(stack)) == 1
    statuses = [record.status for record in stack.records.history(KEY)]
    assert statuses == [Status.BLOCKED, Status.DELETED, Status.DELETED]


def test_delete_of_what_a_person_approved_leaves_nothing(stack: MotoStack) -> None:
    event = withhold(stack, FIGHT)
    assert stack.deliver(decide(stack, KEY, event))
    assert stack.record(KEY, event).status is Status.PUBLISHED
    assert stack.deliver(delete(stack, KEY))
    assert stack.record(KEY, event).status is Status.DELETED
    assert stack.keys("renditions") == stack.keys("quarantine") == set()


def test_late_event_of_the_move_leaves_what_a_person_approved_since(stack: MotoStack) -> None:
    event = withhold(stack, FIGHT)
    assert stack.deliver(decide(stack, KEY, event))
    published = stack.record(KEY, event)
    stack.clients.s3.delete_object(Bucket="quarantine", Key=copy_of(event))
    assert stack.deliver(stack.event("ObjectRemoved:Delete", KEY, version_of(event)))
    assert stack.record(KEY, event) == published
    assert stack.keys("renditions") == published.rendition_keys


def test_key_that_is_deleted_while_an_approval_is_cut_off_leaves_nothing(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = withhold(stack, FIGHT)
    approval = decide(stack, KEY, event)
    kill_at(monkeypatch, Records, "commit")
    with pytest.raises(KILLED):
        stack.deliver(approval)
    assert stack.keys("renditions")
    marker = delete(stack, KEY)
    assert not stack.deliver(marker), "an invocation holds the record"
    stack.clock.now += LEASE_OVER
    assert stack.deliver(marker)
    assert stack.deliver(approval)
    assert stack.record(KEY, event).status is Status.DELETED
    assert stack.keys("renditions") == stack.keys("quarantine") == set()
