"""Null versions: what a bucket holds while its versioning is suspended, where one id names many versions in turn."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from media_pipeline.records.record import Status
from media_pipeline.records.table import Records
from media_pipeline.storage import Storage
from tests.faults.moto_versions import fit_versions
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, draw, kill_at, settle
from tests.unit.processing.test_versions_and_deletes import delete_version, expire


def suspend_versioning(stack: MotoStack) -> None:
    stack.clients.s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Suspended"})


def upload_null_version(stack: MotoStack, key: str, data: bytes) -> dict[str, Any]:
    answer = stack.clients.s3.put_object(Bucket="uploads", Key=key, Body=data)
    return stack.event("ObjectCreated:Put", key, "null", answer["ETag"], len(data))


def upload_null_version_in_parts(stack: MotoStack, key: str, data: bytes) -> dict[str, Any]:
    s3, target = stack.clients.s3, {"Bucket": "uploads", "Key": key}
    upload = s3.create_multipart_upload(**target)["UploadId"]  # type: ignore[arg-type]
    part = s3.upload_part(**target, UploadId=upload, PartNumber=1, Body=data)  # type: ignore[arg-type]
    parts: Any = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    answer = s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload=parts)  # type: ignore[arg-type]
    return stack.event("ObjectCreated:CompleteMultipartUpload", key, "null", answer["ETag"], len(data))


def test_null_version_is_not_published_on_the_verdict_about_an_earlier_one(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspend_versioning(stack)
    first = upload_null_version(stack, "a.jpg", draw((10, 200, 20)))
    kill_at(monkeypatch, Storage, "put_rendition")
    with pytest.raises(KILLED):
        stack.deliver(first)
    upload_null_version(stack, "a.jpg", draw((230, 20, 20)))
    stack.clock.now += LEASE_OVER
    settle(stack, first)
    assert stack.keys("renditions") == set()


def test_quarantine_of_a_null_version_leaves_the_upload_that_replaced_it(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspend_versioning(stack)
    stack.rekognition.labels = WEAPON
    first = upload_null_version(stack, "a.jpg", draw((230, 20, 20)))
    kill_at(monkeypatch, stack.clients.s3, "delete_object")
    with pytest.raises(KILLED):
        stack.deliver(first)
    stack.rekognition.labels = []
    upload_null_version(stack, "a.jpg", draw((10, 200, 20)))
    stack.clock.now += LEASE_OVER
    settle(stack, first)
    assert stack.record("a.jpg", first).status is Status.BLOCKED
    assert stack.keys("uploads") == {"a.jpg"}


def test_null_version_that_replaces_another_one_has_a_record_of_its_own(stack: MotoStack) -> None:
    suspend_versioning(stack)
    first = upload_null_version(stack, "a.jpg", draw((1, 2, 3)))
    assert stack.deliver(first)
    second = upload_null_version(stack, "a.jpg", draw((200, 2, 3)))
    assert stack.deliver(second)
    records = [stack.record("a.jpg", event) for event in (first, second)]
    assert [record.status for record in records] == [Status.PUBLISHED, Status.PUBLISHED]
    assert records[0].rendition_keys.isdisjoint(records[1].rendition_keys)


def test_null_version_whose_place_a_delete_marker_took_ends_as_deleted_though_the_marker_was_removed(
    stack: MotoStack,
) -> None:
    suspend_versioning(stack)
    event = upload_null_version(stack, "a.jpg", draw((1, 2, 3)))
    stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg", VersionId="null")
    assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "null"))
    assert stack.deliver(delete_version(stack, "a.jpg", "null"))
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.DELETED


def test_null_version_ends_as_deleted_though_the_event_of_an_earlier_ones_delete_comes_last(
    stack: MotoStack,
) -> None:
    suspend_versioning(stack)
    upload_null_version(stack, "a.jpg", draw((1, 2, 3)))
    earlier = delete_version(stack, "a.jpg", "null")
    event = upload_null_version(stack, "a.jpg", draw((200, 2, 3)))
    assert stack.deliver(delete_version(stack, "a.jpg", "null"))
    assert stack.deliver(earlier)
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.DELETED


def test_published_null_version_whose_place_a_delete_marker_took_is_deleted_once_the_marker_is_removed(
    stack: MotoStack,
) -> None:
    suspend_versioning(stack)
    event = upload_null_version(stack, "a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg", VersionId="null")
    assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "null"))
    assert stack.deliver(delete_version(stack, "a.jpg", "null"))
    assert stack.record("a.jpg", event).status is Status.DELETED
    assert stack.keys("renditions") == set()


def test_null_delete_marker_that_was_removed_before_its_own_event_came_hides_nothing(
    stack: MotoStack,
) -> None:
    kept = stack.upload("a.jpg", draw((9, 9, 9)))
    assert stack.deliver(kept)
    suspend_versioning(stack)
    null = upload_null_version(stack, "a.jpg", draw((1, 2, 3)))
    assert stack.deliver(null)
    stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg", VersionId="null")
    marker = stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "null")
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", "null"))
    assert stack.deliver(marker)
    assert stack.record("a.jpg", null).status is Status.DELETED
    assert not any(record.is_tombstone for record in stack.records.history("a.jpg"))


def test_null_version_whose_place_a_delete_marker_took_is_deleted_before_the_event_of_the_marker(
    stack: MotoStack,
) -> None:
    suspend_versioning(stack)
    with ExitStack() as patches:
        for patch in fit_versions():  # moto gives such a marker an id of its own
            patches.enter_context(patch)
        event = upload_null_version(stack, "a.jpg", draw((1, 2, 3)))
        stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg")
        assert stack.deliver(event)
    assert [record.status for record in stack.records.history("a.jpg")] == [Status.DELETED]


@pytest.mark.parametrize("put", [upload_null_version, upload_null_version_in_parts])
def test_renditions_of_a_null_version_go_with_it_although_its_record_is_gone(
    stack: MotoStack, put: Callable[[MotoStack, str, bytes], dict[str, Any]]
) -> None:
    kept = stack.upload("a.jpg", draw((9, 9, 9)))
    assert stack.deliver(kept)
    suspend_versioning(stack)
    null = put(stack, "a.jpg", draw((1, 2, 3)))
    assert stack.deliver(null)
    expire(stack, "a.jpg", stack.record("a.jpg", null).sequencer)
    assert stack.deliver(delete_version(stack, "a.jpg", "null"))
    assert stack.keys("renditions") == stack.record("a.jpg", kept).rendition_keys


def test_pictures_for_reviewers_go_where_a_null_version_is_replaced_before_quarantine_has_a_copy(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspend_versioning(stack)
    stack.rekognition.labels = WEAPON
    with ExitStack() as patches:
        for patch in fit_versions():  # moto copies whatever has the id by now
            patches.enter_context(patch)
        first = upload_null_version(stack, "a.jpg", draw((230, 20, 20)))
        kill_at(monkeypatch, Storage, "quarantine")
        with pytest.raises(KILLED):
            stack.deliver(first)
        assert len(stack.keys("quarantine")) == 1
        upload_null_version(stack, "a.jpg", draw((10, 200, 20)))
        stack.clock.now += LEASE_OVER
        settle(stack, first)
    record = stack.record("a.jpg", first)
    assert record.status is Status.SUPERSEDED
    assert record.attributes["review"] == []
    assert stack.keys("quarantine") == set()


def test_pictures_for_reviewers_stay_that_a_later_null_version_with_the_same_bytes_has(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspend_versioning(stack)
    stack.rekognition.labels = WEAPON
    first = upload_null_version(stack, "a.jpg", draw((230, 20, 20)))
    kill_at(monkeypatch, Records, "begin_decoding")
    with pytest.raises(KILLED):
        stack.deliver(first)
    again = upload_null_version(stack, "a.jpg", draw((230, 20, 20)))
    assert stack.deliver(again)
    kept = stack.keys("quarantine")
    assert len(kept) == 2
    stack.clock.now += LEASE_OVER
    settle(stack, first)
    *_, oldest = stack.records.history("a.jpg")
    assert oldest.status is Status.SUPERSEDED
    assert stack.keys("quarantine") == kept
