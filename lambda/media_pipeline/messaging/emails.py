"""Outcomes as e-mails: what happened, why, what happens next, where to look. Object keys can be hostile."""

import unicodedata
from typing import NamedTuple

from media_pipeline.messaging.statuses import sentences_of
from media_pipeline.quarantine import quarantine_key
from media_pipeline.records.record import Record, Status
from media_pipeline.storage import Buckets

SUBJECT_LIMIT = 99  # SNS: less than 100 characters of ASCII, without line breaks or control characters
NAME_END = 12  # characters kept from the end of a shortened name, where its suffix is
CUT = "..."


class StackResources(NamedTuple):
    """Where a reader can look: the stack, and the names of its buckets and its table."""

    stack: str
    buckets: Buckets
    records_table: str


def subject(record: Record, stack: str) -> str:
    """Return one line of ASCII below SNS's limit for any key: stack, status, name.

    Drop accents, replace other letters that ASCII lacks by question marks, keep both ends of a long name.
    """
    start = f"[{stack}] {record.status.value}: "
    return (start + _shortened(_in_ascii(record.object_key), SUBJECT_LIMIT - len(start)))[:SUBJECT_LIMIT]


def email_text(record: Record, resources: StackResources) -> str:
    """Return the e-mail's text."""
    facts, sentences = record.attributes, sentences_of(record)
    lines = [sentences.headline, ""]
    lines += [f"Status:   {record.status.value}", f"Object:   {visible(record.object_key)}"]
    lines.append(f"Version:  {visible(record.version)}")
    if reason := facts.get("reason"):
        lines.append(f"Reason:   {reason}")
    if detail := facts.get("detail"):
        lines.append(f"          {visible(detail)}")
    if record.status is Status.PUBLISHED:
        listed = (
            f"{entry['name']} {entry['width']} x {entry['height']} {entry['format']}"
            for entry in record.renditions
        )
        lines.append(f"Renditions: {', '.join(listed)}")
    lines += ["", "What happens next", sentences.next_step.format(stack=resources.stack)]
    lines += ["", "Where to look", *_where(record, resources)]
    return "\n".join(lines) + "\n"


def visible(text: str) -> str:
    """Escape unprintable characters: a key may hold line breaks, or marks that reverse the direction of text."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def _where(record: Record, resources: StackResources) -> list[str]:
    lines = []
    if record.status in (Status.BLOCKED, Status.REVIEW) and not record.is_held:
        copy = quarantine_key(record.object_key, record.version)
        lines.append(f"Original:   {_address(resources.buckets.quarantine, copy)}")
    if record.status is Status.PUBLISHED:
        folder = f"{record.object_key}/{record.version}/"
        lines.append(f"Renditions: {_address(resources.buckets.renditions, folder)}")
    lines.append(
        f"Record:     table {resources.records_table}, object_key as above, sequencer {record.sequencer}"
    )
    lines.append("Log:        the log groups of the stack's functions, under the same object_key")
    return lines


def _address(bucket: str, key: str) -> str:
    """Return where to look, on one line; what cannot be pasted as it is shown says so."""
    shown = visible(key)
    return f"s3://{bucket}/{shown}" + ("" if shown == key else "  (escaped: \\n is a line break)")


def _in_ascii(key: str) -> str:
    name = unicodedata.normalize("NFKD", key.rstrip("/").rsplit("/", 1)[-1])
    kept = (character for character in name if not unicodedata.combining(character))
    return "".join(character if " " <= character <= "~" else "?" for character in kept)


def _shortened(name: str, room: int) -> str:
    if len(name) <= room:
        return name
    end = min(NAME_END, max(room - len(CUT), 0))
    return (name[: max(room - len(CUT) - end, 0)] + CUT + name[len(name) - end :])[:room]
