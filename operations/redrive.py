"""Send objects through the pipeline again, from their records.

Four kinds do not continue by themselves: FAILED objects, objects in PROCESSING whose lease expired long ago (their
message is lost), those about which a person decided and whose message was lost, and terminal ones that were never
announced. Each gets a message like S3's own on the images queue;
the message of a FAILED one contains the record's attempt, so that two messages cause only one new attempt.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from media_pipeline.events import (
    DECISION_NAME,
    DECISION_SOURCE,
    FIRST_SEQUENCER,
    REDRIVE_SOURCE,
    notification_entry,
)
from media_pipeline.records.leases import CARRIED_OUT_FROM
from media_pipeline.records.record import iso_time
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

LEASE_EXPIRED_FOR = 3600.0  # seconds; while there is a message, it returns every few minutes
ANNOUNCE_GRACE = (
    3600.0  # seconds after the commit, within which the message itself still leads to the announcement
)
DECISION_GRACE = 600.0  # seconds after the decision, within which its own message is carried out
DECISIONS: Mapping[str, frozenset[str]] = {
    action.value: statuses for action, statuses in CARRIED_OUT_FROM.items()
}
"""What workers carry out, and from which statuses, as an item has them."""
ATTENTION_INDEX = "attention"


class Kind(StrEnum):
    """What is redriven; the value is what `--status` takes."""

    FAILED = "FAILED"
    PROCESSING = "PROCESSING"
    UNANNOUNCED = "UNANNOUNCED"
    DECIDED = "DECIDED"


@dataclass(frozen=True, kw_only=True)
class Position:
    """The record after which a run continues: its key in the table, and its place in the index when it was read."""

    object_key: str
    sequencer: str
    updated_at: str


@dataclass(frozen=True, kw_only=True)
class StuckObject:
    """One record to send through again."""

    object_key: str
    sequencer: str
    updated_at: str
    kind: Kind
    status: str
    attempt: int
    version_id: str | None
    etag: str | None
    delete_marker: bool
    decision: str | None = None
    """Id of the decision to carry out; None for the other kinds."""
    gone: bool = False
    """Whether it failed because its original is not in the bucket, which no redrive changes by itself."""

    @property
    def position(self) -> Position:
        """The position of this record."""
        return Position(object_key=self.object_key, sequencer=self.sequencer, updated_at=self.updated_at)

    def message(self, bucket: str) -> str:
        """Return the message: the S3 event of its upload or delete, as JSON.

        Shape: `{"Records": [{"eventSource", "eventName", "s3": {"bucket", "object"}, "redrive"?: {"attempt"},
        "decision"?: {"id"}}]}`.
        """
        name = "ObjectCreated:Put"
        if self.status == "DELETED":
            name = "ObjectRemoved:DeleteMarkerCreated" if self.delete_marker else "ObjectRemoved:Delete"
        source, more = REDRIVE_SOURCE, dict[str, Mapping[str, Any]]()
        if self.kind is Kind.FAILED:
            more = {"redrive": {"attempt": self.attempt}}
        if self.decision is not None:
            source, name, more = DECISION_SOURCE, DECISION_NAME, {"decision": {"id": self.decision}}
        entry = notification_entry(
            source,
            name,
            bucket=bucket,
            key=self.object_key,
            version_id=self.version_id,
            etag=self.etag,
            sequencer=self.sequencer,
            **more,
        )
        return json.dumps({"Records": [entry]})


class Redrive:
    """Finds what is stuck and sends it through again, at most `rate` objects a second."""

    def __init__(
        self,
        *,
        outputs: StackOutputs,
        dynamodb: "DynamoDBClient",
        sqs: "SQSClient",
        rate: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._outputs = outputs
        self._dynamodb = dynamodb
        self._sqs = sqs
        self._pause = 1 / rate
        self._clock = clock
        self._sleep = sleep

    def find(
        self, kinds: frozenset[Kind], *, key: str | None, after: Position | None, gone: bool = False
    ) -> Iterator[StuckObject]:
        """Yield stuck records, of one key or of all, after the record `after` of an interrupted run.

        FAILED ones whose original is gone are left out unless `gone`. The order is the same only with the same
        `kinds`, `key` and `gone`.
        """
        for item in self._items(kinds, key=key, after=after):
            stuck = self._judge(item)
            if stuck is not None and stuck.kind in kinds and (gone or not stuck.gone):
                yield stuck

    def send(self, stuck: StuckObject) -> None:
        """Send one through again, then wait as long as the rate requires."""
        self._sqs.send_message(
            QueueUrl=self._outputs.images_queue_url, MessageBody=stuck.message(self._outputs.uploads_bucket)
        )
        self._sleep(self._pause)

    def _items(
        self, kinds: frozenset[Kind], *, key: str | None, after: Position | None
    ) -> Iterator[Mapping[str, Any]]:
        request: dict[str, Any] = {"TableName": self._outputs.records_table}
        start = {"object_key": {"S": after.object_key}, "sequencer": {"S": after.sequencer}} if after else {}
        read: Callable[..., Any] = (
            self._dynamodb.scan
        )  # the table has no index on status, which would be one hot partition
        if key is not None:
            read = self._dynamodb.query
            request |= {
                "KeyConditionExpression": "object_key = :key",
                "ExpressionAttributeValues": {":key": {"S": key}},
            }
        elif kinds == {Kind.FAILED}:
            read = self._dynamodb.query  # these few are in an index of their own, the oldest first
            request |= {
                "IndexName": ATTENTION_INDEX,
                # What fails again during this run moves to the end of the index, and would be sent forever.
                "KeyConditionExpression": "attention = :failed AND updated_at <= :now",
                "ExpressionAttributeValues": {
                    ":failed": {"S": "FAILED"},
                    ":now": {"S": iso_time(self._clock())},
                },
            }
            if after is not None:
                start |= {"attention": {"S": "FAILED"}, "updated_at": {"S": after.updated_at}}
        if start:
            request["ExclusiveStartKey"] = start
        while True:
            page = read(**request)
            # Between the records are notes: of versions, and of a reconcile that goes on later.
            yield from (item for item in page["Items"] if item["sequencer"]["S"] >= FIRST_SEQUENCER)
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _judge(self, item: Mapping[str, Any]) -> StuckObject | None:
        plain = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
        kind = self._kind(plain)
        if kind is None:
            return None
        return StuckObject(
            object_key=plain["object_key"],
            sequencer=plain["sequencer"],
            updated_at=plain["updated_at"],
            kind=kind,
            status=plain["status"],
            attempt=int(plain.get("attempt", 0)),
            version_id=plain.get("version_id"),
            etag=plain.get("etag"),
            delete_marker=bool(plain.get("delete_marker")),
            decision=plain["decision"]["id"] if kind is Kind.DECIDED else None,
            gone=plain.get("reason") == "original_gone",
        )

    def _kind(self, plain: Mapping[str, Any]) -> Kind | None:
        now = self._clock()
        if plain["status"] == "PROCESSING":
            since = max(float(plain.get("lease_until", 0)), _epoch(plain["updated_at"]))
            return Kind.PROCESSING if now - since > LEASE_EXPIRED_FOR else None
        if plain["status"] == "FAILED":
            return Kind.FAILED
        decision = plain.get("decision") or {}
        can_be_carried_out = plain["status"] in DECISIONS.get(decision.get("action", ""), ())
        if can_be_carried_out and decision["id"] != plain.get("carried_out"):
            return Kind.DECIDED if now - _epoch(decision["at"]) > DECISION_GRACE else None
        if "announced_at" not in plain and now - _epoch(plain["updated_at"]) > ANNOUNCE_GRACE:
            return Kind.UNANNOUNCED
        return None


def _epoch(iso: str) -> float:
    return datetime.fromisoformat(iso.replace("Z", "+00:00")).astimezone(UTC).timestamp()
