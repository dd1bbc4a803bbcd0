"""Subscriptions of HTTP endpoints wait until their owner confirms them with the token that SNS sent there.

After the Amazon SNS Developer Guide, "Subscribing an HTTPS endpoint to a topic": an endpoint gets a message of the type
`SubscriptionConfirmation`, and nothing else before the token in it came back, by ConfirmSubscription or a visit of its
`SubscribeURL`. moto: every subscription counts as confirmed, and any token is accepted.
"""

import secrets
from typing import Any

from embedded_aws.moto_hooks.topic_deliveries import HTTP_PROTOCOLS, Notification, hand_over
from embedded_aws.moto_replacement import replace


def confirm(region: str, topic_arn: str, token: str) -> str | None:
    """Confirm the subscription that a token was sent for; return its ARN, None where there is none."""
    from moto.sns.models import sns_backends

    from embedded_aws.isolation import ACCOUNT_ID

    for subscription in sns_backends[ACCOUNT_ID][region].subscriptions.values():
        sent = getattr(subscription, "confirmation_token", "")
        if subscription.topic.arn == topic_arn and sent and secrets.compare_digest(sent, token):
            subscription.attributes["PendingConfirmation"] = False
            return str(subscription.arn)
    return None


def apply() -> None:
    """Send a token to each new endpoint, and confirm by it."""
    from moto.core.responses import ActionResult
    from moto.core.utils import iso_8601_datetime_with_milliseconds
    from moto.sns.exceptions import SNSInvalidParameter
    from moto.sns.models import SNSBackend
    from moto.sns.responses import SNSResponse

    def subscribe(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        subscription = make(self, topic_arn, endpoint, protocol)
        if protocol in HTTP_PROTOCOLS and not hasattr(subscription, "confirmation_token"):
            subscription.confirmation_token = secrets.token_hex(32)
            subscription.attributes |= {"PendingConfirmation": True, "ConfirmationWasAuthenticated": False}
            text = (
                f"You have chosen to subscribe to the topic {topic_arn}.\n"
                "To confirm the subscription, visit the SubscribeURL included in this message."
            )
            hand_over(
                Notification(
                    protocol=protocol,
                    endpoint=endpoint,
                    topic_arn=topic_arn,
                    subscription_arn=subscription.arn,
                    message_id=secrets.token_hex(16),
                    subject=None,
                    message=text,
                    attributes={},
                    timestamp=iso_8601_datetime_with_milliseconds(),
                    redrive_policy=None,
                    token=subscription.confirmation_token,
                )
            )
        return subscription

    def confirm_subscription(self: Any) -> Any:
        arn = confirm(self.region, self._get_param("TopicArn"), self._get_param("Token") or "")
        if arn is None:
            raise SNSInvalidParameter("Invalid parameter: Token")
        return ActionResult({"SubscriptionArn": arn})

    make = replace(SNSBackend, "subscribe", subscribe)
    replace(SNSResponse, "confirm_subscription", confirm_subscription)
