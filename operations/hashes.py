"""Changes a stack's hash list: who added or removed what, and why, is written down before it takes effect."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3

from media_pipeline.moderation.hash_list import Entry, Kind
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.records.decisions import decision_id
from media_pipeline.records.hash_list import SECONDS_PER_DAY, HashListTable
from media_pipeline.records.record import iso_time
from operations.ages import epoch
from operations.errors import OperationsError
from operations.keeping_evidence import keep_evidence
from operations.reviews.desk import places_of
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_ENTRIES = 20_000
"""Every execution environment holds the whole list, and compares with each entry: larger ones belong elsewhere."""
LATEST_EXPIRY = 253_402_300_799
"""Epoch seconds: the end of the year 9999."""
AT_ONCE = 500
"""Entries that share one object of evidence: their ids are made so shortly before they are written."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A hash that is to be put on the list."""

    kind: Kind
    value: str
    action: Verdict
    reason: str
    variants: tuple[str, ...] = ()
    source_key_sha256: str | None = None
    expires_at: int | None = None


class Listed(NamedTuple):
    """What was put on the list, and all that it has now about what was wanted."""

    added: list[Entry]
    present: list[Entry]

    @property
    def since(self) -> float:
        """Epoch seconds since when the newest of these entries is there."""
        return max((epoch(entry.at) for entry in self.present), default=0.0)


class Hashes:
    """The hash list of one stack. `clock` gives epoch seconds."""

    def __init__(
        self,
        *,
        table: HashListTable,
        s3: "S3Client",
        logs_bucket: str,
        stack: str,
        person: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`person` is the ARN of the caller."""
        self._table = table
        self._s3 = s3
        self._logs_bucket = logs_bucket
        self._stack = stack
        self._person = person
        self._clock = clock

    @classmethod
    def open(cls, stack: str, outputs: StackOutputs) -> "Hashes":
        """Connect to a stack. Raises OperationsError where its outputs lack a bucket, and what boto3 raises."""
        places = places_of(stack, outputs)
        session = boto3.session.Session(region_name=outputs.region)
        return cls(
            table=HashListTable(
                dynamodb=session.client("dynamodb"), table=places.records_table, clock=time.time
            ),
            s3=session.client("s3"),
            logs_bucket=places.logs_bucket,
            stack=stack,
            person=session.client("sts").get_caller_identity()["Arn"],
        )

    def entries(self) -> list[Entry]:
        """Return the entries that count, the oldest first."""
        return self._table.entries()

    def add(self, wanted: Iterable[Wanted], *, case: dict[str, str] | None = None) -> list[Entry]:
        """Put hashes on the list that are not on it as wanted, and return the new entries: see `ensure`."""
        return self.ensure(wanted, case=case).added

    def ensure(self, wanted: Iterable[Wanted], *, case: dict[str, str] | None = None) -> Listed:
        """Put hashes on the list that are not on it as wanted; say what is new, and what is there.

        An entry that expires before, or lacks variants, is not as wanted; it stays beside the new one. `case` is what
        else the evidence names. Raises OperationsError for a hash that cannot be on the list, or where it would become
        too long, before anything is written.
        """
        known, wanted = self.entries(), list(wanted)
        there: dict[Any, list[Entry | Wanted]] = {}
        for entry in known:
            there.setdefault(_asks(entry), []).append(entry)
        chosen: list[Wanted] = []
        for each in wanted:
            alike = there.setdefault(_asks(each), [])
            if not any(_suffices(other, each) for other in alike):
                alike.append(each)
                chosen.append(each)
        if len(known) + len(chosen) > MOST_ENTRIES:
            raise OperationsError(
                f"the list would have {len(known) + len(chosen):,} entries, and may have {MOST_ENTRIES:,}: larger ones"
                " belong into a service of their own, such as Hasher-Matcher-Actioner"
            )
        now = self._clock()
        for each in chosen:
            self._entry(each, now)  # refuses all of them if one is wrong
        added: list[Entry] = []
        for first in range(0, len(chosen), AT_ONCE):
            added += self._add(chosen[first : first + AT_ONCE], case or {})
        keys = {_asks(each) for each in wanted}
        return Listed(added, [entry for entry in (*known, *added) if _asks(entry) in keys])

    def _add(self, wanted: Sequence[Wanted], case: dict[str, str]) -> list[Entry]:
        now = self._clock()
        entries = [self._entry(each, now) for each in wanted]
        documents = [{"id": entry.id, **entry.to_document()} for entry in entries]
        self._keep("hashes-add", {"entries": documents, **({"case": case} if case else {})})
        self._table.add(entries)
        return entries

    def _entry(self, wanted: Wanted, now: float) -> Entry:
        if wanted.expires_at is not None and wanted.expires_at > LATEST_EXPIRY:
            raise OperationsError("an entry expires by the end of the year 9999, or never")
        try:
            return Entry(**vars(wanted), id=decision_id(now), person=self._person, at=iso_time(now))
        except ValueError as error:
            raise OperationsError(str(error)) from error

    def remove(self, entry_id: str, *, reason: str) -> bool:
        """Take an entry off the list; return whether it was on it."""
        self._keep("hashes-remove", {"entry": entry_id, "reason": reason})
        return self._table.remove(entry_id)

    def expiry(self, days: int | None) -> int | None:
        """Return the epoch seconds of the first midnight, UTC, in so many days or later; None for never.

        So a command that is run again on the same day asks for nothing new.
        """
        return None if days is None else (ceil(self._clock() / SECONDS_PER_DAY) + days) * SECONDS_PER_DAY

    def _keep(self, action: str, facts: dict[str, Any]) -> None:
        keep_evidence(
            self._s3,
            self._logs_bucket,
            stack=self._stack,
            action=action,
            person=self._person,
            now=self._clock(),
            facts=facts,
        )


def _asks(entry: Entry | Wanted) -> tuple[Kind, str, Verdict]:
    """Return what an entry is about, and what becomes of it."""
    return entry.kind, entry.value, entry.action


def _suffices(entry: Entry | Wanted, wanted: Wanted) -> bool:
    """Return whether an entry that asks the same does all that is wanted."""
    lasts = entry.expires_at is None or (
        wanted.expires_at is not None and entry.expires_at >= wanted.expires_at
    )
    return lasts and set(wanted.variants) <= set(entry.variants)
