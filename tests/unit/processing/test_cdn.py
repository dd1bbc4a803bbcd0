"""With a distribution in front of the renditions, what is removed is forgotten there before anybody is told."""

import dataclasses
from functools import partial
from typing import Any

import pytest

from media_pipeline.edge import address_at
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Status
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import draw
from tests.unit.processing.test_versions_and_deletes import shown
from tests.unit.processing.test_withdrawals import KEY, delete
from tests.unit.test_edge import FakeCloudFront

ADDRESS = "https://d1.cloudfront.net"


@pytest.fixture
def cloudfront(stack: MotoStack) -> FakeCloudFront:
    """Put a distribution in front of the stack's renditions."""
    fake = FakeCloudFront()
    through(stack, fake)
    stack.settings = dataclasses.replace(stack.settings, cdn_distribution="E1", cdn_address=ADDRESS)
    return fake


def through(stack: MotoStack, fake: FakeCloudFront) -> None:
    stack.clients = dataclasses.replace(stack.clients, cloudfront=lambda: fake)


def published(stack: MotoStack) -> dict[str, Any]:
    event = stack.upload(KEY, draw((1, 200, 30)))
    assert stack.deliver(event)
    assert stack.record(KEY, event).status is Status.PUBLISHED
    return event


def test_record_and_announcement_carry_addresses_at_the_distribution(
    stack: MotoStack, cloudfront: FakeCloudFront
) -> None:
    event = published(stack)
    renditions = stack.record(KEY, event).renditions
    assert renditions
    assert [each["url"] for each in renditions] == [f"{ADDRESS}/{each['key']}" for each in renditions]
    (announced,) = stack.announcements()
    assert [each["url"] for each in announced["renditions"]] == [each["url"] for each in renditions]
    assert cloudfront.batches == [], "nothing was removed"


def test_without_a_distribution_records_carry_no_addresses(stack: MotoStack) -> None:
    event = published(stack)
    assert all("url" not in each for each in stack.record(KEY, event).renditions)


def test_a_takedown_is_forgotten_at_the_edge_once(stack: MotoStack, cloudfront: FakeCloudFront) -> None:
    event = published(stack)
    record = stack.record(KEY, event)
    assert stack.deliver(decide(stack, KEY, event, Action.WITHDRAW))
    assert stack.record(KEY, event).status is Status.BLOCKED
    assert cloudfront.paths == [[f"/{KEY}/{record.version}/*"]]


def test_a_deleted_key_is_forgotten_at_the_edge(stack: MotoStack, cloudfront: FakeCloudFront) -> None:
    event = published(stack)
    version = stack.record(KEY, event).version
    assert stack.deliver(delete(stack, KEY))
    assert cloudfront.paths[0] == [f"/{KEY}/{version}/*"]


@pytest.mark.parametrize("code", ["TooManyInvalidationsInProgress", "Throttling", "AccessDenied"])
def test_a_takedown_is_not_done_before_cloudfront_took_the_invalidation(
    stack: MotoStack, cloudfront: FakeCloudFront, code: str
) -> None:
    event = published(stack)
    message = decide(stack, KEY, event, Action.WITHDRAW)
    through(stack, FakeCloudFront(busy=("wildcards", "files"), code=code))
    assert not stack.deliver(message), "the message comes back"
    assert stack.record(KEY, event).status is not Status.BLOCKED
    assert stack.keys("renditions") == set()
    through(stack, cloudfront)
    assert stack.deliver(message)
    assert stack.record(KEY, event).status is Status.BLOCKED
    assert cloudfront.paths, "also where the objects were gone already"


def test_the_api_answers_with_addresses_of_now_also_for_what_was_published_before(stack: MotoStack) -> None:
    event = published(stack)
    record = stack.record(KEY, event)
    assert all("url" not in each for each in record.renditions)
    answer = shown(stack, KEY, address_of=partial(address_at, ADDRESS))
    assert answer is not None
    assert [each["url"] for each in answer["renditions"]] == [
        f"{ADDRESS}/{each['key']}" for each in record.renditions
    ]
