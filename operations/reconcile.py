"""Compares the buckets with the records table, and repairs what an outage, an expiry or a mistake left behind.

Three things are looked for, each with one repair:

* an upload without a record: its event was lost. A message like S3's own, without a sequencer, has it processed.
* a rendition that no record lists: nobody can be shown it. It is deleted.
* a published record whose renditions are missing: a message has its version published again.

What is younger than `grace` seconds is left alone: its events may still be under way.
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

from operations.errors import OperationsError
from operations.redrive import REDRIVE_SOURCE
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

GRACE_SECONDS = 3600.0
FIRST_SEQUENCER = "0"  # what sorts below it are notes about deleted versions
REMEMBERED_KEYS = 1000
NULL_VERSION = "null"  # S3's id of what was put while versioning was off or suspended


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


class Reconcile:
    """Finds differences in the order of keys, and repairs them at most `rate` a second."""

    def __init__(
        self,
        *,
        outputs: StackOutputs,
        s3: "S3Client",
        dynamodb: "DynamoDBClient",
        sqs: "SQSClient",
        rate: float,
        grace: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if outputs.renditions_bucket is None:
            raise OperationsError("the stack's outputs have no renditions_bucket; `pulumi up` writes it")
        self._outputs = outputs
        self._renditions = outputs.renditions_bucket
        self._s3 = s3
        self._dynamodb = dynamodb
        self._sqs = sqs
        self._pause = 1 / rate
        self._grace = grace
        self._clock = clock
        self._sleep = sleep
        self._records = lru_cache(REMEMBERED_KEYS)(self._read_records)

    def find(self) -> Iterator[Finding]:
        """Find all differences: uploads, then renditions, then records."""
        yield from self._uploads_without_record()
        yield from self._renditions_without_record()
        yield from self._records_without_renditions()

    def repair(self, finding: Finding) -> None:
        """Repair one difference, then wait as the rate demands. A repair can be repeated."""
        match finding.difference:
            case Difference.ORPHAN:
                self._s3.delete_object(Bucket=self._renditions, Key=finding.subject)
            case Difference.NO_RECORD:
                self._send(finding, {})
            case Difference.NO_RENDITION:
                self._send(finding, {"redrive": {"attempt": finding.attempt, "restores": True}})
        self._sleep(self._pause)

    def _uploads_without_record(self) -> Iterator[Finding]:
        """Find current uploads; what a newer version or a delete marker hides would only be superseded."""
        for version in self._pages("list_object_versions", "Versions", Bucket=self._outputs.uploads_bucket):
            key, identity = version["Key"], _identity(version["VersionId"], version["ETag"].strip('"'))
            is_folder = key.endswith("/") and not version["Size"]
            if not version["IsLatest"] or is_folder or self._is_young(version["LastModified"]):
                continue
            if not any(_version(record) == identity for record in self._records(key)):
                etag = version["ETag"].strip('"')
                yield Finding(difference=Difference.NO_RECORD, subject=key, version=identity, etag=etag)

    def _renditions_without_record(self) -> Iterator[Finding]:
        for entry in self._pages("list_objects_v2", "Contents", Bucket=self._renditions):
            if entry["Key"].count("/") < 2 or self._is_young(entry["LastModified"]):
                continue
            key, version, _ = entry["Key"].rsplit("/", 2)
            listed = {
                rendition["key"]
                for record in self._records(key)
                for rendition in record.get("renditions") or ()
            }
            if entry["Key"] not in listed and not self._is_listed(key, entry["Key"]):
                yield Finding(difference=Difference.ORPHAN, subject=entry["Key"], version=version)

    def _is_listed(self, key: str, rendition_key: str) -> bool:
        """Return whether a record of `key` lists a rendition now: what is remembered may be hours old."""
        return any(
            rendition["key"] == rendition_key
            for record in self._read_records(key)
            for rendition in record.get("renditions") or ()
        )

    def _records_without_renditions(self) -> Iterator[Finding]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._outputs.records_table,
            FilterExpression="#status = :published AND attribute_not_exists(followed_by)",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":published": {"S": "PUBLISHED"}},
        )
        for page in pages:
            for record in map(_plain, page["Items"]):
                key, version = record["object_key"], _version(record)
                if self._is_hidden(record) or not self._is_original_there(key, version):
                    continue
                there = {
                    entry["Key"]
                    for entry in self._pages(
                        "list_objects_v2", "Contents", Bucket=self._renditions, Prefix=f"{key}/{version}/"
                    )
                }
                if any(rendition["key"] not in there for rendition in record["renditions"]):
                    yield Finding(
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
            "list_object_versions", "Versions", Bucket=self._outputs.uploads_bucket, Prefix=key
        )
        return any(
            found["Key"] == key and _identity(found["VersionId"], found["ETag"].strip('"')) == version
            for found in versions
        )

    def _read_records(self, key: str) -> tuple[Mapping[str, Any], ...]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._outputs.records_table,
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
                "bucket": {"name": self._outputs.uploads_bucket},
                "object": {name: value for name, value in described.items() if value},
            },
        }
        body = json.dumps({"Records": [event]})
        self._sqs.send_message(QueueUrl=self._outputs.images_queue_url, MessageBody=body)


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def _version(record: Mapping[str, Any]) -> str:
    return _identity(record.get("version_id"), record.get("etag"))


def _identity(version_id: str | None, etag: str | None) -> str:
    """Return what tells a version from all others of its key, as the functions do: its id, else its ETag."""
    return version_id if version_id and version_id != NULL_VERSION else etag or NULL_VERSION
