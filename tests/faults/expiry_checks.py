"""What may expire, and what readers may see of it: checks for the items of the records table, without its code."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from tests.faults.history import History, Upload
from tests.faults.record_items import Item, version_of

NEVER = 253_402_300_799  # epoch seconds: the end of the year 9999
LATE = 28 * 86_400  # seconds in which a message about a version may still come: docs/maintainer/promise.md
STAYING = frozenset({"FAILED", "REVIEW", "PROCESSING"})  # whatever follows, until they are decided
REPLACING = frozenset({"PUBLISHED", "BLOCKED", "REVIEW", "DELETED"})  # outcomes that hide older versions
HIDING = frozenset({"BLOCKED", "REVIEW", "DELETED"})
MARKS = frozenset(
    {
        "announced_at",
        "updated_at",
        "followed_by",
        "expires_at",
        "undone",
        "restored_attempt",
        "restored_version",
    }
)  # the only fields that may change in a terminal record


def expiry_problems(old: Item | None, new: Item) -> Iterator[str]:
    """Yield what is wrong with the `expires_at` of an item.

    What is late about a deleted version was sent before its record was DELETED. The time of the write that sets
    `expires_at` says nothing: a machine that stood still writes what it computed before.
    """
    expires_at = new.get("expires_at")
    if expires_at is None or expires_at == NEVER or (old or {}).get("expires_at") == expires_at:
        return
    status = new["status"]
    if status in STAYING:
        yield f"{status} expires, which waits for a decision"
    if status != "SUPERSEDED" and not new.get("followed_by"):
        yield f"{status} expires, and nothing newer took its place"
    if status in HIDING and expires_at - _epoch_seconds(new["finished_at"]) < LATE - 5:
        yield f"{status} expires before every late message is gone"


def _epoch_seconds(iso_time: str) -> float:
    return datetime.fromisoformat(iso_time).timestamp()


def shown_to_readers(items: list[Item]) -> Item | None:
    """Return the record whose renditions readers of a key get, as the API's documentation says; `items` by age."""
    for item in reversed(items):
        is_replaced = (
            item.get("followed_by") or item.get("undone") or item.get("reason") == "already_uploaded"
        )
        if is_replaced:
            continue
        if item["status"] in HIDING:
            return None
        if item["status"] == "PUBLISHED":
            return item
    return None


