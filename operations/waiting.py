"""What waits for people, from the sparse index of the records table: how many, how old, how much longer."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.ages import age, epoch, iso
from operations.redrive import DECISION_GRACE, DECISIONS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTENTION_INDEX = "attention"
EXPIRES_SOON_DAYS = 14
_DAY = 86_400.0
_READ = {
    "#updated": "updated_at",
    "#finished": "finished_at",
    "#decision": "decision",
    "#done": "carried_out",
}


@dataclass
class Waiting:
    """The records in one state that wait for a person."""

    count: int = 0
    oldest: str | None = None
    """When the one that waits longest became so: UTC, ISO 8601."""
    not_carried_out: int = 0
    """Those about which a person decided so long ago that the workers should have carried it out."""
    expiring: int = 0
    """Those whose original expires in the next days, and with it what a person could approve."""

    def words(self, now: float) -> str:
        """Describe them for a person; `now` is in epoch seconds."""
        if self.oldest is None:
            return "0 records"
        return f"{self.count:,} records, the oldest for {age(now - epoch(self.oldest))} ({self.oldest})"


class WaitingRecords:
    """Reads the index; its cost is that of the records that wait."""

    def __init__(
        self, *, dynamodb: "DynamoDBClient", table: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock

    def read(self, state: str, *, expire_after_days: int | None = None) -> Waiting:
        """Read what waits in a state. `expire_after_days` is how long originals of that state are kept."""
        found, now = Waiting(), self._clock()
        for item in self._items(state):
            since = (item.get("finished_at") or item["updated_at"])["S"]
            found.count += 1
            found.oldest = min(found.oldest or since, since)
            found.not_carried_out += _is_pending(item, iso(now - DECISION_GRACE))
            if expire_after_days:
                left = epoch(since) + expire_after_days * _DAY - now
                found.expiring += left < EXPIRES_SOON_DAYS * _DAY
        return found

    def _items(self, state: str) -> Iterator[Mapping[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=ATTENTION_INDEX,
            KeyConditionExpression="attention = :state",
            ExpressionAttributeValues={":state": {"S": state}},
            ProjectionExpression=", ".join(_READ),
            ExpressionAttributeNames=_READ,
        )
        for page in pages:
            yield from page["Items"]


def _is_pending(item: Mapping[str, Any], before: str) -> bool:
    decision = item.get("decision", {}).get("M")
    return (
        decision is not None
        and decision["action"]["S"] in DECISIONS
        and decision["at"]["S"] < before
        and decision["id"]["S"] != item.get("carried_out", {}).get("S")
    )
