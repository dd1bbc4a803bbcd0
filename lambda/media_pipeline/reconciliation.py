"""Compares the buckets with the records table, and repairs what an outage, an expiry or a mistake left behind.

The scheduled function and `python -m operations reconcile` run it. It looks for three things, each with one repair:

* an upload without a record: its event was lost. A message like S3's own, without a sequencer, has it processed.
* a rendition that no record lists: nobody can be shown it. It is deleted.
* a published record whose renditions are missing: a message has its version published again.

What is younger than `grace` seconds is left alone: its events may still be under way.

A run over large buckets takes hours. It can stop between any two objects, and another run continues after its position.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote_plus

from boto3.dynamodb.types import TypeDeserializer

from media_pipeline.events import FIRST_SEQUENCER, REDRIVE_SOURCE, identity

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

GRACE_SECONDS = 3600.0
REMEMBERED_KEYS = 1000


@dataclass(frozen=True, kw_only=True)
class Places:
    """The resources of the stack that are compared, and the queue that repairs are sent to."""

    uploads_bucket: str
    renditions_bucket: str
    records_table: str
    images_queue_url: str


class Step(StrEnum):
    """What is looked through, in this order."""

    UPLOADS = "uploads"
    RENDITIONS = "renditions"
    RECORDS = "records"


@dataclass(frozen=True, kw_only=True)
class Position:
    """The last object that a run looked at; `sequencer` is "" but for a record."""

    step: Step
    key: str
    sequencer: str = ""


class Difference(StrEnum):
    """What the buckets and the table disagree about."""

    NO_RECORD = "no-record"
    ORPHAN = "orphan"
    NO_RENDITION = "no-rendition"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One difference; `subject` is the object key, or the rendition's own key."""

    difference: Difference
    subject: str
    version: str
    attempt: int | None = None
    etag: str | None = None


Looked = tuple[Position, Finding | None]
"""One object that was looked at, and what is wrong with it."""


