"""The story of an object, told through the function's own entrance: messages in, buckets and records out."""

import contextlib
import dataclasses
import hashlib
import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from PIL import Image

import media_pipeline.pipeline as story
from media_pipeline.moderation import Policy
from media_pipeline.record import Status
from media_pipeline.renditions import Size

WEAPON = [("Violence", "", 95.0), ("Weapons", "Violence", 95.0)]
KILLED = KeyboardInterrupt  # as final as SIGKILL: nothing of the function's own clean-up runs


def settle(stack: Any, *events: dict[str, Any], times: int = 3) -> None:
    """Deliver a message until it is acknowledged."""
    for _ in range(times):
        if stack.deliver(*events):
            return
    pytest.fail("the message was never acknowledged")


def kill_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool = False) -> None:
    """Kill the function at its next call of `owner.name`, once."""
    real = getattr(owner, name)

    def killed(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(owner, name, real)
        if after:
            with contextlib.suppress(ClientError):
                real(*args, **kwargs)
        raise KILLED

    monkeypatch.setattr(owner, name, killed)


def test_allowed_picture_is_published_recorded_and_announced(stack: Any, picture: bytes) -> None:
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
    (told,) = stack.announcements()
    assert (told["object_key"], told["status"], told["alert_id"]) == (
        "a b/ü.jpg",
        "PUBLISHED",
        record.alert_id,
    )


def test_rendition_carries_type_cache_control_and_its_origin(stack: Any, picture: bytes) -> None:
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
    stack: Any, picture: bytes, labels: Any, status: Status, reason: str
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
    assert [told["status"] for told in stack.announcements()] == [status.value]


def test_observe_publishes_and_records_the_verdict(stack: Any, picture: bytes) -> None:
    stack.settings = dataclasses.replace(
        stack.settings, policy=Policy.parse({"mode": "observe", "block": {"Weapons": 90}})
    )
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.jpg", picture)
    stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert record.status is Status.PUBLISHED
    assert record.moderation is not None
    assert record.moderation["verdict"] == "block"


def test_moderation_off_asks_nobody(stack: Any, picture: bytes) -> None:
    stack.settings = dataclasses.replace(stack.settings, policy=Policy.parse({"mode": "off"}))
    event = stack.upload("a.jpg", picture)
    stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert record.moderation is not None
    assert (record.status, record.moderation["verdict"]) == (Status.PUBLISHED, "off")
    assert stack.rekognition.calls == []


def big() -> bytes:
    return draw_noise(1200, 1000)


def draw_noise(width: int, height: int) -> bytes:
    data = io.BytesIO()
    Image.effect_noise((width, height), 90).save(data, "JPEG")
    return data.getvalue()


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
    stack: Any, name: str, data: bytes, reason: str
) -> None:
    event = stack.upload(name, data)
    assert stack.deliver(event)
    record = stack.record(name, event)
    assert (record.status, record.attributes["reason"]) == (Status.REJECTED, reason)
    assert record.attributes["detail"]
    assert stack.keys("renditions") == set()
    assert [told["reason"] for told in stack.announcements()] == [reason]
    assert stack.rekognition.calls == []


def test_key_without_room_for_its_renditions_keys_is_rejected(stack: Any, picture: bytes) -> None:
    key = "k" * 1000 + ".jpg"
    event = stack.upload(key, picture)
    assert stack.deliver(event)
    assert stack.record(key, event).attributes["reason"] == "key_too_long"


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError", "AccessDenied"],
)
def test_failing_moderation_publishes_nothing_and_the_message_comes_back(
    stack: Any, picture: bytes, code: str
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
def test_a_refused_proxy_is_the_systems_fault(stack: Any, picture: bytes, code: str) -> None:
    event = stack.upload("a.jpg", picture)
    stack.rekognition.error = ClientError({"Error": {"Code": code, "Message": ""}}, "DetectModerationLabels")
    assert stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.attributes["reason"]) == (Status.FAILED, "proxy_refused")
    assert record.attributes["attention"] == "FAILED"


