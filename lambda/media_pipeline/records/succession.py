"""What records of one key mean for each other: newer ones hide older ones, tombstones come and go, notes wait."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from media_pipeline.errors import TransientError
from media_pipeline.events import NULL_VERSION, SEQUENCER_DIGITS, ObjectEvent, is_made_up
from media_pipeline.records.items import ItemChangedError, ItemTable
from media_pipeline.records.record import Record, Status, iso_time

SECONDS_PER_DAY = 86_400
NEVER = 253_402_300_799
"""`expires_at` of what nothing newer follows, in epoch seconds: the end of the year 9999. DynamoDB deletes expired
items in any order, so an item may only expire once a newer one takes its place for readers."""
LATE_MESSAGE_DAYS = 28
"""For so long a message about a version may still come: 14 days in a queue or as a dead letter, and redriven once.
What such a message must find does not expire before."""
NEIGHBOURS = 25
"""Items that one look at a key's newest reads: one query, whatever the length of the key's history."""
HIDING = frozenset({Status.PUBLISHED, Status.BLOCKED, Status.REVIEW, Status.DELETED})
"""What readers see of a key where a record ended so: that, or nothing. Older records are hidden."""
LAST_SEQUENCER = "F" * SEQUENCER_DIGITS
_NOTE = "!deleted/"  # sorts below all sequencers
_JUDGED = "!judged/"


class Neighbours(NamedTuple):
    """The other records of a key, as seen from one of them."""

    has_newer: bool
    """Whether a later version, or a tombstone, has a record."""
    newer_is_assumed: bool
    """Whether all that is newer has its place by what the bucket held when it was looked for."""
    has_newer_tombstone: bool
    """Whether a delete marker above the version is recorded, and was not removed again."""
    is_hidden: bool
    """Whether a later record took its place for readers: a rejected upload, or one under way, hides nothing."""
    another_is_restored: bool
    """Whether such a removal brought another version back: if this one is gone, it was gone before that."""
    has_older: bool
    has_made_up_older: bool
    """Whether one of the older records has a made-up sequencer: its version may be newer."""
    moved_at: str | None
    """When the latest of the other versions was put that left the bucket for quarantine, as in `uploaded_at`."""
    twin: Record | None
    """Another record of the same version, made from an event without a sequencer."""
    twin_is_apart: bool
    """Whether another version has its place between the two: only the bucket's order can have put the twin there."""
    newest: str | None
    """The highest sequencer of the other records."""


