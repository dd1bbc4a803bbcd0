"""The processing of an object through the function's entry point: messages in, buckets and records out."""

import dataclasses
import hashlib
import io
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from PIL import Image

from media_pipeline.moderation.policy import Policy
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.records.record import Status
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import WEAPON, big, draw, draw_noise


def test_allowed_picture_is_published_recorded_and_announced(stack: MotoStack, picture: bytes) -> None:
    event = stack.upload("a b/ü.jpg", picture)
    assert stack.deliver(event)
    record = stack.record("a b/ü.jpg", event)
    assert record.status is Status.PUBLISHED
    assert record.announced
    assert [(item["name"], item["width"], item["height"]) for item in record.renditions] == [
        ("medium", 200, 133),
        ("thumbnail", 50, 33),
    ]
    assert stack.keys("renditions") == record.rendition_keys
    facts = record.attributes
    assert (facts["content_type"], facts["width"], facts["height"]) == ("image/jpeg", 300, 200)
    assert facts["sha256"] == hashlib.sha256(picture).hexdigest()
    assert facts["moderation"]["verdict"] == "allow"
    assert facts["milliseconds"]["total"] >= facts["milliseconds"]["render"] > 0
    (announcement,) = stack.announcements()
    assert (announcement["object_key"], announcement["status"], announcement["alert_id"]) == (
        "a b/ü.jpg",
        "PUBLISHED",
        record.alert_id,
    )


def test_rendition_carries_type_cache_control_and_its_origin(stack: MotoStack, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    stack.deliver(event)
    entry = stack.record("a.jpg", event).renditions[0]
    head = stack.clients.s3.head_object(Bucket="renditions", Key=entry["key"])
    assert head["ContentType"] == "image/jpeg"
    assert head["CacheControl"] == "public, max-age=31536000, immutable"
    assert head["ContentLength"] == entry["bytes"]
    tags = stack.clients.s3.get_object_tagging(Bucket="renditions", Key=entry["key"])["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == head["Metadata"]
    assert head["Metadata"]["source-version"] == event["s3"]["object"]["versionId"]
    assert head["Metadata"]["source-key-sha256"] == hashlib.sha256(b"a.jpg").hexdigest()
    assert (head["Metadata"]["status"], head["Metadata"]["stack"]) == ("PUBLISHED", "test")
    version = event["s3"]["object"]["versionId"]
    body = stack.clients.s3.get_object(Bucket="renditions", Key=entry["key"])["Body"].read()
    assert entry["key"] == f"a.jpg/{version}/medium-{hashlib.sha256(body).hexdigest()[:8]}.jpg"


@pytest.mark.parametrize(
    ("labels", "status", "reason"),
    [
        (WEAPON, Status.BLOCKED, "policy_block"),
        ([("Violence", "", 60.0), ("Weapons", "Violence", 60.0)], Status.REVIEW, "policy_review"),
    ],
)
def test_withheld_picture_is_moved_to_quarantine_and_publishes_nothing(
    stack: MotoStack, picture: bytes, labels: Any, status: Status, reason: str
) -> None:
    stack.rekognition.labels = labels
    event = stack.upload("a.jpg", picture)
    assert stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.attributes["reason"]) == (status, reason)
    assert stack.keys("renditions") == set()
    assert stack.keys("uploads") == set()
    version = event["s3"]["object"]["versionId"]
    moved = stack.clients.s3.get_object(Bucket="quarantine", Key=f"a.jpg/{version}")["Body"].read()
    assert moved == picture
    assert [announcement["status"] for announcement in stack.announcements()] == [status.value]


def test_observe_publishes_and_records_the_verdict(stack: MotoStack, picture: bytes) -> None:
    stack.settings = dataclasses.replace(
        stack.settings, policy=Policy.parse({"mode": "observe", "block": {"Weapons": 90}})
    )
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.jpg", picture)
    stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert record.status is Status.PUBLISHED
    assert record.moderation is not None
    assert record.moderation.verdict is Verdict.BLOCK


def test_moderation_off_does_not_call_rekognition(stack: MotoStack, picture: bytes) -> None:
    stack.settings = dataclasses.replace(stack.settings, policy=Policy.parse({"mode": "off"}))
    event = stack.upload("a.jpg", picture)
    stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert record.moderation is not None
    assert (record.status, record.moderation.verdict) == (Status.PUBLISHED, Verdict.OFF)
    assert stack.rekognition.calls == []


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.jpg", b"", "empty"),
        ("text.jpg", b"this is no picture at all\n" * 20, "unsupported_type"),
        (
            "drawing.svg",
            b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9"/></svg>',
            "unsupported_type",
        ),
        ("cut.jpg", draw_noise(300, 200)[:9000], "corrupt"),
        ("wide.jpg", big(), "too_many_pixels"),
        ("heavy.jpg", draw_noise(900, 900) + b"\0" * 1_000_000, "too_large"),
        ("film.mp4", b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + b"\0" * 64, "video_disabled"),
    ],
)
def test_what_can_never_be_processed_is_rejected_with_its_reason(
    stack: MotoStack, name: str, data: bytes, reason: str
) -> None:
    event = stack.upload(name, data)
    assert stack.deliver(event)
    record = stack.record(name, event)
    assert (record.status, record.attributes["reason"]) == (Status.REJECTED, reason)
    assert record.attributes["detail"]
    assert stack.keys("renditions") == set()
    assert [announcement["reason"] for announcement in stack.announcements()] == [reason]
    assert stack.rekognition.calls == []