def test_unreachable_service_is_transient(stack: Any, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    stack.rekognition.error = EndpointConnectionError(endpoint_url="x")
    assert not stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.PROCESSING


def test_duplicates_change_nothing_and_are_acknowledged(stack: Any, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    stack.deliver(event)
    first = stack.record("a.jpg", event)
    assert stack.deliver(event)
    assert stack.deliver(event, event)
    assert stack.record("a.jpg", event) == first
    assert len(stack.rekognition.calls) == 1
    assert len(stack.announcements()) == 1


def test_older_version_whose_turn_comes_late_is_superseded(stack: Any, picture: bytes) -> None:
    old = stack.upload("a.jpg", draw((10, 20, 30)))
    new = stack.upload("a.jpg", picture)
    assert stack.deliver(new)
    assert stack.deliver(old)
    assert stack.record("a.jpg", old).status is Status.SUPERSEDED
    assert stack.record("a.jpg", new).status is Status.PUBLISHED
    assert stack.keys("renditions") == stack.record("a.jpg", new).rendition_keys


def draw(colour: tuple[int, int, int]) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (300, 200), colour).save(data, "JPEG")
    return data.getvalue()


def test_each_version_is_made_of_its_own_bytes(stack: Any) -> None:
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


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("dynamodb", "update_item"),
        ("dynamodb", "query"),
        ("s3", "get_object"),
        ("s3", "put_object"),
        ("sns", "publish"),
    ],
)
def test_killed_at_any_call_the_picture_is_published_by_the_next_message(
    stack: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch, part: str, call: str, after: bool
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, getattr(stack.clients, part), call, after=after)
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += TIMEOUT_AND_MORE
    settle(stack, event)
    record = stack.record("a.jpg", event)
    assert record.status is Status.PUBLISHED
    assert record.announced
    assert stack.keys("renditions") == record.rendition_keys
    told = stack.announcements()
    assert {item["alert_id"] for item in told} == {record.alert_id}


TIMEOUT_AND_MORE = 70.0


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", ["copy_object", "head_object", "delete_object"])
def test_killed_while_moving_to_quarantine_it_is_blocked_by_the_next_message(
    stack: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch, call: str, after: bool
) -> None:
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.s3, call, after=after)
    with pytest.raises(KILLED):
        stack.deliver(event)
    # The move's own delete event, which may come before the upload's message does, is no user's delete.
    stack.clock.now += TIMEOUT_AND_MORE
    version = event["s3"]["object"]["versionId"]
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", version))
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.BLOCKED
    assert stack.keys("uploads") == set()
    assert stack.keys("quarantine") == {f"a.jpg/{version}"}
    assert stack.keys("renditions") == set()
    assert len(stack.rekognition.calls) == 1


def test_a_stored_verdict_outlives_a_changed_policy_and_is_billed_once(
    stack: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.s3, "put_object")
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += TIMEOUT_AND_MORE
    stack.rekognition.labels = WEAPON
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED
    assert len(stack.rekognition.calls) == 1


def test_other_sizes_between_two_attempts_leave_no_rendition_that_no_record_lists(
    stack: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.s3, "put_object", after=True)
    with pytest.raises(KILLED):
        stack.deliver(event)
    assert len(stack.keys("renditions")) == 1
    stack.clock.now += TIMEOUT_AND_MORE
    specs = dataclasses.replace(stack.settings.specs, sizes=(Size.parse("small", 100),))
    stack.settings = dataclasses.replace(stack.settings, specs=specs)
    settle(stack, event)
    record = stack.record("a.jpg", event)
    assert [item["name"] for item in record.renditions] == ["small"]
    assert stack.keys("renditions") == record.rendition_keys


@pytest.mark.parametrize("killer", [KILLED, MemoryError])
def test_what_kills_the_decoder_three_times_is_not_decoded_again(
    stack: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch, killer: type[BaseException]
) -> None:
    event = stack.upload("a.jpg", picture)
    decoded = []

    def deadly(*_: Any) -> Any:
        decoded.append(1)
        raise killer

    monkeypatch.setattr(story, "render", deadly)
    for _ in range(3):
        try:
            assert not stack.deliver(event)
        except KILLED:
            stack.clock.now += TIMEOUT_AND_MORE
    assert stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.attributes["reason"]) == (Status.REJECTED, "resource_exhausted")
    assert len(decoded) == 3


def test_decoding_that_leaves_no_time_counts_like_a_kill(
    stack: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    real = vars(story)["render"]
    context: list[Any] = []

    def slow(*args: Any) -> Any:
        context[0].seconds = 5.0
        return real(*args)

    monkeypatch.setattr(story, "render", slow)
    for _ in range(3):
        context[:] = [stack.new_context()]
        assert not stack.deliver(event, context=context[0])
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).attributes["reason"] == "resource_exhausted"


def test_original_that_is_gone_without_a_tombstone_fails(stack: Any, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    stack.clients.s3.delete_object(
        Bucket="uploads", Key="a.jpg", VersionId=event["s3"]["object"]["versionId"]
    )
    assert stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.attributes["reason"]) == (Status.FAILED, "original_gone")


