"""Takes published objects down, with all identical copies, and keeps evidence of it.

Nobody but the stack's functions removes a rendition: this asks for a decision about each version, which is written down
as evidence before it has any effect, and then looks whether it was carried out.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from media_pipeline.errors import DecidedError
from media_pipeline.records.decisions import Action, Decision
from media_pipeline.records.record import NEVER_SHOWN, Record, Status, from_item, iso_time
from media_pipeline.reviews.asking import DECIDABLE, Decisions
from operations.errors import OperationsError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

UPLOADS_PREFIX = "api/"
"""Of the keys of the upload API, which end in an `image_id`."""
LOOK_SECONDS = 0.2
SWEEPS = 3
"""Looks for identical copies: one that is being processed during the first is found by a later one."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is taken down: the versions of a key, or everything with these bytes (SHA-256 in hexadecimal)."""

    key: str | None = None
    sha256: str | None = None


@dataclass(kw_only=True)
class Found:
    """Versions with the bytes in question, by what can be done about them."""

    to_withdraw: list[Record] = field(default_factory=list)
    blocked: list[Record] = field(default_factory=list)
    """Withheld already: nothing of them is published."""
    open: list[Record] = field(default_factory=list)
    """Being processed: they cannot be taken down yet."""
    failed: list[Record] = field(default_factory=list)
    """Nothing of them is published, unless they are redriven."""

    def add(self, record: Record) -> None:
        """Sort a version in; what was deleted is left out."""
        was_taken_down = record.is_withdrawn and not record.pending_decision
        if record.is_held or (was_taken_down and record.status in NEVER_SHOWN):
            self.blocked.append(record)
        elif record.status in DECIDABLE[Action.WITHDRAW]:
            self.to_withdraw.append(record)
        elif record.status is Status.BLOCKED:
            self.blocked.append(record)
        elif record.status is Status.PROCESSING:
            self.open.append(record)
        elif record.status is Status.FAILED:
            self.failed.append(record)


@dataclass(frozen=True, kw_only=True)
class TakenDown:
    """One version that was taken down. `removed_at` is None where its functions did not get to it in time."""

    record: Record
    decision: Decision
    removed_at: str | None

    def document(self) -> dict[str, Any]:
        """Return its entry in the evidence file."""
        return {
            "object_key": self.record.object_key,
            "version": self.record.version,
            "sha256": self.record.attributes.get("sha256"),
            "status_before": self.record.status.value,
            "renditions": sorted(self.record.rendition_keys),
            "decision": self.decision.id,
            "decided_at": self.decision.at,
            "removed_at": self.removed_at,
        }


class Takedown:
    """Finds what has the same bytes, asks for its removal, and waits for it."""

    def __init__(
        self,
        *,
        dynamodb: "DynamoDBClient",
        s3: "S3Client",
        table: str,
        renditions: str,
        decisions: Decisions,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`renditions` names the bucket; `clock` gives epoch seconds."""
        self._dynamodb = dynamodb
        self._s3 = s3
        self._table = table
        self._renditions = renditions
        self._decisions = decisions
        self._clock = clock
        self._sleep = sleep

    def digests(self, target: Target) -> frozenset[str]:
        """Return the SHA-256s of what is to be taken down. Raises OperationsError where nothing is known of it."""
        if target.sha256 is not None:
            return frozenset({target.sha256.lower()})
        history = list(self._of_key(str(target.key)))
        found = {str(record.attributes["sha256"]) for record in history if record.attributes.get("sha256")}
        if not found:
            raise OperationsError(
                f"there is no record of {target.key!r} with a SHA-256; is the key written exactly as in S3?"
            )
        return frozenset(found)

    def find(self, digests: frozenset[str]) -> Found:
        """Find every version with these bytes, under whatever key: one scan of the table."""
        found = Found()
        for record in self._scan(digests):
            found.add(record)
        return found

    def withdraw(
        self,
        record: Record,
        *,
        person: str,
        reason: str,
        case: Mapping[str, str],
    ) -> Decision | None:
        """Ask for the removal of one version; None where its record changed meanwhile: the next sweep finds it."""
        try:
            asked = self._decisions.ask(
                record, Action.WITHDRAW, person, reason=reason, case=case, override=True
            )
        except DecidedError:
            return None
        return asked.decision

    def wait(self, asked: Sequence[tuple[Record, Decision]], *, seconds: float) -> list[TakenDown]:
        """Wait until each decision is carried out and no rendition is left, for at most so many seconds."""
        until = self._clock() + seconds
        removed: dict[str, str] = {}
        while True:
            for record, decision in asked:
                if decision.id not in removed and self._is_done(record, decision):
                    removed[decision.id] = iso_time(self._clock())
            if len(removed) == len(asked) or self._clock() >= until:
                return [
                    TakenDown(record=record, decision=decision, removed_at=removed.get(decision.id))
                    for record, decision in asked
                ]
            self._sleep(LOOK_SECONDS)

    def _is_done(self, record: Record, decision: Decision) -> bool:
        key = {"object_key": {"S": record.object_key}, "sequencer": {"S": record.sequencer}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        now = from_item(item) if item else None
        # One that its owner deletes meanwhile is gone as well.
        if now is None or (now.status is not Status.DELETED and now.carried_out != decision.id):
            return False
        prefix = f"{record.object_key}/{record.version}/"
        listed = self._s3.list_objects_v2(Bucket=self._renditions, Prefix=prefix, MaxKeys=1)
        return not listed.get("Contents")

    def _of_key(self, key: str) -> Iterator[Record]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="object_key = :key AND sequencer >= :first",
            ExpressionAttributeValues={":key": {"S": key}, ":first": {"S": "0"}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from map(from_item, page["Items"])

    def _scan(self, digests: frozenset[str]) -> Iterator[Record]:
        values = {f":d{number}": {"S": digest} for number, digest in enumerate(sorted(digests))}
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression=f"sha256 IN ({', '.join(values)}) AND attribute_exists(#status)",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        for page in pages:
            yield from map(from_item, page["Items"])


def hours_since(received: str, now: float) -> float:
    """Return the hours since a notice was received, an ISO 8601 time with its offset."""
    return (now - datetime.fromisoformat(received).timestamp()) / 3600


def key_of_id(image_id: str) -> str:
    """Return the object key of an upload of the API."""
    return f"{UPLOADS_PREFIX}{image_id}"
