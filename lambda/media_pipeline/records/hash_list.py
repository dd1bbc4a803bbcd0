"""Keeps the stack's hash list as items of the records table, and reads what changed.

Each entry is an item of its own under one partition key, sorted by the time of the change. An entry that is removed
leaves a note, sorted by the time of its removal. So whoever knows the list as of some time reads what changed since
with one request, and whoever was cut off in a long list goes on where they stopped. Object keys may have the
partition's name as well: no record and no note about one has such sort keys.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from media_pipeline.errors import HashListError, OutOfTimeError
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
        for page in _pages(self._dynamodb, self._table, first=""):
            changes.read(page)
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
        self._is_changed = False
        self._list = HashList()
        self._read_at: float | None = None
        self._settled = ""
        """The id before which everything was read, and can change no more: it is older than what a clock may be off."""

    def current(self, before_read: Callable[[], None]) -> HashList:
        """Return the list, after a look at what changed since the last one.

        `before_read` is called before each request, and may refuse it by raising. What was read by then is kept: the
        next call goes on there, so that a list of any length is known in the end.
        Raises HashListError for an entry that cannot be read, and where the time is over before the list is read;
        OutOfTimeError where there is none to begin; and what boto3 raises: what may be on the list is not published.
        """
        now = self._clock()
        if self._read_at is not None and 0 <= now - self._read_at < REFRESH_SECONDS:
            return self._list
        settles = decision_id(now - OVERLAP_SECONDS, random=bytes)
        pages = 0

        def before_page() -> None:
            try:
                before_read()
            except OutOfTimeError as error:
                if not pages:
                    raise
                detail = "the time was over before the hash list was read; the next attempt goes on from here"
                raise HashListError(f"{detail}: {error}") from error

        for page in _pages(self._dynamodb, self._table, first=self._settled, before_each=before_page):
            pages += 1
            self._is_changed |= self._changes.read(page)
            self._settled = min(settles, _id(page[-1])) if page else self._settled
        self._settled, self._read_at = settles, now
        if self._is_changed:
            self._list, self._is_changed = HashList(self._changes.entries.values()), False
        return self._list


class _Changes:
    """The entries that are left when all changes that were read are applied."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._removed: set[str] = set()

    def read(self, items: Iterable[Mapping[str, Any]]) -> bool:
        """Apply changes, all or none; return whether any was new."""
        entries, removed = dict(self.entries), set(self._removed)
        for item in items:
            document = {name: plain(value) for name, value in item.items()}
            if "removes" in document:
                removed.add(str(document["removes"]))
            elif (entry_id := _id(item)) not in entries:
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


def _pages(
    dynamodb: "DynamoDBClient", table: str, *, first: str, before_each: Callable[[], None] = lambda: None
) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Yield the items from the id `first` on, in the order of their ids, as many at once as DynamoDB returns.

    `before_each` is called before each request, and may refuse it by raising.
    """
    request: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "object_key = :key AND sequencer BETWEEN :first AND :last",
        "ExpressionAttributeValues": to_item(
            {":key": PARTITION, ":first": SORT_KEYS + first, ":last": SORT_KEYS + _END}
        ),
        "ConsistentRead": True,
    }
    while True:
        before_each()
        answer = dynamodb.query(**request)
        yield answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _id(item: Mapping[str, Any]) -> str:
    return str(plain(item["sequencer"])).removeprefix(SORT_KEYS)


def _key(entry_id: str) -> dict[str, Any]:
    return to_item({"object_key": PARTITION, "sequencer": SORT_KEYS + entry_id})
