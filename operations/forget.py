"""Forgets an object: everything that the stack holds of it, down to what late events must still find.

The stack's functions remove renditions and what is in quarantine, as for any deleted key; this deletes the key, then
its versions, and empties its records.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from media_pipeline.events import NULL_VERSION
from media_pipeline.quarantine import Quarantine
from media_pipeline.records.answer_cache import PARTITIONS, SORT_KEY
from media_pipeline.records.record import Record, Status, from_item
from media_pipeline.reviews.places import Places
from operations.errors import OperationsError
from operations.keeping_evidence import keep_evidence

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

LOOK_SECONDS = 0.5
LATE_EVENT_DAYS = (
    28  # 14 in a queue or as a dead letter, and redriven once: what late events must find stays so long
)
BACKUP_DAYS = 35  # DynamoDB: point-in-time recovery reaches back so far
TRACE_DAYS = 30  # AWS X-Ray keeps traces so long
UNFINISHED_DAYS = (
    2  # the uploads bucket's lifecycle aborts a multipart upload after one, at the next midnight
)
KEPT_FIELDS = frozenset(
    {
        *(
            "object_key",
            "sequencer",
            "status",
            "version_id",
            "etag",
            "attempt",
            "unfinished",
            "lease_until",
            "stage",
        ),
        *("created_at", "updated_at", "finished_at", "announced_at", "alert_id", "expires_at", "followed_by"),
        *("delete_marker", "undone", "restored_version", "restored_attempt", "forgotten"),
    }
)
"""What a late event needs of a record: its place in the order, and how it ended."""
GONE = frozenset({Status.DELETED, Status.SUPERSEDED, Status.REJECTED})
"""The statuses in which a deleted version ends."""


class Remains(NamedTuple):
    """Something that `forget` cannot remove: what it is, and until when it exists."""

    what: str
    until: str


class Version(NamedTuple):
    """A version or a delete marker in the uploads bucket; `size` in bytes."""

    id: str
    is_marker: bool
    size: int


class Forget:
    """Removes one key from a stack. `clock` gives epoch seconds."""

    def __init__(
        self,
        *,
        places: Places,
        renditions: str,
        dynamodb: "DynamoDBClient",
        s3: "S3Client",
        has_cdn: bool = False,
        trail: str | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`renditions` names the bucket; `has_cdn`: CloudFront is in front of it, and forgets what is removed.

        `trail` names the bucket of the locked log of accesses, if the stack has one.
        """
        self._places = places
        self._has_cdn = has_cdn
        self._trail = trail
        self._renditions = renditions
        self._dynamodb = dynamodb
        self._s3 = s3
        self._quarantine = Quarantine(s3=s3, bucket=places.quarantine_bucket)
        self._clock = clock
        self._sleep = sleep

    def history(self, key: str) -> list[Record]:
        """Return the records of a key, oldest first.

        Raises OperationsError where a person escalated one: what is held must not be removed.
        """
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._places.records_table,
            KeyConditionExpression="object_key = :key AND sequencer >= :first",
            ExpressionAttributeValues={":key": {"S": key}, ":first": {"S": "0"}},
            ConsistentRead=True,
        )
        records = [from_item(item) for page in pages for item in page["Items"]]
        for record in records:
            if hold := record.attributes.get("hold"):
                raise OperationsError(
                    f"{key!r} is held: {hold['person']} escalated it at {hold['at']}. Release it first, if the law"
                    " allows that: `python -m operations review release`"
                )
        return records

    def left(self, key: str) -> dict[str, int]:
        """Count what the stack holds of a key, by place."""
        return {
            "versions and delete markers in uploads": sum(1 for _ in self._versions(key)),
            "renditions": sum(1 for _ in self._renditions_of(key)),
            "versions in quarantine": len(self._quarantine.versions_of(key)),
        }

    def keep_evidence(self, key: str, *, person: str, case: str) -> str:
        """Put into the logs bucket that the key is forgotten, without naming it; return the evidence's key."""
        digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
        return keep_evidence(
            self._s3,
            self._places.logs_bucket,
            stack=self._places.stack,
            action="forget",
            person=person,
            now=self._clock(),
            facts={"object_key_sha256": digest, "case": {"number": case}},
        )

    def delete_key(self, key: str, *, seconds: float) -> bool:
        """Delete the key, and wait until the functions removed renditions and copies; return whether they did."""
        self._s3.delete_object(Bucket=self._places.uploads_bucket, Key=key)
        return self._wait(lambda: self._is_hidden(key), seconds)

    def delete_versions(self, key: str, *, seconds: float) -> bool:
        """Delete all versions, then the delete markers, for good; return whether each record says so in time."""
        found = sorted(self._versions(key), key=lambda each: each.is_marker)  # else a version would come back
        for each in found:
            self._s3.delete_object(Bucket=self._places.uploads_bucket, Key=key, VersionId=each.id)
        deleted = {each.id for each in found}

        def is_told(record: Record) -> bool:
            # Of a version that was not in the bucket any more, such as one whose retention was over, no event comes.
            is_over = record.status.terminal and (record.version_id or NULL_VERSION) not in deleted
            return record.announced and (is_over or record.status in GONE)

        return self._wait(lambda: all(map(is_told, self.history(key))), seconds)

    def empty_records(self, key: str) -> int:
        """Remove everything from the records but what late events must find, and Rekognition's answers about the key.

        Return how many records are left, until they expire. What a late event adds below them expires as well.
        """
        records = self.history(key)
        for record in records:
            for digest in _judged(record):
                answer = {"object_key": {"S": PARTITIONS + digest}, "sequencer": {"S": SORT_KEY}}
                self._dynamodb.delete_item(TableName=self._places.records_table, Key=answer)
            self._empty(record, newest=records[-1])
        return len(records)

    def remains(self) -> list[Remains]:
        """Return what is left of a forgotten key that nobody can remove by a command, and until when."""
        today = datetime.fromtimestamp(self._clock(), UTC)
        late = (today + timedelta(days=LATE_EVENT_DAYS)).date().isoformat()
        traced = (today + timedelta(days=TRACE_DAYS)).date().isoformat()
        backup = (today + timedelta(days=BACKUP_DAYS)).date().isoformat()
        unfinished = (today + timedelta(days=UNFINISHED_DAYS)).date().isoformat()
        kept = self._expiry(self._places.logs_bucket, today) or "for ever (`retention.logs` is 0)"
        return [
            Remains("the key, its versions and their order, in emptied records", late),
            Remains(
                "the records as they were, in backups of the table, if it has point-in-time recovery", backup
            ),
            Remains("the key in S3's access logs, and the evidence, which names it by SHA-256", kept),
            *self._locked(today),
            Remains("the key in the functions' logs", kept),
            Remains("the key in traces of X-Ray, if the stack has `tracing`", traced),
            Remains("messages and dead letters about the key", late),
            Remains("parts of multipart uploads of the key that were never finished", unfinished),
            Remains(
                "Rekognition's answers about what a later request replaced, by hashes alone, in the cache",
                "`moderation.cacheDays` after they were given",
            ),
            Remains("hashes of its content on the hash list, if it is there", "`operations hashes remove`"),
            Remains("e-mails that were sent, and what subscribers to announcements keep", "out of reach"),
            self._delivered(),
        ]

    def _locked(self, today: datetime) -> list[Remains]:
        """Return what is in the log of accesses, which nobody may change."""
        if self._trail is None:
            return []
        until = self._expiry(self._trail, today) or "its lock ends (`accessLogs.lockedDays`)"
        return [Remains("the key in CloudTrail's log of accesses, which is locked", until)]

    def _delivered(self) -> Remains:
        """Return what becomes of renditions that somebody has been shown."""
        if self._has_cdn:
            return Remains(
                "renditions in browsers and downloads",
                "out of reach; browsers keep them for `delivery.browserSeconds`, CloudFront forgets them by now",
            )
        return Remains(
            "renditions in browsers, CDNs and downloads", "out of reach; browsers keep them for a year"
        )

    # ---- how

    def _is_hidden(self, key: str) -> bool:
        records = self.history(key)
        newest = records[-1] if records else None
        is_hidden = newest is not None and newest.is_tombstone and newest.announced
        if not is_hidden and (records or not self._is_folder(key)):
            return False
        return not (self._quarantine.versions_of(key) or any(True for _ in self._renditions_of(key)))

    def _is_folder(self, key: str) -> bool:
        """Return whether a key only ever held what the S3 console makes to show a folder: nothing is recorded of it."""
        return key.endswith("/") and all(each.size == 0 for each in self._versions(key))

    def _wait(self, done: Callable[[], bool], seconds: float) -> bool:
        until = self._clock() + seconds
        while not done():
            if self._clock() >= until:
                return False
            self._sleep(LOOK_SECONDS)
        return True

    def _versions(self, key: str) -> Iterator[Version]:
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self._places.uploads_bucket, Prefix=key
        )
        for page in pages:
            for kind in ("Versions", "DeleteMarkers"):
                for each in page.get(kind, ()):  # type: ignore[attr-defined]
                    if each["Key"] == key:
                        is_marker = kind == "DeleteMarkers"
                        yield Version(each["VersionId"], is_marker=is_marker, size=each.get("Size", 0))

    def _renditions_of(self, key: str) -> Iterator[str]:
        """List `{key}/{version}/{name}`: what lies deeper belongs to longer keys."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._renditions, Prefix=f"{key}/")
        for page in pages:
            for entry in page.get("Contents", ()):
                if entry["Key"].removeprefix(f"{key}/").count("/") == 1:
                    yield entry["Key"]

    def _empty(self, record: Record, newest: Record) -> None:
        names = sorted(record.attributes.keys() - KEPT_FIELDS)
        expires = int(self._clock()) + LATE_EVENT_DAYS * 86_400
        # They expire in any order: an older one, whose renditions are gone, is shown to nobody meanwhile.
        follows = record.followed_by or (newest.sequencer if newest is not record else None)
        removed = f" REMOVE {', '.join(f'#{number}' for number in range(len(names)))}" if names else ""
        named = {f"#{number}": name for number, name in enumerate(names)}
        hides = "" if follows is None else ", followed_by = :follows"
        following = {} if follows is None else {":follows": {"S": follows}}
        try:
            self._dynamodb.update_item(
                TableName=self._places.records_table,
                Key={"object_key": {"S": record.object_key}, "sequencer": {"S": record.sequencer}},
                UpdateExpression=f"SET #expires = :expires, #forgotten = :yes{hides}{removed}",
                ConditionExpression="#status = :status AND #attempt = :attempt",
                ExpressionAttributeNames={
                    "#expires": "expires_at",
                    "#forgotten": "forgotten",
                    "#status": "status",
                    "#attempt": "attempt",
                    **named,
                },
                ExpressionAttributeValues={
                    ":expires": {"N": str(expires)},
                    ":yes": {"BOOL": True},
                    **following,
                    ":status": {"S": record.status.value},
                    ":attempt": {"N": str(record.attempt)},
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise OperationsError("a record changed meanwhile: run the command again") from error

    def _expiry(self, bucket: str, today: datetime) -> str | None:
        """Return when a bucket of logs removes what it gets today, as a date, or that this is not known.

        None where it keeps that for ever.
        """
        try:
            rules = self._s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "NoSuchLifecycleConfiguration":
                return None
            return f"not known: s3:GetLifecycleConfiguration on {bucket} was refused ({code})"
        days = [rule["Expiration"]["Days"] for rule in rules if "Days" in rule.get("Expiration", {})]
        return (today + timedelta(days=min(days))).date().isoformat() if days else None


def _judged(record: Record) -> set[str]:
    """Return the SHA-256s of the pictures that a record has Rekognition's answers about."""
    judged = set()
    if record.moderation is not None:
        judged |= {picture.sha256 for picture in record.moderation.pictures}
    answers = record.attributes.get("answers") or {}  # of an attempt that was cut off
    return judged | {picture["sha256"] for picture in answers.get("pictures", ())}
