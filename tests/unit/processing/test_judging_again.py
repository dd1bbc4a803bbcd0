"""What a backfill does to published versions whose verdict is another one by now."""

from dataclasses import replace
from typing import Any

import pytest

from media_pipeline.errors import NothingChangedError
from media_pipeline.events import ReworkMode
from media_pipeline.moderation.policy import Policy
from media_pipeline.processing.publishing import Publishing
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Status
from media_pipeline.records.reworked import ReworkedRecords
from media_pipeline.storage import Storage
from tests.fixtures.backfilling import order, other_sizes, with_policy
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, draw, kill_at, refuse_picture
from tests.unit.processing.test_judged_requests import moving
from tests.unit.processing.test_reworking import names
from tests.unit.processing.test_takedowns import published
from tests.unit.processing.test_versions_and_deletes import delete_version, version_of
from tests.unit.processing.test_withdrawals import KEY, copies, copy_of

VIOLENCE = [("Violence", "", 45.0)]
STRICTER = Policy.parse({"mode": "enforce", "block": {"Weapons": 90, "Violence": 41}, "recordFrom": 40})
ASKING_REVIEW = Policy.parse(
    {"mode": "enforce", "block": {"Weapons": 90}, "review": {"Violence": 41}, "recordFrom": 40}
)


def judged(stack: MotoStack, *, shade: int = 1) -> dict[str, Any]:
    """Publish a picture that has a label below what the policy of then minds."""
    with_policy(stack, replace_recording(stack))
    stack.rekognition.labels = list(VIOLENCE)
    return published(stack, shade)


def replace_recording(stack: MotoStack) -> Policy:
    return Policy.parse({"mode": "enforce", "block": {"Weapons": 90}, "recordFrom": 40})


def test_stricter_policy_blocks_what_is_published_by_the_answers_of_then(stack: MotoStack) -> None:
    event = judged(stack)
    with_policy(stack, STRICTER)
    message = order(stack, KEY, event, ReworkMode.DECIDE)
    assert stack.deliver(message)
    record = stack.record(KEY, event)
    assert (record.status, record.attributes["reason"]) == (Status.BLOCKED, "policy_block")
    assert record.moderation is not None
    assert record.moderation.policy_version == STRICTER.version
    assert len(stack.rekognition.calls) == 1, "nobody was asked"
    assert stack.keys("renditions") == set()
    assert copy_of(event) in copies(stack)
    assert [each["status"] for each in stack.announcements()] == ["PUBLISHED", "BLOCKED"]
    assert stack.deliver(message)
    assert not {"rework", "old_renditions"} & stack.record(KEY, event).attributes.keys()


def test_what_is_to_be_reviewed_has_pictures_for_reviewers(stack: MotoStack) -> None:
    event = judged(stack)
    with_policy(stack, ASKING_REVIEW)
    assert stack.deliver(order(stack, KEY, event, ReworkMode.DECIDE))
    record = stack.record(KEY, event)
    assert record.status is Status.REVIEW
    (picture,) = record.attributes["review"]
    assert picture["key"] in stack.keys("quarantine")
    assert stack.keys("renditions") == set()


def test_what_has_no_original_any_more_is_blocked_all_the_same(stack: MotoStack) -> None:
    event = judged(stack)
    stack.clients.s3.delete_object(Bucket="uploads", Key=KEY, VersionId=version_of(event))
    with_policy(stack, STRICTER)
    assert stack.deliver(order(stack, KEY, event, ReworkMode.DECIDE))
    record = stack.record(KEY, event)
    assert (record.status, record.attributes["reason"]) == (Status.BLOCKED, "policy_block")
    assert "original" not in record.attributes
    assert stack.keys("renditions") == set()


def test_what_nobody_could_review_any_more_stays_published(stack: MotoStack) -> None:
    event = judged(stack)
    stack.clients.s3.delete_object(Bucket="uploads", Key=KEY, VersionId=version_of(event))
    with_policy(stack, ASKING_REVIEW)
    assert stack.deliver(order(stack, KEY, event, ReworkMode.DECIDE))
    record = stack.record(KEY, event)
    assert record.status is Status.PUBLISHED
    assert record.attributes["rework"]["ended"] == "original_gone"


