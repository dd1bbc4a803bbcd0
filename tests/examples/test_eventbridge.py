"""examples/python/connect_eventbridge.py in the embedded AWS: what a topic announces arrives on a bus."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from embedded_aws.world import World
from tests.components.recording import PROJECT
from tests.examples.pipes import carry_out, sqs_url

pytestmark = pytest.mark.long  # each call of the script is a process that imports boto3
SCRIPT = PROJECT / "examples" / "python" / "connect_eventbridge.py"
PAGE = PROJECT / "docs" / "application" / "eventbridge.md"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as opened:
        yield opened


@pytest.fixture(scope="module")
def topic(world: World) -> str:
    return str(world.client("sns").create_topic(Name="media-pipeline-dev-events-1a2b3c4")["TopicArn"])


def run(world: World, *arguments: str) -> str:
    environment = {**World.clean(os.environ), **world.environment()}
    command = [sys.executable, str(SCRIPT), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def listener(world: World, pattern: str) -> str:
    """Return the URL of a queue that a rule with this pattern sends events of the default bus to."""
    sqs, events = world.client("sqs"), world.client("events")
    url = str(sqs.create_queue(QueueName="listener")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="listener", EventPattern=pattern)
    events.put_targets(Rule="listener", Targets=[{"Id": "1", "Arn": arn}])
    return url


def announce(world: World, topic: str, status: str) -> dict[str, Any]:
    announcement = {
        "alert_id": f"id-{status}",
        "object_key": "a b.jpg",
        "status": status,
        "schema_version": 1,
    }
    world.client("sns").publish(
        TopicArn=topic,
        Message=json.dumps({"default": json.dumps(announcement), "email": "for people"}),
        MessageStructure="json",
        MessageAttributes={"status": {"DataType": "String", "StringValue": status}},
    )
    return announcement


def printed_pattern() -> str:
    """Return the rule's pattern that the page prints."""
    return PAGE.read_text("utf-8").split("```json\n")[1].split("```")[0]


def test_outcomes_arrive_on_the_bus_as_the_pages_rule_selects_them(world: World, topic: str) -> None:
    assert run(world, "--topic", topic).count(" -> ") == 3
    run(world, "--topic", topic)  # a second time changes nothing
    assert len(world.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1
    heard = listener(world, printed_pattern())
    published, _ = (announce(world, topic, status) for status in ("PUBLISHED", "DELETED"))
    assert carry_out(world, "media-outcomes") == 2
    assert carry_out(world, "media-outcomes") == 0
    (message,) = world.client("sqs").receive_message(QueueUrl=heard, MaxNumberOfMessages=10)["Messages"]
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"]) == ("media-pipeline", "Media outcome")
    assert event["detail"] == published


def test_only_the_statuses_that_are_asked_for_enter_the_queue(world: World, topic: str) -> None:
    run(world, "--topic", topic, "--statuses", "BLOCKED")
    for status in ("PUBLISHED", "BLOCKED"):
        announce(world, topic, status)
    assert carry_out(world, "media-outcomes") == 1


def test_nothing_is_left_once_it_is_removed(world: World, topic: str) -> None:
    queue = world.client("pipes").describe_pipe(Name="media-outcomes")["Source"]
    run(world, "--topic", topic, "--remove")
    run(world, "--topic", topic, "--remove")
    assert world.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    assert world.client("pipes").list_pipes()["Pipes"] == []
    assert world.client("iam").list_roles()["Roles"] == []
    with pytest.raises(world.client("sqs").exceptions.QueueDoesNotExist):
        sqs_url(world, queue)
