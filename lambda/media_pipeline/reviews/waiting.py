"""What waits for a person: pages of the sparse index `attention`, and what is known of one version."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from media_pipeline.errors import UnknownReviewError
from media_pipeline.records.attention import Attention, attention_of
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Record, from_item, to_item
from media_pipeline.texts import is_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTENTION_INDEX = "attention"
PAGE = 50
MOST = 200  # items of one page
LOOKED_AT = 1_000
"""Items that one page with a filter looks at, at most: its cost does not depend on how many wait."""
KEY_BYTES = 1024
"""Of the longest key in S3, and of the longest sort key in DynamoDB."""
HISTORY = 10  # records of a key that are shown beside one of them


class Page(NamedTuple):
    """Some of what waits, oldest first, and the cursor of the next page, None after the last."""

    records: list[Record]
    cursor: str | None


class Waiting:
    """Reads what waits in a stack; changes nothing. `clock` gives epoch seconds."""

    def __init__(self, *, dynamodb: "DynamoDBClient", table: str, clock: Callable[[], float]) -> None:
        self._items = ItemTable(dynamodb=dynamodb, table=table, clock=clock)
        self._dynamodb = dynamodb
        self._table = table

    def page(
        self,
        state: Attention = Attention.REVIEW,
        *,
        limit: int = PAGE,
        label: str | None = None,
        cursor: str | None = None,
    ) -> Page:
        """Return the next `limit` records that wait in a state, or those of them with a label, after a cursor.

        The cost is that of the page, however many wait. Raises ValueError for a cursor that no page returned.
        """
        limit = max(1, min(limit, MOST))
        found: list[Record] = []
        position = _position(cursor, state) if cursor else None
        looked_at = 0
        while True:
            request: dict[str, Any] = {"ExclusiveStartKey": position} if position else {}
            answer = self._dynamodb.query(
                TableName=self._table,
                IndexName=ATTENTION_INDEX,
                KeyConditionExpression="attention = :state",
                ExpressionAttributeValues={":state": {"S": state}},
                Limit=limit - len(found) if label is None else MOST,
                **request,
            )
            for item in answer["Items"]:
                looked_at += 1
                record = from_item(item)
                if label is not None and not has_label(record, label):
                    continue
                found.append(record)
                if len(found) == limit:
                    return Page(found, _cursor(item) if _has_more(answer, item) else None)
            position = answer.get("LastEvaluatedKey")
            if not position or looked_at >= LOOKED_AT:
                return Page(found, _cursor(position) if position else None)

    def get(self, object_key: str, sequencer: str) -> Record:
        """Read one record as it is now. Raises UnknownReviewError where there is none."""
        record = self._items.get(object_key, sequencer)
        if record is None:
            raise UnknownReviewError(f"there is no record of {object_key} with the sequencer {sequencer}")
        return record

    def of_key(self, object_key: str, *, held: bool = False) -> Record:
        """Return the newest version of a key that waits, or is `held`, else its newest record.

        Raises UnknownReviewError where the key has no record.
        """
        newest: Record | None = None
        for record in self.versions(object_key):
            newest = newest or record
            if record.is_held if held else attention_of(record) is not None:
                return record
        if newest is None:
            raise UnknownReviewError(f"there is no record of {object_key!r}")
        return newest

    def history(self, object_key: str) -> list[Record]:
        """Read the newest records of a key, newest first: as many as a person is shown."""
        return list(self._items.query(object_key, newest_first=True, limit=HISTORY))

    def versions(self, object_key: str) -> Iterator[Record]:
        """Read all records of a key, newest first, as far as they are asked for."""
        return self._items.query(object_key, newest_first=True)


def has_label(record: Record, label: str) -> bool:
    """Return whether a label, or one below it in the taxonomy, is among those of the record's verdict."""
    wanted = label.casefold()
    labels = record.moderation.labels if record.moderation else ()
    return any(wanted in (each.name.casefold(), each.parent.casefold()) for each in labels)


def review_id(record: Record) -> str:
    """Return the id of a record in URLs: its key in the table, in characters that every URL can hold."""
    return _encoded([record.object_key, record.sequencer])


def parse_review_id(text: str) -> tuple[str, str]:
    """Return the object key and sequencer of an id. Raises UnknownReviewError for anything else."""
    match list(_decoded(text)):
        case [object_key, sequencer] if _is_key(object_key) and _is_key(sequencer):
            return object_key, sequencer
    raise UnknownReviewError("there is no review with this id")


def _cursor(position: Mapping[str, Any]) -> str:
    return _encoded([position[name]["S"] for name in _POSITION])


_POSITION = ("object_key", "sequencer", "attention", "updated_at")


def _position(cursor: str, state: Attention) -> dict[str, Any]:
    values = list(_decoded(cursor))
    if len(values) == len(_POSITION) and all(map(_is_key, values)):
        position = dict(zip(_POSITION, values, strict=True))
        if position["attention"] == state:
            return to_item(position)
    raise ValueError("the cursor is not one that a page returned")


def _is_key(value: object) -> bool:
    """Return whether a value can be part of a key in the table; DynamoDB refuses any other."""
    return isinstance(value, str) and is_text(value) and 0 < len(value.encode()) <= KEY_BYTES


def _has_more(answer: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    return "LastEvaluatedKey" in answer or item is not answer["Items"][-1]


def _encoded(values: list[str]) -> str:
    text = json.dumps(values, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(text: str) -> Iterator[Any]:
    """Yield the values of an id or a cursor; none where it is neither."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return
    if isinstance(values, list):
        yield from values
