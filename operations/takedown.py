"""Takes published objects down, with all identical copies, and keeps evidence of it.

Nobody but the stack's functions removes a rendition: this asks for a decision about each version, which is written down
as evidence before it has any effect, and then looks whether it was carried out.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from media_pipeline.errors import DecidedError
from media_pipeline.records.decisions import Action, Decision
from media_pipeline.records.leases import decision_to_carry_out
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
PUBLISHING = frozenset({Action.APPROVE, Action.RESTORE})
"""What a person can ask for that publishes a withheld version."""
Place = tuple[str, str]
"""What tells a version from all others: its object key and sequencer."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is taken down: the versions of a key, or everything with these bytes (SHA-256 in hexadecimal)."""

    key: str | None = None
    sha256: str | None = None


@dataclass(kw_only=True)
class Found:
    """Versions with the bytes in question, by what can be done about them; what was deleted is in none."""

    to_withdraw: list[Record] = field(default_factory=list)
    pending: list[Record] = field(default_factory=list)
    """Somebody asked for their takedown, and the functions have not carried it out yet."""
    blocked: list[Record] = field(default_factory=list)
    """Withheld already: nothing of them is published."""
    open: list[Record] = field(default_factory=list)
    """Being processed, or about to be published as a person decided: they cannot be taken down yet."""
    cut_off: list[Record] = field(default_factory=list)
    """FAILED before their takedown was carried out, or with files of them published: only a redrive changes that."""
    failed: list[Record] = field(default_factory=list)
    """Nothing of them is published, unless they are redriven."""

    @property
    def remaining(self) -> list[Record]:
        """All that is not taken down."""
        return [*self.to_withdraw, *self.pending, *self.open, *self.cut_off]


