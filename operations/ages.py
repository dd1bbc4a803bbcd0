"""Times as operators give and read them: "30d", and "3 days"."""

import argparse
import re
from datetime import UTC, datetime, timedelta

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_WORDS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def duration(text: str) -> timedelta:
    """Parse an argument such as 30d, 12h or 5m."""
    found = re.fullmatch(r"(\d{1,5})([dhm])", text)
    if found is None:
        raise argparse.ArgumentTypeError(
            "a number of days, hours or minutes is needed, such as 30d, 12h or 5m"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def age(seconds: float) -> str:
    """Return a duration in its largest whole unit, such as `3 days`."""
    for length, word in _WORDS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {word}{'s' if count > 1 else ''}"
    return "0 seconds"


def iso(epoch_seconds: float) -> str:
    """Format a time like the records: UTC with milliseconds, which sorts as text."""
    written = datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")


def epoch(written: str) -> float:
    """Return the epoch seconds of a time in a record."""
    return datetime.fromisoformat(written).timestamp()
