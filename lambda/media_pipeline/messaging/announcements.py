"""Announces how an object version ended: one SNS message per outcome, for machines and for people."""

import json
import re
from typing import TYPE_CHECKING, Any

from media_pipeline.messaging.emails import StackResources, email_text, subject
from media_pipeline.records.record import Record, Status

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

SCHEMA_VERSION = (
    1  # of docs/announcement.schema.json; increased whenever a field changes its meaning or is removed
)
MESSAGE_BYTES = 256 * 1024 - 2048  # SNS: 256 KB with the message's attributes and subject
LONG = ("renditions", "moderation")
"""Fields that can be long: many sizes with a long key, many labels of a video. The record has them in full."""
KEY_CHARACTERS = 255
"""How much of the key is an attribute, for filters by prefix; the whole key is in the message."""
_NOT_IN_ATTRIBUTES = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LOOKS = frozenset({"placeholder", "dominant_colour", "width", "height"})
"""Members that show something of a picture: never of a withheld one, whatever its record holds."""
FACTS = (
    "version_id",
    "reason",
    "detail",
    "content_type",
    "width",
    "height",
    "bytes",
    "sha256",
    "frames",
    "duration",
    "frame_rate",
    "codec",
    "sound",
    "dropped_sound",
    "renditions",
    "placeholder",
    "dominant_colour",
    "moderation",
    "milliseconds",
    "finished_at",
    "pipeline_version",
)


class Announcements:
    """Publishes outcomes on the stack's events topic."""

    def __init__(self, *, sns: "SNSClient", topic_arn: str, resources: StackResources) -> None:
        self._sns = sns
        self._topic_arn = topic_arn
        self._resources = resources

    def publish(self, record: Record) -> None:
        """Announce a terminal record. A repetition carries the same `alert_id`."""
        self._sns.publish(
            TopicArn=self._topic_arn,
            Subject=subject(record, self._resources.stack),
            MessageStructure="json",
            Message=message(record, self._resources),
            MessageAttributes={
                "status": _text(record.status.value),
                "object_key": _text(_NOT_IN_ATTRIBUTES.sub("\ufffd", record.object_key[:KEY_CHARACTERS])),
            },
        )


def _text(value: str) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": value}


def message(record: Record, resources: StackResources) -> str:
    """Write the message with a part for machines and a part for people, always within SNS's limit."""
    document = describe(record, resources.stack)
    omitted: list[str] = []
    for name in (None, *LONG):
        if name in document:
            del document[name]
            omitted.append(name)
            document["omitted"] = omitted
        machine = json.dumps(document, ensure_ascii=False, sort_keys=True)
        text = json.dumps({"default": machine, "email": email_text(record, resources)}, ensure_ascii=False)
        if len(text.encode()) <= MESSAGE_BYTES:
            break
    return text


def describe(record: Record, stack: str) -> dict[str, Any]:
    """Describe the outcome for machines, as docs/announcement.schema.json defines it."""
    hidden = LOOKS if record.status in (Status.BLOCKED, Status.REVIEW) else frozenset[str]()
    facts = {name: record.attributes.get(name) for name in FACTS if name not in hidden}
    appeal = record.attributes.get("appeal")
    if appeal and "decided_at" in appeal:  # what the uploader wrote is for reviewers
        facts["appeal"] = {name: appeal[name] for name in ("state", "at", "decided_at")}
    return {
        "schema_version": SCHEMA_VERSION,
        "alert_id": record.alert_id,
        "stack": stack,
        "object_key": record.object_key,
        "sequencer": record.sequencer,
        "status": record.status.value,
        "attempt": record.attempt,
    } | {name: fact for name, fact in facts.items() if fact is not None}