class Reconcile:
    """Finds differences in the order of keys, and repairs them at most `rate` a second.

    `position` is where `find` is: None before it begins and once it has looked at everything.
    """

    position: Position | None = None

    def __init__(
        self,
        *,
        places: Places,
        s3: "S3Client",
        dynamodb: "DynamoDBClient",
        sqs: "SQSClient",
        rate: float,
        grace: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._places = places
        self._s3 = s3
        self._dynamodb = dynamodb
        self._sqs = sqs
        self._pause = 1 / rate
        self._grace = grace
        self._clock = clock
        self._sleep = sleep
        self._records = lru_cache(REMEMBERED_KEYS)(self._read_records)

    def find(
        self, *, after: Position | None = None, may_continue: Callable[[], bool] = lambda: True
    ) -> Iterator[Finding]:
        """Find all differences after a position: uploads, then renditions, then records.

        Ends between two objects once `may_continue` returns False, with `position` at the last one.
        """
        searches = {
            Step.UPLOADS: self._uploads_without_record,
            Step.RENDITIONS: self._renditions_without_record,
            Step.RECORDS: self._records_without_renditions,
        }
        steps = list(searches)
        self.position = after
        for step in steps[steps.index(after.step) if after else 0 :]:
            begin = after if after and after.step is step else None
            for position, finding in searches[step](begin):
                if finding is not None:
                    yield finding
                self.position = position
                if not may_continue():
                    return
        self.position = None

    def repair(self, finding: Finding) -> None:
        """Repair one difference, then wait as the rate demands. A repair can be repeated."""
        match finding.difference:
            case Difference.ORPHAN:
                self._s3.delete_object(Bucket=self._places.renditions_bucket, Key=finding.subject)
            case Difference.NO_RECORD:
                self._send(finding, {})
            case Difference.NO_RENDITION:
                self._send(finding, {"redrive": {"attempt": finding.attempt, "restores": True}})
        self._sleep(self._pause)

    def _uploads_without_record(self, after: Position | None) -> Iterator[Looked]:
        """Find current uploads; what a newer version or a delete marker hides would only be superseded."""
        begin = {"KeyMarker": after.key} if after else {}
        bucket = self._places.uploads_bucket
        for version in self._pages("list_object_versions", "Versions", Bucket=bucket, **begin):
            yield (
                Position(step=Step.UPLOADS, key=version["Key"]),
                self._without_record(version) if version["IsLatest"] else None,
            )

    def _without_record(self, version: Mapping[str, Any]) -> Finding | None:
        key, etag = version["Key"], version["ETag"].strip('"')
        is_folder = key.endswith("/") and not version["Size"]
        if is_folder or self._is_young(version["LastModified"]):
            return None
        name = identity(version["VersionId"], etag)
        if any(_version(record) == name for record in self._records(key)):
            return None
        return Finding(difference=Difference.NO_RECORD, subject=key, version=name, etag=etag)

    def _renditions_without_record(self, after: Position | None) -> Iterator[Looked]:
        begin = {"StartAfter": after.key} if after else {}
        bucket = self._places.renditions_bucket
        for entry in self._pages("list_objects_v2", "Contents", Bucket=bucket, **begin):
            yield Position(step=Step.RENDITIONS, key=entry["Key"]), self._orphan(entry)

    def _orphan(self, entry: Mapping[str, Any]) -> Finding | None:
        if entry["Key"].count("/") < 2 or self._is_young(entry["LastModified"]):
            return None
        key, version, _ = entry["Key"].rsplit("/", 2)
        listed = {
            rendition["key"] for record in self._records(key) for rendition in record.get("renditions") or ()
        }
        if entry["Key"] in listed or self._is_listed(key, entry["Key"]):
            return None
        return Finding(difference=Difference.ORPHAN, subject=entry["Key"], version=version)

    def _is_listed(self, key: str, rendition_key: str) -> bool:
        """Return whether a record of `key` lists a rendition now: what is remembered may be hours old."""
        return any(
            rendition["key"] == rendition_key
            for record in self._read_records(key)
            for rendition in record.get("renditions") or ()
        )

    def _records_without_renditions(self, after: Position | None) -> Iterator[Looked]:
        begin = {"ExclusiveStartKey": _table_key(after)} if after else {}
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._places.records_table,
            FilterExpression="#status = :published AND attribute_not_exists(followed_by)",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":published": {"S": "PUBLISHED"}},
            **cast(Any, begin),
        )
        for page in pages:
            for record in map(_plain, page["Items"]):
                yield _position(record), self._without_renditions(record)
            if last := page.get("LastEvaluatedKey"):  # a page of a scan may have no item that fits
                yield _position(_plain(last)), None

    def _without_renditions(self, record: Mapping[str, Any]) -> Finding | None:
        key, version = record["object_key"], _version(record)
        if self._is_hidden(record) or not self._is_original_there(key, version):
            return None
        bucket, prefix = self._places.renditions_bucket, f"{key}/{version}/"
        there = {
            entry["Key"] for entry in self._pages("list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix)
        }
        if all(rendition["key"] in there for rendition in record["renditions"]):
            return None
        return Finding(
            difference=Difference.NO_RENDITION,
            subject=key,
            version=version,
            attempt=int(record["attempt"]),
            etag=record.get("etag"),
        )

    def _is_hidden(self, record: Mapping[str, Any]) -> bool:
        """Return whether a newer outcome of the key takes the record's place for readers."""
        replacing = ("PUBLISHED", "BLOCKED", "REVIEW", "DELETED")
        return any(
            other["sequencer"] > record["sequencer"]
            and other["status"] in replacing
            and not other.get("undone")
            for other in self._read_records(record["object_key"])  # as they are now
        )

    def _is_original_there(self, key: str, version: str) -> bool:
        versions = self._pages(
            "list_object_versions", "Versions", Bucket=self._places.uploads_bucket, Prefix=key
        )
        return any(
            found["Key"] == key and identity(found["VersionId"], found["ETag"].strip('"')) == version
            for found in versions
        )

    def _read_records(self, key: str) -> tuple[Mapping[str, Any], ...]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._places.records_table,
            KeyConditionExpression="object_key = :key AND sequencer >= :first",
            ExpressionAttributeValues={":key": {"S": key}, ":first": {"S": FIRST_SEQUENCER}},
            ConsistentRead=True,
        )
        return tuple(_plain(item) for page in pages for item in page["Items"])

    def _is_young(self, modified: datetime) -> bool:
        return self._clock() - modified.timestamp() < self._grace

    def _pages(self, operation: Any, what: str, **arguments: str) -> Iterator[Any]:
        paginator = cast(Any, self._s3).get_paginator(operation)
        for page in paginator.paginate(**arguments):
            yield from page.get(what, ())

    def _send(self, finding: Finding, redrive: Mapping[str, Any]) -> None:
        described = {
            "key": quote_plus(finding.subject, safe="/"),
            # A version that its ETag names has no id of its own.
            "versionId": None if finding.version == finding.etag else finding.version,
            "eTag": finding.etag,
        }
        event = {
            "eventVersion": "2.1",
            "eventSource": REDRIVE_SOURCE,
            "eventName": "ObjectCreated:Reconcile",
            **redrive,
            "s3": {
                "bucket": {"name": self._places.uploads_bucket},
                "object": {name: value for name, value in described.items() if value},
            },
        }
        body = json.dumps({"Records": [event]})
        self._sqs.send_message(QueueUrl=self._places.images_queue_url, MessageBody=body)


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def _version(record: Mapping[str, Any]) -> str:
    return identity(record.get("version_id"), record.get("etag"))


def _position(record: Mapping[str, Any]) -> Position:
    return Position(step=Step.RECORDS, key=record["object_key"], sequencer=record["sequencer"])


def _table_key(position: Position) -> Mapping[str, Any]:
    return {"object_key": {"S": position.key}, "sequencer": {"S": position.sequencer}}
