"""The documents about outcomes: statuses, reasons, records, announcements, and metrics."""

import json
import re
from collections.abc import Sequence
from typing import Any

from media_pipeline.errors import Reason
from media_pipeline.images.formats import FORMATS
from media_pipeline.messaging.statuses import SENTENCES
from media_pipeline.moderation.verdicts import Mode, Verdict
from media_pipeline.observability import METRICS
from media_pipeline.records.fields import FIELDS
from media_pipeline.records.record import Status
from scripts.reference.markdown import code, document, table
from tests.components.recording import PROJECT

SCHEMA = PROJECT / "docs" / "announcement.schema.json"
STACK = "<stack>"
VIDEO_FORMAT = "mp4"  # of the rendition of a video, beside its poster's formats


def statuses() -> str:
    """Return the document with every status."""
    rows = [
        (
            code(status.value),
            "yes" if status.terminal else "no",
            "yes" if status.needs_attention else "no",
            SENTENCES[status].meaning,
            _one_line(SENTENCES[status].next_step.format(stack=STACK)),
        )
        for status in Status
    ]
    return document(
        "Statuses",
        "The status of an object version, in its record, in announcements and in the API, which also "
        "answers `RECEIVED` "
        "before the pipeline has taken an upload up. Nothing happens by itself after a terminal status; a "
        "status that "
        "needs a person is in the table's index `attention`.",
        table(("status", "terminal", "needs a person", "meaning", "what happens next"), rows),
    )


def reasons() -> str:
    """Return the document with every reason."""
    rows = [(code(reason.value), code(reason.status), reason.meaning) for reason in Reason]
    return document(
        "Reasons",
        "Why an object version was not published: the field `reason` of records, announcements and answers "
        "of the API. "
        "`detail` has a sentence with the value found and the value allowed.",
        table(("reason", "status", "meaning"), rows),
    )


def record_fields() -> str:
    """Return the document with every field of a record."""
    rows = [(code(name), kind, meaning) for name, (kind, meaning) in FIELDS.items()]
    return document(
        "Record fields",
        "The items of the table `records_table`, one for each object version. A field without a value is absent. "
        "[Records and renditions](../application/records.md) says how to read them.",
        table(("field", "type", "meaning"), rows),
    )


def events() -> str:
    """Return the document with every member of an announcement."""
    announcement = json.loads(schema())
    rows = [
        (
            code(name),
            "yes" if name in announcement["required"] else "no",
            _kind(member),
            member.get("description", ""),
        )
        for name, member in announcement["properties"].items()
    ]
    return document(
        "Announcements",
        "Every message on the topic `events_topic_arn` is JSON as in [announcement.schema.json]"
        "(../announcement.schema.json). The message attribute `status` has the status, for subscription filters. "
        "[Events](../application/events.md) says how to subscribe.",
        table(("member", "always there", "type", "meaning"), rows),
    )


def schema() -> str:
    """Return the announcements' schema with the statuses, reasons, verdicts, modes and formats that the code has."""
    text = SCHEMA.read_text("utf-8")
    text = _with_enum(text, "status", [status.value for status in Status if status.terminal])
    text = _with_enum(text, "reason", [reason.value for reason in Reason])
    text = _with_enum(text, "verdict", [verdict.value for verdict in Verdict])
    text = _with_enum(text, "mode", [mode.value for mode in Mode])
    return _with_enum(text, "format", [*FORMATS, VIDEO_FORMAT])


def metrics() -> str:
    """Return the document with every metric that the functions publish."""
    rows = [
        *(
            (
                code(status.value.capitalize()),
                code("service"),
                f"object versions that ended as `{status.value}`",
            )
            for status in Status
            if status.terminal
        ),
        *(
            (code(name), ", ".join(map(code, metric.dimensions)), metric.meaning)
            for name, metric in METRICS.items()
        ),
    ]
    return document(
        "Metrics",
        "Counts in the namespace `MediaPipeline`. The dimension `service` is `media-pipeline-<stack>`. "
        "Metrics of AWS's own "
        "namespaces come on top; [Alarms](alarms.md) lists those that are watched.",
        table(("metric", "dimensions", "counts"), rows),
    )


def _with_enum(text: str, member: str, values: Sequence[str]) -> str:
    """Return the schema's text with other values in the one `enum` of this member, each list on one line.

    The rest of the text stays as it is written: a schema is read by people, too.
    """
    pattern = re.compile(rf'("{member}": \{{[^{{}}]*"enum": )\[[^\]]*\]')
    changed, count = pattern.subn(lambda found: found[1] + json.dumps(values), text)
    if count != 1:
        raise LookupError(f"{SCHEMA.name} has {count} members {member!r} with an enum, not one")
    return changed


def _kind(member: dict[str, Any]) -> str:
    if "enum" in member:
        return ", ".join(map(code, member["enum"]))
    if "const" in member:
        return code(member["const"])
    kinds = member.get("type", "")
    return " or ".join([kinds] if isinstance(kinds, str) else kinds)


def _one_line(text: str) -> str:
    """Return an e-mail's sentence in one line, with its indented command in backticks."""
    first, _, command = text.partition("\n")
    return f"{first} `{command.strip()}`" if command else first
