"""What a backfill does to published versions: rendered anew and swapped at once, or withheld by the policy of now."""

from dataclasses import replace
from typing import Any

import pytest

from media_pipeline.events import ReworkMode
from media_pipeline.images.renditions import Size
from media_pipeline.processing.publishing import Publishing
from media_pipeline.processing.reworking import ATTEMPTS
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Status
from media_pipeline.records.reworked import ReworkedRecords
from media_pipeline.records.succession import NEVER
from media_pipeline.storage import Storage
from tests.fixtures.backfilling import links_expire, order, other_sizes
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import FakeContext, MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, draw, kill_at, settle
from tests.unit.processing.test_takedowns import published
from tests.unit.processing.test_versions_and_deletes import keeping, shown, version_of
from tests.unit.processing.test_withdrawals import KEY, delete


def names(stack: MotoStack, event: dict[str, Any]) -> list[str]:
    return [rendition["name"] for rendition in stack.record(KEY, event).renditions]


def listed(stack: MotoStack, event: dict[str, Any]) -> set[str]:
    return set(stack.record(KEY, event).listed_keys)


def test_rendered_anew_it_has_the_renditions_of_now_and_no_others(stack: MotoStack) -> None:
    event = published(stack)
    before = stack.record(KEY, event)
    other_sizes(stack)
    message = order(stack, KEY, event)
    assert not stack.deliver(message), "it returns to remove the old files"
    record = stack.record(KEY, event)
    assert names(stack, event) == ["medium", "tiny"]
    assert record.status is Status.PUBLISHED
    assert record.attempt == before.attempt + 1
    assert record.moderation == before.moderation
    assert len(stack.rekognition.calls) == 1
    assert stack.keys("renditions") == before.listed_keys | record.listed_keys, "links may still be followed"
    links_expire(stack)
    assert stack.deliver(message)
    assert stack.keys("renditions") == stack.record(KEY, event).rendition_keys == record.listed_keys
    assert not {"rework", "old_renditions"} & stack.record(KEY, event).attributes.keys()


def test_what_is_rendered_anew_is_announced_anew(stack: MotoStack) -> None:
    event = published(stack)
    first = stack.announcements()
    other_sizes(stack)
    message = order(stack, KEY, event)
    stack.deliver(message)
    links_expire(stack)
    stack.deliver(message)
    (second,) = stack.announcements()
    assert second["status"] == "PUBLISHED"
    assert second["alert_id"] != first[0]["alert_id"]
    assert [rendition["name"] for rendition in second["renditions"]] == ["medium", "tiny"]


