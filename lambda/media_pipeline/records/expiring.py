"""Reviews that will outlive their original: quarantine keeps it for some days only, and then nobody can approve it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from media_pipeline.records.attention import Attention
from media_pipeline.records.record import iso_time

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTENTION_INDEX = "attention"
NOTICE_DAYS = 14
"""How long before its original expires a review is called expiring; of a shorter retention, half of it."""
_WAITING = (Attention.REVIEW, Attention.APPEAL)
_DAY = 86_400.0


class ExpiringReviews:
    """Counts what waits for a person and expires soon. `days` is how long quarantine keeps what is put there."""

    def __init__(
        self, *, dynamodb: "DynamoDBClient", table: str, days: int, clock: Callable[[], float]
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._days = days
        self._clock = clock

    def count(self) -> int:
        """Count them; the cost is that of all that wait. By when the record was made, which the original follows."""
        before = iso_time(self._clock() - max(self._days - NOTICE_DAYS, self._days / 2) * _DAY)
        found = 0
        for attention in _WAITING:
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._table,
                IndexName=ATTENTION_INDEX,
                KeyConditionExpression="attention = :attention",
                FilterExpression="created_at <= :before",
                ExpressionAttributeValues={":attention": {"S": attention.value}, ":before": {"S": before}},
                Select="COUNT",
            )
            found += sum(page["Count"] for page in pages)
        return found
