"""Keys that take one upload: what arrives under the upload API's prefix a second time is refused.

A form of the API (S3's POST) can be sent many times until it expires, and S3 has no conditional write for it, as it
has for PutObject (`If-None-Match`). So the pipeline itself decides which upload of a key is the first.
"""

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.records.record import Record, Status
from media_pipeline.records.succession import Neighbours
from media_pipeline.records.table import Records
from media_pipeline.storage import Storage

DETAIL = "something was uploaded under this key before; an upload is never replaced by a later one"


class SingleUploads:
    """Refuse all uploads but the first of each key under `prefix`; None: no key is restricted."""

    def __init__(self, *, prefix: str | None, records: Records, storage: Storage) -> None:
        self._prefix = prefix
        self._records = records
        self._storage = storage

    def covers(self, object_key: str) -> bool:
        """Return whether `object_key` takes one upload only."""
        return self._prefix is not None and object_key.startswith(self._prefix)

    def require_first(self, record: Record) -> None:
        """Raise RejectedError (`already_uploaded`) where an earlier version of the key was uploaded."""
        if self.has_earlier(record.object_key, version_id=record.version_id, sequencer=record.sequencer):
            raise RejectedError(Reason.ALREADY_UPLOADED, DETAIL)

    def has_earlier(self, object_key: str, *, version_id: str | None, sequencer: str) -> bool:
        """Return whether a key that takes one upload had one before this version."""
        if not self.covers(object_key):
            return False
        # In this order: a version leaves the bucket for quarantine only after its verdict is in its record.
        return self._storage.has_earlier_upload(object_key, version_id=version_id) or any(
            _was_taken(earlier) for earlier in self._records.succession.older(object_key, sequencer)
        )

    def is_superseded(self, object_key: str, neighbours: Neighbours) -> bool:
        """Return whether something newer under the key makes a version obsolete.

        Where a key takes one upload, only a delete marker does: later uploads are refused.
        """
        return neighbours.has_newer_tombstone if self.covers(object_key) else neighbours.has_newer

    def is_hidden(self, object_key: str, neighbours: Neighbours) -> bool:
        """Return whether readers would not see a version if it was published: something newer is there for them."""
        return neighbours.has_newer_tombstone if self.covers(object_key) else neighbours.is_hidden


def _was_taken(record: Record) -> bool:
    """Return whether the key was taken by this version, even if its bytes are not in the bucket any more.

    An open record without a verdict proves nothing: its version is still in the bucket, whose list has the last word
    on which one was the first.
    """
    if record.is_tombstone or record.attributes.get("reason") == Reason.ALREADY_UPLOADED:
        return False
    return record.withheld or record.status is not Status.PROCESSING
