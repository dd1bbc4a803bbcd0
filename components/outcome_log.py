"""OutcomeLog: the completion log - one line for every outcome, from the events topic."""

from dataclasses import dataclass
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components import bounds, iam
from components.alarms import AlarmArgs, Metric, alarm
from components.function import Platform, PythonFunction, PythonFunctionArgs
from components.naming import component_type
from components.queue import SECONDS_PER_DAY


@dataclass(frozen=True, kw_only=True)
class OutcomeLogArgs:
    """What the function runs on, and the topic that it listens to."""

    platform: Platform
    events: aws.sns.Topic


class OutcomeLog(pulumi.ComponentResource):
    """log-notification, subscribed to the events topic; what it could not take lands in `dead_letters`."""

    MEMORY: ClassVar[int] = 256  # writes a line
    TIMEOUT: ClassVar[int] = 30

    function: PythonFunction
    dead_letters: aws.sqs.Queue

    def __init__(self, name: str, args: OutcomeLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(component_type("OutcomeLog"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        self.dead_letters = aws.sqs.Queue(
            f"{name}-dead-letters",
            message_retention_seconds=bounds.DEAD_LETTERS_RETENTION_DAYS * SECONDS_PER_DAY,
            sqs_managed_sse_enabled=True,  # SNS cannot use the AWS-managed key
            opts=child,
        )
        policy = aws.sqs.QueuePolicy(
            f"{name}-dead-letters-policy",
            queue_url=self.dead_letters.url,
            policy=iam.resource_policy(
                action="sqs:*",
                resources=[self.dead_letters.arn],
                grants=[
                    iam.ServiceGrant(
                        sid="WhatTheTopicCouldNotDeliver",
                        service="sns.amazonaws.com",
                        actions=["sqs:SendMessage"],
                        sources=[args.events.arn],
                        resources=[self.dead_letters.arn],
                    )
                ],
            ),
            opts=child,
        )
        self.function = PythonFunction(
            name,
            PythonFunctionArgs(
                platform=args.platform,
                handler="media_pipeline.handlers.log_notification.handler",
                memory=self.MEMORY,
                timeout=self.TIMEOUT,
                environment={},
                permissions=[
                    iam.Statement(
                        sid="KeepWhatFailed",  # Lambda itself sends it there, in the function's name
                        actions=["sqs:SendMessage"],
                        resources=[self.dead_letters.arn],
                    )
                ],
                after_error="Lambda calls it twice more; then the announcement is a dead letter, and the outcome "
                "is in its record all the same.",
                after_throttle="Lambda tries again for six hours.",
                dead_letters=self.dead_letters,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        permission = aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=self.function.function.name,
            principal="sns.amazonaws.com",
            source_arn=args.events.arn,
            opts=child,
        )
        aws.sns.TopicSubscription(
            f"{name}-subscription",
            topic=args.events.arn,
            protocol="lambda",
            endpoint=self.function.function.arn,
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": self.dead_letters.arn}),
            # From its first moment it can deliver, or put aside what it cannot.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission, policy]),
        )
        alarm(
            f"{name}-dead-letters-left",
            AlarmArgs(
                meaning=f"Announcements are in {name}-dead-letters: the completion log lacks their lines.",
                remedy="Read log-notification's log for the error; the outcomes themselves are in the records "
                f"table. The queue keeps them {bounds.DEAD_LETTERS_RETENTION_DAYS} days.",
                metrics={
                    "waiting": Metric(
                        namespace="AWS/SQS",
                        name="ApproximateNumberOfMessagesVisible",
                        dimensions={"QueueName": self.dead_letters.name},
                        statistic="Maximum",
                    )
                },
                threshold=1,
                topic_arn=args.platform.alarms_topic_arn,
            ),
            child,
        )
        self.register_outputs(
            {"function": self.function.function.name, "dead_letters_url": self.dead_letters.url}
        )