class ReaderChecks:
    """Compares what readers see at the end of a run with everything that was announced."""

    def __init__(self, history: History, current: Callable[[str], str | None]) -> None:
        """`current` returns the identity of a key's current upload in the bucket, or None."""
        self._history = history
        self._current = current

    def of_key(self, key: str, items: list[Item], *, takes_one_upload: bool) -> Iterator[str]:
        """Yield what is wrong with what readers of a key see; `items` are its records, oldest first."""
        shown = shown_to_readers(items)
        upload = self._history.uploads.get((key, version_of(shown))) if shown else None
        # Without a sequencer, only what the bucket holds tells which version is newer.
        if upload is not None and not takes_one_upload and not upload.lacks_sequencer:
            # A person can publish again what was taken down once the records of what is newer have expired.
            is_decided = bool(shown and shown.get("carried_out"))
            for newer in self._replacing(upload, but_expired=is_decided):
                yield f"readers are shown {upload}, although {newer} came later"
        yield from self._undeleted(key, items, upload, takes_one_upload=takes_one_upload)

    def _statuses(self, upload: Upload) -> set[str]:
        """Return all that was announced of an upload; nothing of a null one, which announcements do not tell apart."""
        of_upload = (upload.key, upload.version)
        return {
            announcement["status"]
            for announcement in self._history.announced.values()
            if (announcement["object_key"], announcement.get("version_id")) == of_upload
        }

    def _was_only_rejected(self, upload: Upload) -> bool:
        """Return whether an upload hid nothing; taken down, it left the bucket."""
        return self._statuses(upload) in ({"REJECTED"}, {"REJECTED", "DELETED"})

    def _hid_before(self, current: Upload, undeleted_at: float) -> bool:
        """Return whether something else hid a version before its marker was removed, or was seen at any time."""
        return any(
            announcement["status"] != "DELETED" or _epoch_seconds(announcement["finished_at"]) < undeleted_at
            for announcement in self._later(current)
            if not self._was_only_rejected(self._of(announcement))
        )

    def _of(self, announcement: dict[str, Any]) -> Upload:
        return self._history.uploads[announcement["object_key"], str(announcement.get("version_id"))]

    def _later(self, shown: Upload) -> Iterator[dict[str, Any]]:
        """Yield the announcements of outcomes that hide a version, of what was put later or may have been."""
        for announcement in self._history.announced.values():
            later = self._history.uploads.get((shown.key, str(announcement.get("version_id"))))
            is_of_key = announcement["object_key"] == shown.key and announcement["status"] in REPLACING
            if is_of_key and later is not None and (later.sequencer or "") > (shown.sequencer or ""):
                yield announcement

    def _replacing(self, shown: Upload, *, but_expired: bool) -> Iterator[str]:
        """Yield later versions of the key that had an outcome which hides the shown one.

        `but_expired`: none whose record expired.
        """
        for announcement in self._later(shown):
            version = str(announcement["version_id"])
            later = self._history.uploads[shown.key, version]
            if but_expired and (shown.key, version) in self._history.expired:
                continue
            # Without a sequencer, what was deleted for good left no order: the shown one is current in the bucket.
            if not (later.lacks_sequencer and later.deleted):
                yield f"{later}, {announcement['status']},"

    def _undeleted(
        self, key: str, items: list[Item], shown: Upload | None, *, takes_one_upload: bool
    ) -> Iterator[str]:
        """Yield a version that is current again since its delete marker was removed, and is not shown."""
        identity = self._current(key)
        current = self._history.uploads.get((key, identity)) if identity else None
        if current is None or current is shown or takes_one_upload:
            return
        if self._may_be_hidden(current):
            return
        of_current = [item for item in items if version_of(item) == identity]
        if not of_current and not self._may_expire_with_a_delete(current):
            yield f"{current} is current, and its record is gone"
        for item in of_current:
            if item["status"] in ("PUBLISHED", "SUPERSEDED", "DELETED"):
                yield f"{current} is current, its record is {item['status']}, and readers do not see it"

    def _may_be_hidden(self, current: Upload) -> bool:
        """Return whether something newer may hide what is current, also once it was deleted for good or withheld."""
        uploads = [upload for upload in self._history.uploads.values() if upload.key == current.key]
        newer = [upload for upload in uploads if (upload.sequencer or "") > (current.sequencer or "")]
        if not newer:
            return False
        markers = self._markers(current.key)
        if not markers and self._statuses(current) == {"PUBLISHED"}:
            return not all(map(self._was_only_rejected, newer))
        brought_back = self._history.brought_back.get(current.key)
        if brought_back is None or brought_back.version != current.version:
            return True
        # Announcements do not tell which null version they are about.
        return self._hid_before(current, brought_back.at) or any(
            not (upload.deleted or self._was_only_rejected(upload))
            or upload.is_null
            or (upload.sequencer or "") >= max(markers, default="")
            for upload in newer
        )

    def _may_expire_with_a_delete(self, current: Upload) -> bool:
        """Return whether an upload was rejected, and assumed to be below a delete that it was put after.

        docs/maintainer/promise.md tells of it, among the assumptions about events without a sequencer.
        """
        is_above_a_delete = any(marker < (current.sequencer or "") for marker in self._markers(current.key))
        return current.lacks_sequencer and is_above_a_delete and self._was_only_rejected(current)

    def _markers(self, key: str) -> list[str]:
        """Return the sequencers of all delete markers that a key ever had."""
        return [sequencer for (of, _), sequencer in self._history.markers.items() if of == key]