def test_delete_marker_removes_the_renditions_of_every_older_version(stack: Any) -> None:
    events = [stack.upload("a.jpg", draw((shade, 0, 0))) for shade in (10, 120)]
    for event in events:
        assert stack.deliver(event)
    assert stack.keys("renditions")
    marker = stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg")["VersionId"]
    event = stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", marker)
    assert stack.deliver(event)
    assert stack.keys("renditions") == set()
    assert stack.record("a.jpg", event).status is Status.DELETED
    assert [told["status"] for told in stack.announcements()][-1] == "DELETED"


def test_delete_marker_waits_for_an_older_version_that_is_worked_on(
    stack: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.s3, "put_object", after=True)
    with pytest.raises(KILLED):
        stack.deliver(event)
    marker = stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "m1")
    assert not stack.deliver(marker)
    assert stack.announcements() == []
    stack.clock.now += TIMEOUT_AND_MORE
    assert stack.deliver(marker)
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.SUPERSEDED
    assert stack.keys("renditions") == set()


def test_late_upload_event_cannot_resurrect_a_deleted_key(stack: Any, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    marker = stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "m1")
    assert stack.deliver(marker)
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.SUPERSEDED
    assert stack.keys("renditions") == set()


def test_deleted_version_takes_its_renditions_along_and_no_other(stack: Any) -> None:
    red, blue = (stack.upload("a.jpg", draw(colour)) for colour in ((250, 0, 0), (0, 0, 250)))
    assert stack.deliver(red)
    assert stack.deliver(blue)
    version = red["s3"]["object"]["versionId"]
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", version))
    assert stack.record("a.jpg", red).status is Status.DELETED
    assert stack.keys("renditions") == stack.record("a.jpg", blue).rendition_keys


def test_deletion_of_an_unknown_or_blocked_version_is_just_acknowledged(stack: Any, picture: bytes) -> None:
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "never.jpg", "v"))
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.jpg", picture)
    stack.deliver(event)
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", event["s3"]["object"]["versionId"]))
    assert stack.record("a.jpg", event).status is Status.BLOCKED


def test_an_outcome_that_was_not_announced_is_announced_before_it_is_overwritten(
    stack: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.sns, "publish")
    with pytest.raises(KILLED):
        stack.deliver(event)
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", event["s3"]["object"]["versionId"]))
    assert [told["status"] for told in stack.announcements()] == ["PUBLISHED", "DELETED"]


def test_s3_test_event_folders_and_foreign_buckets_leave_no_record(stack: Any, picture: bytes) -> None:
    assert stack.deliver_body(
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"})
    )
    assert stack.deliver(stack.upload("folder/", b""))
    foreign = stack.upload("a.jpg", picture)
    foreign["s3"]["bucket"]["name"] = "renditions"
    assert stack.deliver(foreign)
    assert stack.clients.dynamodb.scan(TableName="records")["Items"] == []


def test_message_that_is_no_event_goes_on_to_the_dead_letters_which_count_it(
    stack: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert not stack.deliver_body("hello")
    assert stack.bury(body="hello")
    assert '"UnknownMessages"' in capsys.readouterr().out
    assert [vars(line)["body"] for line in caplog.records if line.levelname == "ERROR"] == ["hello"]


def test_dead_letter_of_an_open_upload_becomes_failed_and_redrivable(stack: Any, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    assert stack.bury(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.attributes["reason"]) == (Status.FAILED, "retries_exhausted")
    assert record.announced
    redrive = {**event, "eventSource": "media-pipeline:redrive", "redrive": {"attempt": record.attempt}}
    assert stack.deliver(redrive)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED


def test_dead_letters_carry_deletes_out(stack: Any, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    stack.deliver(event)
    marker = stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", "m1")
    assert stack.bury(marker)
    assert stack.record("a.jpg", marker).status is Status.DELETED
    assert stack.keys("renditions") == set()


def test_one_bad_record_in_a_message_does_not_stop_its_neighbours(stack: Any, picture: bytes) -> None:
    gone = stack.upload("gone.jpg", picture)
    fine = stack.upload("fine.jpg", picture)
    stack.records.claim(_as_event(gone), owner="other", lease_seconds=60)
    assert not stack.deliver(gone, fine)
    assert stack.record("fine.jpg", fine).status is Status.PUBLISHED


def _as_event(record: dict[str, Any]) -> Any:
    from media_pipeline.events import parse_message

    return parse_message(json.dumps({"Records": [record]}))[0]
