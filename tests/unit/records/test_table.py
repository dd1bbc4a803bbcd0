"""Each row of the design's transition table, against DynamoDB's own conditions."""

import dataclasses
from typing import Any

import pytest
from botocore.exceptions import ClientError

from media_pipeline.errors import LeaseHeldError, LeaseLostError, Reason, TransientError
from media_pipeline.events import EventKind, ObjectEvent
from media_pipeline.records.record import Claim, Finished, Record, Status
from media_pipeline.records.succession import LATE_MESSAGE_DAYS, NEVER
from media_pipeline.records.table import Records
from tests.fixtures.moto_stack import MotoStack

LEASE = 66.0


def event(
    sequencer: str | None = "0A", version: str = "v1", redrive: int | None = None, **changes: Any
) -> ObjectEvent:
    return ObjectEvent(
        **{
            "kind": EventKind.CREATED,
            "bucket": "uploads",
            "key": "a/b.jpg",
            "version_id": version,
            "etag": "e",
            "sequencer": sequencer.ljust(32, "0") if sequencer else None,
            "redrive_attempt": redrive,
            **changes,
        }
    )


def claim(records: Records, which: ObjectEvent | None = None, owner: str = "me") -> Claim:
    claimed = records.claim(which or event(), owner=owner, lease_seconds=LEASE)
    assert isinstance(claimed, Claim)
    return claimed


def verdict(records: Records, mine: Claim, answer: str = "allow") -> Record:
    moderation: dict[str, Any] = {"verdict": answer, "mode": "enforce", "reason": None, "labels": []}
    return records.store_verdict(mine, {"moderation": moderation, "renditions": [{"key": "r/1"}]})


