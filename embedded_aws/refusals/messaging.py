"""SQS and SNS. (API references: SetQueueAttributes, SendMessage, Publish, Subscribe.)"""

import json
import re
from typing import Any

from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.refusals.base import Parameters, refusal, refuse, within
from embedded_aws.webhook_schedule import problem

SUBJECT_LENGTH = 100
SNS_MESSAGE_BYTES = 262_144
_SQS_BOUNDS = {
    "VisibilityTimeout": (0, 43_200),
    "MessageRetentionPeriod": (60, 1_209_600),
    "DelaySeconds": (0, 900),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "MaximumMessageSize": (1_024, 1_048_576),
}
_MOST_RECEIVES = 1_000
# SendMessage: "A message can include only XML, JSON, and unformatted text", these characters of it.
_BAD_CHARACTERS = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EMAIL = re.compile(r"^[!-?A-~]+@[!-?A-~]+\.[!-\-/-?A-~]+$")  # ASCII only


@refusal("a queue's attributes lie within SQS's bounds", "sqs", "CreateQueue", "SetQueueAttributes")
def _attributes(parameters: Parameters) -> None:
    given = parameters.get("Attributes") or {}
    for name, (least, most) in _SQS_BOUNDS.items():
        if name in given and not within(given[name], least, most):
            raise refuse("InvalidAttributeValue", f"Invalid value for the parameter {name}.")
    redrive = given.get("RedrivePolicy")
    if redrive and not within(json.loads(redrive).get("maxReceiveCount"), 1, _MOST_RECEIVES):
        raise refuse(
            "InvalidAttributeValue", "Invalid value for the parameter RedrivePolicy: maxReceiveCount."
        )


@refusal("a visibility timeout is 0 to 43,200 s", "sqs", "ChangeMessageVisibility", "ReceiveMessage")
def _visibility(parameters: Parameters) -> None:
    value = parameters.get("VisibilityTimeout")
    if value is not None and not within(value, *_SQS_BOUNDS["VisibilityTimeout"]):
        raise refuse("InvalidParameterValue", f"Value {value} for parameter VisibilityTimeout is invalid.")


@refusal("a message holds only characters that SQS takes", "sqs", "SendMessage")
def _body(parameters: Parameters) -> None:
    if _BAD_CHARACTERS.search(parameters["MessageBody"]):
        raise refuse(
            "InvalidMessageContents", "Invalid characters found. Valid unicode characters are #x9 | #xA | ..."
        )


@refusal(
    "a dead-letter queue takes only from the queues that it allows",
    "sqs",
    "CreateQueue",
    "SetQueueAttributes",
)
def _redrive_allowed(parameters: Parameters) -> None:
    redrive = (parameters.get("Attributes") or {}).get("RedrivePolicy")
    if not redrive:
        return
    from moto.sqs.models import sqs_backends

    arn = json.loads(redrive).get("deadLetterTargetArn", "")
    if arn.count(":") != 5:
        return
    _, _, _, region, _, name = arn.split(":")
    target = sqs_backends[ACCOUNT_ID][region].queues.get(name)
    text = getattr(target, "redrive_allow_policy", None)
    rule = json.loads(text) if text else {"redrivePermission": "allowAll"}
    source = parameters.get("QueueName") or parameters["QueueUrl"].rsplit("/", 1)[-1]
    source_arn = f"arn:aws:sqs:{region}:{ACCOUNT_ID}:{source}"
    allowed = rule["redrivePermission"] == "allowAll" or (
        rule["redrivePermission"] == "byQueue" and source_arn in rule.get("sourceQueueArns", [])
    )
    if not allowed:
        raise refuse("InvalidParameterValue", f"Queue {arn} does not allow {source_arn} to redrive to it.")


@refusal("a subject is 1 to 100 printable ASCII characters without line breaks", "sns", "Publish")
def _subject(parameters: Parameters) -> None:
    subject = parameters.get("Subject")
    if subject is None:
        return
    if (
        not 1 <= len(subject) <= SUBJECT_LENGTH
        or not subject.isascii()
        or not subject.isprintable()
        or subject[0] == " "
    ):
        raise refuse("InvalidParameter", "Invalid parameter: Subject")


