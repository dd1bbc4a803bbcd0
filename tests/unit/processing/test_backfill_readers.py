"""What readers see while objects are rendered anew: looked at after every call to AWS, and with many kills between."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient

from tests.fixtures.backfilling import links_expire, order, other_sizes
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, draw
from tests.unit.processing.test_versions_and_deletes import shown

OBJECTS = 2
KILLS = 20
CALLS = 9  # of one rework, at least: a kill comes before one of them


@contextmanager
def before_calls(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> Iterator[None]:
    """Do something before every call to AWS, but not before those that it makes itself."""
    real: Any = BaseClient._make_api_call  # type: ignore[attr-defined]
    busy = False

    def call(self: BaseClient, name: str, parameters: Any) -> Any:
        nonlocal busy
        if not busy:
            busy = True
            try:
                act()
            finally:
                busy = False
        return real(self, name, parameters)

    with monkeypatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", call)
        yield


def published(stack: MotoStack) -> dict[str, dict[str, Any]]:
    events = {}
    for number in range(OBJECTS):
        key = f"shop/{number}.jpg"
        events[key] = stack.upload(key, draw((number, 100, 200)))
        assert stack.deliver(events[key])
    return events


def test_reader_that_looks_before_every_call_never_sees_fewer_renditions(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = published(stack)
    other_sizes(stack)
    looks: list[set[str]] = []

    def look() -> None:
        for key, event in events.items():
            answer = shown(stack, key)
            assert answer is not None
            assert answer["status"] == "PUBLISHED"
            looks.append({rendition["name"] for rendition in answer["renditions"]})
            assert stack.record(key, event).listed_keys <= stack.keys("renditions")

    messages = [order(stack, key, event) for key, event in events.items()]
    with before_calls(monkeypatch, look):
        for message in messages:
            stack.deliver(message)
    links_expire(stack)
    with before_calls(monkeypatch, look):
        for message in messages:
            assert stack.deliver(message)
    assert len(looks) > 50
    assert {frozenset(names) for names in looks} == {
        frozenset({"medium", "thumbnail"}),
        frozenset({"medium", "tiny"}),
    }


@pytest.mark.long
def test_backfill_that_is_killed_twenty_times_ends_with_each_object_once_in_its_new_state(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = published(stack)
    before = {key: stack.record(key, event) for key, event in events.items()}
    asked = len(stack.rekognition.calls)
    stack.announcements()
    other_sizes(stack)
    messages = [order(stack, key, event) for key, event in events.items()]
    chance = random.Random(19)
    for kill in range(KILLS):
        left = chance.randrange(CALLS)

        def count_down() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise KILLED

        with before_calls(monkeypatch, count_down):
            try:
                stack.deliver(messages[kill % OBJECTS])
            except KILLED:
                stack.clock.now += LEASE_OVER
    for _ in range(3):
        for message in messages:
            stack.deliver(message)
        links_expire(stack)
    after = {key: stack.record(key, event) for key, event in events.items()}
    assert {key: record.attempt - before[key].attempt for key, record in after.items()} == dict.fromkeys(
        events, 1
    )
    assert all(
        {each["name"] for each in record.renditions} == {"medium", "tiny"} for record in after.values()
    )
    assert stack.keys("renditions") == {key for record in after.values() for key in record.rendition_keys}
    assert len(stack.rekognition.calls) == asked, "nothing was billed"
    announced = stack.announcements()
    assert {each["alert_id"] for each in announced} == {record.alert_id for record in after.values()}
