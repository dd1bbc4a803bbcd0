"""Functions that are cut off: at any call, in the decoder, between two deployments."""

import contextlib
import dataclasses
from typing import Any, cast
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

import media_pipeline.pipeline as story
from media_pipeline.record import Status
from media_pipeline.renditions import Size
from tests.unit.pipeline.driving import KILLED, LEASE_OVER, WEAPON, kill_at, settle


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
    stack.clock.now += LEASE_OVER
    settle(stack, event)
    record = stack.record("a.jpg", event)
    assert record.status is Status.PUBLISHED
    assert record.announced
    assert stack.keys("renditions") == record.rendition_keys
    told = stack.announcements()
    assert {item["alert_id"] for item in told} == {record.alert_id}


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
    stack.clock.now += LEASE_OVER
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
    stack.clock.now += LEASE_OVER
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
    stack.clock.now += LEASE_OVER
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
            stack.clock.now += LEASE_OVER
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


def lose_answers(monkeypatch: pytest.MonkeyPatch, dynamodb: Any, times: int) -> None:
    """Have the next write carried out without an answer, and the requests after it refused."""
    real = dynamodb.update_item
    left = [times]

    def lossy(**request: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            return real(**request)
        if left[0] == times - 1:
            with contextlib.suppress(ClientError):
                real(**request)
            raise ReadTimeoutError(endpoint_url="dynamodb")
        throttled = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        raise ClientError(cast(Any, throttled), "UpdateItem")

    monkeypatch.setattr(dynamodb, "update_item", lossy)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_claim_without_an_answer_is_asked_for_again_and_worked_on(
    stack: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr("media_pipeline.invocation.time.sleep", lambda _: None)
    event = stack.upload("a.jpg", picture)
    lose_answers(monkeypatch, stack.clients.dynamodb, times)
    # One message is enough: nothing is handed back, nothing waits for the end of a lease.
    assert stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert (record.status, record.attempt) == (Status.PUBLISHED, 1)


def test_a_claim_whose_answer_came_too_late_does_not_count_as_killed_in_decoding(
    stack: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    real = vars(story)["render"]
    monkeypatch.setattr(story, "render", Mock(side_effect=KILLED))
    for _ in range(2):
        with pytest.raises(KILLED):
            stack.deliver(event)
        stack.clock.now += LEASE_OVER
    context = stack.new_context()
    lose_answers(monkeypatch, stack.clients.dynamodb, 1)
    monkeypatch.setattr("media_pipeline.invocation.time.sleep", lambda _: setattr(context, "seconds", 20.0))
    assert not stack.deliver(event, context=context)
    assert stack.record("a.jpg", event).unfinished == 2
    monkeypatch.setattr(story, "render", real)
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED


def test_a_refused_claim_is_not_asked_for_again(
    stack: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", picture)
    throttled = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    update = Mock(side_effect=ClientError(cast(Any, throttled), "UpdateItem"))
    monkeypatch.setattr(stack.clients.dynamodb, "update_item", update)
    assert not stack.deliver(event)
    assert update.call_count == 1
