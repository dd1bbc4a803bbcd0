"""Decisions of people that no worker began: the message was lost, or became a dead letter."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from media_pipeline.records.attention import Attention
from media_pipeline.records.decisions import Decision
from media_pipeline.records.expiring import ATTENTION_INDEX
from media_pipeline.records.leases import decision_to_carry_out
from media_pipeline.records.record import Record, Status, from_item
from media_pipeline.reviews.asking import DECIDED, message

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

GRACE_SECONDS = 3600.0
"""How long after a decision its own message is waited for."""
_BEGUN = (Status.PROCESSING, Status.FAILED)
_WAITING = (DECIDED, Attention.REVIEW, Attention.APPEAL, Attention.ESCALATED)


class LostDecisions:
    """Sends the messages of such decisions again: sent twice, a decision is carried out once.

    What was begun and given up is FAILED, and left to an operator. `clock` gives epoch seconds.
    """

    def __init__(
        self,
        *,
        dynamodb: "DynamoDBClient",
        sqs: "SQSClient",
        table: str,
        images_queue_url: str,
        uploads_bucket: str,
        clock: Callable[[], float],
    ) -> None:
        self._dynamodb = dynamodb
        self._sqs = sqs
        self._table = table
        self._images_queue_url = images_queue_url
        self._uploads_bucket = uploads_bucket
        self._clock = clock

    def send(self, may_continue: Callable[[], bool]) -> Iterator[Record]:
        """Send the message of each again, and yield its record; end once `may_continue` returns False after one.

        The cost is that of all that wait for a person.
        """
        for record, decision in self._lost():
            body = message(record, decision, self._uploads_bucket)
            self._sqs.send_message(QueueUrl=self._images_queue_url, MessageBody=body)
            yield record
            if not may_continue():
                return

    def _lost(self) -> Iterator[tuple[Record, Decision]]:
        for attention in _WAITING:
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._table,
                IndexName=ATTENTION_INDEX,
                KeyConditionExpression="attention = :attention",
                FilterExpression="attribute_exists(decision)",
                ExpressionAttributeValues={":attention": {"S": attention}},
            )
            for record in (from_item(item) for page in pages for item in page["Items"]):
                decision = decision_to_carry_out(record)
                if decision is not None and record.status not in _BEGUN and self._is_old(decision):
                    yield record, decision

    def _is_old(self, decision: Decision) -> bool:
        return self._clock() - datetime.fromisoformat(decision.at).timestamp() > GRACE_SECONDS
