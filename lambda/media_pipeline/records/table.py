"""The records table and the life cycle of its records: one conditional write for every change.

Every value written is absolute and every condition names the state that was seen, so a write whose answer
was lost can be sent again: it applies again without effect, or its condition fails against an item that already
holds the caller's values, which is success. This module is the design's transition table.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from media_pipeline.errors import LeaseHeldError, LeaseLostError, Reason, TransientError
from media_pipeline.events import ObjectEvent, next_sequencer
from media_pipeline.records.record import (
    Claim,
    ClaimResult,
    Finished,
    Record,
    Stage,
    Status,
    WaitsForStage,
    alert_id,
    from_item,
    iso_time,
    to_item,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

UNFINISHED_LIMIT = 4  # attempts; at the fourth the object is rejected, since three were killed while decoding
CLAIM_ROUNDS = 5  # a lost race is retried this often in a row; then the message returns
SECONDS_PER_DAY = 86_400
LEASE_OVER = Decimal(0)

_OF_ONE_OUTCOME = ("announced_at", "alert_id", "reason", "detail", "attention", "expires_at")


class _ChangedError(Exception):
    """A conditional write found a state other than the expected one."""

    def __init__(self, found: Record | None) -> None:
        super().__init__("the item is in another state")
        self.found = found


class Records:
    """All reads and writes of the records table.

    `clock` gives epoch seconds. `retention_days` is how long a terminal record is kept; 0 means forever.
    """

    def __init__(
        self, *, dynamodb: "DynamoDBClient", table: str, clock: Callable[[], float], retention_days: int
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock
        self._retention_days = retention_days

    # ---- reads, all of them consistent

    def get(self, object_key: str, sequencer: str) -> Record | None:
        """Read one record."""
        key = to_item({"object_key": object_key, "sequencer": sequencer})
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return from_item(item) if item else None

    def newest(self, object_key: str) -> Record | None:
        """Read the newest record of a key."""
        return next(self._query(object_key, newest_first=True), None)

    def of_version(self, object_key: str, version: str) -> Record | None:
        """Read the record of one object version; None where it never had one."""
        return next((record for record in self._query(object_key) if record.version == version), None)

    def history(self, object_key: str) -> Iterator[Record]:
        """Read all records of a key, newest first."""
        return self._query(object_key, newest_first=True)

    def older(self, object_key: str, sequencer: str) -> Iterator[Record]:
        """Read the records of versions before this one, oldest first."""
        return self._query(object_key, comparison="<", sequencer=sequencer)

    def newer(self, object_key: str, sequencer: str) -> Iterator[Record]:
        """Read the records of versions and delete markers after this one, oldest first."""
        return self._query(object_key, comparison=">", sequencer=sequencer)

    def has_newer(self, object_key: str, sequencer: str) -> bool:
        """Return whether a later version of the key, or a tombstone, has a record."""
        return any(True for _ in self._query(object_key, comparison=">", sequencer=sequencer, limit=1))

    def sequencer_of(self, event: ObjectEvent) -> str:
        """Return an event's sort key: S3's sequencer, else that of the version's record, else the next free one."""
        if event.sequencer is not None:
            return event.sequencer
        known = self.of_version(event.key, event.version)
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
            redriven = known is not None and known.status is Status.FAILED
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
                    remove=(*_OF_ONE_OUTCOME, "decoding"),
                )
            except _ChangedError as changed:
                known = changed.found
                if known is None:  # expired between two writes: start over without a record
                    continue
                self._require_same_version(known, event)
                if known.status is Status.PROCESSING and known.owner == owner:
                    return _own(known, owner)  # our own write, whose response was lost
                if not known.is_open(event.redrive_attempt):
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
        except _ChangedError:
            raise LeaseLostError("the lease was taken over before decoding began") from None

    def release(self, claim: Claim, *, unfinished: int) -> None:
        """Release a claim, so that the next message can take it at once; a claim that was lost stays lost."""
        self._give_up(claim, {"unfinished": unfinished})

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
        except _ChangedError:
            raise LeaseLostError("the lease was taken over before it could be extended") from None

    def store_verdict(self, claim: Claim, facts: Mapping[str, Any]) -> Record:
        """Store the verdict with all facts of the terminal record, before anything is written to a bucket.

        Decoding came to its end, so the count of unfinished attempts begins again.
        """
        try:
            return self._change_mine(claim, {**facts, "unfinished": 0}, remove=("decoding",))
        except _ChangedError:
            raise LeaseLostError("the lease was taken over before the verdict was stored") from None

    def commit(self, claim: Claim, status: Status, facts: Mapping[str, Any]) -> Record:
        """Write the terminal status: the commit point that readers follow."""
        record = claim.record
        values = self._terminal(record.object_key, record.sequencer, status, record.attempt, facts)
        try:
            return self._change_mine(claim, values, remove=("decoding",))
        except _ChangedError as changed:
            found = changed.found
            if found and found.alert_id == values["alert_id"] and found.owner == claim.owner:
                return found
            raise LeaseLostError(f"the lease was taken over before {status} was committed") from None

    def fail(self, event: ObjectEvent, *, reason: Reason, detail: str) -> Record:
        """Record FAILED for a version that nobody works on any more; return a terminal record unchanged.

        Raises LeaseHeldError while an invocation holds it.
        """
        return self._end(event, Status.FAILED, {"reason": reason, "detail": detail}, from_processing=True)

    def record_delete_marker(self, event: ObjectEvent) -> Record:
        """Record a delete marker as a tombstone; return an existing record of the same sequencer unchanged."""
        return self._end(event, Status.DELETED, {"delete_marker": True}, from_processing=False)

    def delete(self, record: Record) -> Record:
        """Record that the version of a PUBLISHED, FAILED or abandoned record was deleted for good.

        Raises LeaseHeldError while an invocation holds it, TransientError where it changed meanwhile.
        """
        if (left := record.lease_left(self._clock())) > 0:
            raise LeaseHeldError(left)
        values = self._terminal(record.object_key, record.sequencer, Status.DELETED, record.attempt, {})
        removed = tuple(name for name in _OF_ONE_OUTCOME if name not in values)
        try:
            return self._change((record.object_key, record.sequencer), record, values, remove=removed)
        except _ChangedError as changed:
            if changed.found and changed.found.alert_id == values["alert_id"]:
                return changed.found
            raise TransientError("the record changed while its version's deletion was stored") from None

    def mark_announced(self, record: Record) -> None:
        """Note that the outcome was published; do nothing where the record was opened again meanwhile."""
        try:
            self._update(
                (record.object_key, record.sequencer),
                {"announced_at": iso_time(self._clock())},
                condition={"alert_id": record.alert_id},
            )
        except _ChangedError:
            return

    # ---- how

    def _lease_until(self, lease_seconds: float) -> Decimal:
        return Decimal(f"{self._clock() + lease_seconds:.3f}")

    def _give_up(self, claim: Claim, values: Mapping[str, Any]) -> None:
        try:
            values = {**values, "lease_until": LEASE_OVER}
            self._change_mine(claim, values, remove=("owner", "decoding"))
        except _ChangedError as changed:
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
            values = self._terminal(event.key, sequencer, status, attempt, {**identity, **facts})
            try:
                return self._change((event.key, sequencer), known, values)
            except _ChangedError as changed:
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
        self, object_key: str, sequencer: str, status: Status, attempt: int, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        now = self._clock()
        values = {
            **facts,
            "status": status,
            "attempt": attempt,
            "lease_until": LEASE_OVER,
            "finished_at": iso_time(now),
            "alert_id": alert_id(object_key, sequencer, status, attempt),
        }
        if status.needs_attention:
            values["attention"] = status
        if self._retention_days:
            values["expires_at"] = int(now) + self._retention_days * SECONDS_PER_DAY
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
            return self._update(key, values, condition={"status": None}, remove=remove)
        condition = {"status": seen.status, "attempt": seen.attempt, "lease_until": seen.lease_until}
        return self._update(key, values, condition=condition, remove=remove)

    def _change_mine(self, claim: Claim, values: Mapping[str, Any], remove: tuple[str, ...] = ()) -> Record:
        key = (claim.record.object_key, claim.record.sequencer)
        condition = {"status": Status.PROCESSING, "owner": claim.owner}
        return self._update(key, values, condition=condition, remove=remove)

    def _update(
        self,
        key: tuple[str, str],
        values: Mapping[str, Any],
        *,
        condition: Mapping[str, Any],
        remove: tuple[str, ...] = (),
    ) -> Record:
        """Write `values` if each attribute of `condition` equals its value (None: is absent)."""
        values = {**values, "updated_at": iso_time(self._clock())}
        names = {f"#{name}": name for name in (*values, *condition, *remove)}
        sent = {f":{name}": value for name, value in values.items()}
        sent |= {f":if_{name}": value for name, value in condition.items() if value is not None}
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in values)
        if remove:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in remove)
        tests = (
            f"attribute_not_exists(#{name})" if value is None else f"#{name} = :if_{name}"
            for name, value in condition.items()
        )
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=to_item({"object_key": key[0], "sequencer": key[1]}),
                UpdateExpression=expression,
                ConditionExpression=" AND ".join(tests),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=to_item(sent),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            found: Any = error.response.get("Item")
            raise _ChangedError(from_item(found) if found else None) from None
        return from_item(answer["Attributes"])

    def _query(
        self,
        object_key: str,
        *,
        comparison: str = ">=",
        sequencer: str = "0",
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": f"object_key = :key AND sequencer {comparison} :sequencer",
            "ExpressionAttributeValues": to_item({":key": object_key, ":sequencer": sequencer}),
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
        }
        if limit:
            request["Limit"] = limit
        while True:
            answer = self._dynamodb.query(**request)
            yield from map(from_item, answer["Items"])
            if "LastEvaluatedKey" not in answer or limit:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _own(record: Record, owner: str) -> Claim:
    return Claim(record=record, owner=owner, unfinished_before=max(record.unfinished - 1, 0))
