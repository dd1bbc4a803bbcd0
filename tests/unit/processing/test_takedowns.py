"""What a person takes down: no rendition is left, the original is in quarantine, and a restore brings it back."""

import pytest
from botocore.exceptions import ClientError

from media_pipeline.processing.publishing import Publishing
from media_pipeline.records.decisions import Action
from media_pipeline.records.leases import LeasedRecords
from media_pipeline.records.record import LOOKS, Status
from media_pipeline.storage import Storage
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, draw, kill_at, settle
from tests.unit.processing.test_versions_and_deletes import shown, version_of
from tests.unit.processing.test_withdrawals import FIGHT, KEY, copies, copy_of, delete, withhold


def published(stack: MotoStack, shade: int = 1) -> dict[str, object]:
    event = stack.upload(KEY, draw((shade, 200, 30)))
    assert stack.deliver(event)
    assert stack.record(KEY, event).status is Status.PUBLISHED
    return event


def test_withdrawn_version_has_no_rendition_and_its_original_is_in_quarantine(stack: MotoStack) -> None:
    event = published(stack)
    assert stack.keys("renditions")
    before = stack.record(KEY, event)
    assert stack.deliver(decide(stack, KEY, event, Action.WITHDRAW, reason="notice 7"))
    record = stack.record(KEY, event)
    assert (record.status, record.attributes["reason"]) == (Status.BLOCKED, "taken_down")
    assert record.attributes["detail"] == "a person withdrew it: notice 7"
    assert record.renditions == ()
    assert record.moderation == before.moderation, "the machine's verdict stays as it was"
    assert not {"placeholder", "dominant_colour"} & {
        name for name, value in record.attributes.items() if value
    }
    assert stack.keys("renditions") == set()
    assert copies(stack) == {copy_of(event)}
    assert stack.keys("uploads") == set()
    assert [each["status"] for each in stack.announcements()] == ["PUBLISHED", "BLOCKED"]
    answer = shown(stack, KEY)
    assert answer is not None
    assert (answer["status"], answer["renditions"], answer["detail"]) == ("BLOCKED", [], "It was taken down.")


def test_from_the_moment_of_the_decision_no_link_is_signed(stack: MotoStack) -> None:
    event = published(stack)
    decide(stack, KEY, event, Action.WITHDRAW)
    answer = shown(stack, KEY)
    assert answer is not None
    assert answer["renditions"] == []


