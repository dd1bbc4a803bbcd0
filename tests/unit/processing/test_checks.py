"""A share of what the policy allowed is checked by a person after it was published, and nothing waits for that."""

from dataclasses import replace
from typing import Any

import pytest

from media_pipeline.events import ReworkMode
from media_pipeline.moderation.samples import Samples
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Status
from media_pipeline.storage import Storage
from tests.fixtures.backfilling import order
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, kill_at, settle
from tests.unit.processing.test_decisions import quarantined
from tests.unit.processing.test_known_content import put_on_list
from tests.unit.processing.test_versions_and_deletes import delete_version
from tests.unit.processing.test_withdrawals import delete


@pytest.fixture
def everything(stack: MotoStack) -> MotoStack:
    """Return a stack that has everything checked."""
    stack.settings = replace(stack.settings, samples=Samples(allowed=100))
    return stack


def published(stack: MotoStack, picture: bytes) -> dict[str, Any]:
    event: dict[str, Any] = stack.upload("a.jpg", picture)
    assert stack.deliver(event)
    return event


def review_pictures(event: dict[str, Any]) -> set[str]:
    return {f"{quarantined(event)}.review/1.jpg"}


def test_allowed_picture_is_published_as_ever_and_waits_for_a_check(
    everything: MotoStack, picture: bytes
) -> None:
    event = published(everything, picture)
    record = everything.record("a.jpg", event)
    facts = record.attributes
    assert (record.status, facts["attention"], facts["check"]) == (Status.PUBLISHED, "CHECK", True)
    assert everything.keys("renditions") == record.rendition_keys
    # What was judged, and not the original, which stays in the uploads.
    assert everything.keys("quarantine") == review_pictures(event)
    assert [each["key"] for each in facts["review"]] == sorted(review_pictures(event))
    tags = everything.clients.s3.get_object_tagging(Bucket="quarantine", Key=facts["review"][0]["key"])
    # The lifecycle of quarantine goes by it: the picture goes when those of a review go.
    assert {"Key": "status", "Value": "REVIEW"} in tags["TagSet"]
    (announcement,) = everything.announcements()
    assert announcement["status"] == "PUBLISHED"
    assert {"check", "attention", "review"}.isdisjoint(announcement)


def test_what_is_withheld_or_not_chosen_is_not_checked(stack: MotoStack, picture: bytes) -> None:
    event = published(stack, picture)
    assert {"check", "attention", "review"}.isdisjoint(stack.record("a.jpg", event).attributes)
    assert stack.keys("quarantine") == set()
    stack.settings = replace(stack.settings, samples=Samples(allowed=100))
    stack.rekognition.labels = WEAPON
    blocked = stack.upload("b.jpg", picture)
    assert stack.deliver(blocked)
    assert "check" not in stack.record("b.jpg", blocked).attributes


def test_what_was_chosen_for_a_check_and_is_withheld_since_is_not_checked(
    everything: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = everything.upload("a.jpg", picture)
    kill_at(monkeypatch, Storage, "put_rendition")
    with pytest.raises(KILLED):
        everything.deliver(event)
    assert everything.record("a.jpg", event).is_checked
    put_on_list(everything, picture)
    everything.clock.now += LEASE_OVER
    settle(everything, event)
    record = everything.record("a.jpg", event)
    assert (record.status, record.is_checked) == (Status.BLOCKED, False)
    assert [each["key"] for each in record.attributes["review"]] == sorted(review_pictures(event))


def test_deleted_picture_leaves_nothing_to_check(everything: MotoStack, picture: bytes) -> None:
    event = published(everything, picture)
    assert everything.deliver(delete(everything, "a.jpg"))
    assert everything.keys("quarantine") == set()
    assert everything.record("a.jpg", event).status is Status.PUBLISHED, "the delete can be undone"


def test_picture_that_an_undelete_brings_back_waits_for_no_check_as_nothing_is_left_to_look_at(
    everything: MotoStack, picture: bytes
) -> None:
    event = published(everything, picture)
    marker = delete(everything, "a.jpg")
    assert everything.deliver(marker)
    assert everything.deliver(delete_version(everything, "a.jpg", marker["s3"]["object"]["versionId"]))
    record = everything.record("a.jpg", event)
    assert (record.status, record.attributes.get("attention")) == (Status.PUBLISHED, None)
    assert everything.keys("renditions") == record.rendition_keys
    assert everything.keys("quarantine") == set()


def test_picture_deleted_for_good_leaves_nothing_to_check(everything: MotoStack, picture: bytes) -> None:
    event = published(everything, picture)
    assert everything.deliver(delete_version(everything, "a.jpg", event["s3"]["object"]["versionId"]))
    record = everything.record("a.jpg", event)
    assert (record.status, record.attributes.get("attention")) == (Status.DELETED, None)
    assert everything.keys("quarantine") == set()


def test_rework_that_changes_nothing_leaves_the_pictures_for_the_check(
    everything: MotoStack, picture: bytes
) -> None:
    event = published(everything, picture)
    assert everything.deliver(order(everything, "a.jpg", event, ReworkMode.DECIDE))
    record = everything.record("a.jpg", event)
    assert (record.attributes["rework"]["ended"], record.attributes["attention"]) == ("unchanged", "CHECK")
    assert everything.keys("quarantine") == review_pictures(event)


def test_failed_check_takes_the_picture_down(everything: MotoStack, picture: bytes) -> None:
    event = published(everything, picture)
    assert everything.deliver(decide(everything, "a.jpg", event, Action.WITHDRAW))
    record = everything.record("a.jpg", event)
    assert (record.status, record.attributes["reason"]) == (Status.BLOCKED, "taken_down")
    assert "attention" not in record.attributes
    assert everything.keys("renditions") == set()
    assert everything.keys("quarantine") == {quarantined(event), *review_pictures(event)}


def test_picture_that_was_checked_waits_no_more_when_it_is_published_again(
    everything: MotoStack, picture: bytes
) -> None:
    event = published(everything, picture)
    record = everything.record("a.jpg", event)
    key = (record.object_key, record.sequencer)
    checked = {"id": "x", "person": "anna", "action": "approve", "at": "2027-01-15T08:00:00.000Z"}
    reopened = {"status": Status.PROCESSING, "lease_until": 0, "checked": checked}
    everything.records._items.update(key, reopened, condition={}, remove=("attention", "owner"))
    assert everything.deliver(event)
    after = everything.record("a.jpg", event)
    assert (after.status, after.attributes.get("attention")) == (Status.PUBLISHED, None)
    assert everything.keys("quarantine") == review_pictures(event)
