"""Reads the events in an SQS batch, and decides when failed messages return."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.errors import (
    BudgetSpentError,
    LeaseHeldError,
    SettingsError,
    StillLinkedError,
    UnknownMessageError,
)
from media_pipeline.events import ObjectEvent, parse_message
from media_pipeline.invocation import Invocation, LambdaContext
from media_pipeline.observability import Observability

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

FIRST_PAUSE_SHARE = (
    1 / 8
)  # of the function's time-out: the pause after the first failure; it doubles with each further failure
LONGEST_PAUSE = 6  # times the time-out, which is the queue's visibility timeout: 50 receives take hours

LONGEST_HIDDEN = 41_400.0
"""Seconds for which a message that waits for another day is hidden at once. SQS allows 12 hours from its receipt, of
which the function may have used 15 minutes (Amazon SQS Developer Guide, "Visibility timeout")."""


class Message(NamedTuple):
    """One message of a batch. `receives` counts its deliveries, this one included; `queue_arn` names its queue.

    `sent_at` is when it was first sent, in epoch seconds.
    """

    id: str
    body: str
    receipt_handle: str
    receives: int
    queue_arn: str
    sent_at: float

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> "Message":
        """Read an entry of the event that Lambda passes for an SQS queue (Lambda Developer Guide)."""
        return cls(
            id=record["messageId"],
            body=record["body"],
            receipt_handle=record["receiptHandle"],
            receives=int(record["attributes"]["ApproximateReceiveCount"]),
            queue_arn=record["eventSourceARN"],
            sent_at=int(record["attributes"]["SentTimestamp"]) / 1000,
        )


class MessageWorker:
    """Handles SQS batches whose messages are S3 event notifications, and reports the failed ones.

    `handle` is called for each event of the uploads bucket; `unknown` for a message that is not an S3 event, and
    may raise so that the message is retried. `queue_urls` are those of all queues that feed the function.
    """

    def __init__(
        self,
        *,
        handle: Callable[[ObjectEvent, Invocation], None],
        unknown: Callable[[str, UnknownMessageError], None],
        sqs: "SQSClient",
        queue_urls: Sequence[str],
        uploads_bucket: str,
        observability: Observability,
        describe: Callable[[LambdaContext], Invocation] = Invocation.of,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._handle = handle
        self._unknown = unknown
        self._sqs = sqs
        self._queue_urls = {url.rsplit("/", 1)[-1]: url for url in queue_urls}
        self._uploads_bucket = uploads_bucket
        self._observability = observability
        self._describe = describe
        self._clock = clock

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> Any:
        """Handle one batch; the answer names the messages that return (`ReportBatchItemFailures`)."""
        # Powertools has a utility for this, whose import takes a twentieth of a cold start.
        failures = []
        with self._observability.invocation(context):
            for record in event["Records"]:
                message = Message.parse(record)
                try:
                    self._record(message, self._describe(context))
                except Exception:  # noqa: BLE001 - it is logged; the other messages of the batch have their turn
                    failures.append({"itemIdentifier": message.id})
        return {"batchItemFailures": failures}

    def _record(self, message: Message, invocation: Invocation) -> None:
        failed: list[str] = []
        try:
            self._events(message.body, replace(invocation, hide=partial(self._hide, message)), failed)
        except StillLinkedError as error:
            self._choose_return(message, invocation, error)  # as it should be: nothing went wrong
            raise
        except Exception as error:
            object_key = failed[0] if failed else None
            if isinstance(error, BudgetSpentError):
                self._observability.budget_spent(error, object_key=object_key)
            else:
                age = self._clock() - message.sent_at
                self._observability.handed_back(error, age=age, object_key=object_key)
            self._choose_return(message, invocation, error)
            raise

    def _events(self, body: str, invocation: Invocation, failed: list[str]) -> None:
        """Handle every event of a message, add the keys of those that failed to `failed`, raise the first error."""
        try:
            events = parse_message(body)
        except UnknownMessageError as error:
            self._unknown(body, error)
            return
        first: Exception | None = None
        for event in events:
            if not self._is_ours(event):
                continue
            try:
                self._handle(event, invocation)
            except Exception as error:  # noqa: BLE001 - raised below, after the other events in the message
                failed.append(event.key)
                first = first or error
        if first is not None:
            raise first

    def _is_ours(self, event: ObjectEvent) -> bool:
        if event.bucket != self._uploads_bucket:
            # Never work on another bucket's objects: with our own output among them, this would loop.
            self._observability.ignored(
                event.key, f"it is of the bucket {event.bucket}, not of {self._uploads_bucket}"
            )
            return False
        return not event.is_folder

    def _choose_return(self, message: Message, invocation: Invocation, error: Exception) -> None:
        """Choose when the message returns; without this call, after the queue's visibility timeout."""
        seconds = pause(error, message.receives, invocation.timeout)
        try:
            self._hide(message, seconds)
        except (BotoCoreError, ClientError, SettingsError) as problem:
            error.add_note(f"and its visibility timeout could not be changed: {problem}")

    def _hide(self, message: Message, seconds: float) -> None:
        self._sqs.change_message_visibility(
            QueueUrl=self._queue_url(message),
            ReceiptHandle=message.receipt_handle,
            VisibilityTimeout=math.ceil(seconds),
        )

    def _queue_url(self, message: Message) -> str:
        """Return the URL of the queue that the message came from: a queue's name ends both its ARN and its URL."""
        if len(self._queue_urls) == 1:
            return next(iter(self._queue_urls.values()))
        try:
            return self._queue_urls[message.queue_arn.rsplit(":", 1)[-1]]
        except KeyError:
            raise SettingsError(f"there is no URL of {message.queue_arn}") from None


def pause(error: Exception, receives: int, timeout: float) -> float:
    """Return the seconds for which a message stays away after its attempt number `receives` failed with `error`."""
    if isinstance(error, LeaseHeldError):
        return max(error.seconds, 0.0)
    if isinstance(error, BudgetSpentError):
        return min(error.seconds, LONGEST_HIDDEN)
    if isinstance(error, UnknownMessageError):
        return 0.0  # no attempt can change it: on to the dead-letter queue without delay
    return min(timeout * FIRST_PAUSE_SHARE * 2.0 ** min(receives - 1, 30), timeout * LONGEST_PAUSE)
