"""SNS as a source of events: may it invoke, what is the event, where does an undeliverable message go."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from embedded_aws.access import keys
from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.moto_hooks.topic_deliveries import Notification

_log = logging.getLogger(__name__)
_SNS = Principal(kind="Service", value="sns.amazonaws.com")


def may_invoke(service: str, function_arn: str, source_arn: str) -> bool:
    """Return whether a function's resource policy lets a service (`sns.amazonaws.com`) invoke it for that source.

    Return False where there is no such function.
    """
    from moto.awslambda.exceptions import UnknownFunctionException
    from moto.awslambda.utils import get_backend

    region = function_arn.split(":")[3]
    name = function_arn.split(":function:")[-1].split(":")[0]
    try:
        function = get_backend(ACCOUNT_ID, region).get_function(name)
    except UnknownFunctionException:
        return False
    arn = ":".join(function_arn.split(":")[:7])
    request = AccessRequest(
        action="lambda:InvokeFunction",
        resource=arn,
        principal=Principal(kind="Service", value=service),
        context={"aws:SourceArn": source_arn, "aws:SourceAccount": ACCOUNT_ID},
    )
    policy = {"Version": "2012-10-17", "Statement": _statements(function)}
    return evaluate([policy], request) is Verdict.ALLOW


def to_function(notification: Notification, accept: Callable[[str, Any], None]) -> None:
    """Hand a notification to Lambda's queue of events; where Lambda refuses it, to the subscription's dead letters."""
    function_arn = notification.endpoint
    if may_invoke("sns.amazonaws.com", function_arn, notification.topic_arn):
        accept(":".join(function_arn.split(":")[6:]), event_of(notification))
        return
    _log.warning("SNS may not invoke %s for %s", function_arn, notification.topic_arn)
    to_dead_letters(notification)


def event_of(notification: Notification) -> dict[str, Any]:
    """Return the event for one notification; SNS sends functions one each."""
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": notification.subscription_arn,
                "Sns": _envelope(notification),
            }
        ]
    }


def _envelope(notification: Notification) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": notification.message_id,
        "TopicArn": notification.topic_arn,
        "Subject": notification.subject,
        "Message": notification.message,
        "Timestamp": notification.timestamp,
        "SignatureVersion": "1",
        "Signature": "EMBEDDED",
        "SigningCertUrl": "https://sns.invalid/embedded.pem",
        "UnsubscribeUrl": "https://sns.invalid/unsubscribe",
        "MessageAttributes": {name: dict(value) for name, value in notification.attributes.items()},
    }


def to_dead_letters(notification: Notification) -> None:
    """Send with the permissions that the queue gives SNS; without them the message is lost, as on AWS."""
    from moto.sqs.models import sqs_backends

    if notification.redrive_policy is None:
        return
    arn = json.loads(notification.redrive_policy)["deadLetterTargetArn"]
    _, _, _, region, account, name = arn.split(":")
    queue: Any = sqs_backends[account][region].queues.get(name)
    request = AccessRequest(
        action="sqs:SendMessage",
        resource=arn,
        principal=_SNS,
        context={
            "aws:SourceArn": notification.topic_arn,
            "aws:SourceAccount": account,
            "aws:SecureTransport": "true",
        },
    )
    permitted = bool(queue and queue.policy) and evaluate([queue.policy], request) is Verdict.ALLOW
    context = {"kms:EncryptionContext:aws:sqs:arn": arn}
    if not permitted or not keys.service_may_use(queue.kms_master_key_id, region, _SNS.value, context):
        _log.warning(
            "SNS lost a message of %s: %s is gone or does not permit it", notification.topic_arn, arn
        )
        return
    sqs_backends[account][region].send_message(
        queue_name=name, message_body=json.dumps(_envelope(notification))
    )


def _statements(function: Any) -> list[Any]:
    policy = function.policy
    return list(policy.statements) if policy is not None else []
