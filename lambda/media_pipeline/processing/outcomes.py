"""Ends object versions: what follows a terminal record, and what deletes do to records."""

from collections.abc import Callable

from media_pipeline.errors import LeaseHeldError
from media_pipeline.events import EventKind, ObjectEvent
from media_pipeline.messaging.announcements import Announcements
from media_pipeline.observability import Observability
from media_pipeline.records.record import Record, Status
from media_pipeline.records.table import Records
from media_pipeline.storage import Storage

DELETABLE = frozenset({Status.PUBLISHED, Status.FAILED, Status.PROCESSING})


class Outcomes:
    """Ends the life of a record in order; every step can be repeated."""

    def __init__(
        self,
        *,
        records: Records,
        storage: Storage,
        announcements: Announcements,
        observability: Observability,
        clock: Callable[[], float],
    ) -> None:
        self._records = records
        self._storage = storage
        self._announcements = announcements
        self._observability = observability
        self._clock = clock

    def finish(self, record: Record) -> None:
        """Finish what a terminal record still lacks: remove what was deleted, announce, note the announcement.

        Raises LeaseHeldError where a tombstone must wait for an older version that is still being processed.
        """
        if record.announced:
            return
        if record.status is Status.DELETED:
            self._remove_renditions(record)
        self._announcements.publish(record)
        self._records.mark_announced(record)
        facts = record.attributes
        self._observability.outcome(
            record.status.value,
            object_key=record.object_key,
            version_id=record.version,
            reason=facts.get("reason"),
            attempt=record.attempt,
            milliseconds=facts.get("milliseconds"),
        )

    def carry_out_delete(self, event: ObjectEvent) -> None:
        """Apply a delete in the uploads bucket to the records and renditions.

        Raises LeaseHeldError while an invocation works on what is deleted.
        """
        if event.key.endswith("/") and self._is_folder(event.key):
            return
        if event.kind is EventKind.DELETE_MARKER:
            self.finish(self._records.record_delete_marker(event))
        else:
            self._delete_version(event)

    def _is_folder(self, key: str) -> bool:
        """Return whether `key` only ever held what the S3 console makes to show a folder, which has no records."""
        return self._records.newest(key) is None and not self._storage.has_uploaded_bytes(key)

    def _delete_version(self, event: ObjectEvent) -> None:
        record = self._records.of_version(event.key, event.version)
        if record is None:
            return
        if record.withheld:
            # With a withholding verdict, our own move to quarantine deleted it. Where the move was interrupted before
            # its commit, the upload's message returns and finds the verified copy; recorded as DELETED, a blocked
            # picture would look withdrawn. It is not announced here either: this event runs in parallel with the
            # invocation that moved it and is about to announce it, and people would get the alert twice.
            return
        if record.status.terminal:
            # The decision before the delete is announced as well, separately from the removal.
            self.finish(record)
        if record.status not in DELETABLE:
            return
        self.finish(self._records.delete(record))

    def _remove_renditions(self, record: Record) -> None:
        if not record.is_tombstone:
            self._storage.remove_renditions(record.rendition_keys)
            return
        keys: set[str] = set()
        lease_left = 0.0
        for older in self._records.older(record.object_key, record.sequencer):
            keys |= older.rendition_keys
            lease_left = max(lease_left, older.lease_left(self._clock()))
        self._storage.remove_renditions(keys)
        if lease_left > 0:
            # It may be putting renditions now; it will not claim again, since this record is newer.
            raise LeaseHeldError(lease_left)
