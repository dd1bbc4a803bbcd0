"""Events that topics send to functions: run in the background, retried, given to dead-letter queues."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.runtime.functions import Functions
from embedded_aws.runtime.poller import Poller
from embedded_aws.runtime.timescale import TimeScale

from .conftest import Stack, wait_until

LOGS = """
    import json
    def handler(event, context):
        (record,) = event["Records"]
        print(json.dumps(record["Sns"]))
        if "bad" in record["Sns"]["Message"]:
            raise ValueError("it is bad")
"""
FAST = TimeScale(0.002)  # a minute is an eighth of a second


@pytest.fixture
def fast(stack: Stack, cache: Path, tmp_path: Path) -> Any:
    with Functions(stack.world, FAST, tmp_path / "logs", cache=cache) as running:
        yield running


def subscribed(
    stack: Stack, *, permitted: bool = True, dead_letters: str | None = None, **settings: Any
) -> tuple[str, str]:
    """Return a topic, and the function that it sends to; `dead_letters` are the subscription's."""
    sns, functions = stack.world.client("sns"), stack.world.client("lambda")
    topic = sns.create_topic(Name=stack.name("topic"))["TopicArn"]
    name = stack.function(LOGS, Timeout=900, **settings)
    arn = functions.get_function_configuration(FunctionName=name)["FunctionArn"]
    if permitted:
        functions.add_permission(
            FunctionName=name,
            StatementId="topic",
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=topic,
        )
    attributes = {"FilterPolicy": json.dumps({"status": ["BLOCKED"]})}
    if dead_letters is not None:
        attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": stack.queue_arn(dead_letters)})
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn, Attributes=attributes)
    return topic, name


def publish(stack: Stack, topic: str, message: str, status: str = "BLOCKED") -> None:
    attributes = {"status": {"DataType": "String", "StringValue": status}}
    stack.world.client("sns").publish(
        TopicArn=topic, Message=message, Subject="s", MessageAttributes=attributes
    )


def done(functions: Functions) -> Callable[[], bool]:
    return lambda: not functions.events.pending


def printed(tmp_path: Path) -> list[dict[str, Any]]:
    file = tmp_path / "logs" / "app.log"
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines if line.startswith("{")]


def received(stack: Stack, queue: str) -> list[dict[str, Any]]:
    answer = stack.world.client("sqs").receive_message(QueueUrl=queue, MessageAttributeNames=["All"])
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def test_a_function_gets_what_its_filter_policy_lets_through(
    stack: Stack, fast: Functions, tmp_path: Path
) -> None:
    topic, _ = subscribed(stack)
    publish(stack, topic, "one")
    publish(stack, topic, "other", status="PUBLISHED")
    wait_until(done(fast))
    (sns,) = printed(tmp_path)
    assert (sns["Message"], sns["Subject"], sns["TopicArn"]) == ("one", "s", topic)
    assert sns["MessageAttributes"] == {"status": {"Type": "String", "Value": "BLOCKED"}}


def test_a_function_that_fails_is_tried_twice_more_then_its_event_is_a_dead_letter(
    stack: Stack, fast: Functions, tmp_path: Path
) -> None:
    queue = stack.queue()
    topic, _ = subscribed(stack, DeadLetterConfig={"TargetArn": stack.queue_arn(queue)})
    publish(stack, topic, "bad")
    wait_until(done(fast))
    assert len(printed(tmp_path)) == 3
    (letter,) = received(stack, queue)
    assert json.loads(letter["Body"])["Records"][0]["Sns"]["Message"] == "bad"
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "it is bad"


def test_retries_and_the_destination_for_failures_are_the_functions_to_say(
    stack: Stack, fast: Functions, tmp_path: Path
) -> None:
    queue = stack.queue()
    topic, name = subscribed(stack)
    stack.world.client("lambda").put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": stack.queue_arn(queue)}},
    )
    publish(stack, topic, "bad")
    wait_until(done(fast))
    assert len(printed(tmp_path)) == 1
    (record,) = [json.loads(message["Body"]) for message in received(stack, queue)]
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestPayload"]["Records"][0]["Sns"]["Message"] == "bad"


@pytest.mark.parametrize("granted", [True, False])
def test_what_may_not_be_delivered_is_the_subscriptions_dead_letter(
    stack: Stack, fast: Functions, tmp_path: Path, granted: bool
) -> None:
    """Send it where the queue lets SNS send; else the message is lost, as on AWS."""
    queue = stack.queue()
    if granted:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": stack.queue_arn(queue),
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        stack.world.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    topic, _ = subscribed(stack, permitted=False, dead_letters=queue)
    publish(stack, topic, "unseen")
    wait_until(done(fast))
    assert printed(tmp_path) == []
    assert [json.loads(message["Body"])["Message"] for message in received(stack, queue)] == (
        ["unseen"] if granted else []
    )


def test_the_world_is_idle_only_after_the_last_event(stack: Stack, fast: Functions, tmp_path: Path) -> None:
    topic, _ = subscribed(stack)
    poller = Poller(stack.world, fast, FAST)
    assert poller.idle()
    publish(stack, topic, "event 0")
    assert not poller.idle(), "its environment takes longer to start than this line"
    for number in range(1, 20):
        publish(stack, topic, f"event {number}")
    wait_until(poller.idle)
    assert {sns["Message"] for sns in printed(tmp_path)} == {f"event {number}" for number in range(20)}
    assert len(fast.environments()) <= 4


def test_nothing_is_run_any_more_once_the_functions_are_closed(
    stack: Stack, cache: Path, tmp_path: Path
) -> None:
    topic, _ = subscribed(stack)
    with Functions(stack.world, FAST, tmp_path / "logs", cache=cache) as functions:
        pass
    publish(stack, topic, "late")
    assert functions.events.pending == 0
    assert printed(tmp_path) == []
