"""Functions that are cut off: at any call, in the decoder, between two deployments."""

import dataclasses
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

import media_pipeline.processing.image as story
from media_pipeline.images.renditions import Size
from media_pipeline.invocation import Invocation
from media_pipeline.records.record import Claim, Status
from media_pipeline.records.table import Records
from media_pipeline.storage import Storage
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, kill_at, settle


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
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch, part: str, call: str, after: bool
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, getattr(stack.clients, part), call, after=after)
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += LEASE_OVER
    settle(stack, event)
    record = stack.record("a.jpg", event)
    assert record.status is Status.PUBLISHED
    assert record.announced
    assert stack.keys("renditions") == record.rendition_keys
    announced = stack.announcements()
    assert {item["alert_id"] for item in announced} == {record.alert_id}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", ["copy_object", "head_object", "delete_object"])
def test_killed_while_moving_to_quarantine_it_is_blocked_by_the_next_message(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch, call: str, after: bool
) -> None:
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.s3, call, after=after)
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += LEASE_OVER
    version = event["s3"]["object"]["versionId"]
    if not stack.keys("uploads"):
        # The event of the move's own delete may come before the upload's message does.
        assert stack.deliver(stack.event("ObjectRemoved:Delete", "a.jpg", version))
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.BLOCKED
    assert stack.keys("uploads") == set()
    assert stack.keys("quarantine") == {f"a.jpg/{version}", f"a.jpg/{version}.review/1.jpg"}
    assert stack.keys("renditions") == set()
    assert len(stack.rekognition.calls) == 1


def test_a_stored_verdict_outlives_a_changed_policy_and_is_billed_once(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.s3, "put_object")
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += LEASE_OVER
    stack.rekognition.labels = WEAPON
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED
    assert len(stack.rekognition.calls) == 1


def test_other_sizes_between_two_attempts_leave_no_rendition_that_no_record_lists(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.s3, "put_object", after=True)
    with pytest.raises(KILLED):
        stack.deliver(event)
    assert stack.keys("renditions")
    stack.clock.now += LEASE_OVER
    specs = dataclasses.replace(stack.settings.specs, sizes=(Size.parse("small", 100),))
    stack.settings = dataclasses.replace(stack.settings, specs=specs)
    settle(stack, event)
    record = stack.record("a.jpg", event)
    assert [item["name"] for item in record.renditions] == ["small"]
    assert stack.keys("renditions") == record.rendition_keys


def test_other_limits_between_two_attempts_that_refuse_the_picture_leave_no_rendition(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.s3, "put_object", after=True)
    with pytest.raises(KILLED):
        stack.deliver(event)
    assert stack.keys("renditions")
    stack.clock.now += LEASE_OVER
    limits = dataclasses.replace(stack.settings.limits, pixels=1000)
    stack.settings = dataclasses.replace(stack.settings, limits=limits)
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.REJECTED
    assert stack.keys("renditions") == set()


@pytest.mark.parametrize("killer", [KILLED, MemoryError])
def test_what_kills_the_decoder_three_times_is_not_decoded_again(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch, killer: type[BaseException]
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
            stack.clock.now += LEASE_OVER
    assert stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.attributes["reason"]) == (Status.REJECTED, "resource_exhausted")
    assert len(decoded) == 3


def test_decoding_that_leaves_no_time_counts_like_a_kill(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
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


def test_claims_that_were_cut_off_before_decoding_say_nothing_about_the_picture(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    dynamodb = stack.clients.dynamodb
    real = dynamodb.update_item

    def unanswered(**request: Any) -> Any:
        real(**request)
        raise ReadTimeoutError(endpoint_url="dynamodb")

    for _ in range(4):
        monkeypatch.setattr(dynamodb, "update_item", unanswered)
        assert not stack.deliver(event)
        stack.clock.now += LEASE_OVER
    monkeypatch.setattr(dynamodb, "update_item", real)
    for _ in range(4):
        kill_at(monkeypatch, stack.clients.s3, "get_object")
        with pytest.raises(KILLED):
            stack.deliver(event)
        stack.clock.now += LEASE_OVER
    assert stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.attempt, record.unfinished) == (Status.PUBLISHED, 9, 0)


def test_kills_in_the_decoder_are_counted_across_a_claim_that_was_cut_off(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    deadly = Mock(side_effect=KILLED)
    monkeypatch.setattr(story, "render", deadly)
    for number in range(4):
        if number == 2:
            kill_at(monkeypatch, stack.clients.s3, "get_object", after=True)
        with pytest.raises(KILLED):
            stack.deliver(event)
        stack.clock.now += LEASE_OVER
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).attributes["reason"] == "resource_exhausted"
    assert deadly.call_count == 3


def test_kills_in_the_decoder_are_forgiven_once_decoding_came_to_its_end(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    for _ in range(2):
        kill_at(monkeypatch, story, "render")
        with pytest.raises(KILLED):
            stack.deliver(event)
        stack.clock.now += LEASE_OVER
    with monkeypatch.context() as outage:
        outage.setattr(Storage, "put_rendition", Mock(side_effect=ReadTimeoutError(endpoint_url="s3")))
        assert not stack.deliver(event)
    assert stack.record("a.jpg", event).unfinished == 0


def test_claim_is_released_although_the_first_tries_had_no_answer(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    stack.rekognition.error = EndpointConnectionError(endpoint_url="rekognition")
    throttled = ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")
    problems = [throttled, ReadTimeoutError(endpoint_url="dynamodb")]
    release = Records.release

    def released(records: Records, claim: Claim, **how: Any) -> None:
        if problems:
            raise problems.pop()
        release(records, claim, **how)

    monkeypatch.setattr(Records, "release", released)
    monkeypatch.setattr(Invocation, "sleep", lambda *_: None)
    assert not stack.deliver(event)
    assert problems == []
    assert stack.record("a.jpg", event).owner is None


def test_function_that_stood_still_takes_away_what_it_put_after_the_version_was_published_and_deleted(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    put_rendition = Storage.put_rendition

    def stand_still(storage: Storage, *args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(Storage, "put_rendition", put_rendition)
        stack.clock.now += LEASE_OVER
        assert stack.deliver(event)
        assert stack.keys("renditions") != set()
        marker = stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg")["VersionId"]
        assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", marker))
        put_rendition(storage, *args, **kwargs)

    monkeypatch.setattr(Storage, "put_rendition", stand_still)
    assert not stack.deliver(event), "its lease is over"
    assert stack.record("a.jpg", event).status is Status.PUBLISHED  # under the delete marker
    assert stack.keys("renditions") == set()