@refusal("a notification is not empty and has at most 256 KB", "sns", "Publish")
def _message(parameters: Parameters) -> None:
    message = parameters.get("Message") or ""
    if not message:
        raise refuse("InvalidParameter", "Invalid parameter: Empty message")
    if len(message.encode()) > SNS_MESSAGE_BYTES:
        raise refuse("InvalidParameter", "Invalid parameter: Message too long")


@refusal("an e-mail subscription has an e-mail address", "sns", "Subscribe")
def _address(parameters: Parameters) -> None:
    if parameters["Protocol"] in ("email", "email-json") and not _EMAIL.match(parameters.get("Endpoint", "")):
        raise refuse("InvalidParameter", "Invalid parameter: Email address")


@refusal("an HTTP endpoint has an address of its protocol", "sns", "Subscribe")
def _endpoint(parameters: Parameters) -> None:
    protocol, endpoint = parameters["Protocol"], parameters.get("Endpoint", "")
    if protocol in ("http", "https") and not re.match(rf"{protocol}://[^\s/]+", endpoint):
        raise refuse("InvalidParameter", "Invalid parameter: Endpoint must match the specified protocol")


@refusal(
    "a delivery policy retries at most 100 times in an hour", "sns", "Subscribe", "SetSubscriptionAttributes"
)
def _delivery_policy(parameters: Parameters) -> None:
    text = (parameters.get("Attributes") or {}).get("DeliveryPolicy")
    if parameters.get("AttributeName") == "DeliveryPolicy":
        text = parameters.get("AttributeValue")
    if text and (found := problem(text)) is not None:
        raise refuse("InvalidParameter", f"Invalid parameter: DeliveryPolicy: {found}")


@refusal("a filter policy is a JSON object of lists", "sns", "Subscribe", "SetSubscriptionAttributes")
def _filter(parameters: Parameters) -> None:
    text = (parameters.get("Attributes") or {}).get("FilterPolicy")
    if parameters.get("AttributeName") == "FilterPolicy":
        text = parameters.get("AttributeValue")
    if not text:
        return
    try:
        policy = json.loads(text)
    except ValueError as error:
        raise refuse("InvalidParameter", "Invalid parameter: FilterPolicy: failed to parse JSON.") from error
    in_the_body = (parameters.get("Attributes") or {}).get("FilterPolicyScope") == "MessageBody"
    if not isinstance(policy, dict) or not all(
        isinstance(values, list) or (in_the_body and isinstance(values, dict)) for values in policy.values()
    ):
        raise refuse(
            "InvalidParameter",
            "Invalid parameter: FilterPolicy: Filter policy scope MessageAttributes does not support nested filter "
            "policy, and each value must be an array",
        )


@refusal("a subscription's dead letters go to a queue of the same account and region", "sns", "Subscribe")
def _redrive(parameters: Parameters) -> None:
    text = (parameters.get("Attributes") or {}).get("RedrivePolicy")
    if not text:
        return
    try:
        target = str(json.loads(text)["deadLetterTargetArn"])
    except (ValueError, KeyError, TypeError) as error:
        raise refuse("InvalidParameter", "Invalid parameter: RedrivePolicy: failed to parse JSON.") from error
    topic = parameters["TopicArn"].split(":")
    if target.split(":")[:5] != ["arn", "aws", "sqs", *topic[3:5]]:
        raise refuse(
            "InvalidParameter", "Invalid parameter: RedrivePolicy: deadLetterTargetArn is an invalid arn."
        )


@refusal("one endpoint is subscribed to a topic once", "sns", "Subscribe")
def _twice(parameters: Parameters) -> None:
    from moto.sns.models import sns_backends

    arn = parameters["TopicArn"]
    wanted = parameters.get("Attributes") or {}
    for subscription in sns_backends[ACCOUNT_ID][arn.split(":")[3]].subscriptions.values():
        same = (subscription.topic.arn, subscription.protocol, subscription.endpoint) == (
            arn,
            parameters["Protocol"],
            parameters.get("Endpoint"),
        )
        if same and not _agree(subscription.attributes, wanted):
            raise refuse(
                "InvalidParameter",
                "Invalid parameter: Attributes Reason: Subscription already exists with different attributes",
            )


def _agree(existing: dict[str, Any], wanted: Parameters) -> bool:
    return all(str(existing.get(name)) == str(wanted.get(name)) for name in ("FilterPolicy",))
