"""Where the next scheduled reconcile continues: one item of the records table, there only while a run is unfinished."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from media_pipeline.reconciliation import Position, Step
from media_pipeline.records.record import to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OBJECT_KEY = "reconcile"
SEQUENCER = "!reconcile"
"""Sorts below all versions, as the notes of deleted versions do: an object of that key has records of its own."""
KEPT_SECONDS = 7 * 86_400
"""After a week without a run the next one begins from the start."""
_FIELDS = tuple(field.name for field in dataclasses.fields(Position))


class Resumption:
    """Keeps the position of an unfinished run. `clock` gives epoch seconds."""

    def __init__(self, *, dynamodb: "DynamoDBClient", table: str, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock
        self._key = to_item({"object_key": OBJECT_KEY, "sequencer": SEQUENCER})

    def load(self) -> Position | None:
        """Return the position that the run before ended at; None where it looked at everything."""
        item = self._dynamodb.get_item(TableName=self._table, Key=self._key, ConsistentRead=True).get("Item")
        if item is None:
            return None
        values = {name: item[f"position_{name}"]["S"] for name in _FIELDS if f"position_{name}" in item}
        if (step := values.pop("step", None)) not in set(Step):
            return (
                None  # noted by an earlier version, which looked through the table in the order of its keys
            )
        return Position(step=Step(step), **values)

    def save(self, position: Position | None) -> None:
        """Keep a position, or with None forget the one that is kept."""
        if position is None:
            self._dynamodb.delete_item(TableName=self._table, Key=self._key)
            return
        fields = {f"position_{name}": str(getattr(position, name)) for name in _FIELDS}
        values = {**fields, "expires_at": int(self._clock()) + KEPT_SECONDS}
        self._dynamodb.put_item(TableName=self._table, Item={**self._key, **to_item(values)})
