"""Queues feed functions as the event source mapping says."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.runtime.functions import Functions
from embedded_aws.runtime.poller import Batch, Poller
from embedded_aws.runtime.process import Death
from embedded_aws.runtime.queues import Queues
from embedded_aws.runtime.sqs_event import event_of, failed_items
from embedded_aws.runtime.timescale import TimeScale
from tests.embedded_aws.runtime.conftest import Stack

FAILS_WHAT_SAYS_SO = """
import json
def handler(event, context):
    failed = [r["messageId"] for r in event["Records"] if r["body"] == "fail"]
    return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}
"""
FAST = TimeScale(0.02)  # for tests that wait for a visibility timeout or a deadline
CALM = TimeScale(0.1)  # a deadline of 2 s: never missed on a busy machine


@contextmanager
def polling(
    stack: Stack, cache: Path, timescale: TimeScale = CALM
) -> Iterator[tuple[Poller, list[Batch], Functions]]:
    """Poll everything that the stack has, and give the queues' mappings back at the end."""
    batches: list[Batch] = []
    lambdas = stack.world.client("lambda")
    try:
        with (
            Functions(stack.world, timescale, cache=cache) as functions,
            Poller(stack.world, functions, timescale, on_batch=batches.append) as poller,
        ):
            yield poller, batches, functions
    finally:
        for mapping in lambdas.list_event_source_mappings()["EventSourceMappings"]:
            lambdas.delete_event_source_mapping(UUID=mapping["UUID"])


