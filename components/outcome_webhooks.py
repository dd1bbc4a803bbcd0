"""OutcomeWebhooks: HTTPS endpoints that each announcement of an outcome is posted to."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopic
from components.config_model import Webhook
from components.naming import component_type
from components.topic_dead_letters import topic_dead_letters, watch_dead_letters

RETRIES: Mapping[str, object] = {
    "numRetries": 16,
    "numNoDelayRetries": 2,
    "numMinDelayRetries": 3,
    "minDelayTarget": 10,
    "maxDelayTarget": 300,
    "numMaxDelayRetries": 8,
    "backoffFunction": "exponential",
}
"""Three quarters of an hour; SNS takes at most an hour in all (SNS Developer Guide, "Creating an HTTP/S delivery
policy")."""
CONTENT_TYPE = "application/json"  # SNS sends text/plain otherwise, which frameworks do not parse


@dataclass(frozen=True, kw_only=True)
class OutcomeWebhooksArgs:
    """The endpoints, the topic that they subscribe to, and where the alarm goes."""

    webhooks: Sequence[Webhook]
    events: aws.sns.Topic
    alarm_topic: AlarmTopic
    key_arn: str | None = None
    """The operator's KMS key; the queue has SQS's own encryption without one."""


class OutcomeWebhooks(pulumi.ComponentResource):
    """One subscription per endpoint; the announcements that an endpoint does not take go to `dead_letters`."""

    dead_letters: aws.sqs.Queue

    def __init__(
        self, name: str, args: OutcomeWebhooksArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("OutcomeWebhooks"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        self.dead_letters, policy = topic_dead_letters(
            f"{name}-webhooks-dead-letters", topic=args.events, key_arn=args.key_arn, opts=child
        )
        for webhook in args.webhooks:
            self._subscribe(name, webhook, args.events, policy)
        watch_dead_letters(
            f"{name}-webhooks-dead-letters",
            self.dead_letters,
            meaning="an endpoint of `notify.webhooks` did not take them for three quarters of an hour, or refused"
            " them.",
            remedy="The `TopicArn` and the message are in each; the endpoint's own log says why. The outcomes"
            " themselves are in the records table.",
            topic=args.alarm_topic,
            opts=child,
        )
        self.register_outputs({"dead_letters_url": self.dead_letters.url})

    def _subscribe(
        self, name: str, webhook: Webhook, events: aws.sns.Topic, policy: aws.sqs.QueuePolicy
    ) -> None:
        """Subscribe an endpoint; deployment does not wait for it, since it may be deployed later.

        Messages are not raw: only the envelope has a signature.
        """
        chosen = filter_policy(webhook)
        aws.sns.TopicSubscription(
            f"{name}-webhook-{_label(webhook.url)}",
            topic=events.arn,
            protocol=urlsplit(webhook.url).scheme,
            endpoint=webhook.url,
            filter_policy=json.dumps(chosen) if chosen else None,
            filter_policy_scope="MessageAttributes" if chosen else None,
            delivery_policy=json.dumps(
                {"healthyRetryPolicy": RETRIES, "requestPolicy": {"headerContentType": CONTENT_TYPE}}
            ),
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": self.dead_letters.arn}),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )


def filter_policy(webhook: Webhook) -> dict[str, object]:
    """Return which announcements an endpoint gets, by their attributes; empty for all of them."""
    chosen: dict[str, object] = {}
    if webhook.statuses:
        chosen["status"] = list(webhook.statuses)
    if webhook.prefix is not None:
        chosen["object_key"] = [{"prefix": webhook.prefix}]
    return chosen


def _label(url: str) -> str:
    """Return a name for an endpoint that is readable, and another one for each URL."""
    return f"{urlsplit(url).hostname}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
