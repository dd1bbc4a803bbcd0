"""SQS messages as the event that Lambda makes of them, and the function's answer as Lambda reads it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

MESSAGE_ATTRIBUTES = ["All"]


def event_of(messages: Sequence[Mapping[str, Any]], queue_arn: str, region: str) -> dict[str, Any]:
    """Return the event for messages as SQS's ReceiveMessage returns them."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {
                    name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
                },
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": region,
            }
            for message in messages
        ]
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {
        "dataType": value["DataType"],
        "stringListValues": [],
        "binaryListValues": [],
    }
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return attribute


def failed_items(answer: Any, message_ids: Sequence[str]) -> set[str]:
    """Return the ids of the messages to be kept, by a function that reports batch item failures.

    Nothing, `{}` or an empty list is complete success. Whatever is malformed, an empty or missing
    `itemIdentifier` or an id that was not in the batch, fails the whole batch:
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    everything = set(message_ids)
    if answer is None or answer == {}:
        return set()
    if not isinstance(answer, Mapping) or "batchItemFailures" not in answer:
        return everything
    failures = answer["batchItemFailures"]
    if failures is None:
        return set()
    if not isinstance(failures, Sequence) or isinstance(failures, str):
        return everything
    failed: set[str] = set()
    for item in failures:
        identifier = item.get("itemIdentifier") if isinstance(item, Mapping) else None
        if not isinstance(identifier, str) or identifier not in everything:
            return everything
        failed.add(identifier)
    return failed
