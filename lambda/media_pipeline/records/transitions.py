"""Reads of the records table, and the conditional write that every change of a record is, but for a move.

Every value written is absolute and every condition names the state that was seen, so a write whose answer
was lost can be sent again: it applies again without effect, or its condition fails against an item that already
holds the caller's values, which is success.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from media_pipeline.errors import TransientError
from media_pipeline.events import ObjectEvent, is_made_up, next_sequencer
from media_pipeline.records.item_size import fitted
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Claim, Record, Status, alert_id, iso_time
from media_pipeline.records.succession import (
    LAST_SEQUENCER,
    LATE_MESSAGE_DAYS,
    NEVER,
    SECONDS_PER_DAY,
    Succession,
    staying,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CLAIM_ROUNDS = 5  # a lost race is retried this often in a row; then the message returns
LEASE_OVER = Decimal(0)
OF_ONE_OUTCOME = ("announced_at", "alert_id", "reason", "detail", "attention", "expires_at")
"""Attributes that say how a version ended; they go when its record is opened again."""
OF_REWORK = ("rework", "old_renditions")
"""Attributes of work on a published version; they go once the files that they name are removed."""

_gives_way = attrgetter("gives_way")


def _order_of_staying(record: Record) -> tuple[bool, bool]:
    return record.gives_way, not record.is_decided


class RecordTable:
    """Reads records, and changes each by one conditional write.

    `clock` gives epoch seconds. `retention_days` is how long a terminal record is kept; 0 means forever.
    """

    def __init__(
        self, *, dynamodb: "DynamoDBClient", table: str, clock: Callable[[], float], retention_days: int
    ) -> None:
        self._items = ItemTable(dynamodb=dynamodb, table=table, clock=clock)
        self.succession = Succession(self._items, clock=clock, retention_days=retention_days)
        self._clock = clock
        self._retention_days = retention_days

    # ---- reads, all of them consistent

    def get(self, object_key: str, sequencer: str) -> Record | None:
        """Read one record."""
        return self._items.get(object_key, sequencer)

    def newest(self, object_key: str) -> Record | None:
        """Read the newest record of a key."""
        return next(self._items.query(object_key, newest_first=True), None)

    def of_version(self, object_key: str, version: str) -> Record | None:
        """Read the record of one object version; None where it never had one.

        Of two records of one version, it is the one that stays. Of bytes that were put as "null" more than once, it is
        that of the last time.
        """
        newest_first = reversed(self._all_of_version(object_key, version))
        return min(newest_first, key=_order_of_staying, default=None)

    def deleted_by(self, event: ObjectEvent, exists: Callable[[Record], bool]) -> Record | None:
        """Read the record of what a delete is about, a version or a delete marker; None where it never had one.

        `exists` says whether the bucket still holds a record's version.
        """
        if not event.is_of_null_version:
            return self.of_version(event.key, event.version)
        # Of all that had the id "null" in turn, the last one before the delete.
        until = event.sequencer or LAST_SEQUENCER
        found = (record for record in self.history(event.key) if record.is_of_null_version)
        before = (record for record in found if record.sequencer < until)

        def may_be_deleted(record: Record) -> bool:
            # One whose order was only assumed may have been replaced long before, or put after the delete.
            if record.is_tombstone or not is_made_up(record.sequencer):
                return True
            return not (record.status is Status.SUPERSEDED or _was_put_since(record, event) or exists(record))

        candidates = list(filter(may_be_deleted, before))
        last = staying(candidates)
        if last is None or last.is_tombstone or not _put_at(last):
            return last
        return max(
            (record for record in candidates if _was_put_later(record, last)), key=_put_at, default=last
        )

    def history(self, object_key: str) -> Iterator[Record]:
        """Read all records of a key, newest first."""
        return self._items.query(object_key, newest_first=True)

    def sequencer_of(self, event: ObjectEvent) -> str:
        """Return an event's sort key: S3's sequencer, else that of the version's record, else the next free one."""
        if event.sequencer is not None:
            return event.sequencer
        # One look for both: between two of them, another delivery of the event could record the version.
        oldest_first = list(self._items.query(event.key))
        own = (record for record in oldest_first if record.version == event.version)
        # One that gives way is claimed, since nothing else would end it.
        known = max(own, key=_gives_way, default=None)
        if known is not None:
            return known.sequencer
        return next_sequencer(oldest_first[-1].sequencer if oldest_first else None)

    # ---- how

    def _all_of_version(self, object_key: str, version: str) -> list[Record]:
        return [record for record in self._items.query(object_key) if record.version == version]

    def _require_same_version(self, found: Record, event: ObjectEvent) -> None:
        if found.version != event.version:
            # Two versions without a sequencer drew the same one: the loser draws again.
            raise TransientError(
                f"sequencer {found.sequencer} was taken by another version of the key"
            ) from None

    def _terminal(
        self, identity: Record | tuple[str, str], status: Status, attempt: int, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        if isinstance(identity, Record):
            object_key, sequencer = identity.object_key, identity.sequencer
        else:
            object_key, sequencer = identity
        now = self._clock()
        values = {
            **fitted(facts),
            "status": status,
            "attempt": attempt,
            "lease_until": LEASE_OVER,
            "finished_at": iso_time(now),
            "alert_id": alert_id(object_key, sequencer, status, attempt),
        }
        if facts.get("forgotten"):
            values["expires_at"] = int(now) + LATE_MESSAGE_DAYS * SECONDS_PER_DAY
        elif status.needs_attention or "attention" in facts:
            values["attention"] = facts.get("attention", status)
        elif self._retention_days:
            values["expires_at"] = (
                int(now) + days * SECONDS_PER_DAY if (days := self._days(identity, status)) else NEVER
            )
        return values

    def _days(self, identity: Record | tuple[str, str], status: Status) -> int:
        """Return after how many days a record that ends now may expire; 0 for never, until something follows it."""
        seen = identity if isinstance(identity, Record) else None
        has_left = seen is not None and seen.leaves_uploads
        if status is Status.SUPERSEDED and not has_left:  # followed by what superseded it
            return self._retention_days
        if status is Status.SUPERSEDED or (seen is not None and seen.followed_by is not None):
            # Without a record, what left the uploads looks deleted to a late message. Or it was decided about after
            # something newer took its place.
            return max(self._retention_days, LATE_MESSAGE_DAYS)
        return 0

    def _change(
        self,
        key: tuple[str, str],
        seen: Record | None,
        values: Mapping[str, Any],
        remove: tuple[str, ...] = (),
    ) -> Record:
        """Write if the item is unchanged since it was read (None: absent)."""
        if seen is None:
            # The first write of a record: there is nothing to remove.
            values = {**values, "created_at": iso_time(self._clock())}
            return self._items.update(key, values, condition={"status": None}, remove=remove)
        condition: dict[str, Any] = {
            "status": seen.status,
            "attempt": seen.attempt,
            "lease_until": seen.lease_until,
            "hold": seen.attributes.get("hold"),  # what is held as evidence must not end meanwhile
        }
        if seen.status is Status.PUBLISHED:  # nobody else took the right to rework it meanwhile
            condition["rework"] = seen.attributes.get("rework")
        return self._items.update(key, values, condition=condition, remove=remove)

    def _change_mine(self, claim: Claim, values: Mapping[str, Any], remove: tuple[str, ...] = ()) -> Record:
        key = (claim.record.object_key, claim.record.sequencer)
        condition = {"status": Status.PROCESSING, "owner": claim.owner}
        return self._items.update(key, values, condition=condition, remove=remove)


def _put_at(record: Record) -> str:
    """Return when S3 took a version, by its event; empty where that did not say."""
    return str(record.attributes.get("uploaded_at", ""))


def _was_put_later(record: Record, other: Record) -> bool:
    """Return whether a version was put after another one, by S3's times where the order of the two is only assumed."""
    is_assumed = is_made_up(record.sequencer) or is_made_up(other.sequencer)
    return is_assumed and _put_at(record) > _put_at(other)


def _was_put_since(record: Record, event: ObjectEvent) -> bool:
    """Return whether a version was put after an event, by S3's times of both."""
    return event.happened_at is not None and _put_at(record) > iso_time(event.happened_at)
