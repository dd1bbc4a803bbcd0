"""The hash list in the table: what an environment knows of it, how soon, and with how many requests."""

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from media_pipeline.errors import HashListError, OutOfTimeError
from media_pipeline.moderation.hash_list import Entry, HashList, Kind
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.records import hash_list
from media_pipeline.records.decisions import decision_id
from media_pipeline.records.fields import FIELDS
from media_pipeline.records.hash_list import HashListReader, HashListTable
from media_pipeline.records.record import Status, iso_time, to_item
from tests.fixtures.moto_stack import MotoStack

DIGEST, OTHER = "ab" * 32, "cd" * 32
DAY = 86_400


def entry(stack: MotoStack, value: str = DIGEST, **changed: Any) -> Entry:
    now = stack.clock.now
    parts: dict[str, Any] = {
        "id": decision_id(now),
        "kind": Kind.SHA256,
        "value": value,
        "action": Verdict.BLOCK,
        "reason": "notice 7",
        "person": "arn:aws:iam::123456789012:user/ada",
        "at": iso_time(now),
    }
    return Entry(**{**parts, **changed})


def table(stack: MotoStack) -> HashListTable:
    return HashListTable(dynamodb=stack.clients.dynamodb, table="records", clock=stack.clock)


class Reader:
    """An environment's reader, and how often it read."""

    def __init__(self, stack: MotoStack) -> None:
        self.stack = stack
        self.reads = 0
        self._reader = HashListReader(dynamodb=stack.clients.dynamodb, table="records", clock=stack.clock)

    def list(self) -> HashList:
        def count() -> None:
            self.reads += 1

        return self._reader.current(count)

    def finds(self, value: str) -> bool:
        return self.list().exact(value, now=self.stack.clock.now) is not None


