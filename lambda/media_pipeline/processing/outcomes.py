"""Ends object versions: what follows a terminal record, and what deletes do to records."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

from media_pipeline.errors import DeleteUnderWayError, LeaseHeldError, TransientError
from media_pipeline.events import EventKind, ObjectEvent, identity, is_etag, is_made_up, restoring_event
from media_pipeline.invocation import LEASE_MARGIN, Invocation
from media_pipeline.messaging.announcements import Announcements
from media_pipeline.observability import Observability
from media_pipeline.records.record import Record, Status
from media_pipeline.records.succession import HIDING, is_twin
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

    def finish(self, record: Record, *, has_older: bool = True) -> None:
        """Finish what a terminal record still lacks: remove what was deleted, announce, note the announcement.

        `has_older` says whether the key may have older records, which are then marked as followed.
        Raises LeaseHeldError where a tombstone must wait for an older version that is still being processed.
        """
        if record.announced:
            return
        if record.status is Status.DELETED:
            self._remove(record)
        if has_older and record.status in HIDING:
            self._records.succession.mark_followed(record)
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

    def carry_out_delete(self, event: ObjectEvent, invocation: Invocation) -> ObjectEvent | None:
        """Apply a delete in the uploads bucket to the records, renditions and copies in quarantine.

        Return the event of a version that is to be processed now: a delete marker above it was removed.
        Raises LeaseHeldError while an invocation works on what is deleted.
        """
        if event.kind is EventKind.DELETE_MARKER:
            if event.key.endswith("/") and not event.is_of_null_version and self._is_folder(event.key):
                return None  # a delete marker called "null" took the place of what may have had bytes
            return self._delete_key(event, invocation)
        record = self._records.deleted_by(event, self._exists)
        if record is None or event.is_of_null_version or record.status is Status.SUPERSEDED:
            # Called "null", it may also be a delete marker whose own event is still to come. And what was superseded
            # may be opened again by an undelete that is under way.
            self._records.succession.note_deleted_version(event)
            # Again: what was not there may have been recorded before the note.
            record = self._records.deleted_by(event, self._exists)
        if record is None or event.is_of_null_version:
            # Its record expired (what was found called "null" may be older), or the event of its upload has not come.
            # Nothing but the bucket's listing tells of them: an attempt that was cut off may have deleted them already.
            folder = event.key if event.is_of_null_version else f"{event.key}/{event.version}"
            self._storage.remove_renditions(self._renditions_without_record(event), folder=folder)
        if record is None:
            return None
        if record.is_tombstone:
            return self._undo(record, event, invocation)
        self._delete_version(record, event)
        return None

    def _exists(self, record: Record) -> bool:
        return self._storage.exists(record.object_key, record.version_id, record.etag)

    def _delete_key(self, event: ObjectEvent, invocation: Invocation) -> ObjectEvent | None:
        """Record a delete marker, unless it is known to be gone; return the version that this one restores."""
        succession, began = self._records.succession, self._clock()
        sequencer = self._records.sequencer_of(event)
        if succession.is_version_deleted(event.key, event) and not self._records.get(event.key, sequencer):
            return self._restore_superseded(event, sequencer)
        tombstone = self._records.record_delete_marker(event)
        self.finish(tombstone)
        if succession.is_version_deleted(event.key, event):
            # Undone already, too: by an earlier delivery of this event, which may have been cut off since.
            return self._undo(self._records.get(event.key, sequencer) or tombstone, event, invocation)
        # Where this function stood still, the delete may be undone by now, and what it removed restored before that.
        stood_still = self._clock() - began > invocation.timeout * LEASE_MARGIN
        if tombstone.undone and (begun := self._begun_restore(tombstone)) is not None:
            return _going_on(event, begun)
        if tombstone.undone or stood_still:
            return self._restore_again(event, sequencer, stood_still=stood_still)
        return None

    def _restore_again(self, event: ObjectEvent, sequencer: str, *, stood_still: bool) -> ObjectEvent | None:
        """Show what was restored; return the event that publishes it once more, None where nothing is missing.

        `stood_still`: this function may just have removed what the restore put. An earlier one may have done so and
        have been cut off right after it.
        """
        tombstone = self._records.get(event.key, sequencer)
        version = tombstone.attributes.get("restored_version") if tombstone and tombstone.undone else None
        restored = self._records.of_version(event.key, version) if version else None
        if restored is None:
            return None
        if stood_still and restored.status is Status.PROCESSING and not self._take_from_attempt(restored):
            # It was just committed.
            restored = self._records.of_version(event.key, restored.version) or restored
        if restored.status is not Status.PUBLISHED:
            self._records.succession.show_again(restored)
            return None
        there = self._storage.renditions_of_version(event.key, restored.version)
        if not stood_still and restored.listed_keys <= there:
            return None
        return restoring_event(
            event, version_id=restored.version_id, etag=restored.etag, attempt=restored.attempt
        )

    def _take_from_attempt(self, restored: Record) -> bool:
        """Take an open record from its attempt, which commits nothing then and is repeated; False where it changed."""
        try:
            self._records.fence(restored)
        except TransientError:
            return False
        return True

    def _is_folder(self, key: str) -> bool:
        """Return whether `key` only ever held what the S3 console makes to show a folder, which has no records."""
        return self._records.newest(key) is None and not self._storage.has_uploaded_bytes(key)

    def _undo(self, tombstone: Record, event: ObjectEvent, invocation: Invocation) -> ObjectEvent | None:
        """Undo a delete: the version below the removed delete marker is to be published again.

        Raises TransientError while the delete itself is not finished: it would remove what is published again.
        """
        self._require_finished(tombstone, invocation)
        if tombstone.is_of_null_version:
            # It took the null version's place, which deleted that for good: nothing of it comes back.
            for older in list(self._records.succession.older(tombstone.object_key, tombstone.sequencer)):
                if not older.is_of_null_version or older.undone:
                    continue
                if older.is_tombstone:
                    self._require_finished(older, invocation)
                    self._records.succession.undo_tombstone(older, None, version="")
                else:
                    self._delete_version(older, event)
        if (begun := self._begun_restore(tombstone)) is not None:
            return _going_on(event, begun)
        current = self._storage.current(event.key)
        if current is not None and current.modified > (event.happened_at or current.modified):
            current = None  # put after the marker was removed: its own event is still to come
        below = identity(current.version_id, current.etag) if current else ""
        restored = self._records.of_version(event.key, below) if current else None
        if restored is not None and _was_put_after(restored, tombstone.sequencer):
            current = None
        noted = self._records.succession.undo_tombstone(
            tombstone, restored, version=below if current else ""
        ).attributes
        if current is None or noted.get("restored_version", below) != below:
            return None  # the event came again, and something else is current by now
        attempt = noted["restored_attempt"]
        if restored is not None and not restored.is_open(attempt, restores=True):
            self._records.succession.show_again(restored)  # nobody claims it, which would do so as well
        return restoring_event(
            event, version_id=current.version_id, etag=current.etag, attempt=attempt if restored else None
        )

    def _require_finished(self, tombstone: Record, invocation: Invocation) -> None:
        """Raise TransientError while an invocation may work on a delete: until the longest one that began is over.

        The event may have come twice, and the slower of two invocations does not know that the delete was announced.
        """
        if tombstone.announced_at is None:
            raise TransientError(f"the delete of {tombstone.object_key} that was undone is not finished yet")
        announced = datetime.fromisoformat(tombstone.announced_at).timestamp()
        if (left := announced + invocation.timeout * LEASE_MARGIN - self._clock()) > 0:
            raise DeleteUnderWayError(tombstone.object_key, left)

    def _begun_restore(self, tombstone: Record) -> Record | None:
        """Return the record that an earlier delivery of an undelete opened, and did not finish.

        By now the version may not be the current one any more: something was put, or it was moved to quarantine.
        """
        version = tombstone.attributes.get("restored_version")
        record = self._records.of_version(tombstone.object_key, version) if version else None
        if record is None or record.announced or record.attempt <= tombstone.attributes["restored_attempt"]:
            return None
        return record

    def _restore_superseded(self, event: ObjectEvent, sequencer: str) -> ObjectEvent | None:
        """Return the event that publishes the current version where it was superseded by a delete marker that is gone.

        It was found under the marker in the bucket, before any of the marker's events came. `sequencer`: of the marker.
        """
        current = self._storage.current(event.key)
        if current is None:
            return None
        known = self._records.of_version(event.key, identity(current.version_id, current.etag))
        if known is None or _was_put_after(known, sequencer):
            return None  # the event of its upload is still to come, or what superseded it is something else
        attempt = None  # of a record that an earlier delivery of the event opened again: it goes on
        if known.status is Status.SUPERSEDED:
            self.finish(known)
            attempt = known.attempt
        return restoring_event(event, version_id=current.version_id, etag=current.etag, attempt=attempt)

    def _delete_version(self, record: Record, event: ObjectEvent) -> None:
        if record.leaves_uploads and record.status is not Status.DELETED:
            if self._was_deleted_by_its_move(record):
                # Recorded as DELETED, a blocked picture would look withdrawn. It is not announced here either: this
                # event runs in parallel with the invocation that moved it and is about to announce it, and people
                # would get the alert twice.
                return
            # So that an attempt which finds it gone knows why.
            self._records.succession.note_deleted_version(event)
        if record.status.terminal:
            # The decision before the delete is announced as well, separately from the removal.
            self.finish(record)
        if record.status not in DELETABLE:
            return
        self.finish(self._records.delete(record))

    def _was_deleted_by_its_move(self, record: Record) -> bool:
        """Return whether our own move to quarantine may have deleted a withheld version in the uploads bucket.

        The move deletes it only once quarantine holds a verified copy. So a version that somebody else deleted has no
        copy, and gets none; what is deleted after the copy was made was deleted too late, as the version is no longer
        in the bucket then. That holds however late or often an event comes, and whatever was cut off: where the move
        was interrupted before its commit, the upload's message returns and finds the copy.
        """
        if record.status not in DELETABLE or record.was_moved or record.decision is not None:
            return True  # it ended with the move, so the copy is not needed as evidence: it may have expired
        sha256 = record.attributes["sha256"]
        return self._storage.has_verified_copy(record.object_key, record.version, sha256)

    def _renditions_without_record(self, event: ObjectEvent) -> set[str]:
        """List the renditions of a deleted version that no record is left of.

        Those of null versions lie under their ETags, which the event of a delete does not have: all of them that no
        record tells of are of versions that others replaced, or that were deleted.
        """
        if not event.is_of_null_version:
            return self._storage.renditions_of_version(event.key, event.version)
        listed = self._storage.renditions_of(event.key)
        # In this order: whatever was listed has a record by now.
        known = {record.version for record in self._records.history(event.key)}
        return {key for name, keys in listed.items() if is_etag(name) and name not in known for key in keys}

    def _remove(self, record: Record) -> None:
        """Remove what is left of a DELETED record: renditions, and copies in quarantine."""
        if record.is_tombstone:
            self._remove_older(record)
            return
        self._storage.remove_renditions(record.rendition_keys)
        has_pictures = (record.is_checked or record.rework is not None) and not record.is_held
        if has_pictures or (record.moderation is None and record.attempt):
            # Or an attempt may have been cut off right before its verdict was stored.
            self._storage.quarantined.remove_pictures(record.object_key, record.version)
        if record.leaves_uploads and not record.is_held:
            later = self._records.succession.newer(record.object_key, record.sequencer)
            # Null versions with the same bytes share a copy.
            if not record.is_of_null_version or record.version not in {newer.version for newer in later}:
                self._storage.quarantined.remove_version(record.object_key, record.version)

    def _remove_older(self, tombstone: Record) -> None:
        """Remove what a delete marker hides; end the versions that nothing is left of.

        Raises LeaseHeldError while an invocation works on one of them, TransientError where the delete was undone.
        """
        lease_left = 0.0
        keys: set[str] = set()
        kept: set[str] = set()  # versions whose copies stay
        all_older = list(self._records.succession.older(tombstone.object_key, tombstone.sequencer))
        if any(older.was_moved and older.status is not Status.DELETED for older in all_older):
            self._require_not_undone(tombstone)
        later: set[str] = set()  # versions that were put after the delete
        for older in all_older:
            if self._was_put_later(older):
                later.add(older.version)
                continue
            keys |= older.rendition_keys
            if older.status is not Status.PROCESSING and not older.is_reworked:
                self._withdraw(older)
                continue
            left = older.lease_left(self._clock())
            lease_left = max(lease_left, left)
            if left > 0:
                kept.add(older.version)
                continue
            # Its function may only stand still: from here on it can write nothing, and removes what it put.
            if older.is_reworked and not older.was_moved:
                self._records.fence_rework(older)
            elif older.was_moved:
                self._withdraw(older)
            elif older.withheld:
                # A move to quarantine that was begun is completed, and its copy then removed.
                self._records.fence(older)
                kept.add(older.version)
            elif _gives_way_to_twin(older, all_older):
                self._records.discard_abandoned(older)
            else:
                self.finish(self._records.supersede(older), has_older=False)
        # In this order: whatever was listed has a record by now.
        renditions = self._storage.renditions_of(tombstone.object_key)
        copies = self._storage.quarantined.versions_of(tombstone.object_key)
        following = self._records.succession.newer(tombstone.object_key, tombstone.sequencer)
        newer = {record.version for record in following} | later
        others = _of_others(renditions, newer)
        is_noted = bool(tombstone.attributes.get("unlisted"))  # by an attempt that was cut off
        if others - keys and self._storage.has_edge and not is_noted:
            # Once they are gone, nothing else tells that there is something to forget.
            self._records.note_unlisted(tombstone)
        folder = tombstone.object_key if is_noted else None
        self._storage.remove_renditions(keys | others, folder=folder)
        held = {older.version for older in all_older if older.is_held}
        if unneeded := copies - kept - newer - held:
            self._require_not_undone(tombstone)
        for version in sorted(unneeded):
            self._storage.quarantined.remove_version(tombstone.object_key, version)
        if lease_left > 0:
            # It may be putting renditions now; it will not claim again, since this record is newer.
            raise LeaseHeldError(lease_left)

    def _require_not_undone(self, tombstone: Record) -> None:
        """Raise TransientError where a delete was undone since this function read its record.

        Then the function stood still, and what it sees in quarantine may be of what was restored meanwhile. What it saw
        before a delete was undone is restored by nobody.
        """
        found = self._records.get(tombstone.object_key, tombstone.sequencer)
        if found is None or found.undone:
            raise TransientError(f"the delete of {tombstone.object_key} was undone while it was carried out")

    def _was_put_later(self, older: Record) -> bool:
        """Return whether a version that waits, and whose place below a delete marker is only assumed, hides it.

        Its message is still to come back, and gives it a place above the marker.
        """
        is_waiting = older.status is Status.PROCESSING and older.lease_left(self._clock()) <= 0
        if not is_waiting or older.moderation is not None or not is_made_up(older.sequencer):
            return False
        return self._storage.is_current(older.object_key, older.version_id, older.etag)

    def _withdraw(self, record: Record) -> None:
        """End a version that is in quarantine, as its key was deleted: nothing restores it."""
        if record.was_moved and not record.is_held:
            if record.status.terminal:
                self.finish(record, has_older=False)
            record = self._records.delete(record)
        if record.status is Status.DELETED and not record.is_tombstone:
            self.finish(record, has_older=False)


def _of_others(renditions: Mapping[str, set[str]], kept: Collection[str]) -> set[str]:
    """Return the keys of the renditions of all versions but the `kept` ones: older records may have expired."""
    return {key for version, keys in renditions.items() if version not in kept for key in keys}


def _going_on(event: ObjectEvent, begun: Record | None) -> ObjectEvent | None:
    """Return the event that goes on with a restore that was begun; None without one."""
    if begun is None:
        return None
    return restoring_event(event, version_id=begun.version_id, etag=begun.etag, attempt=None)


def _was_put_after(record: Record, sequencer: str) -> bool:
    """Return whether a version was put after a delete, which never hid it.

    A made-up sequencer says nothing: an attempt to restore what no record was left of may have made it.
    """
    return record.sequencer > sequencer and not is_made_up(record.sequencer)


def _gives_way_to_twin(record: Record, others: Iterable[Record]) -> bool:
    """Return whether another record of an open one's version stays: the decided one, else that of S3's own order."""
    twins = [other for other in others if other.sequencer != record.sequencer and is_twin(record, other)]
    return any(twin.is_decided for twin in twins) if not record.gives_way else bool(twins)
