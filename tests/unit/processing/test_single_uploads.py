"""Keys of the upload API take one upload: five posts of one form, in every order, end as one picture."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from media_pipeline.records.record import Status
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import LEASE_OVER, WEAPON, draw, settle

KEY = "api/k5ahn2u4cfb7wyq3zt6oxmjd2eilrvg7"
COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30), (30, 200, 200)]


@pytest.fixture
def posted(stack: MotoStack) -> Any:
    stack.settings = replace(stack.settings, uploads_prefix="api/")
    return stack


def outcome(stack: MotoStack, event: dict[str, Any], key: str = KEY) -> tuple[str, str | None]:
    record = stack.record(key, event)
    return record.status.value, record.attributes.get("reason")


FIRST, LATER = ("PUBLISHED", None), ("REJECTED", "already_uploaded")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_first_of_several_posts_is_processed_and_the_others_are_refused_in_any_order(
    posted: Any, order: tuple[int, ...]
) -> None:
    events = [posted.upload(KEY, draw(colour)) for colour in COLOURS[:3]]
    for number in order:
        assert posted.deliver(events[number])
    assert [outcome(posted, event) for event in events] == [FIRST, LATER, LATER]
    assert posted.keys("renditions") == posted.record(KEY, events[0]).rendition_keys
    assert len(posted.rekognition.calls) == 1


def test_published_picture_is_not_replaced_by_later_posts(posted: Any) -> None:
    first = posted.upload(KEY, draw(COLOURS[0]))
    assert posted.deliver(first)
    published = posted.record(KEY, first)
    for colour in COLOURS[1:]:
        later = posted.upload(KEY, draw(colour))
        assert posted.deliver(later)
        assert outcome(posted, later) == LATER
    assert posted.record(KEY, first) == published
    assert posted.keys("renditions") == published.rendition_keys
    original = first["s3"]["object"]["versionId"]
    body = posted.clients.s3.get_object(Bucket="uploads", Key=KEY, VersionId=original)["Body"].read()
    assert body == draw(COLOURS[0])


def test_refused_post_is_not_even_fetched(posted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    posted.upload(KEY, draw(COLOURS[0]))
    later = posted.upload(KEY, draw(COLOURS[1]))
    monkeypatch.setattr(posted.clients.s3, "get_object", lambda **_: pytest.fail("it was fetched"))
    assert posted.deliver(later)
    assert outcome(posted, later) == LATER


def test_blocked_upload_is_not_followed_by_another_one(posted: Any) -> None:
    posted.rekognition.labels = WEAPON
    first = posted.upload(KEY, draw(COLOURS[0]))
    assert posted.deliver(first)
    assert posted.keys("uploads") == set()  # in quarantine: its record alone knows of it
    posted.rekognition.labels = []
    later = posted.upload(KEY, draw(COLOURS[1]))
    assert posted.deliver(later)
    assert outcome(posted, later) == LATER
    assert posted.keys("renditions") == set()


def test_upload_that_was_cut_off_on_its_way_to_quarantine_still_holds_its_key(
    posted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted.rekognition.labels = WEAPON
    first = posted.upload(KEY, draw(COLOURS[0]))

    def cut_off(*_: Any, **__: Any) -> Any:
        raise ClientError({"Error": {"Code": "InternalServerError"}}, "UpdateItem")

    with monkeypatch.context() as outage:
        outage.setattr("media_pipeline.records.table.Records.commit", cut_off)
        assert not posted.deliver(first)
    assert posted.keys("uploads") == set()
    posted.rekognition.labels = []
    later = posted.upload(KEY, draw(COLOURS[1]))
    assert posted.deliver(later)
    assert outcome(posted, later) == LATER
    posted.clock.now += LEASE_OVER
    settle(posted, first)
    assert posted.record(KEY, first).status is Status.BLOCKED


@pytest.mark.parametrize("known_first", [True, False], ids=["marker first", "post first"])
def test_post_after_a_takedown_publishes_nothing(posted: Any, known_first: bool) -> None:
    first = posted.upload(KEY, draw(COLOURS[0]))
    assert posted.deliver(first)
    marker = posted.clients.s3.delete_object(Bucket="uploads", Key=KEY)["VersionId"]
    deleted = posted.event("ObjectRemoved:DeleteMarkerCreated", KEY, marker)
    later = posted.upload(KEY, draw(COLOURS[1]))
    for event in (deleted, later) if known_first else (later, deleted):
        settle(posted, event)
    assert outcome(posted, later) == LATER
    assert posted.keys("renditions") == set()


def test_takedown_of_the_first_is_not_undone_by_its_own_late_event(posted: Any) -> None:
    first = posted.upload(KEY, draw(COLOURS[0]))
    marker = posted.clients.s3.delete_object(Bucket="uploads", Key=KEY)["VersionId"]
    assert posted.deliver(posted.event("ObjectRemoved:DeleteMarkerCreated", KEY, marker))
    assert posted.deliver(first)
    assert outcome(posted, first)[0] == "SUPERSEDED"
    assert posted.keys("renditions") == set()


def test_first_is_driven_again_after_a_failure_although_later_posts_came(posted: Any) -> None:
    first, later = (posted.upload(KEY, draw(colour)) for colour in COLOURS[:2])
    assert posted.dead_letter(first)
    assert posted.deliver(later)
    again = first | {"eventSource": "media-pipeline:redrive", "redrive": {"attempt": 0}}
    assert posted.deliver(again)
    assert [outcome(posted, event) for event in (first, later)] == [FIRST, LATER]


@pytest.mark.parametrize("first_is_done", [True, False], ids=["after the first", "before the first"])
def test_later_post_that_could_not_be_processed_is_refused_and_does_not_hide_the_first(
    posted: Any, first_is_done: bool
) -> None:
    first, later = (posted.upload(KEY, draw(colour)) for colour in COLOURS[:2])
    steps = [lambda: posted.deliver(first), lambda: posted.dead_letter(later)]
    for step in steps if first_is_done else reversed(steps):
        assert step()
    assert [outcome(posted, event) for event in (first, later)] == [FIRST, LATER]
    statuses = [message["status"] for message in posted.announcements()]
    assert "FAILED" not in statuses


def test_first_post_that_could_not_be_processed_failed_although_later_ones_came(posted: Any) -> None:
    first, later = (posted.upload(KEY, draw(colour)) for colour in COLOURS[:2])
    assert posted.dead_letter(later)
    assert posted.dead_letter(first)
    assert outcome(posted, first) == ("FAILED", "retries_exhausted")
    assert outcome(posted, later) == LATER


def test_other_keys_still_take_new_versions(posted: Any) -> None:
    events = [posted.upload("shop/a.jpg", draw(colour)) for colour in COLOURS[:2]]
    for event in events:
        assert posted.deliver(event)
    assert [outcome(posted, event, "shop/a.jpg") for event in events] == [FIRST, FIRST]
