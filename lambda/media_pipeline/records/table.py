"""The records table and the life cycle of its records: one conditional write for every change.

Every value written is absolute and every condition names the state that was seen, so a write whose answer
was lost can be sent again: it applies again without effect, or its condition fails against an item that already
holds the caller's values, which is success. This module is the design's transition table.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from media_pipeline.errors import LeaseHeldError, LeaseLostError, Reason, TransientError
from media_pipeline.events import ObjectEvent, next_sequencer
from media_pipeline.records.item_size import fitted
from media_pipeline.records.items import ItemChangedError, ItemTable
from media_pipeline.records.record import (
    Claim,
    ClaimResult,
    Finished,
    Record,
    Stage,
    Status,
    WaitsForStage,
    alert_id,
    iso_time,
)
from media_pipeline.records.succession import LAST_SEQUENCER, NEVER, SECONDS_PER_DAY, Succession, staying

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

UNFINISHED_LIMIT = 4  # attempts; at the fourth the object is rejected, since three were killed while decoding
CLAIM_ROUNDS = 5  # a lost race is retried this often in a row; then the message returns
LEASE_OVER = Decimal(0)

_gives_way = attrgetter("gives_way")
_OF_ONE_OUTCOME = ("announced_at", "alert_id", "reason", "detail", "attention", "expires_at")


class Records:
    """All reads and writes of the records table.

    `clock` gives epoch seconds. `retention_days` is how long a terminal record is kept; 0 means forever.
    """

    def __init__(
        self, *, dynamodb: "DynamoDBClient", table: str, clock: Callable[[], float], retention_days: int
    ) -> None:
        self._items = ItemTable(dynamodb=dynamodb, table=table, clock=clock)
        self.succession = Succession(self._items, clock=clock, retention_days=retention_days)
        self._clock = clock
        self._retention_days = retention_days

    # ---- reads, all of them consistent

    def get(self, object_key: str, sequencer: str) -> Record | None:
        """Read one record."""
        return self._items.get(object_key, sequencer)

    def newest(self, object_key: str) -> Record | None:
        """Read the newest record of a key."""
        return next(self._items.query(object_key, newest_first=True), None)

    def of_version(self, object_key: str, version: str) -> Record | None:
        """Read the record of one object version; None where it never had one.

        Of two records of one version, it is the one that stays.
        """
        return min(self._all_of_version(object_key, version), key=_gives_way, default=None)

    def deleted_by(self, event: ObjectEvent) -> Record | None:
        """Read the record of what a delete is about, a version or a delete marker; None where it never had one."""
        if not event.is_of_null_version:
            return self.of_version(event.key, event.version)
        # Of all that had the id "null" in turn, the last one before the delete.
        until = event.sequencer or LAST_SEQUENCER
        found = (record for record in self.history(event.key) if record.is_of_null_version)
        return staying([record for record in found if record.sequencer < until])

    def history(self, object_key: str) -> Iterator[Record]:
        """Read all records of a key, newest first."""
        return self._items.query(object_key, newest_first=True)

    def sequencer_of(self, event: ObjectEvent) -> str:
        """Return an event's sort key: S3's sequencer, else that of the version's record, else the next free one."""
        if event.sequencer is not None:
            return event.sequencer
        # One that gives way is claimed, since nothing else would end it.
        known = max(self._all_of_version(event.key, event.version), key=_gives_way, default=None)
        if known is not None:
            return known.sequencer
        newest = self.newest(event.key)
        return next_sequencer(newest.sequencer if newest else None)

    # ---- changes

    def claim(
        self,
        event: ObjectEvent,
        *,
        owner: str,
        lease_seconds: float,
        stage: Stage = Stage.IMAGE,
        takes_over: bool = False,
    ) -> ClaimResult:
        """Take the right to work on a version, or say why there is nothing to do here.

        A version that waits for another stage than `stage` is claimed only by a function that `takes_over`: the
        other stage is no longer deployed.
        Raises LeaseHeldError while another invocation holds it.
        """
        sequencer = self.sequencer_of(event)
        known: Record | None = None
        for _ in range(CLAIM_ROUNDS):
            redriven = known is not None and known.status.terminal
            before = known.killed_in_decoding if known and not redriven else 0
            try:
                record = self._change(
                    (event.key, sequencer),
                    known,
                    {
                        "status": Status.PROCESSING,
                        "owner": owner,
                        "attempt": (known.attempt if known else 0) + 1,
                        "unfinished": before + 1,
                        "lease_until": self._lease_until(lease_seconds),
                        "stage": stage,
                        "version_id": event.version_id,
                        "etag": event.etag,
                    },
                    # Opened again, it is looked up anew whether something newer follows.
                    remove=(*_OF_ONE_OUTCOME, "decoding", "followed_by"),
                )
            except ItemChangedError as changed:
                known = changed.found
                if known is None:  # expired between two writes: start over without a record
                    continue
                self._require_same_version(known, event)
                if known.status is Status.PROCESSING and known.owner == owner:
                    # Our own write, whose response was lost.
                    return Claim(record=known, owner=owner, unfinished_before=max(known.unfinished - 1, 0))
                if not known.is_open(event.redrive_attempt, restores=event.restores):
                    return Finished(known)
                if known.stage is not stage and not takes_over:
                    return WaitsForStage(known)
                if (left := known.lease_left(self._clock())) > 0:
                    raise LeaseHeldError(left) from None
            else:
                return Claim(record=record, owner=owner, unfinished_before=before)
        raise TransientError("other invocations changed the record each time this one tried to claim it")

    def begin_decoding(self, claim: Claim) -> None:
        """Note that decoding begins; only from here on can the object be the reason why the function is killed.

        A claim that ended without this note, killed in a call or cut off by an outage, does not count as unfinished
        for the next one.
        """
        try:
            self._change_mine(claim, {"decoding": True})
        except ItemChangedError:
            raise LeaseLostError("the lease was taken over before decoding began") from None

    def release(self, claim: Claim, *, unfinished: int, facts: Mapping[str, Any] | None = None) -> None:
        """Release a claim, so that the next message can take it at once; a claim that was lost stays lost.

        `facts` are what the next attempt can use: answers of Rekognition that were paid for.
        """
        self._give_up(claim, {**fitted(facts or {}), "unfinished": unfinished})

    def discard(self, claim: Claim) -> None:
        """Delete the record of a claim without a verdict, since its version has another one.

        Raises LeaseLostError where another invocation took it over.
        """
        record = claim.record
        condition = {"owner": claim.owner, "status": Status.PROCESSING, "attempt": record.attempt}
        try:
            self._items.delete((record.object_key, record.sequencer), condition=condition)
        except ItemChangedError:
            raise LeaseLostError("the lease was taken over before the second record was deleted") from None

    def discard_abandoned(self, record: Record) -> None:
        """Delete an open record whose lease is over, since its version has another one; a later claim finds that one.

        Raises TransientError where it changed meanwhile.
        """
        condition = {"status": record.status, "attempt": record.attempt, "lease_until": record.lease_until}
        try:
            self._items.delete((record.object_key, record.sequencer), condition=condition)
        except ItemChangedError:
            raise TransientError("the second record changed while it was deleted") from None

    def hand_over(self, claim: Claim, stage: Stage) -> None:
        """Release a claim and note that the version waits for another function; the caller then notifies that function.

        The note does not prove that it was notified: any other function that finds the note notifies it again.
        """
        self._give_up(claim, {"unfinished": claim.unfinished_before, "stage": stage})

    def extend(self, claim: Claim, *, lease_seconds: float) -> None:
        """Extend a claim's lease to `lease_seconds` from now.

        Raises LeaseLostError where another invocation took it over.
        """
        try:
            self._change_mine(claim, {"lease_until": self._lease_until(lease_seconds)})
        except ItemChangedError:
            raise LeaseLostError("the lease was taken over before it could be extended") from None

    def store_verdict(self, claim: Claim, facts: Mapping[str, Any]) -> Record:
        """Store the verdict with all facts of the terminal record, before anything is written to a bucket.

        Decoding came to its end, so the count of unfinished attempts begins again.
        """
        try:
            return self._change_mine(
                claim, {**fitted(facts), "unfinished": 0}, remove=("decoding", "answers")
            )
        except ItemChangedError:
            raise LeaseLostError("the lease was taken over before the verdict was stored") from None

    def commit(self, claim: Claim, status: Status, facts: Mapping[str, Any]) -> Record:
        """Write the terminal status: the commit point that readers follow.

        Answers of Rekognition stay where no verdict was reached: what is opened again need not pay for them twice.
        """
        record = claim.record
        values = self._terminal(record, status, record.attempt, facts)
        try:
            return self._change_mine(claim, values, remove=("decoding",))
        except ItemChangedError as changed:
            found = changed.found
            if found and found.alert_id == values["alert_id"] and found.owner == claim.owner:
                return found
            raise LeaseLostError(f"the lease was taken over before {status} was committed") from None

    def fail(self, event: ObjectEvent, *, reason: Reason, detail: str) -> Record:
        """Record FAILED for a version that nobody works on any more; return a terminal record unchanged.

        Raises LeaseHeldError while an invocation holds it.
        """
        return self._end(event, Status.FAILED, {"reason": reason, "detail": detail}, from_processing=True)

    def reject(self, event: ObjectEvent, *, reason: Reason, detail: str) -> Record:
        """Record REJECTED for a version that nobody works on any more; return a terminal record unchanged.

        Raises LeaseHeldError while an invocation holds it.
        """
        facts: dict[str, Any] = {"reason": reason, "detail": detail, "renditions": []}
        return self._end(event, Status.REJECTED, facts, from_processing=True)

    def fail_restored(self, event: ObjectEvent, *, reason: Reason, detail: str) -> Record:
        """Record FAILED for a version that could not be published again after its delete was undone.

        Raises LeaseHeldError while an invocation holds it, TransientError where it changed meanwhile.
        """
        known = self.of_version(event.key, event.version)
        is_restored = known is not None and known.is_open(event.redrive_attempt, restores=True)
        if known is None or not is_restored or not known.status.terminal:
            return self.fail(event, reason=reason, detail=detail)
        values = self._terminal(known, Status.FAILED, known.attempt, {"reason": reason, "detail": detail})
        try:
            key = (known.object_key, known.sequencer)
            return self._change(key, known, values, remove=("announced_at", "expires_at"))
        except ItemChangedError:
            raise TransientError("the record changed while its failure was written down") from None

    def record_delete_marker(self, event: ObjectEvent) -> Record:
        """Record a delete marker as a tombstone; return an existing record of the same sequencer unchanged."""
        return self._end(event, Status.DELETED, {"delete_marker": True}, from_processing=False)

    def supersede(self, record: Record) -> Record:
        """End an open record whose lease is over, since a tombstone follows it; its claim is lost by that.

        Raises TransientError where it changed meanwhile.
        """
        facts: dict[str, Any] = {"renditions": []}
        values = self._terminal(record, Status.SUPERSEDED, record.attempt, facts)
        try:
            return self._change((record.object_key, record.sequencer), record, values, remove=("decoding",))
        except ItemChangedError:
            raise TransientError("the record changed while it was superseded by a delete") from None

    def delete(self, record: Record) -> Record:
        """Record that the version of a PUBLISHED, FAILED or abandoned record was deleted for good.

        Raises LeaseHeldError while an invocation holds it, TransientError where it changed meanwhile.
        """
        if (left := record.lease_left(self._clock())) > 0:
            raise LeaseHeldError(left)
        values = self._terminal(record, Status.DELETED, record.attempt, {})
        removed = tuple(name for name in _OF_ONE_OUTCOME if name not in values)
        try:
            return self._change((record.object_key, record.sequencer), record, values, remove=removed)
        except ItemChangedError as changed:
            if changed.found and changed.found.alert_id == values["alert_id"]:
                return changed.found
            raise TransientError("the record changed while its version's deletion was stored") from None

    def mark_announced(self, record: Record) -> None:
        """Note that the outcome was published; do nothing where the record was opened again meanwhile."""
        try:
            self._items.update(
                (record.object_key, record.sequencer),
                {"announced_at": iso_time(self._clock())},
                condition={"alert_id": record.alert_id},
            )
        except ItemChangedError:
            return

    # ---- how

    def _all_of_version(self, object_key: str, version: str) -> list[Record]:
        return [record for record in self._items.query(object_key) if record.version == version]

    def _lease_until(self, lease_seconds: float) -> Decimal:
        return Decimal(f"{self._clock() + lease_seconds:.3f}")

    def _give_up(self, claim: Claim, values: Mapping[str, Any]) -> None:
        try:
            values = {**values, "lease_until": LEASE_OVER}
            self._change_mine(claim, values, remove=("owner", "decoding"))
        except ItemChangedError as changed:
            found = changed.found
            if found is None or found.attempt != claim.record.attempt or found.owner is not None:
                raise LeaseLostError("the lease was taken over before it could be released") from None

    def _end(
        self, event: ObjectEvent, status: Status, facts: Mapping[str, Any], *, from_processing: bool
    ) -> Record:
        sequencer = self.sequencer_of(event)
        known: Record | None = None
        for _ in range(CLAIM_ROUNDS):
            identity = {"version_id": event.version_id, "etag": event.etag} if known is None else {}
            attempt = known.attempt if known else 0
            values = self._terminal((event.key, sequencer), status, attempt, {**identity, **facts})
            try:
                return self._change((event.key, sequencer), known, values)
            except ItemChangedError as changed:
                known = changed.found
                if known is None:
                    continue
                self._require_same_version(known, event)
                if known.status.terminal or not from_processing:
                    return known
                if (left := known.lease_left(self._clock())) > 0:
                    raise LeaseHeldError(left) from None
        raise TransientError(f"other invocations changed the record each time {status} was to be written")

    def _require_same_version(self, found: Record, event: ObjectEvent) -> None:
        if found.version != event.version:
            # Two versions without a sequencer drew the same one: the loser draws again.
            raise TransientError(
                f"sequencer {found.sequencer} was taken by another version of the key"
            ) from None

    def _terminal(
        self, identity: Record | tuple[str, str], status: Status, attempt: int, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        if isinstance(identity, Record):
            object_key, sequencer = identity.object_key, identity.sequencer
        else:
            object_key, sequencer = identity
        now = self._clock()
        values = {
            **fitted(facts),
            "status": status,
            "attempt": attempt,
            "lease_until": LEASE_OVER,
            "finished_at": iso_time(now),
            "alert_id": alert_id(object_key, sequencer, status, attempt),
        }
        if status.needs_attention:
            values["attention"] = status
        elif self._retention_days:
            # A superseded version is followed by the one that superseded it.
            is_followed = status is Status.SUPERSEDED
            values["expires_at"] = int(now) + self._retention_days * SECONDS_PER_DAY if is_followed else NEVER
        return values

    def _change(
        self,
        key: tuple[str, str],
        seen: Record | None,
        values: Mapping[str, Any],
        remove: tuple[str, ...] = (),
    ) -> Record:
        """Write if the item is unchanged since it was read (None: absent)."""
        if seen is None:
            # The first write of a record: there is nothing to remove.
            values = {**values, "created_at": iso_time(self._clock())}
            return self._items.update(key, values, condition={"status": None}, remove=remove)
        condition = {"status": seen.status, "attempt": seen.attempt, "lease_until": seen.lease_until}
        return self._items.update(key, values, condition=condition, remove=remove)

    def _change_mine(self, claim: Claim, values: Mapping[str, Any], remove: tuple[str, ...] = ()) -> Record:
        key = (claim.record.object_key, claim.record.sequencer)
        condition = {"status": Status.PROCESSING, "owner": claim.owner}
        return self._items.update(key, values, condition=condition, remove=remove)
