"""The items of the records table: conditional writes and consistent reads, nothing of their life cycle."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from media_pipeline.events import FIRST_SEQUENCER
from media_pipeline.records.record import Record, from_item, iso_time, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ItemChangedError(Exception):
    """A conditional write found a state other than the expected one."""

    def __init__(self, found: Record | None) -> None:
        super().__init__("the item is in another state")
        self.found = found


class ItemTable:
    """Reads items, and writes each by itself; only a move writes two. `clock` gives epoch seconds."""

    def __init__(self, *, dynamodb: "DynamoDBClient", table: str, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock

    def get(self, object_key: str, sequencer: str) -> Record | None:
        """Read one item."""
        key = to_item({"object_key": object_key, "sequencer": sequencer})
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return from_item(item) if item else None

    def query(
        self,
        object_key: str,
        *,
        comparison: str = ">=",
        sequencer: str = FIRST_SEQUENCER,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record]:
        """Read the items of a key whose sequencer compares as asked, at most `limit` of them."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": f"object_key = :key AND sequencer {comparison} :sequencer",
            "ExpressionAttributeValues": to_item({":key": object_key, ":sequencer": sequencer}),
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
        }
        if comparison == "<":  # not the notes, which sort below all versions
            request["KeyConditionExpression"] = (
                "object_key = :key AND sequencer BETWEEN :first AND :sequencer"
            )
            request["ExpressionAttributeValues"] |= to_item({":first": FIRST_SEQUENCER})
        if limit:
            request["Limit"] = limit
        while True:
            answer = self._dynamodb.query(**request)
            found = map(from_item, answer["Items"])
            yield from (record for record in found if comparison != "<" or record.sequencer < sequencer)
            if "LastEvaluatedKey" not in answer:
                return
            if limit:  # a page ends at 1 MB as well
                request["Limit"] -= len(answer["Items"])
                if request["Limit"] <= 0:
                    return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def update(
        self,
        key: tuple[str, str],
        values: Mapping[str, Any],
        *,
        condition: Mapping[str, Any],
        remove: tuple[str, ...] = (),
    ) -> Record:
        """Write `values` if each attribute of `condition` equals its value (None: is absent).

        Raises ItemChangedError with the item as it is.
        """
        values = {**values, "updated_at": iso_time(self._clock())}
        names = {f"#{name}": name for name in (*values, *condition, *remove)}
        sent = {f":{name}": value for name, value in values.items()}
        sent |= {f":if_{name}": value for name, value in condition.items() if value is not None}
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in values)
        if remove:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in remove)
        tests = (
            f"attribute_not_exists(#{name})" if value is None else f"#{name} = :if_{name}"
            for name, value in condition.items()
        )
        # DynamoDB refuses an empty expression.
        test: dict[str, Any] = {"ConditionExpression": " AND ".join(tests)} if condition else {}
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=to_item({"object_key": key[0], "sequencer": key[1]}),
                UpdateExpression=expression,
                **test,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=to_item(sent),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            raise _as_changed(error) from None
        return from_item(answer["Attributes"])

    def delete(self, key: tuple[str, str], *, condition: Mapping[str, Any]) -> None:
        """Delete an item if each attribute of `condition` equals its value; an absent item is no error.

        Raises ItemChangedError with the item as it is.
        """
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=to_item({"object_key": key[0], "sequencer": key[1]}),
                ConditionExpression=_equalities(condition, " AND "),
                **_named(condition),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            changed = _as_changed(error)
            if isinstance(changed, ItemChangedError) and changed.found is None:
                return
            raise changed from None

    def move(self, record: Record, sequencer: str, *, condition: Mapping[str, Any]) -> Record:
        """Give an item another sequencer: all of it or nothing.

        Raises ItemChangedError where an attribute of `condition` has another value, or the other place is taken.
        """
        values = {**record.attributes, "updated_at": iso_time(self._clock())}
        values = {name: value for name, value in values.items() if name not in ("object_key", "sequencer")}
        gone = {
            "TableName": self._table,
            "Key": to_item({"object_key": record.object_key, "sequencer": record.sequencer}),
            "ConditionExpression": _equalities(condition, " AND "),
            **_named(condition),
        }
        moved = {
            "TableName": self._table,
            "Key": to_item({"object_key": record.object_key, "sequencer": sequencer}),
            "UpdateExpression": "SET " + _equalities(values, ", "),
            "ConditionExpression": "attribute_not_exists(#status)",
            **_named(values),
        }
        items: Any = [{"Delete": gone}, {"Update": moved}]
        try:
            self._dynamodb.transact_write_items(TransactItems=items)
        except ClientError as error:
            reasons: Any = error.response.get("CancellationReasons", ())
            if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                raise ItemChangedError(None) from None
            raise
        return from_item(to_item({**values, "object_key": record.object_key, "sequencer": sequencer}))


def _equalities(values: Iterable[str], separator: str) -> str:
    return separator.join(f"#{name} = :{name}" for name in values)


def _named(values: Mapping[str, Any]) -> Any:
    """Return what the names and values of `_equalities` stand for."""
    return {
        "ExpressionAttributeNames": {f"#{name}": name for name in values},
        "ExpressionAttributeValues": to_item({f":{name}": value for name, value in values.items()}),
    }


def _as_changed(error: ClientError) -> Exception:
    """Return the error of a failed condition as ItemChangedError, any other as it is."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        return error
    found: Any = error.response.get("Item")
    return ItemChangedError(from_item(found) if found else None)