def test_outcome_that_was_not_announced_is_announced_before_a_rework_replaces_it(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload(KEY, draw((1, 200, 30)))
    kill_at(monkeypatch, stack.clients.sns, "publish")
    with pytest.raises(KILLED):
        stack.deliver(event)
    other_sizes(stack)
    stack.deliver(order(stack, KEY, event))
    assert [announcement["attempt"] for announcement in stack.announcements()] == [1, 2]


def test_the_same_bytes_are_not_put_again(stack: MotoStack, monkeypatch: pytest.MonkeyPatch) -> None:
    event = published(stack)
    put: list[str] = []
    real = Storage.put_rendition

    def noted(self: Storage, key: str, *args: Any, **kwargs: Any) -> None:
        put.append(key)
        real(self, key, *args, **kwargs)

    monkeypatch.setattr(Storage, "put_rendition", noted)
    sizes = (*stack.settings.specs.sizes, Size.parse("tiny", 20))
    stack.settings = replace(stack.settings, specs=replace(stack.settings.specs, sizes=sizes))
    assert stack.deliver(order(stack, KEY, event)), "nothing is left to be removed"
    assert len(put) == 1
    assert "/tiny-" in put[0]


def test_second_rework_before_the_links_to_what_the_first_replaced_expire_leaves_no_file_of_either(
    stack: MotoStack,
) -> None:
    event = published(stack)
    other_sizes(stack)
    assert not stack.deliver(order(stack, KEY, event)), "it returns to remove the old files"
    sizes = (Size.parse("medium", 200), Size.parse("small", 30))
    stack.settings = replace(stack.settings, specs=replace(stack.settings.specs, sizes=sizes))
    message = order(stack, KEY, event)
    assert not stack.deliver(message)
    links_expire(stack)
    assert stack.deliver(message)
    assert names(stack, event) == ["medium", "small"]
    assert stack.keys("renditions") == listed(stack, event)


def test_rework_during_which_something_newer_is_published_still_expires(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping(stack, 30)
    event = published(stack)
    other_sizes(stack)
    message = order(stack, KEY, event)
    real = Publishing.publish

    def publish(self: Publishing, *args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(Publishing, "publish", real)
        settle(stack, stack.upload(KEY, draw((9, 9, 200))))
        real(self, *args, **kwargs)

    monkeypatch.setattr(Publishing, "publish", publish)
    stack.deliver(message)
    record = stack.record(KEY, event)
    assert names(stack, event) == ["medium", "tiny"]
    assert record.followed_by is not None
    assert record.attributes["expires_at"] < NEVER


def test_message_that_comes_again_does_it_once(stack: MotoStack) -> None:
    event = published(stack)
    other_sizes(stack)
    message = order(stack, KEY, event)
    stack.deliver(message)
    links_expire(stack)
    assert stack.deliver(message)
    before = stack.record(KEY, event)
    assert stack.deliver(message)
    assert stack.record(KEY, event) == before


@pytest.mark.parametrize(
    "after", [pytest.param(False, marks=pytest.mark.long), True], ids=["before", "after"]
)
@pytest.mark.parametrize(
    ("owner", "call"),
    [
        (ReworkedRecords, "claim_rework"),
        (ReworkedRecords, "note_renditions"),
        (Storage, "put_rendition"),
        (ReworkedRecords, "commit_rework"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_rework_that_is_cut_off_anywhere_ends_and_readers_always_see_all_of_one_state(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch, owner: object, call: str, after: bool
) -> None:
    event = published(stack)
    old = listed(stack, event)
    other_sizes(stack)
    message = order(stack, KEY, event)
    kill_at(monkeypatch, owner, call, after=after)
    with pytest.raises(KILLED):
        stack.deliver(message)
    seen = shown(stack, KEY)
    assert seen is not None
    assert len(seen["renditions"]) == 2
    assert listed(stack, event) <= stack.keys("renditions")
    stack.clock.now += LEASE_OVER
    stack.deliver(message)
    assert names(stack, event) == ["medium", "tiny"]
    links_expire(stack)
    assert stack.deliver(message)
    assert stack.keys("renditions") == listed(stack, event)
    assert len(listed(stack, event) & old) == 1, "the largest one is the same file"
    assert stack.record(KEY, event).announced


def test_what_a_killed_rework_put_goes_where_the_sizes_change_again(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = published(stack)
    first = stack.settings
    other_sizes(stack)
    message = order(stack, KEY, event)
    kill_at(monkeypatch, ReworkedRecords, "commit_rework")
    with pytest.raises(KILLED):
        stack.deliver(message)
    assert len(stack.keys("renditions")) == 3
    stack.settings = first
    stack.clock.now += LEASE_OVER
    assert stack.deliver(message)
    assert stack.keys("renditions") == listed(stack, event)
    assert names(stack, event) == ["medium", "thumbnail"]


def test_takedown_waits_for_a_rework_and_removes_what_it_put(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = published(stack)
    other_sizes(stack)
    message = order(stack, KEY, event)
    kill_at(monkeypatch, ReworkedRecords, "commit_rework")
    with pytest.raises(KILLED):
        stack.deliver(message)
    takedown = decide(stack, KEY, event, Action.WITHDRAW)
    assert not stack.deliver(takedown), "the lease is held"
    stack.clock.now += LEASE_OVER
    assert stack.deliver(takedown)
    assert stack.keys("renditions") == set()
    assert stack.deliver(message)
    assert stack.keys("renditions") == set()
    assert stack.record(KEY, event).attributes["reason"] == "taken_down"


def test_rework_gives_way_to_a_takedown_that_was_asked_for(stack: MotoStack) -> None:
    event = published(stack)
    other_sizes(stack)
    message = order(stack, KEY, event)
    takedown = decide(stack, KEY, event, Action.WITHDRAW)
    assert stack.deliver(message)
    assert names(stack, event) == ["medium", "thumbnail"]
    assert stack.deliver(takedown)
    assert stack.keys("renditions") == set()


def test_takedown_during_the_puts_has_the_last_word(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = published(stack)
    other_sizes(stack)
    message = order(stack, KEY, event)
    real = Publishing.publish
    asked: list[dict[str, Any]] = []

    def publish(self: Publishing, *args: Any, **kwargs: Any) -> None:
        asked.append(decide(stack, KEY, event, Action.WITHDRAW))
        real(self, *args, **kwargs)

    monkeypatch.setattr(Publishing, "publish", publish)
    stack.deliver(message)
    answer = shown(stack, KEY)
    assert answer is not None
    assert answer["renditions"] == [], "no link is signed"
    assert stack.deliver(asked[0])
    assert stack.keys("renditions") == set()


@pytest.mark.parametrize("is_version", [False, True], ids=["key", "version"])
def test_delete_during_a_rework_leaves_nothing(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch, is_version: bool
) -> None:
    event = published(stack)
    other_sizes(stack)
    message = order(stack, KEY, event)
    kill_at(monkeypatch, ReworkedRecords, "commit_rework")
    with pytest.raises(KILLED):
        stack.deliver(message)
    if is_version:
        stack.clients.s3.delete_object(Bucket="uploads", Key=KEY, VersionId=version_of(event))
        gone = stack.event("ObjectRemoved:Delete", KEY, version_of(event))
    else:
        gone = delete(stack, KEY)
    assert not stack.deliver(gone)
    stack.clock.now += LEASE_OVER
    assert stack.deliver(gone)
    assert stack.keys("renditions") == set()
    assert stack.deliver(message)
    assert stack.keys("renditions") == set()


def test_version_that_something_newer_follows_is_left_alone(stack: MotoStack) -> None:
    event = published(stack)
    other_sizes(stack)
    message = order(stack, KEY, event)
    settle(stack, stack.upload(KEY, draw((9, 9, 200))))
    before = stack.record(KEY, event).renditions
    assert stack.deliver(message)
    assert stack.record(KEY, event).renditions == before
    assert stack.record(KEY, event).attributes["rework"]["ended"] == "replaced"


def test_original_that_has_expired_leaves_all_as_it_is(stack: MotoStack) -> None:
    event = published(stack)
    before = stack.record(KEY, event)
    other_sizes(stack)
    message = order(stack, KEY, event)
    stack.clients.s3.delete_object(Bucket="uploads", Key=KEY, VersionId=version_of(event))
    assert stack.deliver(message)
    record = stack.record(KEY, event)
    assert (record.renditions, record.attempt) == (before.renditions, before.attempt)
    assert record.attributes["rework"]["ended"] == "original_gone"
    assert stack.deliver(message), "the same message does not try it again"


def test_pictures_that_nobody_judged_are_not_published(stack: MotoStack) -> None:
    event = published(stack)
    before = stack.record(KEY, event)
    specs = replace(stack.settings.specs, sizes=(Size.parse("larger", 250),))
    stack.settings = replace(stack.settings, specs=specs)
    assert stack.deliver(order(stack, KEY, event))
    record = stack.record(KEY, event)
    assert record.renditions == before.renditions
    assert record.attributes["rework"]["ended"] == "not_judged"
    assert stack.keys("renditions") == before.listed_keys
    assert len(stack.rekognition.calls) == 1
    stack.deliver(order(stack, KEY, event, ReworkMode.ASK, id="another-run"))
    assert names(stack, event) == ["larger"]
    assert len(stack.rekognition.calls) == 2


@pytest.mark.long
def test_object_that_kills_the_function_each_time_is_given_up(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = published(stack)
    other_sizes(stack)
    message = order(stack, KEY, event)
    for _ in range(ATTEMPTS):
        with monkeypatch.context() as patched:
            kill_at(patched, ReworkedRecords, "note_renditions")
            with pytest.raises(KILLED):
                stack.deliver(message)
        stack.clock.now += LEASE_OVER
    assert stack.deliver(message)
    assert names(stack, event) == ["medium", "thumbnail"]
    assert stack.record(KEY, event).attributes["rework"]["ended"] == "resource_exhausted"


def test_rework_is_released_where_it_has_no_time(stack: MotoStack) -> None:
    event = published(stack)
    other_sizes(stack)
    message = order(stack, KEY, event)
    assert not stack.deliver(message, context=FakeContext(20.0))
    assert not stack.record(KEY, event).is_reworked
    stack.deliver(message)
    assert names(stack, event) == ["medium", "tiny"]


def test_dead_letter_of_a_rework_changes_nothing(stack: MotoStack) -> None:
    event = published(stack)
    before = stack.record(KEY, event)
    message = order(stack, KEY, event)
    assert stack.dead_letter(message)
    assert stack.record(KEY, event) == before
    stack.records._items.delete((KEY, before.sequencer), condition={"status": Status.PUBLISHED})
    assert stack.dead_letter(message)
    assert stack.records.newest(KEY) is None, "what was forgotten stays so"