@dataclass(frozen=True, kw_only=True)
class TakenDown:
    """One version that was taken down. `removed_at` is None where its functions did not get to it in time."""

    record: Record
    """As it was when its takedown was asked for, or waited for."""
    decision: Decision
    """The one that was carried out, whoever took it; else the last that is known."""
    removed_at: str | None

    @property
    def place(self) -> Place:
        """Which version it is."""
        return place_of(self.record)

    def document(self) -> dict[str, Any]:
        """Return its entry in the evidence file.

        `status_before` is None, and `renditions` empty, of what an earlier run took down: its record does not say.
        Shape: `{"object_key", "version", "sha256", "status_before", "renditions", "decision", "decided_at",
        "decided_by", "removed_at"}`.
        """
        is_over = self.record.carried_out == self.decision.id
        is_unknown = is_over and self.record.status not in NEVER_SHOWN
        return {
            "object_key": self.record.object_key,
            "version": self.record.version,
            "sha256": self.record.attributes.get("sha256"),
            "status_before": None if is_unknown else self.record.status_before.value,
            "renditions": sorted(self.record.rendition_keys),
            "decision": self.decision.id,
            "decided_at": self.decision.at,
            "decided_by": self.decision.person,
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
            self._sort_in(record, found)
        return found

    def sweep(
        self,
        digests: frozenset[str],
        *,
        person: str,
        reason: str,
        case: Mapping[str, str],
        seconds: float,
    ) -> list[TakenDown]:
        """Take down what has these bytes, until a look finds nothing more; return each version once.

        What somebody else asked to take down is waited for, and not asked for again. `seconds` is how long one look
        waits at most: for what it asked for, or else for what is still being processed.
        """
        done: dict[Place, TakenDown] = {}
        for left in reversed(range(SWEEPS)):
            found = self.find(digests)
            asked = [(record, record.decision) for record in found.pending if record.decision]
            for record in found.to_withdraw:
                decision = self.withdraw(record, person=person, reason=reason, case=case)
                if decision is not None:
                    asked.append((record, decision))
            done = joined(done.values(), self.wait(asked, seconds=seconds))
            if asked or found.to_withdraw:
                continue
            if not left or not self._settle(found.open, seconds=seconds):
                break
        return list(done.values())

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
        """Wait until each version is taken down and no rendition is left, for at most so many seconds.

        It does not matter whose decision was carried out: another operator's may have replaced the one asked for.
        """
        until = self._clock() + seconds
        found = [TakenDown(record=record, decision=decision, removed_at=None) for record, decision in asked]
        while True:
            found = [each if each.removed_at else self._look(each) for each in found]
            if all(each.removed_at for each in found) or self._clock() >= until:
                return found
            self._sleep(LOOK_SECONDS)

    def _look(self, waited_for: TakenDown) -> TakenDown:
        """Return what is known by now of a version that is to be taken down."""
        now = self._read(waited_for.record)
        if now is None:
            return waited_for
        is_carried_out = _was_taken_down(now)
        decision = now.decision if is_carried_out and now.decision else waited_for.decision
        # One that its owner deletes meanwhile is gone as well.
        is_gone = (is_carried_out or now.status is Status.DELETED) and not self._has_renditions(now)
        removed_at = iso_time(self._clock()) if is_gone else None
        return replace(waited_for, decision=decision, removed_at=removed_at)

    def _settle(self, records: Sequence[Record], *, seconds: float) -> bool:
        """Wait until one of what is being processed is no more, for at most so many seconds; return whether it is."""
        until = self._clock() + seconds
        while records and self._clock() < until:
            self._sleep(LOOK_SECONDS)
            for record in records:
                now, found = self._read(record), Found()
                if now is None:
                    return True
                self._sort_in(now, found)
                if not found.open:
                    return True
        return False

    def _sort_in(self, record: Record, found: Found) -> None:
        pending = decision_to_carry_out(record)
        if record.is_held or (_was_taken_down(record) and record.status in NEVER_SHOWN):
            found.blocked.append(record)
        elif record.status is Status.FAILED:
            is_cut_off = record.is_withdrawn or self._has_renditions(record)
            (found.cut_off if is_cut_off else found.failed).append(record)
        elif pending is not None and pending.action is Action.WITHDRAW:
            found.pending.append(record)
        elif record.status in DECIDABLE[Action.WITHDRAW]:
            found.to_withdraw.append(record)
        elif record.status is Status.PROCESSING or (pending is not None and pending.action in PUBLISHING):
            found.open.append(record)
        elif record.status is Status.BLOCKED:
            found.blocked.append(record)

    def _has_renditions(self, record: Record) -> bool:
        prefix = f"{record.object_key}/{record.version}/"
        listed = self._s3.list_objects_v2(Bucket=self._renditions, Prefix=prefix, MaxKeys=1)
        return bool(listed.get("Contents"))

    def _read(self, record: Record) -> Record | None:
        key = {"object_key": {"S": record.object_key}, "sequencer": {"S": record.sequencer}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return from_item(item) if item else None

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


def joined(done: Iterable[TakenDown], again: Iterable[TakenDown]) -> dict[Place, TakenDown]:
    """Return what is known of each version after it was looked at `again`: what it was before stays as first seen."""
    found = {each.place: each for each in done}
    for each in again:
        before = found.get(each.place)
        is_same = before is not None and before.removed_at is None
        found[each.place] = replace(each, record=before.record) if before and is_same else each
    return found


def taken_down_before(found: Found, done: Mapping[Place, TakenDown]) -> list[TakenDown]:
    """Return what was taken down earlier of what is withheld: it is not among what was `done` now."""
    return [
        TakenDown(record=record, decision=record.decision, removed_at=record.attributes.get("finished_at"))
        for record in found.blocked
        if record.decision and _was_taken_down(record) and place_of(record) not in done
    ]


def place_of(record: Record) -> Place:
    """Return what tells a version from all others."""
    return record.object_key, record.sequencer


def _was_taken_down(record: Record) -> bool:
    return record.is_withdrawn and record.pending_decision is None


def hours_since(received: str, now: float) -> float:
    """Return the hours since a notice was received, an ISO 8601 time with its offset."""
    return (now - datetime.fromisoformat(received).timestamp()) / 3600


def key_of_id(image_id: str) -> str:
    """Return the object key of an upload of the API."""
    return f"{UPLOADS_PREFIX}{image_id}"
