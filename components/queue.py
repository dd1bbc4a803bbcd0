"""WorkQueue: a queue of S3 events and its dead-letter queue, with alarms on both."""

import math
from dataclasses import dataclass
from typing import TypedDict

import pulumi
import pulumi_aws as aws

from components import bounds, iam
from components.alarms import PERIOD_SECONDS, AlarmArgs, AlarmTopic, Metric, alarm
from components.naming import Account, component_type

SECONDS_PER_DAY = 86_400
# High, so that an hour without Rekognition needs no person; hostile objects are detected by unfinished attempts.
MAX_RECEIVE_COUNT = 50
EVENT_BYTES = 262_144  # SQS's default; S3's events of format 2.x have up to 64 KB

DATA_KEY_SECONDS = 3_600  # each sender and receiver asks KMS once in this time, and is billed for it


class _QueueEncryption(TypedDict, total=False):
    sqs_managed_sse_enabled: bool
    kms_master_key_id: str
    kms_data_key_reuse_period_seconds: int


@dataclass(frozen=True, kw_only=True)
class WorkQueueArgs:
    """The time-outs, in seconds, of the functions that poll the queue and its dead-letter queue.

    `source` is the bucket that may send events; without one, only roles with the permission may send. `key_arn` is the
    KMS key of the messages; None: a key of SQS's own.
    """

    account: Account
    timeout: int
    dead_letters_timeout: int
    alarm_topic: AlarmTopic
    source: aws.s3.Bucket | None = None
    key_arn: str | None = None


