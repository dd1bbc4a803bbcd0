"""SQS: queues, their policies, and where their failed messages go."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from embedded_aws.resources.base import (
    AutoName,
    Aws,
    Handler,
    Inputs,
    State,
    json_document,
    pages,
    tag_changes,
)

_ATTRIBUTES = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "maxMessageSize": "MaximumMessageSize",
    "delaySeconds": "DelaySeconds",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
}
_KEY = "KmsMasterKeyId"
_DOCUMENTS = {
    "policy": "Policy",
    "redrivePolicy": "RedrivePolicy",
    "redriveAllowPolicy": "RedriveAllowPolicy",
}


class Queue(Handler):
    """A standard queue; its policies are resources of their own."""

    type_name = "aws:sqs/queue:Queue"
    resource = "sqs.Queue"
    service = "sqs"
    carries = frozenset({*_ATTRIBUTES, *_DOCUMENTS, "name", "tags.*"})
    replaces = frozenset({"name"})
    autoname = AutoName(input="name", max_length=80)
    defaults: ClassVar[Mapping[str, Any]] = {
        "visibilityTimeoutSeconds": 30,
        "messageRetentionSeconds": 345_600,
        "maxMessageSize": 262_144,
        "delaySeconds": 0,
        "receiveWaitTimeSeconds": 0,
        "sqsManagedSseEnabled": True,  # AWS encrypts new queues since 2022
    }

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all queues."""
        for url in pages(aws, "sqs", "list_queues", "QueueUrls"):
            yield f"arn:aws:sqs:{aws.region}:{aws.account_id}:{url.rsplit('/', 1)[-1]}"

    def create(self, inputs: Inputs) -> str:
        """Create the queue; the id is its URL."""
        made = self.aws.client("sqs").create_queue(
            QueueName=inputs["name"], Attributes=_attributes(inputs), tags=inputs["tagsAll"]
        )
        return str(made["QueueUrl"])

    def read(self, id_: str) -> State | None:
        """Return all attributes, documents as their JSON text."""
        attributes = _read_attributes(self, id_)
        if attributes is None:
            return None
        state: State = {"url": id_, "arn": attributes["QueueArn"], "name": id_.rsplit("/", 1)[-1]}
        for name, attribute in _ATTRIBUTES.items():
            value = attributes.get(attribute)
            if value is not None:
                state[name] = _shown(name, value)
        for name, attribute in _DOCUMENTS.items():
            if attributes.get(attribute):
                state[name] = attributes[attribute]
        state["tagsAll"] = self.aws.client("sqs").list_queue_tags(QueueUrl=id_).get("Tags", {})
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update changed attributes and tags only."""
        sqs = self.aws.client("sqs")
        before, after = _attributes(old), _attributes(new)
        changed = {name: value for name, value in after.items() if before.get(name) != value}
        if _KEY in before and _KEY not in after:
            changed[_KEY] = ""
        if changed:
            sqs.set_queue_attributes(QueueUrl=id_, Attributes=changed)
        tags, untag = tag_changes(old, new)
        if tags:
            sqs.tag_queue(QueueUrl=id_, Tags=tags)
        if untag:
            sqs.untag_queue(QueueUrl=id_, TagKeys=untag)

    def delete(self, id_: str, state: State) -> None:
        """Delete the queue with all its messages."""
        sqs = self.aws.client("sqs")
        try:
            sqs.delete_queue(QueueUrl=id_)
        except sqs.exceptions.QueueDoesNotExist:
            return


class _QueueDocument(Handler):
    """A JSON attribute of a queue as a resource of its own; the id is the queue's URL."""

    service = "sqs"
    removed_with = "aws:sqs/queue:Queue"
    document: ClassVar[str]
    replaces = frozenset({"queueUrl"})

    def create(self, inputs: Inputs) -> str:
        """Set the attribute."""
        self._set(inputs)
        return str(inputs["queueUrl"])

    def read(self, id_: str) -> State | None:
        """Return None where the attribute, or the queue, is gone."""
        attributes = _read_attributes(self, id_)
        text = (attributes or {}).get(_DOCUMENTS[self.document])
        return {"queueUrl": id_, self.document: text} if text else None

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Replace the document."""
        self._set(new)

    def delete(self, id_: str, state: State) -> None:
        """Remove the attribute, by an empty value."""
        sqs = self.aws.client("sqs")
        try:
            sqs.set_queue_attributes(QueueUrl=id_, Attributes={_DOCUMENTS[self.document]: ""})
        except sqs.exceptions.QueueDoesNotExist:
            return

    def _set(self, inputs: Inputs) -> None:
        text = inputs[self.document]
        json_document(text, f"{self.type_name}: {self.document}")
        self.aws.client("sqs").set_queue_attributes(
            QueueUrl=inputs["queueUrl"], Attributes={_DOCUMENTS[self.document]: text}
        )


class QueuePolicy(_QueueDocument):
    """Who may use a queue."""

    type_name = "aws:sqs/queuePolicy:QueuePolicy"
    resource = "sqs.QueuePolicy"
    carries = frozenset({"queueUrl", "policy"})
    document = "policy"


class RedrivePolicy(_QueueDocument):
    """Which queue gets the messages that failed too often."""

    type_name = "aws:sqs/redrivePolicy:RedrivePolicy"
    resource = "sqs.RedrivePolicy"
    carries = frozenset({"queueUrl", "redrivePolicy"})
    document = "redrivePolicy"


class RedriveAllowPolicy(_QueueDocument):
    """Which queues may send their failed messages here."""

    type_name = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy"
    resource = "sqs.RedriveAllowPolicy"
    carries = frozenset({"queueUrl", "redriveAllowPolicy"})
    document = "redriveAllowPolicy"


def _attributes(inputs: Inputs) -> dict[str, str]:
    values = {}
    for name, attribute in _ATTRIBUTES.items():
        if name in inputs:
            value = inputs[name]
            values[attribute] = json.dumps(value) if isinstance(value, bool) else str(value)
    for name, attribute in _DOCUMENTS.items():
        if inputs.get(name):
            json_document(inputs[name], f"{Queue.type_name}: {name}")
            values[attribute] = inputs[name]
    if _KEY in values:
        del values["SqsManagedSseEnabled"]  # the provider's default: SQS takes one of the two
    return values


def _shown(name: str, value: str) -> bool | int | str:
    if name == "kmsMasterKeyId":
        return value
    return value == "true" if name == "sqsManagedSseEnabled" else int(value)


def _read_attributes(handler: Handler, url: str) -> dict[str, str] | None:
    sqs = handler.aws.client("sqs")
    try:
        attributes: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
            "Attributes"
        ]
    except sqs.exceptions.QueueDoesNotExist:
        return None
    return attributes
