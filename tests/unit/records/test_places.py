"""The place in the order of its key that a version gets whose event had no sequencer, and how its record moves."""

from collections.abc import Iterator
from typing import Any

import pytest

from media_pipeline.errors import LeaseHeldError, TransientError
from media_pipeline.events import EventKind, ObjectEvent
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Claim, Record, Status
from media_pipeline.records.table import Records
from tests.fixtures.moto_stack import MotoStack

KEY = "a/b.jpg"
FIRST, SECOND, THIRD = (digit.ljust(32, "0") for digit in "123")


@pytest.fixture
def records(stack: MotoStack) -> Records:
    return stack.records


def claim(records: Records, sequencer: str, version: str = "v1") -> Claim:
    put = ObjectEvent(
        kind=EventKind.CREATED, bucket="uploads", key=KEY, version_id=version, etag="e", sequencer=sequencer
    )
    claimed = records.claim(put, owner="me", lease_seconds=66.0)
    assert isinstance(claimed, Claim)
    return claimed


def judge(records: Records, mine: Claim) -> Record:
    moderation: dict[str, Any] = {"verdict": "allow", "mode": "enforce", "reason": None, "labels": []}
    return records.store_verdict(mine, {"moderation": moderation, "renditions": [{"key": "r/1"}]})


def test_deliveries_at_once_of_an_event_without_sequencer_share_one_record(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = ObjectEvent(
        kind=EventKind.CREATED, bucket="uploads", key=KEY, version_id="v1", etag="e", sequencer=None
    )
    query = ItemTable.query

    def query_and_be_overtaken(self: ItemTable, *args: Any, **how: Any) -> Iterator[Record]:
        found = list(query(self, *args, **how))
        monkeypatch.setattr(ItemTable, "query", query)
        records.claim(put, owner="the other one", lease_seconds=66.0)
        return iter(found)

    monkeypatch.setattr(ItemTable, "query", query_and_be_overtaken)
    with pytest.raises(LeaseHeldError):
        records.claim(put, owner="me", lease_seconds=66.0)
    assert [record.owner for record in records.history(KEY)] == ["the other one"]


def test_a_judged_record_moves_whole_and_can_be_committed_there(records: Records) -> None:
    mine = claim(records, FIRST)
    mine = mine._replace(record=judge(records, mine))

    moved = records.move(mine, SECOND)

    assert records.get(KEY, FIRST) is None
    there = records.get(KEY, SECOND)
    assert there == moved.record
    same = {"sequencer": None, "updated_at": None}
    assert {**there.attributes, **same} == {**mine.record.attributes, **same}
    assert records.commit(moved, Status.PUBLISHED, {}).sequencer == SECOND


def test_a_record_never_moves_to_a_place_that_is_taken(records: Records) -> None:
    mine, other = claim(records, FIRST), claim(records, SECOND, "v2")

    with pytest.raises(TransientError):
        records.move(mine, SECOND)

    assert records.get(KEY, FIRST) == mine.record
    assert records.get(KEY, SECOND) == other.record


def test_a_record_that_changed_since_it_was_claimed_stays_where_it_is(
    stack: MotoStack, records: Records
) -> None:
    mine = claim(records, FIRST)
    stack.clock.now += 1
    judged = judge(records, mine)

    with pytest.raises(TransientError):  # the verdict would be lost
        records.move(mine, THIRD)

    assert records.get(KEY, FIRST) == judged
    assert records.get(KEY, THIRD) is None
