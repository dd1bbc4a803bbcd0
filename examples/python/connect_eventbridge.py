"""Put every outcome of a stack on an EventBridge bus: topic -> queue -> pipe -> bus.

    python examples/python/connect_eventbridge.py --topic "$(pulumi stack output events_topic_arn)"

Needs boto3 and the rights of an administrator. Run again, it changes what is there; `--remove` deletes all of it. The
stack itself is not touched.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boto3

SOURCE, DETAIL_TYPE = "media-pipeline", "Media outcome"
KEPT_SECONDS = 14 * 24 * 3600  # the most that SQS keeps a message
ATTEMPTS = 5  # of a pipe with one outcome, before it goes to the dead letters
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """What is connected, and the names of what connects it."""

    topic: str
    bus: str
    name: str
    statuses: list[str]

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in the topic's account and region."""
        partition, _, region, account = self.topic.split(":")[1:5]
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    @property
    def account(self) -> str:
        """Return the topic's account."""
        return self.topic.split(":")[4]

    @property
    def queue(self) -> str:
        """Return the queue's ARN."""
        return self.arn("sqs", self.name)

    @property
    def dead_letters(self) -> str:
        """Return the ARN of the queue of what never arrived."""
        return self.arn("sqs", f"{self.name}-dead-letters")

    @property
    def bus_arn(self) -> str:
        """Return the bus's ARN."""
        return self.arn("events", f"event-bus/{self.bus}")

    @property
    def pipe(self) -> str:
        """Return the pipe's ARN."""
        return self.arn("pipes", f"pipe/{self.name}")


def connect(place: Place, client: Callable[[str], Any]) -> None:
    """Make or change all of it; `client` returns boto3's client of a service."""
    _queues(place, client("sqs"))
    _subscription(place, client("sns"))
    role = _role(place, client("iam"))
    _pipe(place, role, client("pipes"))


def _queues(place: Place, sqs: Any) -> None:
    _queue(sqs, place.dead_letters, {})
    redrive = {"deadLetterTargetArn": place.dead_letters, "maxReceiveCount": ATTEMPTS}
    policy = _policy(
        {
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": place.queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": place.topic}},
        }
    )
    _queue(sqs, place.queue, {"RedrivePolicy": json.dumps(redrive), "Policy": policy})


def _queue(sqs: Any, arn: str, more: dict[str, str]) -> None:
    attributes = {"MessageRetentionPeriod": str(KEPT_SECONDS), "SqsManagedSseEnabled": "true", **more}
    url = sqs.create_queue(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)


def _subscription(place: Place, sns: Any) -> None:
    # Raw: the message is the announcement itself, and not SNS's envelope around it.
    chosen = json.dumps({"status": place.statuses} if place.statuses else {})
    attributes = {"RawMessageDelivery": "true", "FilterPolicy": chosen}
    for arn in _subscriptions(place, sns):  # SNS refuses a second one with other attributes
        for name, value in attributes.items():
            sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
        return
    sns.subscribe(TopicArn=place.topic, Protocol="sqs", Endpoint=place.queue, Attributes=attributes)


def _subscriptions(place: Place, sns: Any) -> list[str]:
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=place.topic)
    found = [each for page in pages for each in page["Subscriptions"]]
    return [each["SubscriptionArn"] for each in found if each["Endpoint"] == place.queue]


def _role(place: Place, iam: Any) -> str:
    trust = _policy(
        {
            "Principal": {"Service": "pipes.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": place.account},
                "ArnEquals": {"aws:SourceArn": place.pipe},
            },
        }
    )
    rights = _policy(
        {
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            "Resource": place.queue,
        },
        {"Action": "events:PutEvents", "Resource": place.bus_arn},
    )
    try:
        role = iam.create_role(RoleName=place.name, AssumeRolePolicyDocument=trust)["Role"]
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=place.name, PolicyDocument=trust)
        role = iam.get_role(RoleName=place.name)["Role"]
    iam.put_role_policy(RoleName=place.name, PolicyName="pipe", PolicyDocument=rights)
    return str(role["Arn"])


def _pipe(place: Place, role: str, pipes: Any) -> None:
    settings = {
        "RoleArn": role,
        "Target": place.bus_arn,
        "TargetParameters": {
            "EventBridgeEventBusParameters": {"Source": SOURCE, "DetailType": DETAIL_TYPE},
            "InputTemplate": "<$.body>",  # the announcement becomes the event's detail
        },
        "DesiredState": "RUNNING",
    }
    batch = {"SqsQueueParameters": {"BatchSize": 10}}
    try:
        pipes.describe_pipe(Name=place.name)
    except pipes.exceptions.NotFoundException:
        made = {**settings, "Name": place.name, "Source": place.queue, "SourceParameters": batch}
        _patiently(lambda: pipes.create_pipe(**made), pipes.exceptions.ValidationException)
    else:
        pipes.update_pipe(**settings, Name=place.name, SourceParameters=batch)


def _patiently(call: Callable[[], Any], refused: type[Exception]) -> None:
    """Try again for a while: IAM needs some seconds until other services know a new role."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            call()
        except refused:
            if time.monotonic() > end:
                raise
            time.sleep(5)
        else:
            return


def remove(place: Place, client: Callable[[str], Any]) -> None:
    """Delete all of it; what is in the queues is lost."""
    pipes, sns, sqs, iam = (client(service) for service in ("pipes", "sns", "sqs", "iam"))
    with suppress(pipes.exceptions.NotFoundException):
        pipes.delete_pipe(Name=place.name)
    for subscription in _subscriptions(place, sns):
        sns.unsubscribe(SubscriptionArn=subscription)
    for arn in (place.queue, place.dead_letters):
        with suppress(sqs.exceptions.QueueDoesNotExist):
            sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"])
    with suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_role_policy(RoleName=place.name, PolicyName="pipe")
        iam.delete_role(RoleName=place.name)


def _policy(*statements: dict[str, Any]) -> str:
    allowed = [{"Effect": "Allow", **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


def main(arguments: list[str] | None = None) -> int:
    """Connect, or remove what connects."""
    parser = argparse.ArgumentParser(description="Put a stack's outcomes on an EventBridge bus.")
    parser.add_argument("--topic", required=True, help="ARN: the stack's output events_topic_arn")
    parser.add_argument("--bus", default="default", help="name of the bus (default: %(default)s)")
    parser.add_argument("--name", default="media-outcomes", help="of what is made (default: %(default)s)")
    parser.add_argument(
        "--statuses", nargs="*", default=[], help="only these, such as PUBLISHED (default: all)"
    )
    parser.add_argument("--remove", action="store_true", help="delete what connects them")
    given = parser.parse_args(arguments)
    place = Place(topic=given.topic, bus=given.bus, name=given.name, statuses=given.statuses)
    region = given.topic.split(":")[3]

    def client(service: str) -> Any:
        return boto3.client(service, region_name=region)

    if given.remove:
        remove(place, client)
        print(f"Removed {place.name}.")
    else:
        connect(place, client)
        print(f"{place.topic} -> {place.queue} -> {place.pipe} -> {place.bus_arn}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
