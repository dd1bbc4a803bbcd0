"""`tail` prints each outcome once, in order, as the functions log it, and messages that come back."""

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from operations.errors import OperationsError
from operations.stack import StackOutputs
from operations.tail import LATE, Tail
from tests.fixtures.moto_speedups import fast_mock_aws

NOW = float(int(time.time()))
"""CloudWatch Logs refuses events that are far from its own time."""
FUNCTIONS = {"log_notification_function": "log-notification", "process_image_function": "process-image"}


class Functions:
    """Lambda's client, as far as `tail` needs it."""

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803 - AWS's
        return {"LoggingConfig": {"LogGroup": f"group-of-{FunctionName}"}}


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with fast_mock_aws():
        client = boto3.client("logs", region_name="eu-west-1")
        for name in FUNCTIONS.values():
            client.create_log_group(logGroupName=f"group-of-{name}")
            client.create_log_stream(logGroupName=f"group-of-{name}", logStreamName="s")
        yield client


def write(logs: Any, function: str, at: float, **facts: Any) -> None:
    event = {"timestamp": int(at * 1000), "message": json.dumps(facts)}
    group = f"group-of-{FUNCTIONS[function]}"
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])


def outcome(logs: Any, key: str, at: float, status: str = "PUBLISHED", **facts: Any) -> None:
    known = {"alert_id": "1", "object_key": key, "status": status, "milliseconds": {"total": 1234}}
    write(logs, "log_notification_function", at, message="announced", **known, **facts)


def tail(logs: Any, times: Iterator[float], named: dict[str, str] = FUNCTIONS, **how: Any) -> Tail:
    outputs = StackOutputs(uploads_bucket="u", records_table="r", images_queue_url="q", named=named)
    functions: Any = Functions()
    return Tail(outputs=outputs, awslambda=functions, logs=logs, clock=lambda: next(times), **how)


def test_outcomes_and_messages_that_come_back_are_shown_in_order(logs: Any) -> None:
    outcome(logs, "b.jpg", NOW - 10, "BLOCKED", reason="policy_block", detail="Weapons 95.0")
    outcome(logs, "a.jpg", NOW - 20, sizes=[{}, {}])
    write(
        logs, "process_image_function", NOW - 15, message="message handed back: throttled", object_key="b.jpg"
    )
    write(logs, "process_image_function", NOW - 14, message="outcome", status="BLOCKED", object_key="b.jpg")
    lines = [each.line() for each in tail(logs, iter([NOW])).follow(NOW - 60, once=True)]
    assert [line.split("Z  ", 1)[1] for line in lines] == [
        "PUBLISHED  'a.jpg'  1.2 s  2 files",
        "RETRY      'b.jpg'  message handed back: throttled",
        "BLOCKED    'b.jpg'  1.2 s  policy_block: Weapons 95.0",
    ]


def test_what_is_older_than_since_is_left_out(logs: Any) -> None:
    outcome(logs, "old.jpg", NOW - 61)
    outcome(logs, "new.jpg", NOW - 59)
    found = list(tail(logs, iter([NOW])).follow(NOW - 60, once=True))
    assert [each.facts["object_key"] for each in found] == ["new.jpg"]


def test_each_line_is_shown_once_though_one_that_comes_late_is_found(logs: Any) -> None:
    outcome(logs, "first.jpg", NOW - 1)

    def sleep(_: float) -> None:
        outcome(logs, "late.jpg", NOW - LATE / 2)

    times = iter([NOW, NOW + 2, NOW + 4])
    following = tail(logs, times, sleep=sleep).follow(NOW - 60)
    assert next(following).facts["object_key"] == "first.jpg"
    assert next(following).facts["object_key"] == "late.jpg"
    assert next(following).facts["object_key"] == "late.jpg", "another one, of the second pause"


def test_a_stack_without_the_function_is_an_error_that_names_the_output(logs: Any) -> None:
    with pytest.raises(OperationsError, match="no log_notification_function"):
        list(tail(logs, iter([NOW]), named={}).follow(NOW, once=True))