class Succession:
    """Reads and writes what follows from the order of a key's records.

    `clock` gives epoch seconds; `retention_days` is how long what a newer record follows is kept, 0 means forever.
    """

    def __init__(self, items: ItemTable, *, clock: Callable[[], float], retention_days: int) -> None:
        self._items = items
        self._clock = clock
        self._retention_days = retention_days

    def older(self, object_key: str, sequencer: str) -> Iterator[Record]:
        """Read the records of versions before this one, oldest first."""
        return self._items.query(object_key, comparison="<", sequencer=sequencer)

    def newer(self, object_key: str, sequencer: str) -> Iterator[Record]:
        """Read the records of versions after this one, oldest first."""
        return self._items.query(object_key, comparison=">", sequencer=sequencer)

    def since(self, object_key: str, sequencer: str) -> Iterator[Record]:
        """Read a record and those of versions after it, oldest first."""
        return self._items.query(object_key, sequencer=sequencer)

    def is_put_again(self, record: Record) -> bool:
        """Return whether the bytes of a null version were put as "null" again later, and so have the same keys."""
        if not record.is_of_null_version or record.is_tombstone:
            return False
        newer = self.newer(record.object_key, record.sequencer)
        return any(other.version == record.version and not is_twin(record, other) for other in newer)

    def facts_of_forgotten(self, record: Record) -> dict[str, Any]:
        """Return the facts of an outcome by which its record expires, where an operator had its key forgotten since."""
        newer = self.newer(record.object_key, record.sequencer)
        return {"forgotten": True} if any(other.attributes.get("forgotten") for other in newer) else {}

    def neighbours(self, record: Record) -> Neighbours:
        """Read what else is recorded of the record's key: with one query, unless the record is far from the newest."""
        found = list(self._items.query(record.object_key, newest_first=True, limit=NEIGHBOURS))
        if len(found) == NEIGHBOURS and found[-1].sequencer >= record.sequencer:
            # Its event is late: its twin, or a delete marker above it, may be further down.
            found = list(self._items.query(record.object_key, newest_first=True))
        others = [other for other in found if other.sequencer != record.sequencer]
        twins = [other for other in others if is_twin(record, other)]
        newer = [other for other in others if _follows(other, record) and other not in twins]
        twin = next(iter(twins), None)
        return Neighbours(
            has_newer=bool(newer),
            newer_is_assumed=bool(newer) and all(is_made_up(other.sequencer) for other in newer),
            has_newer_tombstone=any(other.is_tombstone for other in newer),
            is_hidden=any(other.status in HIDING for other in newer),
            another_is_restored=any(_restores_another(other, record) for other in others),
            has_older=any(other.sequencer < record.sequencer for other in others),
            has_made_up_older=any(
                is_made_up(other.sequencer) for other in others if other.sequencer < record.sequencer
            ),
            moved_at=max(filter(None, (_moved_at(other, record) for other in others)), default=None),
            twin=twin,
            twin_is_apart=twin is not None
            and any(_is_between(other, record, twin) for other in others if other not in twins),
            newest=next((other.sequencer for other in others), None),
        )

    def is_version_deleted(self, object_key: str, version: ObjectEvent | Record) -> bool:
        """Return whether the delete of a version, or of a delete marker, was seen that had no record then."""
        if not version.is_of_null_version:
            return self._items.get(object_key, _NOTE + version.version) is not None
        note = self._items.get(object_key, _NOTE + NULL_VERSION)
        # Of all that had the id "null" in turn, it is about those before the delete.
        return note is not None and (version.sequencer or "") < _deleted_until(note)

    def was_replaced_by_marker(self, record: Record) -> bool:
        """Return whether a delete marker took a null version's place, which deletes that version for good.

        It does so in a bucket whose versioning was suspended, and also where the marker was removed again (Amazon S3
        User Guide, "Deleting objects from versioning-suspended buckets").
        """
        return record.is_of_null_version and any(
            newer.is_tombstone and newer.is_of_null_version
            for newer in self.newer(record.object_key, record.sequencer)
        )

    def note_deleted_version(self, event: ObjectEvent) -> None:
        """Note the delete of a version, for what may still come: the event of its upload, or an undelete under way.

        The note sorts below all versions of the key, so that no reader of the newest record meets it.
        """
        note = NULL_VERSION if event.is_of_null_version else event.version
        known = self._items.get(event.key, _NOTE + note) if event.is_of_null_version else None
        now = self._clock()
        values = {
            "status": Status.DELETED,
            "version_id": event.version_id,
            "announced_at": iso_time(
                now
            ),  # there is nothing to announce: nobody was notified of this version
            "expires_at": int(now) + LATE_MESSAGE_DAYS * SECONDS_PER_DAY,
        }
        if event.is_of_null_version:
            until = event.sequencer or LAST_SEQUENCER
            values["deleted_until"] = max(until, _deleted_until(known)) if known else until
        self._items.update((event.key, _NOTE + note), values, condition={})

    def hold_version(self, record: Record) -> str:
        """Note that this record gets the verdict on its version, unless another one does; return the one's sequencer.

        Two looks at the other record would not do: each of the two may look before the other one writes.
        Raises TransientError where others changed the note at the same time.
        """
        key = (record.object_key, _JUDGED + record.version)
        values = {
            "status": Status.SUPERSEDED,  # a note, as those of deleted versions: nobody redrives or announces it
            "announced_at": iso_time(self._clock()),
            "held_by": record.sequencer,
            "expires_at": int(self._clock()) + LATE_MESSAGE_DAYS * SECONDS_PER_DAY,
        }
        try:
            self._items.update(key, values, condition={"held_by": None})
        except ItemChangedError as changed:
            if changed.found is None:
                raise TransientError("the note about the judged record disappeared") from None
            holder = str(changed.found.attributes["held_by"])
        else:
            return record.sequencer
        if holder == record.sequencer or self._items.get(record.object_key, holder) is not None:
            return holder
        try:  # it was discarded, or expired
            self._items.update(key, values, condition={"held_by": holder})
        except ItemChangedError:
            raise TransientError("another record took over the verdict of this version") from None
        return record.sequencer

    def undo_tombstone(self, tombstone: Record, restored: Record | None, *, version: str) -> Record:
        """Note that a delete marker was removed, which version is to be restored, "" for none, and at which attempt.

        Return the tombstone as it is then: noted once, the attempt stays.
        """
        values = {
            "undone": True,
            "restored_version": version,
            "restored_attempt": restored.attempt if restored else 0,
        }
        key = (tombstone.object_key, tombstone.sequencer)
        try:
            return self._items.update(key, values, condition={"delete_marker": True, "undone": None})
        except ItemChangedError as changed:
            if changed.found is None:
                raise TransientError("the tombstone disappeared while it was undone") from None
            return changed.found

    def show_again(self, record: Record) -> None:
        """Let readers see a finished record again: the delete marker that hid it was removed.

        Raises TransientError where it changed meanwhile.
        """
        if record.followed_by is None:
            return
        condition = {"followed_by": record.followed_by, "status": record.status, "attempt": record.attempt}
        try:
            key = (record.object_key, record.sequencer)
            self._items.update(key, {"expires_at": NEVER}, condition=condition, remove=("followed_by",))
        except ItemChangedError:
            raise TransientError("the record changed while it was shown again") from None

    def mark_followed(self, record: Record) -> None:
        """Mark all older records of a key: readers ignore them from now on, and they may expire.

        FAILED and REVIEW stay until a person decides, what is held until it is released, and for good the deletes above
        what is held. Nothing to do where records are kept forever.
        """
        if not self._retention_days:
            return
        has_held = False
        for older in self.older(record.object_key, record.sequencer):
            has_held = has_held or older.is_held
            if older.followed_by is None:
                # Once what is held is released, the delete above it is the only one to say that it is to go.
                self._mark_followed(older, record, stays=older.is_tombstone and has_held)

    def _mark_followed(self, older: Record, record: Record, *, stays: bool) -> None:
        values: dict[str, Any] = {"followed_by": record.sequencer}
        if older.status.terminal and not (older.status.needs_attention or older.is_held or stays):
            days = self._retention_days
            if older.status in (Status.DELETED, Status.BLOCKED) or older.leaves_uploads:
                days = max(days, LATE_MESSAGE_DAYS)
            values["expires_at"] = int(self._clock()) + days * SECONDS_PER_DAY
        condition = {"status": older.status, "attempt": older.attempt}
        try:
            self._items.update((older.object_key, older.sequencer), values, condition=condition)
        except ItemChangedError as changed:
            if changed.found is not None:
                raise TransientError("an older record changed while it was marked as followed") from None


