"""The queue for what a topic cannot deliver to a subscriber, and the alarm that says so."""

from typing import NamedTuple

import pulumi
import pulumi_aws as aws

from components import bounds, iam
from components.alarms import AlarmArgs, AlarmTopic, Metric, alarm
from components.queue import SECONDS_PER_DAY, queue_encryption


class TopicDeadLetters(NamedTuple):
    """The queue; subscriptions depend on `policy`, so that they can put aside what fails from the start."""

    queue: aws.sqs.Queue
    policy: aws.sqs.QueuePolicy


def topic_dead_letters(
    name: str, *, topic: aws.sns.Topic, key_arn: str | None, opts: pulumi.ResourceOptions
) -> TopicDeadLetters:
    """Create a queue that a topic may send to; `key_arn`, the operator's KMS key, encrypts it if there is one."""
    queue = aws.sqs.Queue(
        name,
        message_retention_seconds=bounds.QUEUE_RETENTION_DAYS * SECONDS_PER_DAY,
        **queue_encryption(key_arn),
        opts=opts,
    )
    policy = aws.sqs.QueuePolicy(
        f"{name}-policy",
        queue_url=queue.url,
        policy=iam.resource_policy(
            action="sqs:*",
            resources=[queue.arn],
            grants=[
                iam.ServiceGrant(
                    sid="WhatTheTopicCouldNotDeliver",
                    service="sns.amazonaws.com",
                    actions=["sqs:SendMessage"],
                    sources=[topic.arn],
                    resources=[queue.arn],
                )
            ],
        ),
        opts=opts,
    )
    return TopicDeadLetters(queue, policy)


def watch_dead_letters(
    name: str,
    queue: aws.sqs.Queue,
    *,
    meaning: str,
    remedy: str,
    topic: AlarmTopic,
    opts: pulumi.ResourceOptions,
) -> None:
    """Create the alarm `<name>-left` that rings while anything is in the queue, one of `topic_dead_letters`."""
    alarm(
        f"{name}-left",
        AlarmArgs(
            meaning=f"Announcements are in {name}: {meaning}",
            remedy=f"{remedy} The queue keeps them {bounds.QUEUE_RETENTION_DAYS} days.",
            metrics={
                "waiting": Metric(
                    namespace="AWS/SQS",
                    name="ApproximateNumberOfMessagesVisible",
                    dimensions={"QueueName": queue.name},
                    statistic="Maximum",
                )
            },
            threshold=1,
            topic=topic,
        ),
        opts,
    )
