"""Keeps the stack's hash list as items of the records table, and reads what changed.

Each entry is an item of its own under one partition key, sorted by the time of the change. An entry that is removed
leaves a note, sorted by the time of its removal. So whoever knows the list as of some time reads what changed since
with one request. Object keys may have the partition's name as well: no record and no note about one has such sort keys.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from media_pipeline.errors import HashListError
from media_pipeline.moderation.hash_list import Entry, HashList
from media_pipeline.records.decisions import decision_id
from media_pipeline.records.record import plain, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITION = "!hashes"
SORT_KEYS = "!hash/"
REFRESH_SECONDS = 60.0
"""How old the list may be that an upload is compared with."""
OVERLAP_SECONDS = 900.0
"""How far a refresh goes back before the last one: AWS takes requests that are signed by a clock which is off by five
minutes at most (IAM User Guide, "Elements of an AWS API request signature"), and the entry's id was made before."""
KEPT_DAYS = 14
"""How long the note about a removal stays: longer than an execution environment lives, which is hours."""
ITEMS_PER_WRITE = 25  # BatchWriteItem (Amazon DynamoDB API Reference)
SECONDS_PER_DAY = 86_400
_END = "~"  # sorts above every character of an id


class HashListTable:
    """Reads and changes the list for operators. `clock` gives epoch seconds."""

    def __init__(self, *, dynamodb: "DynamoDBClient", table: str, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock

    def entries(self) -> list[Entry]:
        """Return all entries that count, the oldest first. Raises HashListError for one that cannot be read."""
        now = self._clock()
        changes = _Changes()
        changes.read(_query(self._dynamodb, self._table, since=None))
        return [entry for _, entry in sorted(changes.entries.items()) if entry.counts(now)]

    def add(self, entries: Sequence[Entry]) -> None:
        """Write new entries; may be repeated. Raises HashListError where DynamoDB wrote only a part of them."""
        for first in range(0, len(entries), ITEMS_PER_WRITE):
            puts: Any = [
                {"PutRequest": {"Item": {**_key(entry.id), **to_item(entry.to_document())}}}
                for entry in entries[first : first + ITEMS_PER_WRITE]
            ]
            left = self._dynamodb.batch_write_item(RequestItems={self._table: puts}).get("UnprocessedItems")
            if left:
                raise HashListError("DynamoDB wrote only a part of the entries; add them again in a moment")

    def remove(self, entry_id: str) -> bool:
        """Remove an entry, and note that; return whether there was one."""
        now = self._clock()
        note = {"removes": entry_id, "expires_at": int(now + KEPT_DAYS * SECONDS_PER_DAY)}
        gone: Any = {
            "TableName": self._table,
            "Key": _key(entry_id),
            "ConditionExpression": "attribute_exists(object_key)",
        }
        put: Any = {"TableName": self._table, "Item": {**_key(decision_id(now)), **to_item(note)}}
        try:
            self._dynamodb.transact_write_items(TransactItems=[{"Delete": gone}, {"Put": put}])
        except ClientError as error:
            reasons = error.response.get("CancellationReasons", [])
            if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                return False
            raise
        return True


class HashListReader:
    """Keeps the list in an execution environment, as of a minute ago at most. `clock` gives epoch seconds."""

    def __init__(self, *, dynamodb: "DynamoDBClient", table: str, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock
        self._changes = _Changes()
        self._list = HashList()
        self._read_at: float | None = None

    def current(self, before_read: Callable[[], None]) -> HashList:
        """Return the list, after a look at what changed since the last one.

        `before_read` is called before the request, and may refuse it by raising. Raises HashListError for an entry
        that cannot be read, and what boto3 raises: what may be on the list is not published.
        """
        now = self._clock()
        if self._read_at is not None and 0 <= now - self._read_at < REFRESH_SECONDS:
            return self._list
        before_read()
        since = None if self._read_at is None else self._read_at - OVERLAP_SECONDS
        if self._changes.read(_query(self._dynamodb, self._table, since=since)):
            self._list = HashList(self._changes.entries.values())
        self._read_at = now
        return self._list


class _Changes:
    """The entries that are left when all changes that were read are applied."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._removed: set[str] = set()

    def read(self, items: Iterator[Mapping[str, Any]]) -> bool:
        """Apply changes, all or none; return whether any was new."""
        entries, removed = dict(self.entries), set(self._removed)
        for item in items:
            document = {name: plain(value) for name, value in item.items()}
            entry_id = str(document["sequencer"]).removeprefix(SORT_KEYS)
            if "removes" in document:
                removed.add(str(document["removes"]))
            elif entry_id not in entries:
                entries[entry_id] = _entry(entry_id, document)
        for entry_id in removed:
            entries.pop(entry_id, None)
        is_changed = entries.keys() != self.entries.keys()
        self.entries, self._removed = entries, removed
        return is_changed


def _entry(entry_id: str, document: Mapping[str, Any]) -> Entry:
    try:
        return Entry.from_document(entry_id, document)
    except (KeyError, TypeError, ValueError) as error:
        raise HashListError(
            f"entry {entry_id} of the hash list cannot be read ({error!r}), and nothing is published until it can: "
            f"remove it with `python -m operations hashes remove {entry_id}`"
        ) from error


def _query(dynamodb: "DynamoDBClient", table: str, *, since: float | None) -> Iterator[Mapping[str, Any]]:
    """Yield the items that were changed `since` a time in epoch seconds; all for None."""
    first = "" if since is None else decision_id(since, random=bytes)
    request: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "object_key = :key AND sequencer BETWEEN :first AND :last",
        "ExpressionAttributeValues": to_item(
            {":key": PARTITION, ":first": SORT_KEYS + first, ":last": SORT_KEYS + _END}
        ),
        "ConsistentRead": True,
    }
    while True:
        answer = dynamodb.query(**request)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _key(entry_id: str) -> dict[str, Any]:
    return to_item({"object_key": PARTITION, "sequencer": SORT_KEYS + entry_id})
