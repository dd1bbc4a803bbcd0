"""Compares the buckets with the records table, and repairs what an outage, an expiry or a mistake left behind.

The scheduled function and `python -m operations reconcile` run it. It looks for three things, each with one repair:

* an upload without a record: its event was lost. A message like S3's own, without a sequencer, has it processed.
* a rendition that no record lists: nobody can be shown it. It is deleted.
* a published record whose renditions are missing: a message has its version published again.

What is younger than `grace` seconds is left alone: its events may still be under way.

Nothing is asked about one object after the other. A window of a bucket's listing is kept, which a scan of the table is
held against: a request per thousand objects, one scan per window. Only where the two disagree, the records of that key
and the objects themselves are looked at, as they are by then.

A run over large buckets takes hours. It can stop between any two pages or differences, and another run continues after
its position.
"""

import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from boto3.dynamodb.types import TypeDeserializer

from media_pipeline.events import FIRST_SEQUENCER, REDRIVE_SOURCE, identity, notification_entry
from media_pipeline.listings import Window
from media_pipeline.quarantine import quarantine_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from media_pipeline.edge import Edge

GRACE_SECONDS = 3600.0
WINDOW_BYTES = 150 * 1024**2
"""Memory that one window may take: about a million keys of 80 characters."""
SCANNED = "~"
"""Sorts above all sequencers: the `sequencer` of a position whose window was held against the whole table."""
Item = Mapping[str, Any]
"""An item of the table, as DynamoDB writes it."""
_READ = (
    *("object_key", "sequencer", "version_id", "etag"),
    *("status", "followed_by", "renditions", "attempt", "original"),
)


@dataclass(frozen=True, kw_only=True)
class Places:
    """The resources of the stack that are compared, and the queue that repairs are sent to."""

    uploads_bucket: str
    renditions_bucket: str
    quarantine_bucket: str
    records_table: str
    images_queue_url: str


