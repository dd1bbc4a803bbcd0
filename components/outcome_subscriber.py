"""OutcomeSubscriber: a function that is invoked with each outcome that the events topic announces."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.function import Platform, PythonFunction, PythonFunctionArgs
from components.function_specs import FunctionSpec
from components.naming import component_type
from components.resources import Resources
from components.topic_dead_letters import topic_dead_letters, watch_dead_letters


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

        self.dead_letters, policy = topic_dead_letters(
            f"{name}-dead-letters",
            topic=args.resources.events,
            key_arn=args.platform.config.encryption.key_arn,
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
        watch_dead_letters(
            f"{name}-dead-letters",
            self.dead_letters,
            meaning=f"{args.spec.name} failed with them.",
            remedy=f"Read {args.spec.name}'s log for the error; the outcomes themselves are in the records table.",
            topic=args.platform.alarm_topic,
            opts=child,
        )
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
