"""Evidence without effect: acts of people that were written down, and that the record of what they are about lacks.

It says that asking was cut off between evidence and record, or that somebody else was first; nothing happened then.
Looked at is what still waits: what was settled since then has its end, whatever became of an earlier try.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from media_pipeline.records.attention import Attention
from media_pipeline.records.record import Record, from_item
from media_pipeline.reviews.asking import DECIDED
from media_pipeline.reviews.evidence import EVIDENCE_PREFIX
from operations.ages import epoch
from operations.redrive import ATTENTION_INDEX, DECISION_GRACE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

DAYS = 14
MOST = 1_000
"""Pieces of evidence that are read, the newest first: each is one request."""
AT_ONCE = 16
_STATES = (*(each.value for each in Attention), DECIDED)


@dataclass(frozen=True, kw_only=True)
class WithoutEffect:
    """An act of a person that the record does not show."""

    id: str
    action: str
    person: str
    at: str
    object_key: str


class Evidence:
    """Compares the evidence in the logs bucket with what waits. `clock` gives epoch seconds."""

    def __init__(
        self, *, dynamodb: "DynamoDBClient", s3: "S3Client", table: str, logs: str, clock: Callable[[], float]
    ) -> None:
        self._dynamodb = dynamodb
        self._s3 = s3
        self._table = table
        self._logs = logs
        self._clock = clock

    def without_effect(self) -> list[WithoutEffect]:
        """Return the acts of the last DAYS days about what still waits that its record does not hold, oldest first."""
        waiting = {_subject(record.object_key, record.version): record for record in self._waiting()}
        if not waiting:
            return []
        shown = {each for record in waiting.values() for each in _ids(record)}
        names = [name for name in self._names() if _id(name) not in shown][-MOST:]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            read = list(pool.map(self._read, names))
        before = self._clock() - DECISION_GRACE
        return [
            WithoutEffect(
                id=document["id"],
                action=document["action"],
                person=document["person"],
                at=document["at"],
                object_key=waiting[subject].object_key,
            )
            for document in read
            if (subject := (document.get("object_key_sha256"), document.get("version"))) in waiting
            and epoch(document["at"]) < before
            # Ids sort by time: what the record shows of later acts settled the earlier ones.
            and document["id"] > max(_ids(waiting[subject]), default="")
        ]

    def _waiting(self) -> Iterator[Record]:
        for state in _STATES:
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._table,
                IndexName=ATTENTION_INDEX,
                KeyConditionExpression="attention = :state",
                ExpressionAttributeValues={":state": {"S": state}},
            )
            for page in pages:
                yield from map(from_item, page["Items"])

    def _names(self) -> Iterable[str]:
        """List the keys of the evidence of the last days, oldest first."""
        today = datetime.fromtimestamp(self._clock(), UTC)
        for back in range(DAYS, -1, -1):
            prefix = f"{EVIDENCE_PREFIX}{today - timedelta(days=back):%Y/%m/%d}/"
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._logs, Prefix=prefix)
            for page in pages:
                yield from (entry["Key"] for entry in page.get("Contents", ()))

    def _read(self, name: str) -> Any:
        return json.load(self._s3.get_object(Bucket=self._logs, Key=name)["Body"])


def _subject(object_key: str, version: str | None) -> tuple[str, str | None]:
    return hashlib.sha256(object_key.encode(errors="surrogatepass")).hexdigest(), version


def _id(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".json")


def _ids(record: Record) -> Iterator[str]:
    """Yield the ids of all acts that a record shows."""
    known = record.attributes
    lists = (known.get(name, ()) for name in ("decisions", "approvals", "second"))
    for each in (*chain.from_iterable(lists), known.get("decision"), known.get("checked")):
        if each:
            yield each["id"]