class Step(StrEnum):
    """The bucket whose listing is held against the table, in this order."""

    UPLOADS = "uploads"
    RENDITIONS = "renditions"


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a run ended: everything up to `key` has been looked at.

    Only of a table that one run could not scan, the rest: the scan of the window that ends at `until` ("" for the end
    of the bucket) continues after the record of `object_key` and `sequencer`.
    """

    step: Step
    key: str = ""
    until: str = ""
    object_key: str = ""
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


class Reconcile:
    """Finds differences, and repairs them at most `rate` a second.

    `position` is where `find` ended: None where it has looked at everything.
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
        edge: "Edge | None" = None,
    ) -> None:
        """`edge` is the distribution in front of the renditions bucket, if there is one."""
        self._edge = edge
        self._places = places
        self._s3 = s3
        self._dynamodb = dynamodb
        self._sqs = sqs
        self._pause = 1 / rate
        self._grace = grace
        self._clock = clock
        self._sleep = sleep

    def find(
        self,
        *,
        after: Position | None = None,
        may_continue: Callable[[], bool] = lambda: True,
        only: Step | None = None,
    ) -> Iterator[Finding]:
        """Find all differences after a position, bucket by bucket, or those of one step `only`.

        Ends once `may_continue` returns False, with `position` at what is left; asked between any two pages and
        differences.
        """
        self.position = after
        steps = list(Step) if only is None else [only]
        is_first = True
        for step in steps[steps.index(after.step) if after else 0 :]:
            begin = after if after and after.step is step else Position(step=step)
            while True:
                window = self._gather(begin, may_continue)
                # What was left of a scan is worth keeping only where a whole run was not enough for it.
                if not (yield from self._compare(begin, window, may_continue, keeps_scan=is_first)):
                    return
                is_first = False
                if window.end is None:
                    break
                begin = self.position = Position(step=step, key=window.end)
        self.position = None

    def repair(self, finding: Finding) -> None:
        """Repair one difference, then wait as the rate demands. A repair can be repeated."""
        match finding.difference:
            case Difference.ORPHAN:
                self._s3.delete_object(Bucket=self._places.renditions_bucket, Key=finding.subject)
                if self._edge is not None:
                    self._edge.forget([finding.subject])
            case Difference.NO_RECORD:
                self._send(finding, {})
            case Difference.NO_RENDITION:
                self._send(finding, {"redrive": {"attempt": finding.attempt, "restores": True}})
        self._sleep(self._pause)

    def _gather(self, position: Position, may_continue: Callable[[], bool]) -> Window:
        """Return the next window after a position, at least one page of it."""
        window = Window(begin=position.key)
        add = {Step.UPLOADS: self._add_upload, Step.RENDITIONS: self._add_rendition}[position.step]
        for entries, last in self._listing(position):
            for entry in entries:
                if position.until and entry["Key"] > position.until:
                    window.end = position.until
                    return window
                add(window, entry)
            if last is not None and (window.size > WINDOW_BYTES or not may_continue()):
                window.end = last
                return window
        window.end = position.until or None
        return window

    def _listing(self, position: Position) -> Iterator[tuple[list[Any], str | None]]:
        """Yield the pages after a position: their objects, and their last key where there is another page."""
        s3 = cast(Any, self._s3)
        if position.step is Step.UPLOADS:
            begin = {"KeyMarker": position.key} if position.key else {}
            pages = s3.get_paginator("list_object_versions").paginate(
                Bucket=self._places.uploads_bucket, **begin
            )
            for page in pages:  # one may hold delete markers only
                yield page.get("Versions", []), page.get("NextKeyMarker") if page["IsTruncated"] else None
        else:
            begin = {"StartAfter": position.key} if position.key else {}
            pages = s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._places.renditions_bucket, **begin
            )
            for page in pages:
                entries = page.get("Contents", [])
                yield entries, entries[-1]["Key"] if page["IsTruncated"] and entries else None

    def _add_upload(self, window: Window, version: Mapping[str, Any]) -> None:
        """Add a current upload; what a newer version or a delete marker hides would only be superseded."""
        key, etag = version["Key"], version["ETag"].strip('"')
        is_folder = key.endswith("/") and not version["Size"]
        if version["IsLatest"] and not is_folder and not self._is_young(version["LastModified"]):
            window.add(key, version=(identity(version["VersionId"], etag), etag))

    def _add_rendition(self, window: Window, entry: Mapping[str, Any]) -> None:
        """Add a rendition; one that is young or somebody else's is there, but may lack a record."""
        is_known = entry["Key"].count("/") < 2 or self._is_young(entry["LastModified"])
        window.add(entry["Key"], is_known=is_known)

    def _compare(
        self, begin: Position, window: Window, may_continue: Callable[[], bool], *, keeps_scan: bool
    ) -> Generator[Finding, None, bool]:
        """Yield the differences of a window; return whether it was finished. If not, `position` says what is left."""
        is_upload = begin.step is Step.UPLOADS
        look = self._look_for_upload if is_upload else self._look_for_renditions
        for record, ends_page in self._scan(begin):
            finding = None if ends_page else look(window, record)
            if finding is not None:
                yield finding
            if (finding is not None or ends_page) and not may_continue():
                left = {"until": window.end or "", "object_key": _text(record, "object_key")}
                left["sequencer"] = _text(record, "sequencer")
                self.position = Position(step=begin.step, key=begin.key, **left if keeps_scan else {})
                return False
        for at in window.unknown():
            finding = self._without_record(window, at) if is_upload else self._orphan(window.keys[at])
            if finding is not None:
                yield finding
            if not may_continue():
                left = {"until": window.end or "", "sequencer": SCANNED} if begin.sequencer else {}
                self.position = Position(step=begin.step, key=window.keys[at], **left)
                return False
        return True

    def _scan(self, after: Position) -> Iterator[tuple[Item, bool]]:
        """Yield all items as DynamoDB writes them, or those that a scan has left.

        After each page but the last its last key comes, with True.
        """
        if after.sequencer == SCANNED:
            return
        begin = {"ExclusiveStartKey": _table_key(after)} if after.sequencer else {}
        names = {f"#{number}": name for number, name in enumerate(_READ)}
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._places.records_table,
            ProjectionExpression=", ".join(names),
            ExpressionAttributeNames=names,
            **cast(Any, begin),
        )
        for page in pages:
            yield from ((item, False) for item in page["Items"])
            if last := page.get("LastEvaluatedKey"):
                yield last, True

    def _look_for_upload(self, window: Window, item: Item) -> None:
        at = window.index(_text(item, "object_key"))
        if at is not None and _text(item, "sequencer") >= FIRST_SEQUENCER:
            named = identity(_text(item, "version_id") or None, _text(item, "etag") or None)
            window.known[at] |= window.versions[at][0] == named

    def _look_for_renditions(self, window: Window, item: Item) -> Finding | None:
        lacks_one = False
        for rendition in item.get("renditions", {}).get("L", ()):  # not deserialised: there are millions
            key = _text(rendition["M"], "key")
            at = window.index(key)
            if at is not None:
                window.known[at] = True
            elif window.covers(key):
                lacks_one = True
        is_shown = _text(item, "status") == "PUBLISHED" and "followed_by" not in item
        return self._without_renditions(_plain(item)) if lacks_one and is_shown else None

    def _without_record(self, window: Window, at: int) -> Finding | None:
        key, (version, etag) = window.keys[at], window.versions[at]
        if any(_version(record) == version for record in self._read_records(key)):
            return None
        return Finding(difference=Difference.NO_RECORD, subject=key, version=version, etag=etag)

    def _orphan(self, rendition_key: str) -> Finding | None:
        """Return a rendition that no record lists now: what was scanned may be hours old.

        Nor is it one that a backfill just replaced: links to it may still be used.
        """
        key, version, _ = rendition_key.rsplit("/", 2)
        for record in self._read_records(key):
            listed = {rendition["key"] for rendition in record.get("renditions") or ()}
            if record.get("status") == "PUBLISHED" and self._is_recent(record.get("finished_at")):
                listed |= set(record.get("old_renditions") or ())
            if rendition_key in listed:
                return None
        return Finding(difference=Difference.ORPHAN, subject=rendition_key, version=version)

    def _without_renditions(self, record: Mapping[str, Any]) -> Finding | None:
        key, version = record["object_key"], _version(record)
        if self._is_hidden(record) or not self._is_original_there(record):
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

    def _is_original_there(self, record: Mapping[str, Any]) -> bool:
        key, version = record["object_key"], _version(record)
        if record.get("original") == "quarantine":  # approved or restored, it stays there
            copy, bucket = quarantine_key(key, version), self._places.quarantine_bucket
            copies = self._pages("list_objects_v2", "Contents", Bucket=bucket, Prefix=copy)
            return any(found["Key"] == copy for found in copies)
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

    def _is_recent(self, time_of_record: str | None) -> bool:
        return time_of_record is not None and self._is_young(datetime.fromisoformat(time_of_record))

    def _pages(self, operation: Any, what: str, **arguments: str) -> Iterator[Any]:
        paginator = cast(Any, self._s3).get_paginator(operation)
        for page in paginator.paginate(**arguments):
            yield from page.get(what, ())

    def _send(self, finding: Finding, redrive: Mapping[str, Any]) -> None:
        event = notification_entry(
            REDRIVE_SOURCE,
            "ObjectCreated:Reconcile",
            bucket=self._places.uploads_bucket,
            key=finding.subject,
            # A version that its ETag names has no id of its own.
            version_id=None if finding.version == finding.etag else finding.version,
            etag=finding.etag,
            **redrive,
        )
        body = json.dumps({"Records": [event]})
        self._sqs.send_message(QueueUrl=self._places.images_queue_url, MessageBody=body)


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def _version(record: Mapping[str, Any]) -> str:
    return identity(record.get("version_id"), record.get("etag"))


def _text(item: Item, name: str) -> str:
    """Return a string attribute of an item as DynamoDB writes it; "" where it has none."""
    value: str = item.get(name, {}).get("S", "")
    return value


def _table_key(position: Position) -> Mapping[str, Any]:
    return {"object_key": {"S": position.object_key}, "sequencer": {"S": position.sequencer}}
