"""The e-mails that the stack's topics would have sent, one file each, as their readers would have got them."""

import json
import re
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from typing import Any

from demo.outcomes import Mail
from demo.output import Output

SENDER = "AWS Notifications <no-reply@sns.amazonaws.com>"
DEFAULT_SUBJECT = "AWS Notification Message"  # SNS's, for a message without one

_NOT_FOR_FILES = re.compile(r"[^A-Za-z0-9@._-]+")


def write(world: Any, output: Output) -> tuple[Mail, ...]:
    """Write OUT/outbox/*.eml in the order of sending, and return what was written."""
    mails = []
    for number, (recipient, subject, text) in enumerate(_sent(world), start=1):
        name = _NOT_FOR_FILES.sub("_", f"{number:04} {recipient}")[:120]
        path = output.place("outbox", f"{name}.eml")
        path.write_bytes(message(recipient, subject, text))
        mails.append(Mail(recipient=recipient, subject=subject, path=output.relative(path)))
    return tuple(mails)


def message(recipient: str, subject: str, text: str) -> bytes:
    """One e-mail as a file: a single text/plain part in UTF-8."""
    mail = EmailMessage()
    mail["From"] = SENDER
    mail["To"] = recipient
    mail["Subject"] = subject
    mail.set_content(text, subtype="plain", charset="utf-8")
    return mail.as_bytes()


def _sent(world: Any) -> Iterator[tuple[str, str, str]]:
    """Recipient, subject and text of each e-mail.

    moto sends none and keeps no list of them, only of what each topic published; so that the subscriptions'
    filter policies are applied here, by moto's own matcher.
    """
    from moto.sns.models import sns_backends
    from moto.sns.utils import FilterPolicyMatcher

    backend = sns_backends[world.account_id][world.region]
    sns = world.client("sns")
    for topic in backend.topics.values():
        readers: list[tuple[str, FilterPolicyMatcher | None]] = []
        listed = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic.arn)
        for subscription in (entry for page in listed for entry in page["Subscriptions"]):
            if subscription["Protocol"] != "email":
                continue
            attributes = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])
            readers.append((subscription["Endpoint"], _matcher(attributes["Attributes"])))
        for _id, text, subject, attributes, _group in topic.sent_notifications:
            for recipient, matcher in readers:
                if matcher is None or matcher.matches(attributes, text):
                    yield recipient, subject or DEFAULT_SUBJECT, _letter(text)


def _letter(published: str) -> str:
    """What e-mail gets of a message: with MessageStructure "json" its part for e-mail, else its default.

    moto keeps the text alone, not the structure it was published with; a JSON object with a text as `default` is
    taken for one, as SNS demands it of them.
    """
    try:
        parts = json.loads(published)
    except ValueError:
        return published
    if not isinstance(parts, dict) or not isinstance(parts.get("default"), str):
        return published
    return str(parts.get("email") or parts["default"])


def _matcher(attributes: Mapping[str, str]) -> Any:
    from moto.sns.utils import FilterPolicyMatcher

    policy = attributes.get("FilterPolicy")
    if not policy:
        return None
    return FilterPolicyMatcher(json.loads(policy), attributes.get("FilterPolicyScope"))
