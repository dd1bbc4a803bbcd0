"""The records table and the life cycle of its records: one conditional write for every change.

With `leases`, which has the changes by whoever holds a lease, this module is the design's transition table.
"""

from collections.abc import Mapping
from typing import Any

from media_pipeline.errors import LeaseHeldError, Reason, TransientError
from media_pipeline.events import ObjectEvent
from media_pipeline.records.items import ItemChangedError
from media_pipeline.records.record import LOOKS, Record, Status, iso_time
from media_pipeline.records.reworked import ReworkedRecords
from media_pipeline.records.transitions import CLAIM_ROUNDS, LEASE_OVER, OF_ONE_OUTCOME


class Records(ReworkedRecords):
    """All reads and writes of the records table; its own ones are those of nobody's lease."""

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
        """End an open record, since something newer is known; the claim of one who stands still is lost by that.

        Raises LeaseHeldError while an invocation holds it, TransientError where it changed meanwhile.
        """
        if (left := record.lease_left(self._clock())) > 0:
            raise LeaseHeldError(left)
        facts: dict[str, Any] = {"renditions": []}
        values = self._terminal(record, Status.SUPERSEDED, record.attempt, facts)
        try:
            return self._change((record.object_key, record.sequencer), record, values, remove=("decoding",))
        except ItemChangedError:
            raise TransientError("the record changed while it was superseded by a delete") from None

    def fence(self, record: Record) -> None:
        """Take an open record from an owner whose lease is over and who may only stand still; its message comes back.

        Raises TransientError where it changed meanwhile.
        """
        values = {"lease_until": LEASE_OVER, "unfinished": record.killed_in_decoding}
        try:
            key = (record.object_key, record.sequencer)
            self._change(key, record, values, remove=("owner", "decoding"))
        except ItemChangedError:
            raise TransientError("the record changed while it was taken from its owner") from None

    def delete(self, record: Record) -> Record:
        """Record that a version was deleted for good, or that its key was deleted while it was withheld.

        Raises LeaseHeldError while an invocation holds it, TransientError where it changed meanwhile.
        """
        if (left := record.lease_left(self._clock())) > 0:
            raise LeaseHeldError(left)
        facts = self.succession.facts_of_forgotten(record)
        values = self._terminal(record, Status.DELETED, record.attempt, facts)
        removed = (*LOOKS, *(name for name in OF_ONE_OUTCOME if name not in values))
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

    def note_unlisted(self, tombstone: Record) -> None:
        """Note that a delete marker removes renditions that no record lists, for an attempt that repeats this one.

        Raises TransientError where the tombstone is not there any more.
        """
        key = (tombstone.object_key, tombstone.sequencer)
        try:
            self._items.update(key, {"unlisted": True}, condition={"status": Status.DELETED})
        except ItemChangedError:
            raise TransientError("the record of the delete changed while it was carried out") from None

    # ---- how

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
