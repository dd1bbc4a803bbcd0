"""What a function does at once: it judges while it encodes, asks about several pictures, and puts renditions."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

import media_pipeline.processing.publishing as publishing
from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images import renditions
from media_pipeline.invocation import Invocation
from media_pipeline.processing.verdicts import requests_at_once
from media_pipeline.records.record import Status
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import WEAPON, settle
from tests.unit.processing.test_judged_requests import moving

SECONDS = 10.0  # that a test waits at most for what must happen


def throttled() -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException"}}, "DetectModerationLabels")


@pytest.fixture
def webp_stack(stack: MotoStack) -> MotoStack:
    stack.settings = replace(stack.settings, specs=replace(stack.settings.specs, formats=("jpeg", "webp")))
    return stack


def watch(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, before: Callable[..., object]) -> None:
    real = getattr(owner, name)

    def watched(*args: Any, **kwargs: Any) -> Any:
        before(*args, **kwargs)
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, watched)


def test_rekognition_is_asked_while_the_other_renditions_are_encoded(
    webp_stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, asked, encoded = webp_stack, threading.Event(), threading.Event()
    formats: list[str] = []

    def encoding(_: Any, format_name: str, *__: Any) -> None:
        if formats:
            assert asked.wait(SECONDS)
        formats.append(format_name)
        if len(formats) > 1:
            encoded.set()

    def asking(**_: Any) -> None:
        asked.set()
        assert encoded.wait(SECONDS)

    watch(monkeypatch, renditions, "encode", encoding)
    watch(monkeypatch, stack.rekognition, "detect_moderation_labels", asking)
    event = stack.upload("a.jpg", picture)
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED
    assert formats[0] == "jpeg"
    assert len(stack.rekognition.calls) == 1


def test_with_two_encoders_the_next_size_is_scaled_while_the_largest_is_encoded(
    webp_stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, largest_begun, next_scaled = webp_stack, threading.Event(), threading.Event()
    stack.settings = replace(stack.settings, encoders=2)
    real, encoding, most = dict(vars(renditions)), set[int](), list[int]()

    def scaling(*args: Any) -> Iterator[Any]:
        for number, made in enumerate(real["scaled"](*args)):
            if number == 1:
                assert largest_begun.wait(SECONDS)
                next_scaled.set()
            yield made

    def encoded(raster: Any, format_name: str, *args: Any) -> bytes:
        encoding.add(threading.get_ident())
        most.append(len(encoding))
        if format_name == "webp" and not largest_begun.is_set():
            largest_begun.set()
            assert next_scaled.wait(SECONDS)
        data: bytes = real["encode"](raster, format_name, *args)
        encoding.remove(threading.get_ident())
        return data

    monkeypatch.setattr(renditions, "scaled", scaling)
    monkeypatch.setattr(renditions, "encode", encoded)
    event = stack.upload("a.jpg", picture)
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED
    assert len(most) == 2 * len(stack.settings.specs.sizes)
    assert max(most) <= 2


def test_a_refused_request_cancels_the_renditions_that_are_left(
    webp_stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, encoded = webp_stack, list[str]()
    stack.rekognition.error = throttled()

    def encoding(_: Any, format_name: str, *__: Any) -> None:
        encoded.append(format_name)
        if len(encoded) == 2:
            time.sleep(0.2)  # by then the request was refused

    watch(monkeypatch, renditions, "encode", encoding)
    event = stack.upload("a.jpg", picture)
    assert not stack.deliver(event)
    assert len(encoded) <= 2 < 2 * len(stack.settings.specs.sizes)
    stack.rekognition.error = None
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.PUBLISHED


def test_no_request_is_left_when_a_picture_turns_out_to_be_corrupt_while_it_is_judged(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = threading.Event()
    ended: list[float] = []

    def slowly(**_: Any) -> None:
        asking.set()
        time.sleep(0.2)
        ended.append(time.monotonic())

    def corrupt(*_: Any) -> None:
        assert asking.wait(SECONDS)
        raise RejectedError(Reason.CORRUPT, "its second half is missing")

    watch(monkeypatch, stack.rekognition, "detect_moderation_labels", slowly)
    monkeypatch.setattr(renditions, "scaled", corrupt)
    event = stack.upload("a.jpg", picture)
    assert stack.deliver(event)
    assert ended
    assert ended[0] <= time.monotonic()
    assert stack.record("a.jpg", event).status is Status.REJECTED


def test_renditions_are_put_at_once_and_only_after_the_verdict_is_written_down(
    webp_stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = webp_stack
    count = 2 * len(stack.settings.specs.sizes)
    barrier = threading.Barrier(min(count, publishing.PUTS_AT_ONCE))

    def putting(**how: Any) -> None:
        if how["Bucket"] == "renditions":
            assert stack.record("a.jpg", event).moderation is not None
            barrier.wait(SECONDS)

    event = stack.upload("a.jpg", picture)
    watch(monkeypatch, stack.clients.s3, "put_object", putting)
    assert stack.deliver(event)
    record = stack.record("a.jpg", event)
    assert stack.keys("renditions") == record.rendition_keys
    assert len(record.rendition_keys) == count


def test_a_rendition_that_cannot_be_put_is_noticed_when_all_others_have_ended(
    webp_stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, put = webp_stack, list[str]()
    real = stack.clients.s3.put_object

    def putting(**how: Any) -> Any:
        if how["Bucket"] == "renditions" and "thumbnail" in how["Key"]:
            raise ClientError({"Error": {"Code": "InternalError"}}, "PutObject")
        if how["Bucket"] == "renditions":
            time.sleep(0.1)
            put.append(how["Key"])
        return real(**how)

    event = stack.upload("a.jpg", picture)
    monkeypatch.setattr(stack.clients.s3, "put_object", putting)
    assert not stack.deliver(event)
    assert put
    assert stack.keys("renditions") == set(put)
    assert stack.record("a.jpg", event).status is Status.PROCESSING
    monkeypatch.setattr(stack.clients.s3, "put_object", real)
    settle(stack, event)
    assert stack.keys("renditions") == stack.record("a.jpg", event).rendition_keys


def test_four_pictures_are_judged_at_once(webp_stack: MotoStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack, barrier = webp_stack, threading.Barrier(4)
    watch(monkeypatch, stack.rekognition, "detect_moderation_labels", lambda **_: barrier.wait(SECONDS))
    event = stack.upload("a.webp", moving(8, "RGB", "WEBP"))
    assert stack.deliver(event)
    assert len(stack.rekognition.calls) == 8
    moderation = stack.record("a.webp", event).moderation
    assert moderation is not None
    assert moderation.judged == len(moderation.pictures) == 8


def test_nothing_more_is_asked_after_a_block_and_the_record_says_how_many_were_judged(
    webp_stack: MotoStack,
) -> None:
    stack = webp_stack
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.webp", moving(8, "RGB", "WEBP"))
    assert stack.deliver(event)
    record = stack.record("a.webp", event)
    assert record.status is Status.BLOCKED
    assert record.moderation is not None
    assert 1 <= len(stack.rekognition.calls) <= 4
    assert record.moderation.judged == len(record.moderation.pictures) == len(stack.rekognition.calls)


@pytest.mark.parametrize(("timeout", "at_once"), [(15.0, 1), (30.0, 2), (60.0, 4), (240.0, 4)])
def test_a_short_time_out_allows_fewer_requests_at_once(timeout: float, at_once: int) -> None:
    invocation = Invocation(request_id="", trace_id=None, timeout=timeout, time_left=lambda: timeout)
    assert requests_at_once(invocation) == at_once
