"""Deletes, undeletes and late events: one record for each version, whatever order they come in and what expired."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from media_pipeline.api.appeals import Appeals
from media_pipeline.api.images import Images
from media_pipeline.api.originals import Originals
from media_pipeline.processing.processor import SETTLING_SECONDS
from media_pipeline.processing.verdicts import Verdicts
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Status
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import LEASE_OVER, WEAPON, draw, settle

DAY = 86_400
ID = "x" * 32


def keeping(stack: MotoStack, days: int) -> None:
    stack.settings = dataclasses.replace(stack.settings, records_retention_days=days)


def expire(stack: MotoStack, key: str, sequencer: str) -> None:
    """Remove an item, as DynamoDB does once it is past `expires_at`."""
    stack.clients.dynamodb.delete_item(
        TableName="records", Key={"object_key": {"S": key}, "sequencer": {"S": sequencer}}
    )


def delete(stack: MotoStack, key: str) -> dict[str, Any]:
    marker = stack.clients.s3.delete_object(Bucket="uploads", Key=key)
    return stack.event("ObjectRemoved:DeleteMarkerCreated", key, marker["VersionId"])


def delete_version(stack: MotoStack, key: str, version: str) -> dict[str, Any]:
    """Delete a version, or a delete marker, when no invocation can still work on what was delivered before."""
    stack.clock.now += LEASE_OVER
    stack.clients.s3.delete_object(Bucket="uploads", Key=key, VersionId=version)
    return stack.event("ObjectRemoved:Delete", key, version)


def version_of(event: dict[str, Any]) -> str:
    version: str = event["s3"]["object"]["versionId"]
    return version


def without_sequencer(event: dict[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(event))
    del copied["s3"]["object"]["sequencer"]
    return copied


def shown(
    stack: MotoStack, key: str, *, address_of: Callable[[str], str] | None = None
) -> dict[str, Any] | None:
    dynamodb, clock = stack.clients.dynamodb, stack.clock
    images = Images(
        originals=Originals(s3=stack.clients.s3, bucket="uploads", without_retries=stack.clients.s3),
        records=stack.records,
        appeals=Appeals(
            items=ItemTable(dynamodb=dynamodb, table="records", clock=clock), days=0, clock=clock
        ),
        s3=stack.clients.s3,
        renditions="renditions",
        clock=clock,
        address_of=address_of,
    )
    return images.describe(ID, key)


@pytest.mark.parametrize("by", ["marker", "version"])
def test_renditions_go_with_a_delete_although_their_record_is_gone(stack: MotoStack, by: str) -> None:
    event, other = stack.upload("a.jpg", draw((1, 2, 3))), stack.upload("a.jpg/b.jpg", draw((4, 5, 6)))
    assert stack.deliver(event)
    assert stack.deliver(other)
    expire(stack, "a.jpg", stack.record("a.jpg", event).sequencer)
    gone = delete(stack, "a.jpg") if by == "marker" else delete_version(stack, "a.jpg", version_of(event))
    assert stack.deliver(gone)
    left = stack.keys("renditions")
    assert left == stack.record("a.jpg/b.jpg", other).rendition_keys, "a longer key has its own renditions"


def test_late_delete_marker_leaves_the_renditions_of_a_newer_version(stack: MotoStack) -> None:
    assert stack.deliver(stack.upload("a.jpg", draw((1, 2, 3))))
    marker = delete(stack, "a.jpg")
    newer = stack.upload("a.jpg", draw((4, 5, 6)))
    assert stack.deliver(newer)
    assert stack.deliver(marker)
    assert stack.keys("renditions") == stack.record("a.jpg", newer).rendition_keys


@pytest.mark.parametrize("newer", [Status.BLOCKED, Status.DELETED, Status.PUBLISHED])
def test_replaced_version_stays_hidden_although_the_newer_record_expired_first(
    stack: MotoStack, newer: Status
) -> None:
    keeping(stack, 30)
    assert stack.deliver(stack.upload("a.jpg", draw((1, 2, 3))))
    if newer is Status.DELETED:
        second = delete(stack, "a.jpg")
    else:
        stack.rekognition.labels = WEAPON if newer is Status.BLOCKED else []
        second = stack.upload("a.jpg", draw((200, 2, 3)))
    assert stack.deliver(second)
    newest = stack.records.newest("a.jpg")
    assert newest is not None
    assert newest.status is newer
    expire(stack, "a.jpg", newest.sequencer)
    answer = shown(stack, "a.jpg")
    assert answer is None or answer["renditions"] == []


def test_late_upload_is_superseded_although_its_tombstone_is_gone(stack: MotoStack) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(delete(stack, "a.jpg"))
    tombstone = stack.records.newest("a.jpg")
    assert tombstone is not None
    stack.clock.now += 2 * DAY
    expire(stack, "a.jpg", tombstone.sequencer)
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.SUPERSEDED
    assert stack.keys("renditions") == set()


@pytest.mark.parametrize("first_without", [True, False])
def test_version_has_one_record_whichever_of_its_events_has_no_sequencer(
    stack: MotoStack, first_without: bool
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    events = [without_sequencer(event), event]
    for each in events if first_without else reversed(events):
        assert stack.deliver(each)
    assert [record.status for record in stack.records.history("a.jpg")] == [Status.PUBLISHED]
    assert len(stack.announcements()) == 1
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(event)))
    assert [record.status for record in stack.records.history("a.jpg")] == [Status.DELETED]


def test_removed_delete_marker_brings_the_version_back(stack: MotoStack) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    marker = delete(stack, "a.jpg")
    assert stack.deliver(marker)
    assert stack.keys("renditions") == set()
    removed = delete_version(stack, "a.jpg", version_of(marker))
    assert stack.deliver(removed)
    restored = stack.record("a.jpg", event)
    assert (restored.status, restored.attempt) == (Status.PUBLISHED, 2)
    assert stack.keys("renditions") == restored.rendition_keys
    answer = shown(stack, "a.jpg")
    assert answer is not None
    assert answer["status"] == "PUBLISHED"
    assert [each["status"] for each in stack.announcements()] == ["PUBLISHED", "DELETED", "PUBLISHED"]
    for late in (removed, marker, event):
        assert stack.deliver(late)
    assert stack.record("a.jpg", event) == restored
    assert stack.keys("renditions") == restored.rendition_keys


def test_event_of_what_was_rejected_and_deleted_alerts_nobody_where_its_record_has_expired(
    stack: MotoStack,
) -> None:
    event = stack.upload("a.jpg", b"")
    assert stack.deliver(event)
    rejected = stack.record("a.jpg", event)
    assert rejected.status is Status.REJECTED
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(event)))
    expire(stack, "a.jpg", rejected.sequencer)
    stack.clock.now += SETTLING_SECONDS
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.DELETED


def test_version_of_unknown_order_that_is_gone_does_not_hide_what_replaced_it(stack: MotoStack) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(event)))
    newer = stack.upload("a.jpg", draw((4, 5, 6)))
    assert stack.deliver(newer)
    assert stack.deliver({**without_sequencer(event), "eventTime": "2026-01-01T00:00:00.000Z"})
    statuses = {record.version: record.status for record in stack.records.history("a.jpg")}
    assert statuses == {version_of(event): Status.SUPERSEDED, version_of(newer): Status.PUBLISHED}
    answer = shown(stack, "a.jpg")
    assert answer is not None
    assert answer["renditions"]


def test_version_that_was_deleted_before_its_upload_was_seen_ends_as_deleted(stack: MotoStack) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(delete_version(stack, "a.jpg", version_of(event)))
    assert shown(stack, "a.jpg") is None
    settle(stack, event)
    record = stack.record("a.jpg", event)
    assert record.status is Status.DELETED
    assert "attention" not in record.attributes


def test_redrive_of_what_is_still_gone_alerts_nobody_again(stack: MotoStack) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg", VersionId=version_of(event))
    assert not stack.deliver(event)
    stack.clock.now += SETTLING_SECONDS
    settle(stack, event)
    failed = stack.record("a.jpg", event)
    assert failed.attributes["reason"] == "original_gone"
    for _ in range(2):
        redrive = {"eventSource": "media-pipeline:redrive", "redrive": {"attempt": failed.attempt}}
        settle(stack, {**event, **redrive})
    assert stack.record("a.jpg", event) == failed
    assert len(stack.announcements()) == 1


def test_version_that_is_restored_while_its_own_event_comes_has_one_record_in_its_place(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    marker = delete(stack, "a.jpg")
    assert stack.deliver(marker)
    removed = delete_version(stack, "a.jpg", version_of(marker))
    judge: Any = vars(Verdicts)["_judge"]
    late = [event]

    def judge_while_it_comes(*args: Any, **how: Any) -> Any:
        if late:
            assert stack.deliver(late.pop())
        return judge(*args, **how)

    monkeypatch.setattr(Verdicts, "_judge", judge_while_it_comes)
    settle(stack, removed)
    statuses = [record.status for record in stack.records.history("a.jpg") if not record.is_tombstone]
    assert statuses == [Status.PUBLISHED]
    assert stack.record("a.jpg", event).status is Status.PUBLISHED
    assert [each["status"] for each in stack.announcements()] == ["DELETED", "PUBLISHED"]


def test_removal_of_a_delete_marker_that_comes_twice_restores_what_the_marker_had_hidden_alone(
    stack: MotoStack,
) -> None:
    first = stack.upload("a.jpg", draw((1, 2, 3)))
    marker = delete(stack, "a.jpg")
    removed = delete_version(stack, "a.jpg", version_of(marker))
    assert stack.deliver(first)
    assert stack.deliver(marker)
    stack.clock.now += LEASE_OVER
    assert stack.deliver(removed)
    second = stack.upload("a.jpg", draw((200, 2, 3)))
    assert stack.deliver(removed)
    assert [record.version for record in stack.records.history("a.jpg") if not record.is_tombstone] == [
        version_of(first)
    ]
    assert stack.deliver(second)
    assert [record.version for record in stack.records.history("a.jpg")] == [
        version_of(event) for event in (second, marker, first)
    ]


def test_late_removal_of_a_delete_marker_leaves_what_was_put_since_to_its_own_event(stack: MotoStack) -> None:
    first = stack.upload("a.jpg", draw((1, 2, 3)))
    marker = delete(stack, "a.jpg")
    removed = delete_version(stack, "a.jpg", version_of(marker))
    removed["eventTime"] = "2020-01-01T00:00:00.000Z"
    second = stack.upload("a.jpg", draw((200, 2, 3)))
    assert stack.deliver(first)
    assert stack.deliver(marker)
    stack.clock.now += LEASE_OVER
    assert stack.deliver(removed)
    assert stack.deliver(second)
    published = stack.record("a.jpg", second)
    assert published.status is Status.PUBLISHED
    assert published.sequencer.startswith(second["s3"]["object"]["sequencer"].upper())


def test_late_event_of_an_older_version_leaves_a_current_one_without_a_sequencer(stack: MotoStack) -> None:
    keeping(stack, 7)
    assert stack.deliver(stack.upload("a.jpg", draw((1, 2, 3))))
    older = stack.upload("a.jpg", draw((230, 20, 20)))
    current = stack.upload("a.jpg", draw((90, 20, 200)))
    assert stack.deliver(without_sequencer(current))
    assert stack.deliver(older)
    assert stack.record("a.jpg", older).status is Status.SUPERSEDED
    followed_by = {record.version: record.followed_by for record in stack.records.history("a.jpg")}
    assert followed_by[version_of(current)] is None
