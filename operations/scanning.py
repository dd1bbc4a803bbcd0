"""Reads all records of a table quickly: some attributes of each, as plain values."""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from operations.reconcile import FIRST_SEQUENCER

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_EVENT: Final = "before-parse.dynamodb.Scan"


def scan(
    dynamodb: "DynamoDBClient",
    table: str,
    names: Sequence[str],
    *,
    since: str | None = None,
    having: Sequence[str] = (),
    after: tuple[str, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the attributes `names` of each record, but not of the notes and kept answers between the records.

    `names` has to have `sequencer`. Only records that were finished `since` a time (UTC, ISO 8601), or that have one
    of the attributes `having`; only those behind the key and sequencer `after`, in the table's own order. Raises what
    boto3 raises.
    """
    placeholders = {f"#{name}": name for name in names}
    request: dict[str, Any] = {"TableName": table, "ProjectionExpression": ", ".join(placeholders)}
    if since is not None:
        placeholders["#finished_at"] = "finished_at"
        request["FilterExpression"] = "#finished_at >= :since"
        request["ExpressionAttributeValues"] = {":since": {"S": since}}
    elif having:
        placeholders |= {f"#having_{name}": name for name in having}
        request["FilterExpression"] = " OR ".join(f"attribute_exists(#having_{name})" for name in having)
    if after is not None:
        request["ExclusiveStartKey"] = {"object_key": {"S": after[0]}, "sequencer": {"S": after[1]}}
    # botocore reads an attribute in some 3 microseconds, and records have a hundred of them: that alone would take half
    # a minute for 100,000 records.
    dynamodb.meta.events.register(_EVENT, _take_items)
    try:
        pages = dynamodb.get_paginator("scan").paginate(**request, ExpressionAttributeNames=placeholders)
        for page in pages:
            for item in page["Items"]:
                if item["sequencer"]["S"] >= FIRST_SEQUENCER:
                    yield {name: _plain(value) for name, value in item.items()}
    finally:
        dynamodb.meta.events.unregister(_EVENT, _take_items)


def _take_items(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Hand the items of a Scan over as they came; botocore reads the rest of the answer."""
    if response_dict["status_code"] != HTTPStatus.OK:
        return
    document = json.loads(response_dict["body"])
    customized_response_dict["Items"] = document.pop("Items", [])
    response_dict["body"] = json.dumps(document).encode()


def _plain(typed: Mapping[str, Any]) -> Any:
    """Return one of DynamoDB's typed values as a plain one; records hold neither sets nor bytes."""
    ((kind, value),) = typed.items()
    if kind == "M":
        return {name: _plain(inner) for name, inner in value.items()}
    if kind == "L":
        return [_plain(inner) for inner in value]
    if kind == "N":
        return float(value)
    return None if kind == "NULL" else value
