"""What the uploads bucket says about the order of a key's versions, where their records do not say enough."""

from collections.abc import Callable

from media_pipeline.events import ObjectEvent, identity, is_made_up
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.media import OpenOriginal
from media_pipeline.processing.single_uploads import SingleUploads
from media_pipeline.records.record import Record, iso_time
from media_pipeline.records.succession import Neighbours
from media_pipeline.records.table import Records
from media_pipeline.storage import Storage

LATE_SECONDS = 3600.0
"""Age of an original from which the bucket is asked whether it is still current: what replaced it may have no record
any more."""
MODIFIED_WITHIN = 0.999
"""Seconds by which a version may have been put after its `LastModified`, which S3 gives in whole seconds."""


class BucketOrder:
    """Asks the bucket what replaced a version. `clock` gives epoch seconds."""

    def __init__(
        self, records: Records, storage: Storage, single_uploads: SingleUploads, clock: Callable[[], float]
    ) -> None:
        self._records = records
        self._storage = storage
        self._single_uploads = single_uploads
        self._clock = clock

    def precedes_moved(self, attempt: Attempt, neighbours: Neighbours) -> bool:
        """Return whether a version that was put later left the bucket for quarantine.

        That this one is the current one there says nothing then.
        """
        if neighbours.moved_at is None:
            return False
        record = attempt.record
        uploaded_at: str | None = record.attributes.get("uploaded_at")
        if uploaded_at is None:  # there was no event of its upload, or it did not say when
            attempt.invocation.require_time("look when the version was put")
            current = self._storage.current(record.object_key)
            if current is None or identity(current.version_id, current.etag) != record.version:
                return False
            uploaded_at = iso_time(current.modified + MODIFIED_WITHIN)
        return uploaded_at < neighbours.moved_at

    def was_replaced(self, attempt: Attempt, original: OpenOriginal) -> bool:
        """Return whether the bucket holds something newer than a late version, which may have no record any more."""
        event = attempt.event
        if attempt.stays_shown:
            return False
        # Without S3's sequencer, of this version or of another one, only the bucket knows which of them is newer.
        is_known = event.sequencer is not None and not is_made_up(event.sequencer)
        has_order = is_known and not attempt.follows_made_up
        if has_order and self._clock() - original.body.modified <= LATE_SECONDS:
            return False
        if self._single_uploads.covers(event.key):
            return self._storage.current(event.key) is None
        return attempt.precedes_moved or self._has_newer(event)

    def was_replaced_unseen(self, attempt: Attempt) -> bool:
        """Return whether the bucket holds something newer than a version that was rejected before anybody looked.

        Its order was assumed to be above all others; recorded as rejected there, it would supersede what is newer.
        """
        event = attempt.event
        if not is_made_up(attempt.record.sequencer) or self._single_uploads.covers(event.key):
            return False
        attempt.invocation.require_time("look whether the version is current")
        return attempt.precedes_moved or self._has_newer(event)

    def is_deleted(self, record: Record) -> bool:
        """Return whether a version was deleted for good, and not replaced by another one of its id."""
        if self._records.succession.is_version_deleted(record.object_key, record):
            return True
        return not self._storage.exists(record.object_key, record.version_id, None)

    def _has_newer(self, event: ObjectEvent) -> bool:
        """Return whether a version or a delete marker hides an event's version, or took its id "null" over."""
        if self._storage.is_current(event.key, event.version_id, event.etag):
            return False
        # Otherwise it was deleted for good since it was read, and nothing took its place.
        is_hidden = self._storage.exists(event.key, event.version_id, event.etag)
        return is_hidden or self.has_newer_current(event)

    def has_newer_current(self, event: ObjectEvent) -> bool:
        """Return whether the bucket's current version was put after this event's."""
        current = self._storage.current(event.key)
        return current is not None and event.happened_at is not None and current.modified > event.happened_at

    def was_replaced_by_marker(self, record: Record) -> bool:
        """Return whether a delete marker took a null version's place; the marker's event may still be under way."""
        return self._records.succession.was_replaced_by_marker(record) or (
            record.is_of_null_version and self._storage.is_replaced_by_marker(record.object_key)
        )
