"""The hash list as CSV, with the columns of the sample lists that Hasher-Matcher-Actioner's library reads.

`signal_type` and `signal_str` are its names for a hash and what it is of; readers go by the header, so further columns
do not disturb them.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from media_pipeline.moderation.hash_list import ACTIONS, Entry, Kind
from media_pipeline.moderation.verdicts import Verdict
from operations.errors import OperationsError
from operations.hashes import Wanted

TYPE, VALUE = "signal_type", "signal_str"
COLUMNS = (TYPE, VALUE, "action", "reason", "variants", "expires_at")
_DIGEST = re.compile("[0-9a-f]{64}")


def write(entries: Iterable[Entry], file: TextIO) -> int:
    """Write one row for each entry, and return how many."""
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    rows = 0
    for entry in entries:
        writer.writerow(
            {
                TYPE: entry.kind.value,
                VALUE: entry.value,
                "action": entry.action.value,
                "reason": entry.reason,
                "variants": " ".join(entry.variants),
                "expires_at": entry.expires_at or "",
            }
        )
        rows += 1
    return rows


def read(file: TextIO, *, reason: str, action: Verdict, kinds: Iterable[Kind]) -> Iterator[Wanted]:
    """Yield what a file lists; rows without a reason or an action of their own get these.

    Raises OperationsError that names the line for a column that is missing, a type that the list has not, and a value
    that is no such hash.
    """
    reader = csv.DictReader(file)
    missing = [name for name in (TYPE, VALUE) if name not in (reader.fieldnames or ())]
    if missing:
        raise OperationsError(
            f"the first line has to name the columns, among them {TYPE} and {VALUE}; {', '.join(missing)} is missing"
        )
    allowed = [kind.value for kind in kinds]
    for row in reader:
        where = f"line {reader.line_num}"
        if row[TYPE] not in allowed:
            raise OperationsError(f"{where}: {TYPE} is {row[TYPE]!r}, and can be {' or '.join(allowed)}")
        value = (row[VALUE] or "").lower()
        variants = tuple((row.get("variants") or "").lower().split())
        for each in (value, *variants):
            if not _DIGEST.fullmatch(each):
                raise OperationsError(f"{where}: {each!r} is not a hash of 64 hexadecimal digits")
        asked = row.get("action") or action.value
        if asked not in ACTIONS:
            raise OperationsError(f"{where}: action is {asked!r}, and can be {' or '.join(ACTIONS)}")
        expires_at = row.get("expires_at") or ""
        if expires_at and not expires_at.isdecimal():
            raise OperationsError(f"{where}: expires_at is {expires_at!r}, not a time in epoch seconds")
        yield Wanted(
            kind=Kind(row[TYPE]),
            value=value,
            action=Verdict(asked),
            reason=row.get("reason") or reason,
            variants=variants,
            expires_at=int(expires_at) if expires_at else None,
        )