def test_takedown_that_comes_twice_is_done_once(stack: MotoStack) -> None:
    event = published(stack)
    message = decide(stack, KEY, event, Action.WITHDRAW)
    assert stack.deliver(message)
    record = stack.record(KEY, event)
    assert stack.deliver(message)
    assert stack.deliver(event)
    assert stack.record(KEY, event) == record


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("owner", "call"),
    [
        (Storage, "remove_renditions"),
        (Publishing, "move"),
        (LeasedRecords, "commit"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_takedown_that_is_cut_off_anywhere_ends(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch, owner: object, call: str, after: bool
) -> None:
    event = published(stack)
    message = decide(stack, KEY, event, Action.WITHDRAW)
    kill_at(monkeypatch, owner, call, after=after)
    with pytest.raises(KILLED):
        stack.deliver(message)
    # The event of the move's own delete comes while the record is open.
    stack.clock.now += LEASE_OVER
    if not stack.keys("uploads"):
        assert stack.deliver(stack.event("ObjectRemoved:Delete", KEY, version_of(event)))
    settle(stack, message)
    assert stack.record(KEY, event).status is Status.BLOCKED
    assert stack.keys("renditions") == set()
    assert copies(stack) == {copy_of(event)}


def test_renditions_that_the_record_does_not_list_go_as_well(stack: MotoStack) -> None:
    event = published(stack)
    stray = f"{KEY}/{version_of(event)}/thumbnail-00000000.jpeg"
    stack.clients.s3.put_object(Bucket="renditions", Key=stray, Body=b"of an attempt that was cut off")
    assert stack.deliver(decide(stack, KEY, event, Action.WITHDRAW))
    assert stack.keys("renditions") == set()


def test_takedown_ends_although_the_original_has_expired(stack: MotoStack) -> None:
    event = published(stack)
    stack.clients.s3.delete_object(Bucket="uploads", Key=KEY, VersionId=version_of(event))
    assert stack.deliver(decide(stack, KEY, event, Action.WITHDRAW))
    record = stack.record(KEY, event)
    assert (record.status, record.attributes.get("original")) == (Status.BLOCKED, None)
    assert stack.keys("renditions") == stack.keys("quarantine") == set()


def test_takedown_that_cannot_remove_a_rendition_moves_nothing_and_comes_back(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = published(stack)
    message = decide(stack, KEY, event, Action.WITHDRAW)

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": ""}}, "DeleteObjects")

    with monkeypatch.context() as patched:
        patched.setattr(stack.clients.s3, "delete_objects", refuse)
        assert not stack.deliver(message)
    assert stack.keys("quarantine") == set(), "readers first"
    settle(stack, message)
    assert stack.record(KEY, event).status is Status.BLOCKED


def test_what_waits_for_review_can_be_taken_down(stack: MotoStack) -> None:
    event = withhold(stack, FIGHT)
    assert stack.deliver(decide(stack, KEY, event, Action.WITHDRAW))
    record = stack.record(KEY, event)
    assert (record.status, record.attributes["reason"]) == (Status.BLOCKED, "taken_down")
    assert "attention" not in record.attributes
    assert copies(stack) == {copy_of(event)}


def test_an_older_version_is_taken_down_without_touching_the_newer_one(stack: MotoStack) -> None:
    older, newer = published(stack, 1), published(stack, 120)
    assert stack.deliver(decide(stack, KEY, older, Action.WITHDRAW))
    assert stack.record(KEY, older).status is Status.BLOCKED
    assert stack.keys("renditions") == stack.record(KEY, newer).rendition_keys != frozenset()
    answer = shown(stack, KEY)
    assert answer is not None
    assert answer["status"] == "PUBLISHED"


def rejected(stack: MotoStack) -> dict[str, object]:
    event = stack.upload(KEY, draw((1, 200, 30))[:-40])
    assert stack.deliver(event)
    assert stack.record(KEY, event).status is Status.REJECTED
    return event


def test_takedown_of_what_was_rejected_leaves_the_older_version_shown(stack: MotoStack) -> None:
    older, newer = published(stack), rejected(stack)
    message = decide(stack, KEY, newer, Action.WITHDRAW)
    for _ in range(2):
        answer = shown(stack, KEY)
        assert answer is not None
        assert answer["status"] == "REJECTED"
        assert answer["renditions"]
        assert stack.deliver(message)
    record = stack.record(KEY, newer)
    assert (record.status, record.attributes["reason"]) == (Status.REJECTED, "taken_down")
    assert copies(stack) == {copy_of(newer)}
    assert stack.keys("renditions") == stack.record(KEY, older).rendition_keys
    assert stack.deliver(delete(stack, KEY))
    assert stack.record(KEY, newer).status is Status.REJECTED
    assert copies(stack) == set()


def test_restore_of_what_was_rejected_rejects_it_again(stack: MotoStack) -> None:
    event = rejected(stack)
    reason = stack.record(KEY, event).attributes["reason"]
    assert stack.deliver(decide(stack, KEY, event, Action.WITHDRAW))
    assert stack.deliver(decide(stack, KEY, event, Action.RESTORE))
    record = stack.record(KEY, event)
    assert (record.status, record.attributes["reason"]) == (Status.REJECTED, reason)


@pytest.mark.parametrize("late", [False, True], ids=["seen first", "seen later"])
def test_version_that_its_owner_deleted_before_it_was_moved_is_not_called_blocked(
    stack: MotoStack, late: bool
) -> None:
    event = published(stack)
    message = decide(stack, KEY, event, Action.WITHDRAW)
    stack.clients.s3.delete_object(Bucket="uploads", Key=KEY, VersionId=version_of(event))
    deleted = stack.event("ObjectRemoved:Delete", KEY, version_of(event))
    for each in (message, deleted) if late else (deleted, message):
        assert stack.deliver(each)
    assert stack.record(KEY, event).status is Status.DELETED
    assert stack.keys("renditions") == stack.keys("quarantine") == set()


def test_record_of_an_approved_version_shows_nothing_once_its_takedown_began(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = withhold(stack, FIGHT)
    assert stack.deliver(decide(stack, KEY, event, Action.APPROVE))
    message = decide(stack, KEY, event, Action.WITHDRAW)
    kill_at(monkeypatch, Storage, "remove_renditions", after=False)
    with pytest.raises(KILLED):
        stack.deliver(message)
    assert not [look for look in LOOKS if stack.record(KEY, event).attributes.get(look) is not None]


def test_restored_version_is_published_again_from_quarantine(stack: MotoStack) -> None:
    event = published(stack)
    before = stack.record(KEY, event).rendition_keys
    asked = len(stack.rekognition.calls)
    assert stack.deliver(decide(stack, KEY, event, Action.WITHDRAW))
    assert stack.deliver(decide(stack, KEY, event, Action.RESTORE))
    record = stack.record(KEY, event)
    assert record.status is Status.PUBLISHED
    assert stack.keys("renditions") == record.rendition_keys == before
    assert len(stack.rekognition.calls) == asked, "its verdict is known"
    assert stack.deliver(stack.event("ObjectRemoved:Delete", KEY, version_of(event)))  # of the move, late
    assert stack.record(KEY, event) == record


def test_what_the_policy_withholds_goes_back_to_review_and_is_not_published(stack: MotoStack) -> None:
    event = withhold(stack, FIGHT)
    assert stack.deliver(decide(stack, KEY, event, Action.WITHDRAW))
    assert stack.deliver(decide(stack, KEY, event, Action.RESTORE))
    record = stack.record(KEY, event)
    assert (record.status, record.attributes["attention"]) == (Status.REVIEW, "REVIEW")
    assert stack.keys("renditions") == set()


def test_restore_of_what_has_expired_stays_taken_down(stack: MotoStack) -> None:
    event = published(stack)
    assert stack.deliver(decide(stack, KEY, event, Action.WITHDRAW))
    stack.clients.s3.delete_object(Bucket="quarantine", Key=copy_of(event))
    assert stack.deliver(decide(stack, KEY, event, Action.RESTORE))
    record = stack.record(KEY, event)
    assert (record.status, record.attributes["reason"]) == (Status.BLOCKED, "taken_down")


@pytest.mark.parametrize("restored", [False, True], ids=["taken down", "restored"])
def test_owner_may_delete_what_was_taken_down(stack: MotoStack, restored: bool) -> None:
    event = published(stack)
    assert stack.deliver(decide(stack, KEY, event, Action.WITHDRAW))
    if restored:
        assert stack.deliver(decide(stack, KEY, event, Action.RESTORE))
    assert stack.deliver(delete(stack, KEY))
    assert stack.record(KEY, event).status is Status.DELETED
    assert stack.keys("renditions") == stack.keys("quarantine") == set()


def test_restore_of_what_is_withheld_and_has_expired_waits_for_nobody(stack: MotoStack) -> None:
    stack.rekognition.labels = FIGHT
    event = stack.upload(KEY, draw((1, 2, 3)))
    assert stack.deliver(event)
    assert stack.deliver(decide(stack, KEY, event, Action.WITHDRAW))
    stack.clients.s3.delete_object(Bucket="quarantine", Key=copy_of(event))
    assert stack.deliver(decide(stack, KEY, event, Action.RESTORE))
    record = stack.record(KEY, event)
    assert (record.status, record.attributes["reason"]) == (Status.BLOCKED, "taken_down")
    assert record.attributes["detail"] == "it was to be published, but its original is gone"
    assert "attention" not in record.attributes
