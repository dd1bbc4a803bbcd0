"""SNS's deliveries to people, functions and HTTP endpoints, handed to a registered deliverer; moto delivers none.

After the SNS Developer Guide, "Message delivery", "Message filtering" and "Dead-letter queues".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from embedded_aws.moto_replacement import replace


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What one subscription gets of one message, after its filter policy and the choice of its protocol's part.

    `attributes` are name -> {"Type", "Value"}, as SNS shows them.
    """

    protocol: str
    endpoint: str
    topic_arn: str
    subscription_arn: str
    message_id: str
    subject: str | None
    message: str
    attributes: Mapping[str, Mapping[str, str]]
    timestamp: str
    redrive_policy: str | None
    sender: str | None = None
    """Who an e-mail is from, where it is not SNS."""
    delivery_policy: str | None = None
    """How deliveries to an HTTP endpoint are tried again."""
    token: str | None = None
    """What confirms the subscription of an HTTP endpoint, in a message that asks for that."""

    @classmethod
    def letter(cls, sender: str, recipient: str, subject: str, message: str) -> "Notification":
        """Return an e-mail that another service than SNS sends."""
        return cls(
            protocol="email",
            endpoint=recipient,
            topic_arn="",
            subscription_arn="",
            message_id="",
            subject=subject,
            message=message,
            attributes={},
            timestamp="",
            redrive_policy=None,
            sender=sender,
        )


# Called while moto answers Publish, so it must return at once.
Deliverer = Callable[[Notification], None]
HTTP_PROTOCOLS = frozenset({"http", "https"})
CARRIED_OUT = HTTP_PROTOCOLS | {"lambda", "email", "email-json"}
_deliverers: dict[str, list[Deliverer]] = {protocol: [] for protocol in CARRIED_OUT}


def deliver_by(deliverer: Deliverer, *protocols: str) -> Callable[[], None]:
    """Hand over what is published to subscriptions of these protocols from now on; returns what ends that."""
    for protocol in protocols:
        _deliverers[protocol].append(deliverer)

    def end() -> None:
        for protocol in protocols:
            if deliverer in _deliverers[protocol]:
                _deliverers[protocol].remove(deliverer)

    return end


def hand_over(notification: Notification) -> None:
    """Have it delivered by whoever delivers its protocol; nobody gets it where nobody does."""
    for deliverer in _deliverers[notification.protocol][-1:]:
        deliverer(notification)


def send_email(letter: Notification) -> None:
    """Deliver an e-mail of another service as SNS's are delivered."""
    hand_over(letter)


def apply() -> None:
    """Take over the protocols of `CARRIED_OUT`; moto itself delivers to queues."""
    from moto.core.utils import iso_8601_datetime_with_milliseconds
    from moto.sns.models import Subscription

    def publish(
        self: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> None:
        if self.protocol not in CARRIED_OUT:
            send(
                self,
                message,
                message_id,
                subject,
                message_attributes,
                group_id,
                deduplication_id,
                message_structure,
            )
            return
        if self.attributes.get("PendingConfirmation"):
            return
        matcher = self._filter_policy_matcher
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        if message_structure == "json":
            message = self._parse_message_structure(message, self.protocol)
        notification = Notification(
            protocol=self.protocol,
            endpoint=self.endpoint,
            topic_arn=self.topic.arn,
            subscription_arn=self.arn,
            message_id=message_id,
            subject=subject,
            message=message,
            attributes={
                name: {"Type": value["Type"], "Value": str(value["Value"])}
                for name, value in (message_attributes or {}).items()
            },
            timestamp=iso_8601_datetime_with_milliseconds(),
            redrive_policy=self.attributes.get("RedrivePolicy") or None,
            delivery_policy=self.attributes.get("DeliveryPolicy") or None,
        )
        hand_over(notification)

    send = replace(Subscription, "publish", publish)