class LongList:
    """Pages of two items each; how many were read, and how many an attempt has the time for."""

    def __init__(self, stack: MotoStack, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stack = stack
        self._reader = HashListReader(dynamodb=stack.clients.dynamodb, table="records", clock=stack.clock)
        self._query = stack.clients.dynamodb.query
        self.pages = 0
        monkeypatch.setattr(stack.clients.dynamodb, "query", self._page)

    def _page(self, **request: Any) -> Any:
        self.pages += 1
        return self._query(**request, Limit=2)

    def finds(self, value: str, *, pages: int) -> bool:
        """Read the list in an attempt that has the time for so many pages."""
        until = self.pages + pages

        def require_time() -> None:
            if self.pages == until:
                raise OutOfTimeError("29.9 s of 60 s are not enough to read the hash list")

        found = self._reader.current(require_time).exact(value, now=self._stack.clock.now)
        return found is not None


def hours_old(stack: MotoStack, count: int) -> list[Entry]:
    """Return entries, the oldest first, of which none was made within the last hours."""
    began = stack.clock.now - DAY
    return [entry(stack, f"{number:064x}", id=decision_id(began + number)) for number in range(count)]


def failing_queries(monkeypatch: pytest.MonkeyPatch, stack: MotoStack) -> None:
    def query(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    monkeypatch.setattr(stack.clients.dynamodb, "query", query)


def test_an_entry_is_read_as_it_was_written(stack: MotoStack) -> None:
    written = entry(
        stack,
        kind=Kind.PDQ,
        action=Verdict.REVIEW,
        variants=(OTHER,),
        source_key_sha256="ef" * 32,
        expires_at=int(stack.clock.now) + 60,
    )
    table(stack).add([written])
    assert table(stack).entries() == [written]
    (item,) = stack.clients.dynamodb.scan(TableName="records")["Items"]
    assert set(item) <= FIELDS.keys()


def test_an_environment_reads_at_most_once_a_minute_and_then_knows_what_changed(stack: MotoStack) -> None:
    reader = Reader(stack)
    assert not reader.finds(DIGEST)
    added = entry(stack)
    table(stack).add([added])
    stack.clock.now += hash_list.REFRESH_SECONDS - 1
    assert not reader.finds(DIGEST)
    assert reader.reads == 1
    stack.clock.now += 1
    assert reader.finds(DIGEST)
    assert table(stack).remove(added.id)
    stack.clock.now += hash_list.REFRESH_SECONDS
    assert not reader.finds(DIGEST)
    assert reader.reads == 3
    assert Reader(stack).finds(DIGEST) is False  # a new environment, which reads everything


def test_a_refresh_reads_only_what_changed_lately(stack: MotoStack, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []
    query = stack.clients.dynamodb.query

    def counted(**request: Any) -> Any:
        answer = query(**request)
        found.append(len(answer["Items"]))
        return answer

    table(stack).add([entry(stack, f"{number:064x}") for number in range(30)])
    monkeypatch.setattr(stack.clients.dynamodb, "query", counted)
    reader = Reader(stack)
    assert reader.finds(f"{29:064x}")
    stack.clock.now += DAY
    assert reader.finds(f"{29:064x}")
    table(stack).add([entry(stack)])
    stack.clock.now += hash_list.REFRESH_SECONDS
    assert reader.finds(DIGEST)
    assert reader.finds(f"{29:064x}")
    assert found == [30, 30, 1]  # the first refresh after a day goes back before the first read


def test_what_a_slow_clock_wrote_is_not_missed(stack: MotoStack) -> None:
    reader = Reader(stack)
    reader.list()
    late = entry(
        stack, id=decision_id(stack.clock.now - 300)
    )  # AWS takes nothing from a clock that is slower
    table(stack).add([late])
    stack.clock.now += hash_list.REFRESH_SECONDS
    assert reader.finds(DIGEST)


def test_a_list_of_many_pages_is_read_to_its_end(stack: MotoStack, monkeypatch: pytest.MonkeyPatch) -> None:
    query = stack.clients.dynamodb.query
    monkeypatch.setattr(stack.clients.dynamodb, "query", lambda **request: query(**request, Limit=2))
    table(stack).add([entry(stack, f"{number:064x}") for number in range(5)])
    assert len(table(stack).entries()) == 5


def test_before_each_page_there_must_be_time_for_it_and_the_next_attempt_goes_on_with_the_pages_that_are_left(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(stack).add(hours_old(stack, 10))
    long = LongList(stack, monkeypatch)
    for read in (2, 4):
        with pytest.raises(HashListError, match="the next attempt goes on from here"):
            long.finds(f"{9:064x}", pages=2)
        assert long.pages == read
    assert long.finds(f"{9:064x}", pages=2)
    assert long.finds(f"{0:064x}", pages=0)  # a minute has not passed


def test_where_there_is_no_time_to_begin_with_the_list_the_list_did_not_take_it(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OutOfTimeError):
        LongList(stack, monkeypatch).finds(DIGEST, pages=0)


def test_what_is_written_between_two_attempts_is_not_missed_though_its_clock_is_slow(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = stack.clock.now
    table(stack).add(
        [entry(stack, f"{number:064x}", id=decision_id(now - 100 + number)) for number in range(4)]
    )
    long = LongList(stack, monkeypatch)
    with pytest.raises(HashListError):
        long.finds(DIGEST, pages=1)
    table(stack).add([entry(stack, id=decision_id(now - 300))])  # sorts before what was read by now
    stack.clock.now += 30
    assert long.finds(DIGEST, pages=9)


def test_what_is_removed_between_two_attempts_does_not_count(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = hours_old(stack, 6)
    table(stack).add([first, *others])
    long = LongList(stack, monkeypatch)
    with pytest.raises(HashListError):
        long.finds(first.value, pages=1)
    assert table(stack).remove(first.id)
    assert not long.finds(first.value, pages=9)
    assert long.finds(others[-1].value, pages=0)


def test_a_page_that_cannot_be_read_takes_away_nothing_of_those_before_it(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(stack).add(hours_old(stack, 6))
    long = LongList(stack, monkeypatch)
    with monkeypatch.context() as patched:
        query, asked = stack.clients.dynamodb.query, list[Any]()

        def failing(**request: Any) -> Any:
            asked.append(request)
            if len(asked) == 3:
                raise EndpointConnectionError(endpoint_url="https://dynamodb.example")
            return query(**request)

        patched.setattr(stack.clients.dynamodb, "query", failing)
        with pytest.raises(EndpointConnectionError):
            long.finds(DIGEST, pages=9)
    assert long.pages == 2
    assert long.finds(f"{5:064x}", pages=2)
    assert long.pages == 4


def test_a_list_that_cannot_be_read_is_not_an_empty_one(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(stack)
    reader.list()
    stack.clock.now += hash_list.REFRESH_SECONDS
    failing_queries(monkeypatch, stack)
    for _ in range(2):
        with pytest.raises(EndpointConnectionError):
            reader.list()


def test_an_entry_that_cannot_be_read_stops_everything_and_says_how_to_go_on(stack: MotoStack) -> None:
    broken = entry(stack)
    item = {
        **to_item({"object_key": "!hashes", "sequencer": f"!hash/{broken.id}"}),
        **to_item({**broken.to_document(), "action": "allow"}),
    }
    stack.clients.dynamodb.put_item(TableName="records", Item=item)
    with pytest.raises(HashListError, match=f"hashes remove {broken.id}"):
        Reader(stack).list()
    assert table(stack).remove(broken.id)
    assert not Reader(stack).finds(DIGEST)


def test_an_entry_counts_until_it_expires(stack: MotoStack) -> None:
    table(stack).add([entry(stack, expires_at=int(stack.clock.now) + 30)])
    reader = Reader(stack)
    assert reader.finds(DIGEST)
    stack.clock.now += 31
    assert not reader.finds(DIGEST)
    assert table(stack).entries() == []


def test_removing_what_is_not_there_changes_nothing(stack: MotoStack) -> None:
    table(stack).add([entry(stack)])
    assert not table(stack).remove(decision_id(stack.clock.now))
    assert len(stack.clients.dynamodb.scan(TableName="records")["Items"]) == 1


def test_records_of_an_object_with_the_partitions_name_are_no_entries(
    stack: MotoStack, picture: bytes
) -> None:
    event = stack.upload("!hashes", picture)
    assert stack.deliver(event)
    assert stack.deliver(stack.event("ObjectRemoved:Delete", "!hashes", "unknown"))  # leaves a note
    assert len(stack.clients.dynamodb.scan(TableName="records")["Items"]) == 2
    assert table(stack).entries() == []
    table(stack).add([entry(stack)])
    assert Reader(stack).finds(DIGEST)
    assert stack.record("!hashes", event).status is Status.PUBLISHED
