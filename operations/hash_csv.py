"""The hash list as CSV, with the columns of the sample lists that Hasher-Matcher-Actioner's library reads.

`signal_type` and `signal_str` are its names for a hash and what it is of; readers go by the header, so further columns
do not disturb them.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from media_pipeline.moderation.hash_list import ACTIONS, REASON_CHARACTERS, Entry, Kind
from media_pipeline.moderation.verdicts import Verdict
from operations.errors import OperationsError
from operations.hashes import Wanted

TYPE, VALUE = "signal_type", "signal_str"
COLUMNS = (TYPE, VALUE, "action", "reason", "variants", "expires_at")
SHOWN = 80  # characters of a wrong value
_DIGEST = re.compile("[0-9a-f]{64}")
_EPOCH = re.compile("[0-9]{1,12}")


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

    Raises OperationsError that names the line for a column that is missing, a type that the list has not, a value
    that is no such hash, and for anything else that no entry can have.
    """
    reader = csv.DictReader(file)
    allowed = [kind.value for kind in kinds]
    for row in _rows(reader):
        where = f"line {reader.line_num}"
        kind = row[TYPE] or ""
        if kind not in allowed:
            raise OperationsError(f"{where}: {TYPE} is {_shown(kind)}, and can be {' or '.join(allowed)}")
        value = (row[VALUE] or "").lower()
        variants = tuple((row.get("variants") or "").lower().split())
        for each in (value, *variants):
            if not _DIGEST.fullmatch(each):
                raise OperationsError(f"{where}: {_shown(each)} is not a hash of 64 hexadecimal digits")
        asked = row.get("action") or action.value
        if asked not in ACTIONS:
            raise OperationsError(f"{where}: action is {_shown(asked)}, and can be {' or '.join(ACTIONS)}")
        expires_at = row.get("expires_at") or ""
        if expires_at and not _EPOCH.fullmatch(expires_at):
            raise OperationsError(
                f"{where}: expires_at is {_shown(expires_at)}, and is a time in epoch seconds of up to 12 digits"
            )
        why = row.get("reason") or reason
        if len(why) > REASON_CHARACTERS:
            raise OperationsError(
                f"{where}: the reason has {len(why):,} characters, and can have {REASON_CHARACTERS}"
            )
        yield Wanted(
            kind=Kind(kind),
            value=value,
            action=Verdict(asked),
            reason=why,
            variants=variants,
            expires_at=int(expires_at) if expires_at else None,
        )


def _rows(reader: "csv.DictReader[str]") -> Iterator[dict[str, str | None]]:
    try:
        missing = [name for name in (TYPE, VALUE) if name not in (reader.fieldnames or ())]
        if missing:
            raise OperationsError(
                f"the first line has to name the columns, among them {TYPE} and {VALUE};"
                f" {', '.join(missing)} is missing"
            )
        yield from reader
    except csv.Error as error:
        raise OperationsError(f"line {reader.line_num + 1}: this is no CSV of hashes: {error}") from error


def _shown(value: str) -> str:
    return repr(value if len(value) <= SHOWN else value[:SHOWN] + "...")