def test_every_message_is_handed_over_once_and_deleted(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    queue = stack.queue()
    stack.feed(queue, stack.function("def handler(event, context): return None"))
    sent = stack.send(queue, *(f"message {i}" for i in range(30)))
    with polling(stack, cache) as (poller, batches, _):
        wait_until(poller.idle)
        assert Counter(id for batch in batches for id in batch.message_ids) == Counter(sent)
        assert all(batch.kept == frozenset() for batch in batches)
        assert poller.faults == []


def test_event_is_as_lambda_makes_it(stack: Stack, cache: Path, wait_until: Callable[..., None]) -> None:
    queue = stack.queue()
    stack.feed(queue, stack.function("import json\ndef handler(event, context): print(json.dumps(event))"))
    attributes = {
        "text": {"DataType": "String", "StringValue": "ä"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\0\1"},
    }
    sqs = stack.world.client("sqs")
    sent = sqs.send_message(QueueUrl=queue, MessageBody="body", MessageAttributes=attributes)
    with polling(stack, cache) as (poller, batches, _):
        wait_until(poller.idle)
        (record,) = json.loads(batches[0].invocation.log)["Records"]
    assert record["messageId"] == sent["MessageId"]
    assert record["body"] == "body"
    assert record["md5OfBody"] == sent["MD5OfMessageBody"]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == stack.queue_arn(queue)
    assert record["awsRegion"] == "eu-central-1"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["SentTimestamp"].isdigit()
    assert record["receiptHandle"]
    empty: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    assert record["messageAttributes"] == {
        "text": {**empty, "dataType": "String", "stringValue": "ä"},
        "bytes": {**empty, "dataType": "Binary", "binaryValue": "AAE="},
    }


def test_failed_item_comes_back_after_the_scaled_visibility_timeout_and_its_neighbours_do_not(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    queue = stack.queue(visibility=50)  # 1 s here; the function's 20 s are 0.4 s
    stack.feed(queue, stack.function(FAILS_WHAT_SAYS_SO), BatchSize=3)
    good, bad, _ = stack.send(queue, "good", "fail", "good")
    seen: list[float] = []
    with polling(stack, cache, FAST) as (poller, batches, _):
        wait_until(lambda: sum(bad in batch.message_ids for batch in batches) == 2)
        seen = [batch.invocation.milliseconds for batch in batches]
        assert batches[0].kept == {bad}
        assert [batch.message_ids for batch in batches[1:]] == [(bad,)]
        assert not poller.idle()
    assert len(seen) == 2
    assert good not in batches[1].message_ids


@pytest.mark.long
def test_poison_reaches_the_dead_letter_queue_whose_own_function_gets_it(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    dead_letters = stack.queue()
    queue = stack.queue(dead_letters=dead_letters, receives=2, visibility=25)
    poisoned = stack.function("def handler(event, context): raise RuntimeError('poison')")
    stack.feed(queue, poisoned)
    undertaker = stack.function("def handler(event, context): print(event['Records'][0]['body'])")
    stack.feed(dead_letters, undertaker)
    stack.send(queue, "poison")
    with polling(stack, cache, FAST) as (poller, batches, _):
        wait_until(poller.idle)
    assert [batch.function_name for batch in batches] == [poisoned, poisoned, undertaker]
    assert batches[-1].invocation.log == "poison\n"


@pytest.mark.parametrize(
    "ending", ["raise ValueError", "import time; time.sleep(60)", "import os; os._exit(1)"]
)
def test_invocation_that_fails_keeps_the_whole_batch(
    stack: Stack, cache: Path, wait_until: Callable[..., None], ending: str
) -> None:
    queue = stack.queue()
    stack.feed(queue, stack.function(f"def handler(event, context):\n    {ending}"), BatchSize=2)
    sent = stack.send(queue, "one", "two")
    with polling(stack, cache, FAST) as (poller, batches, _):
        wait_until(lambda: batches)
        assert batches[0].kept == set(sent)
        assert batches[0].invocation.death in (None, Death.TIMEOUT, Death.EXIT)
        assert not poller.idle(), "hidden messages are messages too"
    assert Queues(stack.world).count(stack.queue_arn(queue)) == 2


def test_without_item_reports_the_answer_does_not_matter(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    queue = stack.queue()
    stack.feed(queue, stack.function(FAILS_WHAT_SAYS_SO), FunctionResponseTypes=[])
    stack.send(queue, "fail")
    with polling(stack, cache) as (poller, batches, _):
        wait_until(poller.idle)
        assert batches[0].kept == frozenset()


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_nothing_reported_is_complete_success(answer: Any) -> None:
    assert failed_items(answer, ["a", "b"]) == set()


@pytest.mark.parametrize(
    "failures",
    [
        "a",
        {"itemIdentifier": "a"},
        5,
        ["a"],
        [None],
        [{}],
        [{"ItemIdentifier": "a"}],
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemIdentifier": ["a"]}],
        [{"itemIdentifier": "a"}, {"itemIdentifier": "stranger"}],
    ],
)
def test_malformed_report_fails_the_whole_batch(failures: Any) -> None:
    assert failed_items({"batchItemFailures": failures}, ["a", "b"]) == {"a", "b"}


@pytest.mark.parametrize("answer", ["done", 0, [], True, {"statusCode": 200}])
def test_an_answer_that_is_not_a_failure_report_fails_the_whole_batch(answer: Any) -> None:
    assert failed_items(answer, ["a", "b"]) == {"a", "b"}


def test_reported_items_fail_and_no_others() -> None:
    assert failed_items({"batchItemFailures": [{"itemIdentifier": "b"}]}, ["a", "b"]) == {"b"}


def test_event_without_message_attributes_has_none() -> None:
    message = {"MessageId": "1", "ReceiptHandle": "r", "Body": "b", "MD5OfBody": "m"}
    (record,) = event_of([message], "arn", "eu-central-1")["Records"]
    assert record["messageAttributes"] == {}


def test_maximum_concurrency_is_used_and_kept(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    queue = stack.queue(visibility=3000)
    name = stack.function("import time\ndef handler(event, context): time.sleep(0.15)", Timeout=500)
    stack.feed(queue, name, ScalingConfig={"MaximumConcurrency": 2})
    stack.send(queue, *("work" for _ in range(8)))
    highest = 0
    with polling(stack, cache) as (poller, batches, functions):
        end = time.monotonic() + 8
        while not poller.idle() and time.monotonic() < end:
            highest = max(highest, sum(e.request_id is not None for e in functions.environments()))
            time.sleep(0.005)
        assert len(batches) == 8
        assert len(functions.environments()) == 2
    assert highest == 2


def test_message_is_handed_over_soon_after_it_is_sent(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    queue = stack.queue()
    name = stack.function("import time\ndef handler(event, context): print(time.time())")
    stack.feed(queue, name)
    with polling(stack, cache) as (_, batches, functions):
        functions.warm(name)
        delays = []
        for count in range(1, 6):
            sent = time.time()
            stack.send(queue, "now")
            wait_until(lambda count=count: len(batches) == count)
            delays.append(float(batches[-1].invocation.log) - sent)
    assert sorted(delays)[2] < 0.1, delays


def test_waiting_for_messages_costs_little(stack: Stack, cache: Path) -> None:
    for _ in range(4):
        stack.feed(stack.queue(), stack.function("def handler(event, context): return None"))
    with polling(stack, cache):
        time.sleep(0.2)
        cpu, wall = time.process_time(), time.monotonic()
        time.sleep(0.5)
        share = (time.process_time() - cpu) / (time.monotonic() - wall)
    assert share < 0.25, share


def test_pause_holds_messages_back_and_resume_takes_them(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    queue = stack.queue()
    stack.feed(queue, stack.function("def handler(event, context): return None"))
    with polling(stack, cache) as (poller, batches, _):
        poller.pause()
        time.sleep(0.05)  # a look that had begun before
        stack.send(queue, "later")
        time.sleep(0.3)
        assert batches == []
        assert not poller.idle()
        poller.resume()
        wait_until(poller.idle)
        assert len(batches) == 1


def test_stop_waits_for_running_invocations_and_a_new_poller_continues(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    queue = stack.queue(visibility=3000)
    name = stack.function("import time\ndef handler(event, context): time.sleep(0.3)", Timeout=500)
    stack.feed(queue, name, ScalingConfig={"MaximumConcurrency": 2})
    sent = stack.send(queue, *("work" for _ in range(5)))
    with polling(stack, cache) as (poller, batches, functions):
        wait_until(lambda: poller.in_flight)
        poller.stop()
        done = len(batches)
        assert 1 <= done < 5
        assert all(batch.invocation.error is None for batch in batches)
        with Poller(stack.world, functions, CALM, on_batch=batches.append) as second:
            wait_until(second.idle)
    assert Counter(id for batch in batches for id in batch.message_ids) == Counter(sent)


def test_stop_with_kill_ends_what_runs_at_once(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    queue = stack.queue()
    stack.feed(queue, stack.function("import time\ndef handler(event, context): time.sleep(60)"))
    (sent,) = stack.send(queue, "work")
    with polling(stack, cache, TimeScale(1)) as (poller, batches, functions):
        wait_until(lambda: any(e.request_id for e in functions.environments()))
        begun = time.monotonic()
        poller.stop(kill=True)
        assert time.monotonic() - begun < 2
        assert functions.environments() == []
        poller.stop(kill=True)
    assert [(batch.kept, batch.invocation.death) for batch in batches] == [(frozenset({sent}), Death.STOPPED)]


def test_batching_window_fills_a_batch(stack: Stack, cache: Path, wait_until: Callable[..., None]) -> None:
    queue = stack.queue()
    stack.feed(queue, stack.function(FAILS_WHAT_SAYS_SO), BatchSize=4, MaximumBatchingWindowInSeconds=20)
    with polling(stack, cache) as (poller, batches, _):
        for _ in range(4):
            stack.send(queue, "one by one")
        wait_until(poller.idle)
    assert [len(batch.message_ids) for batch in batches] == [4]


def test_fault_of_on_batch_is_not_lost(
    stack: Stack, cache: Path, wait_until: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    queue = stack.queue()
    stack.feed(queue, stack.function("def handler(event, context): return None"))
    stack.send(queue, "one")

    def broken(batch: Batch) -> None:
        raise KeyError("broken")

    with polling(stack, cache) as (outer, _, functions):
        outer.stop()
        with Poller(stack.world, functions, CALM, on_batch=broken) as poller:
            stack.send(queue, "two")
            wait_until(lambda: poller.faults)
    assert poller.faults[0] == "KeyError('broken')"
    assert "the poller failed" in caplog.messages


def test_start_needs_a_stopped_poller(stack: Stack, functions: Functions) -> None:
    with Poller(stack.world, functions) as poller, pytest.raises(RuntimeError, match="runs already"):
        poller.start()


@pytest.mark.parametrize("factor", [0, -1, 1.5])
def test_time_cannot_be_stretched_or_stopped(factor: float) -> None:
    with pytest.raises(ValueError, match="up to 1"):
        TimeScale(factor)


@pytest.mark.parametrize(
    ("factor", "timeout", "visibility", "here"), [(1, 60, 360, 360), (0.1, 60, 360, 36), (0.001, 60, 360, 1)]
)
def test_visibility_is_scaled_but_stays_above_the_deadline(
    factor: float, timeout: int, visibility: int, here: int
) -> None:
    scale = TimeScale(factor)
    assert scale.visibility(visibility, timeout) == here
    assert here > scale.seconds(timeout) + 0.4


def test_queue_that_the_role_may_no_longer_read_is_a_fault_and_loses_nothing(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    queue = stack.queue()
    name = stack.function("def handler(event, context): return None")
    stack.feed(queue, name)
    stack.withdraw(name)
    stack.send(queue, "unreadable")
    with polling(stack, cache) as (poller, batches, _):
        wait_until(lambda: poller.faults)
        assert batches == []
        assert not poller.idle()
    assert "AccessDenied" in poller.faults[0]
    assert queue.rsplit("/", 1)[-1] in poller.faults[0]
    assert Queues(stack.world).count(stack.queue_arn(queue)) == 1
