"""What waits for a person: how many, for how long, and what of it cannot wait much longer."""

from typing import Any

import pytest

from media_pipeline.records.record import iso_time, to_item
from operations.retention import gone_after_days
from operations.waiting import WaitingRecords
from tests.fixtures.moto_stack import MotoStack

NOW = 1_800_000_000.0
DAY = 86_400.0
DECISION = {"id": "B", "action": "approve", "at": iso_time(NOW - 3600)}


def put(stack: MotoStack, key: str, *, days: float, state: str = "REVIEW", **attributes: Any) -> None:
    values = {
        "object_key": key,
        "sequencer": "0A".ljust(32, "0"),
        "status": state,
        "attention": state,
        "updated_at": iso_time(NOW),
        "finished_at": iso_time(NOW - days * DAY),
        **attributes,
    }
    stack.clients.dynamodb.put_item(TableName="records", Item=to_item(values))


@pytest.fixture
def waiting(stack: MotoStack) -> WaitingRecords:
    return WaitingRecords(dynamodb=stack.clients.dynamodb, table="records", clock=lambda: NOW)


def test_nothing_waits_in_an_empty_stack(waiting: WaitingRecords) -> None:
    assert waiting.read("REVIEW").words(NOW) == "0 records"


def test_the_oldest_is_the_one_that_was_finished_first(stack: MotoStack, waiting: WaitingRecords) -> None:
    for key, days in (("a", 1), ("b", 3.2), ("c", 2)):
        put(stack, key, days=days)
    put(stack, "failed", days=9, state="FAILED")
    found = waiting.read("REVIEW")
    assert (found.count, found.oldest) == (3, iso_time(NOW - 3.2 * DAY))
    assert found.words(NOW).startswith("3 records, the oldest for 3 days (20")


def test_those_whose_original_expires_within_two_weeks_are_counted(
    stack: MotoStack, waiting: WaitingRecords
) -> None:
    for key, days in (("a", 15.9), ("b", 16.1), ("c", 40)):
        put(stack, key, days=days)
    assert waiting.read("REVIEW", expire_after_days=30).expiring == 2
    assert waiting.read("REVIEW").expiring == 0


@pytest.mark.parametrize(
    ("attributes", "counts"),
    [
        ({"decision": DECISION}, 1),
        ({"decision": DECISION, "carried_out": "A"}, 1),
        ({"decision": DECISION, "carried_out": "B"}, 0),
        ({"decision": {**DECISION, "action": "escalate"}}, 1),
        ({"decision": {**DECISION, "at": iso_time(NOW - 5)}}, 0),
        ({}, 0),
    ],
)
def test_decisions_that_the_workers_should_have_carried_out_are_counted(
    stack: MotoStack, waiting: WaitingRecords, attributes: dict[str, Any], counts: int
) -> None:
    put(stack, "a", days=1, **attributes)
    assert waiting.read("REVIEW").not_carried_out == counts


def test_days_are_those_of_the_buckets_lifecycle(stack: MotoStack) -> None:
    assert gone_after_days(stack.clients.s3, "quarantine") is None
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    stack.clients.s3.put_bucket_lifecycle_configuration(
        Bucket="quarantine",
        LifecycleConfiguration={"Rules": [rule]},  # type: ignore[list-item]
    )
    assert gone_after_days(stack.clients.s3, "quarantine") == 30
