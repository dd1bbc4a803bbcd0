"""Deletes, dead letters, and messages that are about no object of ours."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from media_pipeline.events import parse_message
from media_pipeline.processing.processor import SETTLING_SECONDS
from media_pipeline.records.record import LOOKS, Status
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, draw, kill_at


def test_original_that_is_gone_without_a_tombstone_fails_once_it_would_be_visible(
    stack: MotoStack, picture: bytes
) -> None:
    event = stack.upload("a.jpg", picture)
    stack.clients.s3.delete_object(
        Bucket="uploads", Key="a.jpg", VersionId=event["s3"]["object"]["versionId"]
    )
    assert not stack.deliver(event), "a new version may answer 404 for 15 minutes"
    stack.clock.now += SETTLING_SECONDS - 1
    assert not stack.deliver(event)
    stack.clock.now += LEASE_OVER
    assert stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.attributes["reason"]) == (Status.FAILED, "original_gone")


def test_delete_marker_removes_the_renditions_of_every_older_version(stack: MotoStack) -> None:
    events = [stack.upload("a.jpg", draw((shade, 0, 0))) for shade in (10, 120)]
    for event in events:
        assert stack.deliver(event)
    assert stack.keys("renditions")
    marker = stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg")["VersionId"]
    event = stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", marker)
    assert stack.deliver(event)
    assert stack.keys("renditions") == set()
    assert stack.record("a.jpg", event).status is Status.DELETED
    assert [announcement["status"] for announcement in stack.announcements()][-1] == "DELETED"


def test_delete_marker_waits_for_an_older_version_that_is_worked_on(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.s3, "put_object", after=True)
    with pytest.raises(KILLED):
        stack.deliver(event)
    marker = stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "m1")
    assert not stack.deliver(marker)
    assert stack.announcements() == []
    stack.clock.now += LEASE_OVER
    assert stack.deliver(marker)
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.SUPERSEDED
    assert stack.keys("renditions") == set()


def test_late_upload_event_cannot_resurrect_a_deleted_key(stack: MotoStack, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    marker = stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "m1")
    assert stack.deliver(marker)
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.SUPERSEDED
    assert stack.keys("renditions") == set()


def test_deleted_version_takes_its_renditions_along_and_no_other(stack: MotoStack) -> None:
    red, blue = (stack.upload("a.jpg", draw(colour)) for colour in ((250, 0, 0), (0, 0, 250)))
    assert stack.deliver(red)
    assert stack.deliver(blue)
    version = red["s3"]["object"]["versionId"]
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", version))
    assert stack.record("a.jpg", red).status is Status.DELETED
    assert stack.keys("renditions") == stack.record("a.jpg", blue).rendition_keys


def test_deletion_of_an_unknown_or_blocked_version_is_acknowledged_without_a_change(
    stack: MotoStack, picture: bytes
) -> None:
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "never.jpg", "v"))
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.jpg", picture)
    stack.deliver(event)
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", event["s3"]["object"]["versionId"]))
    assert stack.record("a.jpg", event).status is Status.BLOCKED


def test_what_deleted_pictures_looked_like_is_neither_kept_nor_announced(
    stack: MotoStack, picture: bytes
) -> None:
    event = stack.upload("a.jpg", picture)
    assert stack.deliver(event)
    assert set(LOOKS) <= stack.record("a.jpg", event).attributes.keys()
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", event["s3"]["object"]["versionId"]))
    assert set(LOOKS).isdisjoint(stack.record("a.jpg", event).attributes)
    *_, announcement = stack.announcements()
    assert announcement["status"] == "DELETED"
    assert set(LOOKS).isdisjoint(announcement)


def test_an_outcome_that_was_not_announced_is_announced_before_it_is_overwritten(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.sns, "publish")
    with pytest.raises(KILLED):
        stack.deliver(event)
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", event["s3"]["object"]["versionId"]))
    assert [announcement["status"] for announcement in stack.announcements()] == ["PUBLISHED", "DELETED"]


def test_the_event_of_our_own_move_to_quarantine_leaves_the_alert_to_the_upload(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.jpg", picture)
    with monkeypatch.context() as between_commit_and_announcement:
        kill_at(between_commit_and_announcement, stack.clients.sns, "publish")
        with pytest.raises(KILLED):
            stack.deliver(event)
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", event["s3"]["object"]["versionId"]))
    assert stack.announcements() == []
    assert stack.deliver(event)
    assert [announcement["status"] for announcement in stack.announcements()] == ["BLOCKED"]


def test_s3_test_event_folders_and_foreign_buckets_leave_no_record(stack: MotoStack, picture: bytes) -> None:
    assert stack.deliver_body(
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"})
    )
    assert stack.deliver(stack.upload("folder/", b""))
    foreign = stack.upload("a.jpg", picture)
    foreign["s3"]["bucket"]["name"] = "renditions"
    assert stack.deliver(foreign)
    assert stack.clients.dynamodb.scan(TableName="records")["Items"] == []


def test_deletion_of_a_folder_leaves_no_record_either(stack: MotoStack) -> None:
    stack.upload("folder/", b"")
    marker = stack.clients.s3.delete_object(Bucket="uploads", Key="folder/")["VersionId"]
    assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "folder/", marker))
    assert stack.clients.dynamodb.scan(TableName="records")["Items"] == []
    assert stack.announcements() == []


def test_picture_whose_key_ends_in_a_slash_is_published_and_taken_down(
    stack: MotoStack, picture: bytes
) -> None:
    event = stack.upload("dir/photo.jpg/", picture)
    assert stack.deliver(event)
    assert stack.record("dir/photo.jpg/", event).status is Status.PUBLISHED
    marker = stack.clients.s3.delete_object(Bucket="uploads", Key="dir/photo.jpg/")["VersionId"]
    assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "dir/photo.jpg/", marker))
    assert stack.keys("renditions") == set()
    assert [announcement["status"] for announcement in stack.announcements()] == ["PUBLISHED", "DELETED"]


def test_picture_whose_key_ends_in_a_slash_stays_down_if_its_deletion_is_known_first(
    stack: MotoStack, picture: bytes
) -> None:
    late = stack.upload("dir/photo.jpg/", picture)
    marker = stack.clients.s3.delete_object(Bucket="uploads", Key="dir/photo.jpg/")["VersionId"]
    assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "dir/photo.jpg/", marker))
    assert stack.deliver(late)
    assert stack.record("dir/photo.jpg/", late).status is Status.SUPERSEDED
    assert stack.keys("renditions") == set()


def test_message_that_is_no_event_goes_on_to_the_dead_letters_which_count_it(
    stack: MotoStack, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert not stack.deliver_body("hello")
    assert stack.dead_letter(body="hello")
    assert '"UnknownMessages"' in capsys.readouterr().out
    assert [vars(line)["body"] for line in caplog.records if line.levelname == "ERROR"] == ["hello"]


def test_the_log_names_the_object_of_each_message_that_is_handed_back(
    stack: MotoStack, picture: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "DetectModerationLabels")
    stack.rekognition.error = denied
    assert not stack.deliver(stack.upload("in/a b.jpg", picture))
    (line,) = [line for line in caplog.records if line.levelname == "WARNING"]
    assert (vars(line)["object_key"], line.exc_info and line.exc_info[1]) == ("in/a b.jpg", denied)


def test_the_log_of_a_message_with_two_failed_objects_names_the_one_whose_error_it_shows(
    stack: MotoStack, picture: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "DetectModerationLabels")
    stack.rekognition.error = denied
    first, second = stack.upload("first.jpg", picture), stack.upload("second.jpg", picture)
    stack.records.claim(_as_event(second), owner="other", lease_seconds=60)
    assert not stack.deliver(first, second)
    (line,) = [line for line in caplog.records if line.levelname == "WARNING"]
    assert (vars(line)["object_key"], line.exc_info and line.exc_info[1]) == ("first.jpg", denied)


def test_dead_letter_of_an_open_upload_becomes_failed_and_redrivable(
    stack: MotoStack, picture: bytes
) -> None:
    event = stack.upload("a.jpg", picture)
    assert stack.dead_letter(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.attributes["reason"]) == (Status.FAILED, "retries_exhausted")
    assert record.announced
    redrive = {**event, "eventSource": "media-pipeline:redrive", "redrive": {"attempt": record.attempt}}
    assert stack.deliver(redrive)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED


def test_failure_that_was_not_announced_is_announced_before_a_redrive_overwrites_it(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.sns, "publish")
    with pytest.raises(KILLED):
        stack.dead_letter(event)
    record = stack.record("a.jpg", event)
    redrive = {**event, "eventSource": "media-pipeline:redrive", "redrive": {"attempt": record.attempt}}
    assert stack.deliver(redrive)
    assert [announcement["status"] for announcement in stack.announcements()] == ["FAILED", "PUBLISHED"]


def test_dead_letters_carry_deletes_out(stack: MotoStack, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    stack.deliver(event)
    marker = stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "m1")
    assert stack.dead_letter(marker)
    assert stack.record("a.jpg", marker).status is Status.DELETED
    assert stack.keys("renditions") == set()


def test_one_bad_record_in_a_message_does_not_stop_its_neighbours(stack: MotoStack, picture: bytes) -> None:
    gone = stack.upload("gone.jpg", picture)
    fine = stack.upload("fine.jpg", picture)
    stack.records.claim(_as_event(gone), owner="other", lease_seconds=60)
    assert not stack.deliver(gone, fine)
    assert stack.record("fine.jpg", fine).status is Status.PUBLISHED


def test_message_that_meets_a_lease_returns_once_it_is_over_and_not_within_its_last_second(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    stack.records.claim(_as_event(event), owner="other", lease_seconds=60)
    stack.clock.now += 0.5
    hidden: list[int] = []
    monkeypatch.setattr(
        stack.clients.sqs,
        "change_message_visibility",
        lambda **request: hidden.append(request["VisibilityTimeout"]),
    )
    assert not stack.deliver(event)
    left = stack.record("a.jpg", event).lease_left(stack.clock.now)
    (seconds,) = hidden
    assert left <= seconds < left + 1


def _as_event(record: dict[str, Any]) -> Any:
    return parse_message(json.dumps({"Records": [record]}))[0]
