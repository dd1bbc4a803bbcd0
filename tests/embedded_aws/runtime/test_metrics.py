"""What functions publish, and what happens where the account's concurrency is used up."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from embedded_aws.calls import ThrottledError
from embedded_aws.metrics.series import Series
from embedded_aws.runtime.functions import Functions
from embedded_aws.runtime.poller import Poller
from tests.embedded_aws.runtime.conftest import Stack

COUNTS = """
import json, time
def handler(event, context):
    if event == "fail":
        raise RuntimeError("as told")
    metric = {"Name": "Seen", "Unit": "Count"}
    directive = {"Namespace": "Own", "Dimensions": [["service"]], "Metrics": [metric]}
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": about, "service": "s", "Seen": 3}))
"""


def total(stack: Stack, namespace: str, name: str, dimension: tuple[str, str]) -> float | None:
    stack.world.metrics.flush()
    now = time.time()
    series = Series(stack.world.account_id, stack.world.region, now - 600, now + 600)
    return series.value((namespace, name, (dimension,)), "Sum", now - 600, 1200)


def test_invocations_errors_and_what_a_function_prints_become_metrics(stack: Stack, cache: Path) -> None:
    name = stack.function(COUNTS)
    with Functions(stack.world, cache=cache) as functions:
        for event in ("one", "fail", "two"):
            functions.invoke(name, event)
    of_the_function = ("FunctionName", name)
    assert total(stack, "AWS/Lambda", "Invocations", of_the_function) == 3
    assert total(stack, "AWS/Lambda", "Errors", of_the_function) == 1
    assert total(stack, "AWS/Lambda", "Throttles", of_the_function) == 0
    assert (total(stack, "AWS/Lambda", "Duration", of_the_function) or 0) > 0
    assert total(stack, "Own", "Seen", ("service", "s")) == 6


def test_beyond_the_accounts_concurrency_a_caller_is_refused_a_message_waits_and_an_event_is_tried_again(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    queue, name = stack.queue(), stack.function("def handler(event, context): return None")
    stack.feed(queue, name)
    awslambda = stack.world.client("lambda")
    with Functions(stack.world, cache=cache) as functions, Poller(stack.world, functions) as poller:
        functions.concurrent_executions = 0
        with pytest.raises(ThrottledError):
            functions.invoke(name, {})
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            awslambda.invoke(FunctionName=name)
        stack.send(queue, "waits")
        functions.events.accept(name, "waits too")
        wait_until(lambda: (total(stack, "AWS/Lambda", "Throttles", ("FunctionName", name)) or 0) >= 4)
        assert total(stack, "AWS/Lambda", "Invocations", ("FunctionName", name)) is None
        functions.concurrent_executions = 10
        wait_until(poller.idle)
        assert total(stack, "AWS/Lambda", "Invocations", ("FunctionName", name)) == 2
    assert functions.events.lost == []
