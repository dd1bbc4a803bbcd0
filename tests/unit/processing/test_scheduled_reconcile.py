"""The scheduled reconcile: it ends before its time does, and the next run continues where it was."""

from typing import Any

import pytest

from media_pipeline.observability import Observability
from media_pipeline.processing.scheduled_reconcile import ScheduledReconcile
from media_pipeline.reconciliation import Places, Position, Reconcile, Step
from media_pipeline.records.resumption import KEPT_SECONDS, Resumption
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import draw

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


def test_a_run_continues_among_renditions_and_among_records(stack: MotoStack) -> None:
    for key in ("a.jpg", "b.jpg"):
        assert stack.deliver(stack.upload(key, draw((1, 2, 3))))
    renditions = stack.keys("renditions")
    objects = 2 + len(renditions) + 2 + 1  # uploads, renditions, records, and the end of the records' page
    handler, seen = scheduled(stack), []
    while not handler({}, Context(looks=0))["finished"]:
        seen.append(resumption(stack).load())
        assert len(seen) <= objects
    assert [position.step for position in seen if position] == sorted(
        (position.step for position in seen if position), key=list(Step).index
    )
    assert {position.key for position in seen if position and position.step is Step.RENDITIONS} == renditions
    assert {position.key for position in seen if position and position.step is Step.RECORDS} == {
        "a.jpg", "b.jpg",
    }  # fmt: skip


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
