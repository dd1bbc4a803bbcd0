"""What SQS publishes about its queues, and messages that grow older at once where a test lets time pass."""

import time
from typing import Any

from embedded_aws.metrics.recorder import Metrics
from embedded_aws.queue_age import oldest_message_age


def sample(metrics: Metrics, account: str, region: str) -> None:
    """Note every queue's depth and age, and how many messages were sent and deleted since the last time.

    (SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS".)
    """
    from moto.sqs.models import sqs_backends

    from embedded_aws.moto_hooks.queue_metrics import DELETED, SENT
    from embedded_aws.moto_lock import MOTO_LOCK

    with MOTO_LOCK.held():
        queues = {name: list(queue._messages) for name, queue in sqs_backends[account][region].queues.items()}
        counts = [
            (name, counted.pop((account, region, queue), 0), queue)
            for name, counted in (("NumberOfMessagesSent", SENT), ("NumberOfMessagesDeleted", DELETED))
            for queue in queues
        ]
    for name, messages in queues.items():
        hidden = sum(not message.visible for message in messages)
        dimensions = {"QueueName": name}
        for metric, value in (
            ("ApproximateNumberOfMessagesVisible", len(messages) - hidden),
            ("ApproximateNumberOfMessagesNotVisible", hidden),
            ("ApproximateAgeOfOldestMessage", oldest_message_age(messages, time.time())),
        ):
            metrics.add("AWS/SQS", metric, dimensions, value)
    for name, count, queue in counts:
        if count:
            metrics.add("AWS/SQS", name, {"QueueName": queue}, count)


def make_older(account: str, region: str, seconds: float) -> None:
    """Let every message have been sent so many seconds earlier, and be visible again so much sooner."""
    from moto.sqs.models import sqs_backends

    from embedded_aws.moto_lock import MOTO_LOCK

    milliseconds = int(seconds * 1000)
    with MOTO_LOCK.held():
        for queue in sqs_backends[account][region].queues.values():
            messages: list[Any] = queue._messages
            for message in messages:
                message.sent_timestamp -= milliseconds
                message.visible_at -= milliseconds
                message.delayed_until -= milliseconds
