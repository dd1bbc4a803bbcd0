"""The days' budgets of judged pictures: what was judged, and another budget for today."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from media_pipeline.records.budget import DAY, KEPT_DAYS, PARTITIONS, day_of, key_of
from media_pipeline.records.record import plain, to_item
from operations.errors import OperationsError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READS = 5
"""How often days are read that DynamoDB did not get to: a few small items, which nobody else reads."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A day of UTC: how many pictures Rekognition was asked about, and how many it may be; None: any number."""

    day: str
    pictures: int
    allowed: int | None

    @property
    def is_spent(self) -> bool:
        """Whether further pictures wait for the next day."""
        return self.allowed is not None and self.pictures >= self.allowed


@dataclass(frozen=True)
class Budgets:
    """Reads and changes the budgets of a stack; `per_day` is that of its configuration, 0 for none."""

    dynamodb: "DynamoDBClient"
    table: str
    per_day: int
    clock: Callable[[], float] = time.time

    def days(self, count: int) -> list[Judged]:
        """Return the last `count` days, today first, at most 100.

        Raises OperationsError where DynamoDB does not read all of them, and what boto3 raises.
        """
        now = self.clock()
        days = [day_of(now - number * DAY) for number in range(count)]
        found: dict[str, Mapping[str, Any]] = {}
        left: Any = {self.table: {"Keys": [key_of(day) for day in days], "ConsistentRead": True}}
        for _ in range(READS):
            answer = self.dynamodb.batch_get_item(RequestItems=left)
            for item in answer["Responses"].get(self.table, []):
                found[str(plain(item["object_key"])).removeprefix(PARTITIONS)] = item
            left = answer.get("UnprocessedKeys")
            if not left:
                return [self._judged(day, found.get(day, {})) for day in days]
        raise OperationsError("DynamoDB is too busy to read all days: run the command again in a moment")

    def allow_today(self, pictures: int) -> Judged:
        """Give today another budget, whatever the configuration says; return today. Raises what boto3 raises."""
        now = self.clock()
        answer = self.dynamodb.update_item(
            TableName=self.table,
            Key=key_of(day_of(now)),
            UpdateExpression="SET allowed = :allowed, judged = if_not_exists(judged, :none), "
            "expires_at = if_not_exists(expires_at, :expires)",
            ExpressionAttributeValues=to_item(
                {":allowed": pictures, ":none": 0, ":expires": int(now) + KEPT_DAYS * DAY}
            ),
            ReturnValues="ALL_NEW",
        )
        return self._judged(day_of(now), answer["Attributes"])

    def _judged(self, day: str, item: Mapping[str, Any]) -> Judged:
        allowed = int(plain(item["allowed"])) if "allowed" in item else self.per_day or None
        return Judged(day=day, pictures=int(plain(item["judged"])) if item else 0, allowed=allowed)