def test_key_without_room_for_its_renditions_keys_is_rejected(stack: MotoStack, picture: bytes) -> None:
    key = "k" * 1000 + ".jpg"
    event = stack.upload(key, picture)
    assert stack.deliver(event)
    assert stack.record(key, event).attributes["reason"] == "key_too_long"


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError", "AccessDenied"],
)
def test_failing_moderation_publishes_nothing_and_the_message_comes_back(
    stack: MotoStack, picture: bytes, code: str
) -> None:
    event = stack.upload("a.jpg", picture)
    stack.rekognition.error = ClientError({"Error": {"Code": code, "Message": ""}}, "DetectModerationLabels")
    for _ in range(6):
        assert not stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.owner, record.unfinished) == (Status.PROCESSING, None, 0)
    assert stack.keys("renditions") == set()
    stack.rekognition.error = None
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED


@pytest.mark.parametrize(
    "code", ["InvalidImageFormatException", "ImageTooLargeException", "InvalidParameterException"]
)
def test_a_proxy_that_rekognition_refuses_is_a_failure(stack: MotoStack, picture: bytes, code: str) -> None:
    event = stack.upload("a.jpg", picture)
    stack.rekognition.error = ClientError({"Error": {"Code": code, "Message": ""}}, "DetectModerationLabels")
    assert stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.attributes["reason"]) == (Status.FAILED, "proxy_refused")
    assert record.attributes["attention"] == "FAILED"


def test_unreachable_service_is_transient(stack: MotoStack, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    stack.rekognition.error = EndpointConnectionError(endpoint_url="x")
    assert not stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.PROCESSING


def test_duplicates_change_nothing_and_are_acknowledged(stack: MotoStack, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    stack.deliver(event)
    first = stack.record("a.jpg", event)
    assert stack.deliver(event)
    assert stack.deliver(event, event)
    assert stack.record("a.jpg", event) == first
    assert len(stack.rekognition.calls) == 1
    assert len(stack.announcements()) == 1


def test_older_version_whose_turn_comes_late_is_superseded(stack: MotoStack, picture: bytes) -> None:
    old = stack.upload("a.jpg", draw((10, 20, 30)))
    new = stack.upload("a.jpg", picture)
    assert stack.deliver(new)
    assert stack.deliver(old)
    assert stack.record("a.jpg", old).status is Status.SUPERSEDED
    assert stack.record("a.jpg", new).status is Status.PUBLISHED
    assert stack.keys("renditions") == stack.record("a.jpg", new).rendition_keys


def test_each_version_is_made_of_its_own_bytes(stack: MotoStack) -> None:
    red = stack.upload("a.jpg", draw((250, 0, 0)))
    blue = stack.upload("a.jpg", draw((0, 0, 250)))
    assert stack.deliver(red)
    assert stack.deliver(blue)
    for event, channel in ((red, 0), (blue, 2)):
        entry = stack.record("a.jpg", event).renditions[0]
        body = stack.clients.s3.get_object(Bucket="renditions", Key=entry["key"])["Body"].read()
        pixel = Image.open(io.BytesIO(body)).getpixel((5, 5))
        assert isinstance(pixel, tuple)
        assert pixel[channel] > 240
