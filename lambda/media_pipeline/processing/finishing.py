"""Finishes terminal records: removes what was deleted, announces, and notes the announcement."""

from collections.abc import Callable, Collection, Iterable, Mapping

from media_pipeline.errors import LeaseHeldError, TransientError
from media_pipeline.events import is_made_up
from media_pipeline.messaging.announcements import Announcements
from media_pipeline.observability import Observability
from media_pipeline.records.record import NEVER_SHOWN, Record, Status
from media_pipeline.records.succession import HIDING, is_twin
from media_pipeline.records.table import Records
from media_pipeline.storage import Storage


class Finishing:
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

    def _remove(self, record: Record) -> None:
        """Remove what is left of a DELETED record: renditions, and copies in quarantine."""
        if record.is_tombstone:
            self._remove_older(record)
            return
        if self._records.succession.is_put_again(record):
            return  # null versions with the same bytes share renditions and copy
        self._storage.remove_renditions(record.rendition_keys)
        has_pictures = (record.is_checked or record.rework is not None) and not record.is_held
        if has_pictures or (record.moderation is None and record.attempt):
            # Or an attempt may have been cut off right before its verdict was stored.
            self._storage.quarantined.remove_pictures(record.object_key, record.version)
        if record.leaves_uploads and not record.is_held:
            self._storage.quarantined.remove_version(record.object_key, record.version)

    def _remove_older(self, tombstone: Record) -> None:
        """Remove what a delete marker hides; end the versions that nothing is left of.

        Raises LeaseHeldError while an invocation works on one of them, TransientError where the delete was undone.
        """
        lease_left = 0.0
        keys: set[str] = set()
        kept: set[str] = set()  # versions whose copies stay
        all_older = list(self._records.succession.older(tombstone.object_key, tombstone.sequencer))
        if any(older.status is Status.PROCESSING or _is_in_quarantine(older) for older in all_older):
            self._versions_above(tombstone)  # raises where it was undone
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
            elif _gives_way_to_twin(older, self._with_newer(tombstone, all_older)):
                self._records.discard_abandoned(older)
            else:
                self.finish(self._records.supersede(older), has_older=False)
        # In this order: whatever was listed has a record by now.
        renditions = self._storage.renditions_of(tombstone.object_key)
        copies = self._storage.quarantined.versions_of(tombstone.object_key)
        newer = self._versions_above(tombstone) | later
        is_noted = bool(tombstone.attributes.get("unlisted"))  # by an attempt that was cut off
        if _of_others(renditions, newer) - keys and self._storage.has_edge and not is_noted:
            # Once they are gone, nothing else tells that there is something to forget.
            self._records.note_unlisted(tombstone)
            newer = self._versions_above(tombstone) | later
        # Bytes that were put as "null" again have the same keys.
        hidden = {key for key in keys if _version_of(key) not in newer} | _of_others(renditions, newer)
        self._storage.remove_renditions(hidden, folder=tombstone.object_key if is_noted else None)
        held = {older.version for older in all_older if older.is_held}
        if unneeded := copies - kept - newer - held:
            self._remove_copies(tombstone, unneeded, all_older)
        if lease_left > 0:
            # It may be putting renditions now; it will not claim again, since this record is newer.
            raise LeaseHeldError(lease_left)

    def _with_newer(self, tombstone: Record, older: Iterable[Record]) -> list[Record]:
        """Return all records of a key: an event without a sequencer, after the delete, put a version above it."""
        return [*older, *self._records.succession.newer(tombstone.object_key, tombstone.sequencer)]

    def _remove_copies(self, tombstone: Record, versions: set[str], all_older: Iterable[Record]) -> None:
        failed = [older for older in all_older if older.status is Status.FAILED and older.version in versions]
        if failed:  # cut off after their move
            self._versions_above(tombstone)  # raises where it was undone
        for older in failed:
            self.finish(older, has_older=False)
            self.finish(self._records.delete(older), has_older=False)
        quarantined = self._storage.quarantined
        unneeded = {version: quarantined.keys_of(tombstone.object_key, version) for version in versions}
        newer = self._versions_above(tombstone)
        quarantined.remove({key for version in versions - newer for key in unneeded[version]})

    def _versions_above(self, tombstone: Record) -> set[str]:
        """Return the versions whose place is above a delete: the last look before a request that removes the others.

        In between, this function may have stood still. Raises TransientError where the delete was undone since its
        record was read: what is seen may be of what was restored meanwhile. What was seen before is restored by nobody.
        """
        found = list(self._records.succession.since(tombstone.object_key, tombstone.sequencer))
        if not found or found[0].sequencer != tombstone.sequencer or found[0].undone:
            raise TransientError(f"the delete of {tombstone.object_key} was undone while it was carried out")
        return {record.version for record in found[1:]}

    def _was_put_later(self, older: Record) -> bool:
        """Return whether a version that waits, and whose place below a delete marker is only assumed, hides it.

        Its message is still to come back, and gives it a place above the marker.
        """
        is_waiting = older.status is Status.PROCESSING and older.lease_left(self._clock()) <= 0
        if not is_waiting or older.withheld or not is_made_up(older.sequencer):
            return False
        return self._storage.is_current(older.object_key, older.version_id, older.etag)

    def _withdraw(self, record: Record) -> None:
        """End a version that is in quarantine, as its key was deleted: nothing restores it.

        What readers never saw stays as it is, without its copy: as DELETED it would hide what was published before it,
        where the delete is undone. Where a decision about it is still carried out, its function may only stand still:
        it is fenced, and the decision's message, which comes back, ends the version.
        """
        if _is_being_decided(record):
            self._records.fence(record)
            return
        if record.was_moved and not record.is_held and record.status not in NEVER_SHOWN:
            if record.status.terminal:
                self.finish(record, has_older=False)
            record = self._records.delete(record)
        if record.status is Status.DELETED and not record.is_tombstone:
            self.finish(record, has_older=False)


def _is_being_decided(record: Record) -> bool:
    return record.status is Status.PROCESSING and (record.is_held or record.is_withdrawn)


def _is_in_quarantine(record: Record) -> bool:
    return record.was_moved and record.status is not Status.DELETED


def _version_of(rendition_key: str) -> str:
    return rendition_key.rsplit("/", 2)[1]


def _of_others(renditions: Mapping[str, set[str]], kept: Collection[str]) -> set[str]:
    """Return the keys of the renditions of all versions but the `kept` ones: older records may have expired."""
    return {key for version, keys in renditions.items() if version not in kept for key in keys}


def _gives_way_to_twin(record: Record, others: Iterable[Record]) -> bool:
    """Return whether another record of an open one's version stays: the decided one, else that of S3's own order."""
    twins = [other for other in others if other.sequencer != record.sequencer and is_twin(record, other)]
    return any(twin.is_decided for twin in twins) if not record.gives_way else bool(twins)