class LosesTheAnswer:
    """A DynamoDB client whose next write is applied, then repeated, as botocore does when an answer was lost."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        try:
            self._client.update_item(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
        return self._client.update_item(**request)


@pytest.fixture
def records(stack: MotoStack) -> Records:
    found: Records = stack.records
    return found


@pytest.fixture
def forgetful(stack: MotoStack) -> Records:
    return Records(
        dynamodb=LosesTheAnswer(stack.clients.dynamodb),  # type: ignore[arg-type]
        table="records",
        clock=stack.clock,
        retention_days=0,
    )


def test_first_claim_opens_a_record_with_its_version_and_a_lease(records: Records, stack: MotoStack) -> None:
    record = claim(records).record
    assert (record.status, record.owner, record.attempt, record.unfinished) == (Status.PROCESSING, "me", 1, 1)
    assert (record.version_id, record.etag, record.stage) == ("v1", "e", "image")
    assert record.lease_left(stack.clock.now) == pytest.approx(LEASE, abs=0.01)


def test_claim_of_a_live_foreign_lease_says_how_long_it_lasts(records: Records, stack: MotoStack) -> None:
    claim(records)
    stack.clock.now += 60
    with pytest.raises(LeaseHeldError) as raised:
        claim(records, owner="other")
    assert raised.value.seconds == pytest.approx(LEASE - 60, abs=0.01)


def test_claim_after_the_lease_counts_an_attempt_that_began_to_decode_as_unfinished(
    records: Records, stack: MotoStack
) -> None:
    records.begin_decoding(claim(records))
    stack.clock.now += LEASE + 1
    record = claim(records, owner="other").record
    assert (record.owner, record.attempt, record.unfinished) == ("other", 2, 2)
    stack.clock.now += LEASE + 1
    # The second one never began: it does not count, the first still does.
    record = claim(records, owner="third").record
    assert (record.owner, record.attempt, record.unfinished) == ("third", 3, 2)


def test_only_the_holder_may_begin_to_decode(records: Records, stack: MotoStack) -> None:
    mine = claim(records)
    stack.clock.now += LEASE + 1
    claim(records, owner="other")
    with pytest.raises(LeaseLostError):
        records.begin_decoding(mine)


def test_no_note_of_decoding_outlives_its_attempt(records: Records) -> None:
    for end in (
        lambda mine: records.release(mine, unfinished=0),
        lambda mine: verdict(records, mine),
        lambda mine: records.commit(mine, Status.REJECTED, {}),
    ):
        mine = claim(records)
        records.begin_decoding(mine)
        end(mine)
        record = records.get(event().key, event().sequencer or "")
        assert record is not None
        assert "decoding" not in record.attributes
        if not record.status.terminal and record.owner:
            records.release(mine, unfinished=0)


@pytest.mark.parametrize("status", [status for status in Status if status.terminal])
def test_terminal_record_is_not_claimed_by_a_late_duplicate(records: Records, status: Status) -> None:
    done = records.commit(claim(records), status, {})
    found = records.claim(event(), owner="late", lease_seconds=LEASE)
    assert found == Finished(done)


def test_failed_record_is_opened_only_by_a_redrive_that_names_its_attempt(records: Records) -> None:
    mine = claim(records)
    verdict(records, mine)
    records.commit(mine, Status.FAILED, {"reason": "proxy_refused", "detail": "x"})
    assert isinstance(records.claim(event(redrive=7), owner="you", lease_seconds=LEASE), Finished)
    reopened = claim(records, event(redrive=1), owner="you").record
    assert (reopened.attempt, reopened.unfinished, reopened.owner) == (2, 1, "you")
    assert reopened.moderation is not None, "a stored verdict stays"
    for gone in ("announced_at", "alert_id", "reason", "detail", "attention"):
        assert gone not in reopened.attributes


@pytest.mark.parametrize("status", [Status.REVIEW, Status.BLOCKED, Status.PUBLISHED, Status.REJECTED])
def test_redrive_opens_no_other_status(records: Records, status: Status) -> None:
    records.commit(claim(records), status, {})
    assert isinstance(records.claim(event(redrive=1), owner="you", lease_seconds=LEASE), Finished)


def test_claim_whose_answer_was_lost_is_recognised(forgetful: Records) -> None:
    mine = claim(forgetful)
    assert (mine.record.attempt, mine.record.unfinished, mine.unfinished_before) == (1, 1, 0)


def test_release_ends_the_lease_and_takes_the_unfinished_attempt_back(records: Records) -> None:
    mine = claim(records)
    records.release(mine, unfinished=mine.unfinished_before)
    record = records.get("a/b.jpg", mine.record.sequencer)
    assert record is not None
    assert (record.owner, record.unfinished, int(record.lease_until), record.attempt) == (None, 0, 0, 1)
    assert claim(records, owner="next").record.attempt == 2


def test_release_twice_is_the_same_as_once(forgetful: Records) -> None:
    mine = claim(forgetful)
    forgetful.release(mine, unfinished=0)


def test_release_of_a_claim_taken_over_leaves_the_other_alone(records: Records, stack: MotoStack) -> None:
    mine = claim(records)
    stack.clock.now += LEASE + 1
    other = claim(records, owner="other")
    with pytest.raises(LeaseLostError):
        records.release(mine, unfinished=0)
    assert records.get("a/b.jpg", mine.record.sequencer) == other.record


def test_verdict_keeps_the_facts_and_forgives_unfinished_attempts(forgetful: Records) -> None:
    record = verdict(forgetful, claim(forgetful))
    assert record.publishes
    assert record.unfinished == 0
    assert record.rendition_keys == {"r/1"}
    assert record.status is Status.PROCESSING


@pytest.mark.parametrize("change", ["verdict", "commit"])
def test_a_change_by_an_owner_that_lost_its_lease_is_refused(
    records: Records, stack: MotoStack, change: str
) -> None:
    mine = claim(records)
    stack.clock.now += LEASE + 1
    other = claim(records, owner="other")
    with pytest.raises(LeaseLostError):
        verdict(records, mine) if change == "verdict" else records.commit(mine, Status.PUBLISHED, {})
    assert records.get("a/b.jpg", mine.record.sequencer) == other.record


def test_commit_is_terminal_keeps_its_owner_and_names_its_alert(forgetful: Records) -> None:
    mine = claim(forgetful)
    record = forgetful.commit(mine, Status.BLOCKED, {"reason": "policy_block"})
    assert (record.status, record.owner, record.announced) == (Status.BLOCKED, "me", False)
    assert record.alert_id
    assert record.attributes["reason"] == "policy_block"


def test_alert_ids_differ_by_attempt_and_status(records: Records) -> None:
    first = records.commit(claim(records), Status.FAILED, {})
    second = records.commit(claim(records, event(redrive=1)), Status.FAILED, {})
    assert first.alert_id != second.alert_id


@pytest.mark.parametrize(
    ("status", "listed"), [(Status.REVIEW, True), (Status.FAILED, True), (Status.BLOCKED, False)]
)
def test_only_what_needs_a_person_stands_in_the_sparse_index(
    records: Records, status: Status, listed: bool
) -> None:
    record = records.commit(claim(records), status, {})
    assert (record.attributes.get("attention") == status) is listed


def test_announcement_is_noted_once_and_only_for_its_own_outcome(forgetful: Records) -> None:
    record = forgetful.commit(claim(forgetful), Status.FAILED, {})
    reopened = claim(forgetful, event(redrive=1))
    forgetful.mark_announced(record)
    assert (again := forgetful.get("a/b.jpg", reopened.record.sequencer)) is not None
    assert not again.announced
    done = forgetful.commit(reopened, Status.PUBLISHED, {})
    forgetful.mark_announced(done)
    assert (last := forgetful.get("a/b.jpg", reopened.record.sequencer)) is not None
    assert last.announced


@pytest.mark.parametrize(("status", "names"), [(Status.FAILED, {"r/old"}), (Status.REJECTED, set())])
def test_only_what_failed_still_names_the_files_that_a_rework_left(
    records: Records, status: Status, names: set[str]
) -> None:
    mine = claim(records)
    key = (mine.record.object_key, mine.record.sequencer)
    records._items.update(key, {"old_renditions": ["r/old"]}, condition={})
    assert records.commit(mine, status, {}).rendition_keys == names


def test_fail_without_a_record_writes_one_that_lists_its_version(forgetful: Records) -> None:
    record = forgetful.fail(event(), reason=Reason.RETRIES_EXHAUSTED, detail="d")
    assert (record.status, record.version_id, record.attributes["attention"]) == (
        Status.FAILED,
        "v1",
        "FAILED",
    )


def test_fail_waits_for_a_live_lease_and_ends_an_abandoned_record(records: Records, stack: MotoStack) -> None:
    claim(records)
    with pytest.raises(LeaseHeldError):
        records.fail(event(), reason=Reason.RETRIES_EXHAUSTED, detail="d")
    stack.clock.now += LEASE + 1
    assert records.fail(event(), reason=Reason.RETRIES_EXHAUSTED, detail="d").status is Status.FAILED


def test_fail_leaves_a_terminal_record_as_it_is(records: Records) -> None:
    done = records.commit(claim(records), Status.PUBLISHED, {})
    assert records.fail(event(), reason=Reason.RETRIES_EXHAUSTED, detail="d") == done


def test_delete_marker_becomes_a_tombstone_once(forgetful: Records) -> None:
    marker = event("0C", "v3", kind=EventKind.DELETE_MARKER)
    record = forgetful.record_delete_marker(marker)
    assert record.status is Status.DELETED
    assert record.is_tombstone
    assert forgetful.record_delete_marker(marker) == record


@pytest.mark.parametrize("status", [Status.PUBLISHED, Status.FAILED])
def test_deleted_version_turns_its_record_into_deleted(forgetful: Records, status: Status) -> None:
    done = forgetful.commit(claim(forgetful), status, {"reason": "r"})
    forgetful.mark_announced(done)
    record = forgetful.delete(done)
    assert (record.status, record.announced, record.is_tombstone) == (Status.DELETED, False, False)
    assert record.alert_id != done.alert_id
    assert "attention" not in record.attributes


def test_deleted_version_waits_for_a_live_lease_and_ends_an_abandoned_record(
    records: Records, stack: MotoStack
) -> None:
    mine = claim(records)
    with pytest.raises(LeaseHeldError):
        records.delete(mine.record)
    stack.clock.now += LEASE + 1
    assert records.delete(mine.record).status is Status.DELETED


@pytest.mark.parametrize("began", [False, True])
def test_attempt_whose_record_is_fenced_counts_as_unfinished_only_where_it_began_to_decode(
    records: Records, stack: MotoStack, began: bool
) -> None:
    mine = claim(records)
    if began:
        records.begin_decoding(mine)
    stack.clock.now += LEASE + 1
    known = records.get("a/b.jpg", mine.record.sequencer)
    assert known is not None
    records.fence(known)
    following = claim(records, owner="other")
    assert following.unfinished_before == int(began)


def test_deleting_a_record_that_changed_meanwhile_is_tried_again_later(
    records: Records, stack: MotoStack
) -> None:
    mine = claim(records)
    stack.clock.now += LEASE + 1
    claim(records, owner="other")
    with pytest.raises(TransientError):
        records.delete(mine.record)


def test_newer_versions_are_seen_and_older_ones_are_not_newer(records: Records) -> None:
    first, second = claim(records, event("0A", "v1")), claim(records, event("0B", "v2"))
    assert records.succession.neighbours(first.record).has_newer
    assert not records.succession.neighbours(second.record).has_newer
    assert records.succession.neighbours(second.record).has_older
    assert [record.version_id for record in records.succession.older("a/b.jpg", "0B".ljust(32, "0"))] == [
        "v1"
    ]


def test_event_without_sequencer_takes_its_versions_own_or_the_next_free_one(records: Records) -> None:
    assert records.sequencer_of(event(None)) == "0" * 32
    claim(records, event("00FF", "v1"))
    assert records.sequencer_of(event(None, "v1")) == "00FF".ljust(32, "0")
    assert int(records.sequencer_of(event(None, "v2")), 16) == int("00FF".ljust(32, "0"), 16) + 1


def test_two_lost_events_that_draw_one_sequencer_do_not_share_a_record(records: Records) -> None:
    claim(records, event("0A", "v1"))
    with pytest.raises(TransientError):
        records.claim(event("0A", "v2"), owner="x", lease_seconds=LEASE)


def keeping_for_a_month(stack: MotoStack) -> Records:
    return Records(dynamodb=stack.clients.dynamodb, table="records", clock=stack.clock, retention_days=30)


def test_record_expires_only_once_a_newer_one_follows_it(stack: MotoStack) -> None:
    keeping = keeping_for_a_month(stack)
    first = keeping.commit(claim(keeping, event("0A", "v1")), Status.PUBLISHED, {})
    assert first.attributes["expires_at"] == NEVER
    second = keeping.commit(claim(keeping, event("0B", "v2")), Status.PUBLISHED, {})
    keeping.succession.mark_followed(second)
    (older,) = keeping.succession.older(second.object_key, second.sequencer)
    assert older.followed_by == second.sequencer
    assert older.attributes["expires_at"] == int(stack.clock.now) + 30 * 86_400
    assert second.attributes["expires_at"] == NEVER


@pytest.mark.parametrize("status", [Status.FAILED, Status.REVIEW])
def test_record_that_needs_a_person_never_expires(stack: MotoStack, status: Status) -> None:
    keeping = keeping_for_a_month(stack)
    first = keeping.commit(claim(keeping, event("0A", "v1")), status, {})
    assert "expires_at" not in first.attributes
    second = keeping.commit(claim(keeping, event("0B", "v2")), Status.PUBLISHED, {})
    keeping.succession.mark_followed(second)
    (older,) = keeping.succession.older(second.object_key, second.sequencer)
    assert "expires_at" not in older.attributes


def test_tombstone_outlives_every_message_that_may_come_late(stack: MotoStack) -> None:
    keeping = Records(dynamodb=stack.clients.dynamodb, table="records", clock=stack.clock, retention_days=1)
    marker = dataclasses.replace(event("0A", "marker"), kind=EventKind.DELETE_MARKER)
    keeping.record_delete_marker(marker)
    second = keeping.commit(claim(keeping, event("0B", "v2")), Status.PUBLISHED, {})
    keeping.succession.mark_followed(second)
    (tombstone,) = keeping.succession.older(second.object_key, second.sequencer)
    assert tombstone.attributes["expires_at"] == int(stack.clock.now) + LATE_MESSAGE_DAYS * 86_400
