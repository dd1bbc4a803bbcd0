"""Outcomes as e-mails: what happened, why, what happens next, where to look. Object keys can be hostile."""

import unicodedata
from dataclasses import dataclass

from media_pipeline.records.record import Record, Status
from media_pipeline.storage import quarantine_key

SUBJECT_LIMIT = 99  # SNS: less than 100 characters of ASCII, without line breaks or control characters
NAME_END = 12  # characters kept from the end of a shortened name, where its suffix is
CUT = "..."
HEADLINE = {
    Status.PUBLISHED: "An upload was published.",
    Status.BLOCKED: "An upload was blocked: the stack's policy forbids it. It was not published.",
    Status.REVIEW: "An upload is held back until a person has looked at it. It was not published.",
    Status.REJECTED: "An upload was rejected: it cannot be processed. It was not published.",
    Status.FAILED: "An upload could not be processed; the fault is not the uploader's. It was not published.",
    Status.SUPERSEDED: "An upload was passed over, because a newer one has the same key.",
    Status.DELETED: "An upload was deleted.",
}
NEXT_STEP = {
    Status.PUBLISHED: "Nothing to do: its renditions are in the renditions bucket.",
    Status.BLOCKED: "Nothing, unless it was blocked by mistake: then change the policy and upload it again.",
    Status.REVIEW: "A person must look at the original, which is in the quarantine bucket.",
    Status.REJECTED: "It is not tried again. Upload a file that meets the rule above.",
    Status.FAILED: "It is not tried again by itself. Correct the cause, then redrive it:\n"
    "  python -m operations redrive --stack {stack} --status FAILED",
    Status.SUPERSEDED: "Nothing to do: the newer upload is announced on its own.",
    Status.DELETED: "Nothing to do: its renditions are gone as well.",
}


@dataclass(frozen=True, kw_only=True)
class StackResources:
    """Where a reader can look: the stack, and the names of its buckets and its table."""

    stack: str
    quarantine_bucket: str
    renditions_bucket: str
    records_table: str


def subject(record: Record, stack: str) -> str:
    """Return one line of ASCII below SNS's limit for any key: stack, status, name.

    Drop accents, replace other letters that ASCII lacks by question marks, keep both ends of a long name.
    """
    start = f"[{stack}] {record.status.value}: "
    return (start + _shortened(_in_ascii(record.object_key), SUBJECT_LIMIT - len(start)))[:SUBJECT_LIMIT]


def email_text(record: Record, resources: StackResources) -> str:
    """Return the e-mail's text."""
    facts = record.attributes
    lines = [HEADLINE[record.status], ""]
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
    lines += ["", "What happens next", NEXT_STEP[record.status].format(stack=resources.stack)]
    lines += ["", "Where to look", *_where(record, resources)]
    return "\n".join(lines) + "\n"


def visible(text: str) -> str:
    """Escape unprintable characters: a key may hold line breaks, or marks that reverse the direction of text."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def _where(record: Record, resources: StackResources) -> list[str]:
    key = visible(record.object_key)
    lines = []
    if record.status in (Status.BLOCKED, Status.REVIEW):
        lines.append(
            f"Original:   s3://{resources.quarantine_bucket}/{visible(quarantine_key(key, record.version))}"
        )
    if record.status is Status.PUBLISHED:
        lines.append(f"Renditions: s3://{resources.renditions_bucket}/{key}/{visible(record.version)}/")
    lines.append(
        f"Record:     table {resources.records_table}, object_key as above, sequencer {record.sequencer}"
    )
    lines.append("Log:        the log groups of the stack's functions, under the same object_key")
    return lines


def _in_ascii(key: str) -> str:
    name = unicodedata.normalize("NFKD", key.rstrip("/").rsplit("/", 1)[-1])
    kept = (character for character in name if not unicodedata.combining(character))
    return "".join(character if " " <= character <= "~" else "?" for character in kept)


def _shortened(name: str, room: int) -> str:
    if len(name) <= room:
        return name
    end = min(NAME_END, max(room - len(CUT), 0))
    return (name[: max(room - len(CUT) - end, 0)] + CUT + name[len(name) - end :])[:room]