def staying(newest_first: Sequence[Record]) -> Record | None:
    """Return the newest record, or its decided twin: of two records of one version, the one that stays."""
    if not newest_first or newest_first[0].is_decided:
        return newest_first[0] if newest_first else None
    newest, *older = newest_first
    return next((record for record in older if record.is_decided and is_twin(newest, record)), newest)


def _follows(other: Record, record: Record) -> bool:
    """Return whether one record is of something newer than another, which it hides.

    A made-up sequencer says so only once its version was found to be current: an older one may have it as well, and
    nobody looked where the work on it was given up.
    """
    if other.undone or other.sequencer < record.sequencer:
        return False
    is_known = other.status.terminal and other.status not in (Status.SUPERSEDED, Status.FAILED)
    return is_known or not is_made_up(other.sequencer)


def _restores_another(tombstone: Record, record: Record) -> bool:
    """Return whether the undoing of a delete that hid a version brings another one back."""
    restored = tombstone.attributes.get("restored_version")
    return bool(restored) and restored != record.version and tombstone.sequencer > record.sequencer


def _moved_at(other: Record, record: Record) -> str | None:
    """Return when another version was put that is, is to be, or was until its key was deleted, in quarantine."""
    left = other.leaves_uploads and other.status is not Status.SUPERSEDED
    uploaded_at: str | None = other.attributes.get("uploaded_at")
    return uploaded_at if left and other.version != record.version else None


def is_twin(record: Record, other: Record) -> bool:
    """Return whether two records are of one version, which S3 sent one of its events without a sequencer for.

    Where a version has no id of its own, the same bytes may have been put twice.
    """
    if other.version != record.version or other.is_tombstone:
        return False
    return not record.is_of_null_version or is_made_up(record.sequencer) or is_made_up(other.sequencer)


def _is_between(other: Record, one: Record, another: Record) -> bool:
    return min(one.sequencer, another.sequencer) < other.sequencer < max(one.sequencer, another.sequencer)


def _deleted_until(note: Record) -> str:
    return str(note.attributes["deleted_until"])