class WorkQueue(pulumi.ComponentResource):
    """A queue of S3 events; messages that no attempt could finish go to `dead_letters`."""

    queue: aws.sqs.Queue
    dead_letters: aws.sqs.Queue
    policy: aws.sqs.QueuePolicy

    def __init__(self, name: str, args: WorkQueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(component_type("WorkQueue"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        visibility = bounds.VISIBILITY_TIMEOUT_FACTOR * args.timeout

        self.dead_letters = aws.sqs.Queue(
            f"{name}-dead-letters",
            visibility_timeout_seconds=bounds.VISIBILITY_TIMEOUT_FACTOR * args.dead_letters_timeout,
            message_retention_seconds=bounds.QUEUE_RETENTION_DAYS * SECONDS_PER_DAY,
            max_message_size=EVENT_BYTES,
            **queue_encryption(args.key_arn),
            opts=child,
        )
        self.queue = aws.sqs.Queue(
            name,
            visibility_timeout_seconds=visibility,
            message_retention_seconds=bounds.QUEUE_RETENTION_DAYS * SECONDS_PER_DAY,
            max_message_size=EVENT_BYTES,
            **queue_encryption(args.key_arn),
            opts=child,
        )
        self._redrive(name)
        self.policy = self._policies(name, args)
        self._alarms(name, args.timeout, 2 * visibility, args.alarm_topic)
        self.register_outputs({"url": self.queue.url, "dead_letters_url": self.dead_letters.url})

    def _redrive(self, name: str) -> None:
        """Let messages that failed too often go to the dead letters, which take them from this queue only.

        Both are resources of their own, so that either queue can be created again: SQS takes a queue's redrive policy
        only where its dead-letter queue allows that queue, and it can do so only once the queue exists.
        """
        allowed = aws.sqs.RedriveAllowPolicy(
            f"{name}-dead-letters-redrive",
            queue_url=self.dead_letters.url,
            redrive_allow_policy=pulumi.Output.json_dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [self.queue.arn]}
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.sqs.RedrivePolicy(
            f"{name}-redrive",
            queue_url=self.queue.url,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": self.dead_letters.arn, "maxReceiveCount": MAX_RECEIVE_COUNT}
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )

    def _policies(self, name: str, args: WorkQueueArgs) -> aws.sqs.QueuePolicy:
        """Create the policies of both queues; return that of the queue itself."""
        child = pulumi.ResourceOptions(parent=self)
        aws.sqs.QueuePolicy(
            f"{name}-dead-letters-policy",
            queue_url=self.dead_letters.url,
            policy=iam.resource_policy(action="sqs:*", resources=[self.dead_letters.arn]),
            opts=child,
        )
        return aws.sqs.QueuePolicy(
            f"{name}-policy",
            queue_url=self.queue.url,
            policy=iam.resource_policy(
                action="sqs:*",
                resources=[self.queue.arn],
                grants=[
                    iam.ServiceGrant(
                        sid="EventsOfOneBucket",
                        service="s3.amazonaws.com",
                        actions=["sqs:SendMessage"],
                        account=args.account.id,
                        sources=[args.source.arn],
                        resources=[self.queue.arn],
                    )
                ]
                if args.source
                else [],
            ),
            opts=child,
        )

    def _alarms(self, name: str, timeout: int, age: int, topic: AlarmTopic) -> None:
        child = pulumi.ResourceOptions(parent=self)
        # An import of a million objects waits for days and is no fault: what counts is that messages are done.
        stuck = "IF(FILL(done, 0) > 0, 0, FILL(age, 0))"
        expires = bounds.QUEUE_RETENTION_DAYS * SECONDS_PER_DAY // 2
        alarm(
            f"{name}-age",
            AlarmArgs(
                meaning=f"A message has waited in {name} for {age} s and none was finished meanwhile, or one has "
                f"waited for half of the {bounds.QUEUE_RETENTION_DAYS} days after which it is lost.",
                # SQS leaves messages received three times or more out of this metric: handed-back-age watches those.
                remedy="Read the function's log: it is throttled, or fails. Where uploads arrive faster than "
                "`concurrency` allows, raise it within Rekognition's quota.",
                metrics={
                    "age": _sqs("ApproximateAgeOfOldestMessage", self.queue, "Maximum"),
                    "done": _sqs("NumberOfMessagesDeleted", self.queue, "Sum"),
                },
                expression=f"IF(FILL(age, 0) >= {expires}, age, {stuck})",
                label="seconds without progress",
                threshold=age,
                # Two messages may take their whole time-out, one after the other, before one is done.
                periods=max(3, math.ceil(2 * timeout / PERIOD_SECONDS) + 1),
                topic=topic,
                is_essential=name.endswith("-images"),
            ),
            child,
        )
        alarm(
            f"{name}-dead-letters-left",
            AlarmArgs(
                meaning=f"Messages have stayed in {name}-dead-letters for 15 minutes.",
                remedy="dead-letters should have recorded them as FAILED: read its log. They are kept "
                f"{bounds.QUEUE_RETENTION_DAYS} days after they were first sent.",
                metrics={
                    "waiting": _sqs("ApproximateNumberOfMessagesVisible", self.dead_letters, "Minimum"),
                    "tried": _sqs("ApproximateNumberOfMessagesNotVisible", self.dead_letters, "Minimum"),
                },
                # Both: a message that fails repeatedly is in flight most of the time.
                expression="FILL(waiting, 0) + FILL(tried, 0)",
                label="messages",
                threshold=1,
                periods=3,
                topic=topic,
                is_essential=True,
            ),
            child,
        )


def queue_encryption(key_arn: str | None) -> _QueueEncryption:
    """Return the encryption of a queue: with the KMS key, or with a key of SQS's own.

    The AWS-managed key in KMS is no choice, since neither S3 nor SNS can use it.
    """
    if key_arn is None:
        return {"sqs_managed_sse_enabled": True}
    return {"kms_master_key_id": key_arn, "kms_data_key_reuse_period_seconds": DATA_KEY_SECONDS}


def _sqs(name: str, queue: aws.sqs.Queue, statistic: str) -> Metric:
    return Metric(namespace="AWS/SQS", name=name, dimensions={"QueueName": queue.name}, statistic=statistic)
