"""What a record is told of the others of its key, however many there are, and what of it outlives late messages."""

import pytest

from media_pipeline.errors import Reason
from media_pipeline.records.record import Status
from media_pipeline.records.succession import LATE_MESSAGE_DAYS, NEIGHBOURS
from media_pipeline.records.table import Records
from tests.fixtures.moto_stack import MotoStack
from tests.unit.records.test_table import claim, event, keeping_for_a_month

DAY = 86_400


def keeping_for_a_day(stack: MotoStack) -> Records:
    return Records(dynamodb=stack.clients.dynamodb, table="records", clock=stack.clock, retention_days=1)


@pytest.mark.parametrize("later", [1, NEIGHBOURS - 2, NEIGHBOURS - 1, NEIGHBOURS, NEIGHBOURS + 1])
def test_older_records_are_seen_below_any_number_of_newer_ones(stack: MotoStack, later: int) -> None:
    records = keeping_for_a_month(stack)
    records.commit(claim(records, event("0001", "v0")), Status.PUBLISHED, {})
    mine = claim(records, event("0002", "v1"))
    for number in range(later):
        records.commit(claim(records, event(f"01{number:02X}", f"w{number}")), Status.REJECTED, {})
    assert records.succession.neighbours(mine.record).has_older


@pytest.mark.parametrize("status", [Status.SUPERSEDED, Status.REJECTED])
def test_record_of_what_is_in_quarantine_outlives_every_message_that_may_come_late(
    stack: MotoStack, status: Status
) -> None:
    records = keeping_for_a_day(stack)
    facts = {"reason": Reason.TAKEN_DOWN, "original": "quarantine"}
    records.commit(claim(records, event("0A", "v1")), status, facts)
    newer = records.commit(claim(records, event("0B", "v2")), Status.PUBLISHED, {})
    records.succession.mark_followed(newer)
    (older,) = records.succession.older(newer.object_key, newer.sequencer)
    assert older.attributes["expires_at"] == int(stack.clock.now) + LATE_MESSAGE_DAYS * DAY


def test_what_is_decided_about_below_something_newer_expires_only_after_late_messages(
    stack: MotoStack,
) -> None:
    records = keeping_for_a_day(stack)
    first = records.commit(claim(records, event("0A", "v1")), Status.PUBLISHED, {"original": "quarantine"})
    newer = records.commit(claim(records, event("0B", "v2")), Status.PUBLISHED, {})
    records.succession.mark_followed(newer)
    again = claim(records, event("0A", "v1", redrive=first.attempt, restores=True))
    ended = records.commit(again, Status.SUPERSEDED, {})
    assert ended.attributes["expires_at"] == int(stack.clock.now) + LATE_MESSAGE_DAYS * DAY
