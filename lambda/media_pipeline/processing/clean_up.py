"""What an attempt leaves in order when it ends with an error: its claim released, nothing put that no record lists."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.errors import SlowDecodingError
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.publishing import Publishing
from media_pipeline.records.record import Record, Status
from media_pipeline.records.table import Records
from media_pipeline.storage import Storage

RELEASE_PAUSES = (1.0, 2.0, *(3.0,) * 14)  # seconds; with the calls, most of a minute
LISTING = frozenset({Status.PUBLISHED, Status.PROCESSING, Status.FAILED})
"""Statuses whose records list renditions that exist."""


def is_under_tombstone(record: Record, records: Records) -> bool:
    """Return whether a delete marker above a finished record has removed, or will remove, what the record lists."""
    is_finished = record.status is not Status.PROCESSING
    return is_finished and records.succession.neighbours(record).has_newer_tombstone


def keys_that_stay(record: Record | None, *, is_deleted: bool) -> frozenset[str]:
    """Return the keys of a record's renditions that are, or will be, shown; `is_deleted`: its key was deleted."""
    if record is None or is_deleted or record.is_withdrawn or record.status not in LISTING:
        return frozenset()
    return record.rendition_keys


class CleanUp:
    """Ends attempts that failed; a problem with that is added to the error as a note."""

    def __init__(self, records: Records, storage: Storage, publishing: Publishing) -> None:
        self._records = records
        self._storage = storage
        self._publishing = publishing

    def release(self, attempt: Attempt, error: Exception) -> None:
        """Release the claim, so that the next attempt need not wait for the lease; the caller raises the error."""
        if isinstance(error, MemoryError | SlowDecodingError):
            unfinished = (
                attempt.record.unfinished
            )  # decoding exceeded this function's memory or time: count it
        else:
            unfinished = 0 if attempt.verdict_stored else attempt.claim.unfinished_before
        try:
            self._release_in_time(attempt, unfinished, attempt.unstored_answers)
        except Exception as problem:  # noqa: BLE001 - the first error is the one to raise; the lease expires by itself
            error.add_note(f"the lease could not be released: {problem}")

    def remove_pictures(self, attempt: Attempt, status: Status) -> None:
        """Remove the pictures for reviewers where nobody is to see them.

        They are put before the verdict is stored: an attempt that was cut off in between leaves some without a record.
        And what is withheld may be replaced before quarantine has a copy.
        """
        record = attempt.record
        is_shown = status in (Status.BLOCKED, Status.REVIEW)
        if status is Status.PUBLISHED:
            is_shown = attempt.facts.get("check", record.is_checked)
        is_withheld = record.withheld or attempt.put_pictures
        is_replaced = status is Status.SUPERSEDED and is_withheld and not record.was_moved
        was_cut_off = record.attempt > 1 and not record.withheld and not is_shown
        if (is_replaced or was_cut_off) and not self._records.succession.is_put_again(record):
            self._publishing.remove_pictures(attempt, record)
            if is_replaced:  # a takedown and a restore may have it wait for a person again
                attempt.facts["review"] = []

    def remove_unlisted(self, attempt: Attempt, error: Exception) -> None:
        """Remove what this attempt put after another one took over, unless the current record lists it.

        Only a machine that was paused for longer than its lease gets here; no other attempt knows these keys.
        """
        try:
            own = attempt.record
            record = self._records.get(own.object_key, own.sequencer)
            if record is None:  # another record of the version took its place
                record = self._records.of_version(own.object_key, own.version)
            is_deleted = record is None or is_under_tombstone(record, self._records)
            self._storage.remove_renditions(attempt.put_keys - keys_that_stay(record, is_deleted=is_deleted))
            is_open = record is not None and record.status is Status.PROCESSING
            is_shown = False
            if record is not None:
                is_wanted = record.withheld or (record.status is Status.PUBLISHED and record.is_checked)
                is_shown = record.is_held or (is_wanted and not is_deleted)
            if attempt.put_pictures and not is_open and not is_shown:
                self._storage.quarantined.remove_pictures(attempt.record.object_key, attempt.record.version)
        except Exception as problem:  # noqa: BLE001 - the first error is the one to raise
            error.add_note(f"what was put without a lease could not be removed: {problem}")

    def _release_in_time(self, attempt: Attempt, unfinished: int, facts: dict[str, Any]) -> None:
        """Retry while there is time: a claim that is not released counts as if decoding had killed this function."""
        for pause in RELEASE_PAUSES:
            try:
                self._records.release(attempt.claim, unfinished=unfinished, facts=facts)
            except (BotoCoreError, ClientError):
                if not attempt.invocation.has_time_for(pause):
                    raise
                attempt.invocation.sleep(pause)
            else:
                return
        self._records.release(attempt.claim, unfinished=unfinished, facts=facts)
