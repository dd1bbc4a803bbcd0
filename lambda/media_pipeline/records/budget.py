"""Counts the pictures that Rekognition is asked about on each day, and refuses one more than the day's budget.

One item of the records table for each day, under a partition key that the upload of no object shares with its records'
sort keys: `!budget/<day>` and `!budget`. Each request to Rekognition adds 1 before it is made, on the condition that
the sum stays within the budget, so that no number of functions at once makes one request too many. A person can give
the day another budget in the same item: `allowed`, beside which `judged` is always set.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from media_pipeline.errors import BudgetSpentError
from media_pipeline.records.record import to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITIONS: Final = "!budget/"
SORT_KEY: Final = "!budget"
"""Sorts below all versions: an object with such a key has records of its own."""
DAY: Final = 86_400
KEPT_DAYS: Final = 40
_IS_WITHIN: Final = (
    "attribute_exists(allowed) AND judged < allowed"
    " OR attribute_not_exists(allowed) AND (attribute_not_exists(judged) OR judged < :most)"
)


@dataclass(frozen=True)
class JudgingBudget:
    """A day's budget of pictures to judge; days are those of UTC, `clock` gives epoch seconds.

    `per_day` holds where nobody has given the day another budget.
    """

    dynamodb: "DynamoDBClient"
    table: str
    clock: Callable[[], float]
    per_day: int
    unrepeated: "Callable[[], DynamoDBClient]"
    """Gives a client that sends a call once: what is given back twice would be spent twice."""

    def spend(self) -> str:
        """Count a picture that Rekognition is about to be asked about; return the day that it counts for.

        Where an answer is lost, the SDK counts once more: the count is then too high, never too low.
        Raises BudgetSpentError, which says how many seconds are left of the day, where the budget is spent; and what
        botocore raises: without an answer, nobody may be asked.
        """
        now = self.clock()
        day = day_of(now)
        values = {":one": 1, ":most": self.per_day, ":expires": int(now) + KEPT_DAYS * DAY}
        try:
            self.dynamodb.update_item(
                TableName=self.table,
                Key=key_of(day),
                UpdateExpression="ADD judged :one SET expires_at = if_not_exists(expires_at, :expires)",
                ConditionExpression=_IS_WITHIN,
                ExpressionAttributeValues=to_item(values),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise BudgetSpentError(day, DAY - now % DAY) from error
        return day

    def give_back(self, day: str, pictures: int) -> None:
        """Take pictures off a day's count again, about which Rekognition was not asked after all.

        Raises what botocore raises; then nobody knows whether they were given back, and nobody may try again.
        """
        self.unrepeated().update_item(
            TableName=self.table,
            Key=key_of(day),
            UpdateExpression="ADD judged :less",
            ExpressionAttributeValues=to_item({":less": -pictures}),
        )


def day_of(seconds: float) -> str:
    """Return the day of a time in epoch seconds, in UTC: `2026-11-29`."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def key_of(day: str) -> dict[str, Any]:
    """Return the key of the item of a day."""
    return to_item({"object_key": PARTITIONS + day, "sequencer": SORT_KEY})
