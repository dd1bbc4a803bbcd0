"""Ends object versions by deletes, and brings them back where a delete is undone."""

from datetime import datetime

from media_pipeline.errors import DeleteUnderWayError, TransientError
from media_pipeline.events import (
    S3_DIGITS,
    EventKind,
    ObjectEvent,
    identity,
    is_etag,
    is_made_up,
    restoring_event,
)
from media_pipeline.invocation import LEASE_MARGIN, Invocation
from media_pipeline.processing.finishing import Finishing
from media_pipeline.records.record import NEVER_SHOWN, Record, Status, iso_time

DELETABLE = frozenset({Status.PUBLISHED, Status.FAILED, Status.PROCESSING})


class Outcomes(Finishing):
    """Finishes records, and carries out what deletes and undeletes do to them."""

    def carry_out_delete(self, event: ObjectEvent, invocation: Invocation) -> ObjectEvent | None:
        """Apply a delete in the uploads bucket to the records, renditions and copies in quarantine.

        Return the event of a version that is to be processed now: a delete marker above it was removed.
        Raises LeaseHeldError while an invocation works on what is deleted.
        """
        if event.kind is EventKind.DELETE_MARKER:
            if event.key.endswith("/") and not event.is_of_null_version and self._is_folder(event.key):
                return None  # a delete marker called "null" took the place of what may have had bytes
            return self._delete_key(event, invocation)
        if event.is_of_null_version:
            self._finish_deleted_null_versions(event)
        record = self._records.deleted_by(event, self._exists)
        if record is None or event.is_of_null_version or record.status in NEVER_SHOWN:
            # Called "null", it may also be a delete marker whose own event is still to come. What was superseded may be
            # opened again by an undelete that is under way; and that, or what was rejected, may be recorded anew by an
            # event that comes again, once its record has expired.
            self._records.succession.note_deleted_version(event)
            # Again: what was not there may have been recorded before the note.
            record = self._records.deleted_by(event, self._exists)
        if record is None or event.is_of_null_version or record.status in NEVER_SHOWN:
            # Its record expired (what was found called "null" may be older, and what was never shown may be recorded
            # anew by an event that came again), or the event of its upload has not come. Nothing but the bucket's
            # listing tells of them: an attempt that was cut off may have deleted them already.
            folder = event.key if event.is_of_null_version else f"{event.key}/{event.version}"
            self._storage.remove_renditions(self._renditions_without_record(event), folder=folder)
        if record is None:
            return None
        if record.is_tombstone:
            return self._undo(record, event, invocation)
        self._delete_version(record, event)
        return None

    def _finish_deleted_null_versions(self, event: ObjectEvent) -> None:
        """Finish what an earlier delivery of the event ended, and was cut off.

        A null version that was recorded since may be the one that the event is taken to be about now.
        """
        for record in self._records.history(event.key):
            is_deleted = record.is_of_null_version and record.status is Status.DELETED
            if is_deleted and not record.is_tombstone and not record.announced:
                self.finish(record)

    def _exists(self, record: Record) -> bool:
        return self._storage.exists(record.object_key, record.version_id, record.etag)

    def _delete_key(self, event: ObjectEvent, invocation: Invocation) -> ObjectEvent | None:
        """Record a delete marker, unless it is known to be gone.

        Return the event of the version that is to be published again: the marker is gone, or never hid it.
        """
        succession, began = self._records.succession, self._clock()
        sequencer = self._records.sequencer_of(event)
        if succession.is_version_deleted(event.key, event) and not self._records.get(event.key, sequencer):
            return self._restore_superseded(event, sequencer)
        tombstone = self._records.record_delete_marker(event)
        self.finish(tombstone)
        if succession.is_version_deleted(event.key, event):
            # Undone already, too: by an earlier delivery of this event, which may have been cut off since.
            return self._undo(self._records.get(event.key, sequencer) or tombstone, event, invocation)
        if not tombstone.undone and (later := self._restore_later(tombstone, event, invocation)) is not None:
            return later
        # Where this function stood still, the delete may be undone by now, and what it removed restored before that.
        stood_still = self._clock() - began > invocation.timeout * LEASE_MARGIN
        if tombstone.undone and (begun := self._begun_restore(tombstone)) is not None:
            return _going_on(event, begun)
        if tombstone.undone or stood_still:
            return self._restore_again(event, sequencer, stood_still=stood_still)
        return None

    def _restore_later(
        self, tombstone: Record, event: ObjectEvent, invocation: Invocation
    ) -> ObjectEvent | None:
        """Return the event that gives a version its place above a delete which never hid it; None without one.

        Its upload's event had no sequencer, and came before the one of the delete, below which it was assumed to be.
        A function that stood still may have removed what an earlier delivery published there: that is published again.
        """
        if tombstone.is_of_null_version:
            return None  # that a null version was put later cannot be told: the delete had replaced what was there
        assumed = [
            record for record in self._records.history(tombstone.object_key) if is_made_up(record.sequencer)
        ]
        if (begun := next(filter(_is_coming_back, assumed), None)) is not None:
            return _going_on(event, begun)  # by an earlier delivery of this event, which was cut off since
        shown = {record.version: record for record in assumed if record.status is Status.PUBLISHED}
        current = self._storage.current(tombstone.object_key) if shown else None
        later = shown.get(identity(current.version_id, current.etag)) if current else None
        if later is None:
            return None
        if later.sequencer < tombstone.sequencer:  # it moves above the delete
            self._require_finished(self._records.get(event.key, tombstone.sequencer) or tombstone, invocation)
        elif later.listed_keys <= self._storage.renditions_of_version(event.key, later.version):
            return None  # it did, and all of it is there
        return restoring_event(event, version_id=later.version_id, etag=later.etag, attempt=later.attempt)

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
        if restored.followed_by == sequencer:
            self._records.succession.show_again(restored)
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
        if current is None:
            # Unless another undelete met this delete still in force, and ended what it restored as superseded.
            return self._restore_superseded(event, tombstone.sequencer)
        if noted.get("restored_version", below) != below:
            return None  # the event came again, and something else is current by now
        attempt = noted["restored_attempt"]
        if restored is not None and not restored.is_open(attempt, restores=True):
            self._records.succession.show_again(restored)  # nobody claims it, which would do so as well
        if restored is not None and self._was_superseded_since(restored):
            return self._restore_superseded(event, tombstone.sequencer)
        return restoring_event(
            event, version_id=current.version_id, etag=current.etag, attempt=attempt if restored else None
        )

    def _was_superseded_since(self, restored: Record) -> bool:
        """Return whether another undelete restored a version, and ended it as superseded by a delete that is undone."""
        now = self._records.get(restored.object_key, restored.sequencer)
        return now is not None and now.status is Status.SUPERSEDED and now.attempt > restored.attempt

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
            if record.status is Status.PROCESSING and record.status_before in NEVER_SHOWN:
                return  # the takedown's message comes back: as DELETED it would hide what is below it
        elif record.is_reworked:  # which may withhold it
            self._records.succession.note_deleted_version(event)
        if record.status.terminal:
            # The decision before the delete is announced as well, separately from the removal.
            self.finish(record)
        if record.status not in DELETABLE and not _is_withheld_without_original(record):
            return
        end = self._records.supersede if self._was_replaced_unjudged(record) else self._records.delete
        self.finish(end(record))

    def _was_replaced_unjudged(self, record: Record) -> bool:
        """Return whether the bucket holds something newer than a version whose order was only assumed.

        Recorded as deleted above that, before anybody looked which of the two is newer, it would hide it.
        """
        is_judged = record.status is not Status.PROCESSING or record.moderation is not None
        if is_judged or not is_made_up(record.sequencer):
            return False
        current = self._storage.current(record.object_key)
        put_at = record.attributes.get("uploaded_at") or record.attributes["created_at"]
        return current is not None and iso_time(current.modified) > put_at

    def _was_deleted_by_its_move(self, record: Record) -> bool:
        """Return whether our own move to quarantine may have deleted a withheld version in the uploads bucket.

        The move deletes it only once quarantine holds a verified copy. So a version that somebody else deleted has no
        copy, and gets none; what is deleted after the copy was made was deleted too late, as the version is no longer
        in the bucket then. That holds however late or often an event comes, and whatever was cut off: where the move
        was interrupted before its commit, the upload's message returns and finds the copy.
        """
        if record.is_original_in_quarantine or record.is_held:
            return True  # it ended with the move, so the copy is not needed as evidence: it may have expired
        may_be_elsewhere = record.is_withdrawn or _is_withheld_without_original(record)
        is_over = record.status not in DELETABLE or record.was_moved or record.decision is not None
        if is_over and not may_be_elsewhere:
            return True
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


def _is_coming_back(record: Record) -> bool:
    """Return whether a version was opened to be shown again, and has not been announced since."""
    if record.status is Status.PROCESSING:
        return record.comes_back
    return record.status is Status.PUBLISHED and not record.announced


def _going_on(event: ObjectEvent, begun: Record | None) -> ObjectEvent | None:
    """Return the event that goes on with a restore that was begun; None without one."""
    if begun is None:
        return None
    return restoring_event(event, version_id=begun.version_id, etag=begun.etag, attempt=None)


def _is_withheld_without_original(record: Record) -> bool:
    """Return whether the original of what was published once was gone when it was taken down, or withheld later."""
    is_withheld = record.status in (Status.BLOCKED, Status.REVIEW)
    return is_withheld and not record.is_original_in_quarantine and not record.is_held


def _was_put_after(record: Record, sequencer: str) -> bool:
    """Return whether a version has its place above something that is newer than a delete, which never hid it.

    A made-up sequencer right above the delete's says nothing: an attempt to restore what no record was left of may have
    made it.
    """
    return record.sequencer[:S3_DIGITS] > sequencer[:S3_DIGITS]
