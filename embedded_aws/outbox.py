"""The e-mails that topics and user pools send, one file each, as their recipients would receive them."""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Self

from embedded_aws.moto_hooks.topic_deliveries import Notification, deliver_by

SENDER = "AWS Notifications <no-reply@sns.amazonaws.com>"
DEFAULT_SUBJECT = "AWS Notification Message"  # SNS's, for a message without one

_NOT_FOR_FILES = re.compile(r"[^A-Za-z0-9@._-]+")
_NAME_LENGTH = 120


@dataclass(frozen=True, kw_only=True)
class Email:
    """One e-mail that was sent, and the file it is in."""

    recipient: str
    subject: str
    path: Path


class Outbox:
    """Context manager: each e-mail becomes `<folder>/<number> <recipient>.eml`.

    Addresses count as confirmed, other than on AWS, where their owners must confirm each subscription first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._emails: list[Email] = []
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._end = deliver_by(self._write, "email", "email-json")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._end is not None:
            self._end()

    @property
    def emails(self) -> list[Email]:
        """Return all e-mails so far, in the order of sending."""
        with self._lock:
            return list(self._emails)

    def _write(self, notification: Notification) -> None:
        subject = notification.subject or DEFAULT_SUBJECT
        text = notification.message if notification.protocol == "email" else _as_json(notification)
        with self._lock:
            name = _NOT_FOR_FILES.sub("_", f"{len(self._emails) + 1:04} {notification.endpoint}")
            path = self._folder / f"{name[:_NAME_LENGTH]}.eml"
            whole = path.with_suffix(".part")
            whole.write_bytes(message(notification.endpoint, subject, text, notification.sender or SENDER))
            whole.replace(path)  # at once: who watches the folder never sees half a file
            self._emails.append(Email(recipient=notification.endpoint, subject=subject, path=path))


def message(recipient: str, subject: str, text: str, sender: str = SENDER) -> bytes:
    """Return one e-mail as the bytes of a file: a single text/plain part in UTF-8."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = subject
    mail.set_content(text, subtype="plain", charset="utf-8")
    return mail.as_bytes()


def _as_json(notification: Notification) -> str:
    """Return what a subscription with the protocol `email-json` gets."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": notification.message_id,
            "TopicArn": notification.topic_arn,
            "Subject": notification.subject,
            "Message": notification.message,
            "Timestamp": notification.timestamp,
            "MessageAttributes": dict(notification.attributes),
        },
        indent=2,
    )