def test_another_policy_than_the_operator_saw_decides_nothing(stack: MotoStack) -> None:
    event = judged(stack)
    message = order(stack, KEY, event, ReworkMode.DECIDE)
    with_policy(stack, STRICTER)
    assert stack.deliver(message)
    assert stack.record(KEY, event).attributes["rework"]["ended"] == "other_policy"
    assert stack.record(KEY, event).status is Status.PUBLISHED


@pytest.mark.parametrize(
    "after", [pytest.param(False, marks=pytest.mark.long), True], ids=["before", "after"]
)
@pytest.mark.parametrize(
    ("owner", "call"),
    [(Publishing, "put_review_pictures"), (ReworkedRecords, "withhold"), (Storage, "quarantine")],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_withholding_that_is_cut_off_anywhere_ends(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch, owner: object, call: str, after: bool
) -> None:
    event = judged(stack)
    with_policy(stack, ASKING_REVIEW)
    message = order(stack, KEY, event, ReworkMode.DECIDE)
    kill_at(monkeypatch, owner, call, after=after)
    with pytest.raises(KILLED):
        stack.deliver(message)
    stack.clock.now += LEASE_OVER
    assert stack.deliver(message)
    assert stack.record(KEY, event).status is Status.REVIEW
    assert stack.keys("renditions") == set()


def test_what_a_killed_rework_put_goes_where_another_one_withholds_the_version(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = judged(stack)
    before = stack.keys("renditions")
    other_sizes(stack)
    kill_at(monkeypatch, ReworkedRecords, "commit_rework")
    with pytest.raises(KILLED):
        stack.deliver(order(stack, KEY, event, id="sizes"))
    assert stack.keys("renditions") > before
    stack.clock.now += LEASE_OVER
    with_policy(stack, STRICTER)
    assert stack.deliver(order(stack, KEY, event, ReworkMode.DECIDE, id="policy"))
    assert stack.record(KEY, event).status is Status.BLOCKED
    assert stack.keys("renditions") == set()


def test_pictures_for_reviewers_that_a_killed_rework_put_go_with_the_version(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = judged(stack)
    with_policy(stack, STRICTER)
    kill_at(monkeypatch, ReworkedRecords, "withhold")
    with pytest.raises(KILLED):
        stack.deliver(order(stack, KEY, event, ReworkMode.DECIDE))
    assert stack.keys("quarantine") != set()
    assert stack.deliver(delete_version(stack, KEY, version_of(event)))
    assert stack.record(KEY, event).status is Status.DELETED
    assert stack.keys("quarantine") == set()


def test_asked_anew_it_is_judged_by_the_model_and_the_policy_of_now(stack: MotoStack) -> None:
    event = published(stack)
    stack.rekognition.model = "8.0"
    other_sizes(stack)
    stack.deliver(order(stack, KEY, event, ReworkMode.ASK, fresh=True))
    record = stack.record(KEY, event)
    assert len(stack.rekognition.calls) == 2
    assert record.moderation is not None
    assert record.moderation.model_version == "8.0"
    assert names(stack, event) == ["medium", "tiny"]


def test_asked_anew_without_need_uses_the_answers_of_then(stack: MotoStack) -> None:
    event = published(stack)
    stack.deliver(order(stack, KEY, event, ReworkMode.ASK))
    assert len(stack.rekognition.calls) == 1


def test_asked_anew_what_shows_weapons_now_is_withheld(stack: MotoStack) -> None:
    event = published(stack)
    stack.rekognition.labels = list(WEAPON)
    assert stack.deliver(order(stack, KEY, event, ReworkMode.ASK, fresh=True))
    assert stack.record(KEY, event).status is Status.BLOCKED
    assert stack.keys("renditions") == set()


def test_answers_of_an_attempt_that_was_cut_off_are_not_paid_for_twice(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = published(stack)
    message = order(stack, KEY, event, ReworkMode.ASK, fresh=True)
    with monkeypatch.context() as patched:
        patched.setattr(ReworkedRecords, "note_renditions", _refuse)
        assert not stack.deliver(message)
    assert "answers" in stack.record(KEY, event).attributes
    stack.deliver(message)
    assert len(stack.rekognition.calls) == 2
    assert "answers" not in stack.record(KEY, event).attributes


@pytest.mark.parametrize(("fresh", "asked_again"), [(False, 1), (True, 8)])
def test_answers_to_a_rework_of_which_rekognition_refused_a_picture_are_paid_for_again_only_on_request(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch, fresh: bool, asked_again: int
) -> None:
    stack.settings = replace(stack.settings, specs=replace(stack.settings.specs, formats=("jpeg", "webp")))
    event = stack.upload(KEY, moving(8, "RGB", "WEBP"))
    assert stack.deliver(event)
    assert len(stack.rekognition.calls) == 8
    pictures = stack.record(KEY, event).attributes["moderation"]["pictures"]
    with monkeypatch.context() as patched:
        refuse_picture(patched, stack, pictures[-1]["sha256"])
        assert stack.deliver(order(stack, KEY, event, ReworkMode.ASK, fresh=True, id="first"))
    record = stack.record(KEY, event)
    assert (record.status, record.attributes["rework"]["ended"]) == (Status.PUBLISHED, "proxy_refused")
    assert len(record.attributes["answers"]["pictures"]) == 7
    stack.rekognition.calls.clear()
    stack.deliver(order(stack, KEY, event, ReworkMode.ASK, fresh=fresh, id="second"))
    assert len(stack.rekognition.calls) == asked_again
    assert "answers" not in stack.record(KEY, event).attributes


def test_answers_stay_where_a_person_decides_while_a_rework_asks(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = published(stack)
    message = order(stack, KEY, event, ReworkMode.ASK, fresh=True)
    with monkeypatch.context() as patched:
        patched.setattr(ReworkedRecords, "note_renditions", _decided)
        assert stack.deliver(message)
    record = stack.record(KEY, event)
    assert record.attributes["rework"]["ended"] == "decided"
    assert len(record.attributes["answers"]["pictures"]) == 1


def _decided(*_: Any, **__: Any) -> None:
    raise NothingChangedError("decided")


def _refuse(*_: Any, **__: Any) -> None:
    raise ConnectionError("the table is not reachable")


def test_what_a_person_approved_is_not_judged_again(stack: MotoStack) -> None:
    stack.rekognition.labels = [("Violence", "", 60.0)]
    event = stack.upload(KEY, draw((1, 200, 30)))
    assert stack.deliver(event)
    assert stack.deliver(decide(stack, KEY, event))
    assert stack.record(KEY, event).status is Status.PUBLISHED
    assert stack.deliver(order(stack, KEY, event, ReworkMode.ASK, fresh=True))
    assert stack.record(KEY, event).attributes["rework"]["ended"] == "approved"
    other_sizes(stack)
    stack.deliver(order(stack, KEY, event, id="another-run"))
    assert names(stack, event) == ["medium", "tiny"], "from quarantine, where its original is"
    assert len(stack.rekognition.calls) == 1


def test_answers_outlive_a_takedown_that_is_asked_for_while_the_same_files_would_be_published(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = stack.settings.policy
    with_policy(stack, Policy.parse({"mode": "off"}))
    event = published(stack)
    with_policy(stack, now)
    message = order(stack, KEY, event, ReworkMode.ASK)
    real = ReworkedRecords.note_renditions

    def decided_meanwhile(self: ReworkedRecords, *args: Any) -> Any:
        decide(stack, KEY, event, Action.WITHDRAW)
        return real(self, *args)

    monkeypatch.setattr(ReworkedRecords, "note_renditions", decided_meanwhile)
    assert stack.deliver(message)
    assert len(stack.rekognition.calls) == 1
    record = stack.record(KEY, event)
    assert record.rework is not None
    assert record.rework.ended == "decided"
    assert len(record.attributes["answers"]["pictures"]) == 1
