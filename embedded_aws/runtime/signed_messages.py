"""SNS's messages to HTTP endpoints, signed with a key that was made for this world.

After the Amazon SNS Developer Guide, "Verifying the signatures of Amazon SNS messages": the lines that are signed, the
two versions of signatures, and the members of a message.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from embedded_aws.moto_hooks.topic_deliveries import Notification

CERTIFICATE_PATH = "/SimpleNotificationService-embedded.pem"
_KEY_BITS = 2048
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}


class Signer:
    """A private key and its certificate, both made at the first use."""

    @cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)

    @cached_property
    def certificate(self) -> bytes:
        """The certificate in PEM."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import NameOID

        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=7))
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)

    def signature(self, document: dict[str, Any], version: str) -> str:
        """Return the Base64 signature of a message, with SHA1 for version 1, with SHA256 for version 2."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        lines = "".join(
            f"{name}\n{document[name]}\n" for name in _SIGNED[document["Type"]] if document.get(name)
        )
        digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - as AWS has it
        return base64.b64encode(self._key.sign(lines.encode(), padding.PKCS1v15(), digest)).decode()


def body_of(notification: Notification, signer: Signer, front: str, version: str) -> dict[str, Any]:
    """Return the message that is posted; `front` is the address that SNS's own URLs begin with."""
    document: dict[str, Any] = {
        "Type": "SubscriptionConfirmation" if notification.token else "Notification",
        "MessageId": notification.message_id,
        "TopicArn": notification.topic_arn,
        "Message": notification.message,
        "Timestamp": notification.timestamp,
    }
    if notification.subject:
        document["Subject"] = notification.subject
    if notification.token:
        query = {
            "Action": "ConfirmSubscription",
            "TopicArn": notification.topic_arn,
            "Token": notification.token,
        }
        document |= {"Token": notification.token, "SubscribeURL": f"{front}/?{urlencode(query)}"}
    else:
        query = {"Action": "Unsubscribe", "SubscriptionArn": notification.subscription_arn}
        document["UnsubscribeURL"] = f"{front}/?{urlencode(query)}"
    if notification.attributes:
        document["MessageAttributes"] = {name: dict(value) for name, value in notification.attributes.items()}
    document["SignatureVersion"] = version
    document["Signature"] = signer.signature(document, version)
    document["SigningCertURL"] = front + CERTIFICATE_PATH
    return document


def headers_of(document: dict[str, Any], notification: Notification, content_type: str) -> dict[str, str]:
    """Return the headers of the request that posts it."""
    headers = {
        "x-amz-sns-message-type": document["Type"],
        "x-amz-sns-message-id": notification.message_id,
        "x-amz-sns-topic-arn": notification.topic_arn,
        "Content-Type": content_type,
        "User-Agent": "Amazon Simple Notification Service Agent",
    }
    if not notification.token:
        headers["x-amz-sns-subscription-arn"] = notification.subscription_arn
    return headers


def encoded(document: dict[str, Any]) -> bytes:
    """Return the body of the request."""
    return json.dumps(document, indent=2).encode()
