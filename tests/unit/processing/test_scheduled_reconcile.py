"""The scheduled reconcile: it ends before its time does, and the next run continues where it was."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from media_pipeline import reconciliation
from media_pipeline.events import normalise_sequencer
from media_pipeline.observability import Observability
from media_pipeline.processing.lost_decisions import GRACE_SECONDS, LostDecisions
from media_pipeline.processing.scheduled_reconcile import ScheduledReconcile
from media_pipeline.reconciliation import Places, Position, Reconcile, Step
from media_pipeline.records.decisions import Action
from media_pipeline.records.expiring import ExpiringReviews
from media_pipeline.records.record import Status, iso_time, to_item
from media_pipeline.records.resumption import KEPT_SECONDS, Resumption
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import draw
from tests.unit.processing.test_decisions import held_back

HOURS = 2 * 3600.0
TIMEOUT = 900.0


class Context:
    """A run in which each look at the clock takes a while, so that it has time for `looks` objects."""

    function_name = "reconcile"
    aws_request_id = "1"

    def __init__(self, looks: int) -> None:
        self._left = [TIMEOUT] * (looks + 1)

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self._left.pop() if self._left else 1.0))


def resumption(stack: MotoStack) -> Resumption:
    return Resumption(dynamodb=stack.clients.dynamodb, table="records", clock=lambda: stack.clock.now)


def scheduled(stack: MotoStack) -> ScheduledReconcile:
    places = Places(
        uploads_bucket="uploads",
        renditions_bucket="renditions",
        quarantine_bucket="quarantine",
        records_table="records",
        images_queue_url=stack.images_url,
    )
    return ScheduledReconcile(
        start=lambda: Reconcile(
            places=places,
            s3=stack.clients.s3,
            dynamodb=stack.clients.dynamodb,
            sqs=stack.clients.sqs,
            rate=10,
            clock=lambda: stack.clock.now + HOURS,
            sleep=lambda _: None,
        ),
        resumption=resumption(stack),
        lost_decisions=LostDecisions(
            dynamodb=stack.clients.dynamodb,
            sqs=stack.clients.sqs,
            table="records",
            images_queue_url=stack.images_url,
            uploads_bucket="uploads",
            clock=lambda: stack.clock.now,
        ),
        observability=Observability(tracing=False),
        client_timeout=60.0,
    )


def sent(stack: MotoStack) -> int:
    answer: Any = stack.clients.sqs.get_queue_attributes(
        QueueUrl=stack.images_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def test_a_run_that_runs_out_of_time_ends_and_the_next_ones_do_the_rest(stack: MotoStack) -> None:
    keys = ["a.jpg", "b + ü.jpg", "reconcile"]  # the last is also the key of the note
    for key in keys:
        stack.upload(key, draw((1, 2, 3)))
    handler = scheduled(stack)
    for number, key in enumerate(keys[:2], start=1):
        assert handler({}, Context(looks=0)) == {"repaired": 1, "finished": False}
        assert resumption(stack).load() == Position(step=Step.UPLOADS, key=key)
        assert sent(stack) == number
    assert handler({}, Context(looks=100)) == {"repaired": 1, "finished": True}
    assert sent(stack) == 3
    assert resumption(stack).load() is None


@contextmanager
def small_pages(stack: MotoStack) -> Iterator[Counter[str]]:
    """Have listings and scans of one entry per page; count the requests."""
    sizes = {
        (stack.clients.s3, "ListObjectVersions"): {"MaxKeys": 1},
        (stack.clients.s3, "ListObjectsV2"): {"MaxKeys": 1},
        (stack.clients.dynamodb, "Scan"): {"Limit": 1},
    }
    seen: Counter[str] = Counter()
    ends: list[Callable[[], None]] = []

    def listen(client: Any, operation: str, size: Mapping[str, int]) -> None:
        def shrink(params: dict[str, Any], **_: object) -> None:
            seen[operation] += 1
            if "Prefix" not in params:
                params.update(size)

        event = f"provide-client-params.{client.meta.service_model.service_id.hyphenize()}.{operation}"
        client.meta.events.register(event, shrink, unique_id="small")
        ends.append(lambda: client.meta.events.unregister(event, unique_id="small"))

    for (client, operation), size in sizes.items():
        listen(client, operation, size)
    try:
        yield seen
    finally:
        for end in ends:
            end()


def publish(stack: MotoStack, key: str) -> None:
    """Leave what a published picture leaves: two renditions, and a record that lists them."""
    uploaded = stack.upload(key, b"a picture")["s3"]["object"]
    version = uploaded["versionId"]
    names = [f"{key}/{version}/{name}.jpg" for name in ("medium-12345678", "thumbnail-12345678")]
    for name in names:
        stack.clients.s3.put_object(Bucket="renditions", Key=name, Body=b"x")
    record = {
        "object_key": key,
        "sequencer": normalise_sequencer(uploaded["sequencer"]),
        "version_id": version,
        "etag": uploaded["eTag"],
        "status": "PUBLISHED",
        "attempt": 1,
        "renditions": [{"name": name.rpartition("/")[2], "key": name} for name in names],
    }
    stack.clients.dynamodb.put_item(TableName="records", Item=to_item(record))


def differing(stack: MotoStack) -> int:
    """Publish some pictures; then lose events, put stray renditions, and lose some. Return how many differ.

    What was deleted differs in nothing.
    """
    # In the order of S3, `a.jpg/...` is behind `a.jpg-b.jpg/...`, and `ä` behind all of ASCII.
    for key in ("a.jpg", "a.jpg-b.jpg", "a.jpg/c.jpg", "ä.jpg"):
        publish(stack, key)
    kept = sorted(stack.keys("renditions"))
    for key in ("A.jpg", "a.jpg-a.jpg", "z.jpg"):
        stack.upload(key, b"another picture")
    for key in ("deleted.jpg", "z.jpg-deleted"):
        gone = stack.upload(key, b"a deleted picture")["s3"]["object"]["versionId"]
        stack.clients.s3.delete_object(Bucket="uploads", Key=key)
        stack.clients.s3.delete_object(Bucket="uploads", Key=key, VersionId=gone)  # leaves a delete marker
    for key in ("a.jpg/1/old-12345678.jpg", "ä.jpg/1/old-12345678.jpg"):
        stack.clients.s3.put_object(Bucket="renditions", Key=key, Body=b"x")
    for key in (kept[0], kept[-1]):
        stack.clients.s3.delete_object(Bucket="renditions", Key=key)
    return 3 + 2 + 2


@pytest.mark.parametrize("looks", [0, 1, 3, 8, 100])
def test_runs_that_are_cut_off_anywhere_find_everything_together(stack: MotoStack, looks: int) -> None:
    wanted, handler, runs = differing(stack), scheduled(stack), 0
    with small_pages(stack):
        while not handler({}, Context(looks=looks))["finished"]:
            runs += 1
            assert runs < 200, "each run gets further"
    assert (runs == 0) == (looks == 100)
    messages = [json.loads(each["Body"])["Records"][0] for each in received(stack)]
    keys = {(each["s3"]["object"]["key"], "redrive" in each) for each in messages}
    assert keys == {
        ("A.jpg", False), ("a.jpg-a.jpg", False), ("z.jpg", False), ("a.jpg-b.jpg", True), ("%C3%A4.jpg", True),
    }  # fmt: skip
    assert "a.jpg/1/old-12345678.jpg" not in stack.keys("renditions")
    assert "ä.jpg/1/old-12345678.jpg" not in stack.keys("renditions")
    assert len(stack.keys("renditions")) == 4 * 2 - 2
    assert wanted == len(keys) + 2


def received(stack: MotoStack) -> Iterator[Any]:
    ask = stack.clients.sqs.receive_message
    while batch := ask(QueueUrl=stack.images_url, MaxNumberOfMessages=10).get("Messages"):
        yield from batch


def test_what_is_in_order_costs_a_request_per_page_and_none_per_object(stack: MotoStack) -> None:
    handler = scheduled(stack)

    def requests() -> Counter[str]:
        seen: Counter[str] = Counter()
        for client in (stack.clients.s3, stack.clients.dynamodb):
            client.meta.events.register(
                "before-call", lambda model, **_: seen.update([model.name]), unique_id="requests"
            )
        assert handler({}, Context(looks=100)) == {"repaired": 0, "finished": True}
        for client in (stack.clients.s3, stack.clients.dynamodb):
            client.meta.events.unregister("before-call", unique_id="requests")
        return seen

    publish(stack, "a.jpg")
    few = requests()
    for number in range(9):
        publish(stack, f"{number}.jpg")
    assert requests() == few
    compared = {"ListObjectVersions": 1, "ListObjectsV2": 1, "Scan": 2, "GetItem": 1, "DeleteItem": 1}
    assert few == compared | {"Query": 4}  # for lost decisions, one per kind of what waits


def test_a_window_that_is_full_is_compared_before_the_next_one(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "WINDOW_BYTES", 0)
    wanted = differing(stack)
    with small_pages(stack) as seen:
        assert scheduled(stack)({}, Context(looks=1000)) == {"repaired": wanted, "finished": True}
    assert seen["Scan"] > 2 * 4


def test_a_scan_that_one_run_is_not_enough_for_goes_on_in_the_next(stack: MotoStack) -> None:
    for key in ("a.jpg", "b.jpg", "c.jpg"):
        publish(stack, key)
    handler = scheduled(stack)
    with small_pages(stack):
        handler({}, Context(looks=0))
        first = resumption(stack).load()
        handler({}, Context(looks=0))
        second = resumption(stack).load()
    assert first is not None
    assert second is not None
    assert (first.step, first.key, first.until) == (Step.UPLOADS, "", "a.jpg")
    assert first.object_key != second.object_key


def test_a_position_of_an_earlier_version_begins_from_the_start(stack: MotoStack) -> None:
    item = {"object_key": "reconcile", "sequencer": "!reconcile", "position_step": "records"}
    item |= {"position_key": "a.jpg", "position_sequencer": "01"}
    stack.clients.dynamodb.put_item(
        TableName="records", Item={name: {"S": value} for name, value in item.items()}
    )
    assert resumption(stack).load() is None


def test_the_note_is_not_a_record_of_the_object_with_its_key_and_expires(stack: MotoStack) -> None:
    resumption(stack).save(Position(step=Step.UPLOADS, key="a.jpg"))
    assert list(stack.records.history("reconcile")) == []
    (item,) = stack.clients.dynamodb.scan(TableName="records")["Items"]
    assert int(item["expires_at"]["N"]) == int(stack.clock.now) + KEPT_SECONDS
    event = stack.upload("reconcile", draw((1, 2, 3)))
    assert stack.deliver(event)
    assert stack.record("reconcile", event).status == "PUBLISHED"


def test_a_run_that_fails_leaves_the_position_of_the_run_before(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("a.jpg", "b.jpg"):
        stack.upload(key, draw((1, 2, 3)))
    handler = scheduled(stack)
    handler({}, Context(looks=0))
    before = resumption(stack).load()

    def fail(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(Reconcile, "repair", fail)
        with pytest.raises(ConnectionError):
            handler({}, Context(looks=100))
    assert resumption(stack).load() == before
    assert handler({}, Context(looks=100)) == {"repaired": 1, "finished": True}


def test_reviews_that_will_outlive_their_original_are_counted_once_a_run(
    stack: MotoStack, capsys: pytest.CaptureFixture[str]
) -> None:
    for key, days, attention in (
        ("a", 17, "REVIEW"),
        ("b", 15, "REVIEW"),
        ("c", 40, "APPEAL"),
        ("d", 40, "ESCALATED"),
    ):
        item = {
            "object_key": key,
            "sequencer": normalise_sequencer("1"),
            "status": "REVIEW",
            "attention": attention,
            "created_at": iso_time(stack.clock.now - days * 86_400),
            "updated_at": iso_time(stack.clock.now),
        }
        stack.clients.dynamodb.put_item(TableName="records", Item=to_item(item))
    expiring = ExpiringReviews(
        dynamodb=stack.clients.dynamodb, table="records", days=30, clock=lambda: stack.clock.now
    )
    run = scheduled(stack)
    run._expiring = expiring
    assert run({}, Context(looks=100))["finished"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["ReviewsExpiring"] for line in lines if "ReviewsExpiring" in line] == [[2]]
    short = ExpiringReviews(
        dynamodb=stack.clients.dynamodb, table="records", days=36, clock=lambda: stack.clock.now
    )
    assert short.count() == 1


@pytest.mark.parametrize(("days", "counts"), [(8, 1), (12, 0)])
def test_of_a_short_retention_half_of_it_is_the_notice(stack: MotoStack, days: int, counts: int) -> None:
    item = {
        "object_key": "a",
        "sequencer": normalise_sequencer("1"),
        "status": "REVIEW",
        "attention": "REVIEW",
        "created_at": iso_time(stack.clock.now - 5 * 86_400),
        "updated_at": iso_time(stack.clock.now),
    }
    stack.clients.dynamodb.put_item(TableName="records", Item=to_item(item))
    found = ExpiringReviews(
        dynamodb=stack.clients.dynamodb, table="records", days=days, clock=lambda: stack.clock.now
    )
    assert found.count() == counts


def test_a_decision_whose_message_was_lost_is_carried_out_after_the_next_run(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    decide(stack, "a.jpg", event, Action.APPROVE)  # nobody is told of it
    run = scheduled(stack)
    assert run({}, Context(looks=100)) == {"repaired": 0, "finished": True}, (
        "its own message may be on its way"
    )
    stack.clock.now += GRACE_SECONDS + 1
    assert run({}, Context(looks=100)) == {"repaired": 1, "finished": True}
    (message,) = stack.clients.sqs.receive_message(QueueUrl=stack.images_url)["Messages"]
    assert stack.deliver(*json.loads(message["Body"])["Records"])
    assert stack.record("a.jpg", event).status is Status.PUBLISHED
    assert run({}, Context(looks=100)) == {"repaired": 0, "finished": True}, "it was carried out"


def test_decisions_are_sent_before_the_buckets_are_compared_which_may_take_days(
    stack: MotoStack, picture: bytes
) -> None:
    event = held_back(stack, picture)
    decide(stack, "a.jpg", event, Action.APPROVE)
    stack.upload("b.jpg", draw((1, 2, 3)))
    stack.clock.now += GRACE_SECONDS + 1
    run = scheduled(stack)
    assert run({}, Context(looks=0))["finished"] is False
    (message,) = stack.clients.sqs.receive_message(QueueUrl=stack.images_url)["Messages"]
    assert "decision" in json.loads(message["Body"])["Records"][0]


def test_what_was_decided_begun_and_given_up_is_left_to_a_redrive(stack: MotoStack, picture: bytes) -> None:
    event = held_back(stack, picture)
    decide(stack, "a.jpg", event, Action.APPROVE)
    record = stack.record("a.jpg", event)
    failed = {"status": "FAILED", "attention": "FAILED"}
    stack.records._items.update((record.object_key, record.sequencer), failed, condition={})
    stack.clock.now += GRACE_SECONDS + 1
    assert scheduled(stack)({}, Context(looks=100)) == {"repaired": 0, "finished": True}
