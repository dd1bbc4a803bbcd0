"""Telling the world how an object version ended: one SNS message an outcome, for machines and for people."""

import json
from typing import TYPE_CHECKING, Any

from media_pipeline.record import Record, Status

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

SCHEMA_VERSION = 1  # of the JSON; raised whenever a field changes its meaning or goes away
SUBJECT_LIMIT = 99  # SNS: less than 100 characters of ASCII, without line breaks or control characters
FACTS = (
    "version_id",
    "reason",
    "detail",
    "content_type",
    "width",
    "height",
    "bytes",
    "sha256",
    "renditions",
    "placeholder",
    "dominant_colour",
    "moderation",
    "milliseconds",
    "finished_at",
    "pipeline_version",
)
NEXT_STEP = {
    Status.PUBLISHED: "Nothing to do: its renditions are in the renditions bucket.",
    Status.BLOCKED: "It was not published. The original was moved to the quarantine bucket.",
    Status.REVIEW: "It was not published. A person must look at the original, which is in the quarantine bucket.",
    Status.REJECTED: "It was not published and will not be tried again. Upload a file that meets the rule above.",
    Status.FAILED: "It was not published. Once the cause is mended, it can be driven through again.",
    Status.SUPERSEDED: "Nothing to do: a newer version of the same key took its place.",
    Status.DELETED: "Nothing to do: it was deleted, and so are its renditions.",
}


class Announcements:
    """Publishes outcomes on the stack's events topic."""

    def __init__(self, *, sns: "SNSClient", topic_arn: str, stack: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn
        self._stack = stack

    def publish(self, record: Record) -> None:
        """Announce a terminal record. A repetition carries the same `alert_id`."""
        document = describe(record, self._stack)
        machine = json.dumps(document, ensure_ascii=False, sort_keys=True)
        self._sns.publish(
            TopicArn=self._topic_arn,
            Subject=subject(record, self._stack),
            MessageStructure="json",
            Message=json.dumps({"default": machine, "email": letter(record, self._stack)}),
            MessageAttributes={"status": {"DataType": "String", "StringValue": record.status.value}},
        )


def describe(record: Record, stack: str) -> dict[str, Any]:
    """Describe the outcome for machines: the record's facts under a versioned schema."""
    return {
        "schema": SCHEMA_VERSION,
        "alert_id": record.alert_id,
        "stack": stack,
        "object_key": record.object_key,
        "sequencer": record.sequencer,
        "status": record.status.value,
        "attempt": record.attempt,
    } | {name: record.attributes[name] for name in FACTS if record.attributes.get(name) is not None}


def subject(record: Record, stack: str) -> str:
    """One line of ASCII below SNS's limit, whatever the key is: stack, status, name."""
    name = record.object_key.rsplit("/", 1)[-1]
    printable = "".join(letter if " " <= letter <= "~" else "?" for letter in name)
    return f"[{stack}] {record.status.value}: {printable}"[:SUBJECT_LIMIT]


def letter(record: Record, stack: str) -> str:
    """Describe the outcome for a person: what, why, what happens next, where to look."""
    facts = record.attributes
    lines = [f"Status:  {record.status.value}", f"Object:  {_visible(record.object_key)}"]
    lines.append(f"Version: {record.version}")
    if reason := facts.get("reason"):
        lines.append(f"Reason:  {reason}")
    if detail := facts.get("detail"):
        lines.append(f"         {_visible(detail)}")
    lines += ["", NEXT_STEP[record.status], ""]
    lines.append(
        f"The record is in the stack's records table ({stack}) under this object_key"
        f" and the sequencer {record.sequencer}."
    )
    return "\n".join(lines) + "\n"


def _visible(text: str) -> str:
    """Escape what is no printable character: a key may hold line breaks, or marks that turn the text around."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )
