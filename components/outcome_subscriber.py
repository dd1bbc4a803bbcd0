"""OutcomeSubscriber: a function that is invoked with each outcome that the events topic announces."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import bounds, iam
from components.alarms import AlarmArgs, Metric, alarm
from components.function import Platform, PythonFunction, PythonFunctionArgs
from components.function_specs import FunctionSpec
from components.naming import component_type
from components.queue import SECONDS_PER_DAY, queue_encryption
from components.resources import Resources


@dataclass(frozen=True, kw_only=True)
class OutcomeSubscriberArgs:
    """The function, what it runs on, and the resources with the topic that it subscribes to."""

    spec: FunctionSpec
    platform: Platform
    resources: Resources


class OutcomeSubscriber(pulumi.ComponentResource):
    """A function subscribed to the events topic; the announcements that it fails with go to `dead_letters`."""

    function: PythonFunction
    dead_letters: aws.sqs.Queue

    def __init__(
        self, name: str, args: OutcomeSubscriberArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        # The type's token is of the time when log-notification was the only one: it is part of every URN.
        super().__init__(component_type("OutcomeLog"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        self.dead_letters = aws.sqs.Queue(
            f"{name}-dead-letters",
            message_retention_seconds=bounds.QUEUE_RETENTION_DAYS * SECONDS_PER_DAY,
            **queue_encryption(args.platform.config.encryption.key_arn),
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
                        sources=[args.resources.events.arn],
                        resources=[self.dead_letters.arn],
                    )
                ],
            ),
            opts=child,
        )
        self.function = PythonFunction(
            name,
            PythonFunctionArgs(
                spec=args.spec,
                platform=args.platform,
                resources=args.resources,
                dead_letters=self.dead_letters,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self._subscribe(name, args.resources.events, policy)
        self._watch_dead_letters(name, args)
        self.register_outputs(
            {"function": self.function.function.name, "dead_letters_url": self.dead_letters.url}
        )

    def _subscribe(self, name: str, events: aws.sns.Topic, policy: aws.sqs.QueuePolicy) -> None:
        """Subscribe the function to the topic; announcements that cannot be delivered go to the dead letters."""
        child = pulumi.ResourceOptions(parent=self)
        permission = aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=self.function.function.name,
            principal="sns.amazonaws.com",
            source_arn=events.arn,
            opts=child,
        )
        aws.sns.TopicSubscription(
            f"{name}-subscription",
            topic=events.arn,
            protocol="lambda",
            endpoint=self.function.function.arn,
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": self.dead_letters.arn}),
            # So that it can deliver, or put aside what it cannot, from the start.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission, policy]),
        )

    def _watch_dead_letters(self, name: str, args: OutcomeSubscriberArgs) -> None:
        alarm(
            f"{name}-dead-letters-left",
            AlarmArgs(
                meaning=f"Announcements are in {name}-dead-letters: {args.spec.name} failed with them.",
                remedy=f"Read {args.spec.name}'s log for the error; the outcomes themselves are in the records "
                f"table. The queue keeps them {bounds.QUEUE_RETENTION_DAYS} days.",
                metrics={
                    "waiting": Metric(
                        namespace="AWS/SQS",
                        name="ApproximateNumberOfMessagesVisible",
                        dimensions={"QueueName": self.dead_letters.name},
                        statistic="Maximum",
                    )
                },
                threshold=1,
                topic=args.platform.alarm_topic,
            ),
            pulumi.ResourceOptions(parent=self),
        )
