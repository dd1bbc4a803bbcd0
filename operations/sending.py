"""Sends messages to a stack's queue so that what its users upload meanwhile does not wait."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_LOOK_SECONDS: Final = 1.0


class Sender:
    """Sends messages at most so many a second, and none while too many wait. `clock` gives seconds."""

    def __init__(
        self,
        *,
        sqs: "SQSClient",
        queue_url: str,
        rate: float,
        max_waiting: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._pause = 1 / rate
        self._max_waiting = max_waiting
        self._clock = clock
        self._sleep = sleep
        self._looked_at: float | None = None
        self._room = 0

    def wait_for_turn(self) -> None:
        """Wait until the queue has room, by what it said at most a second ago and what was sent since."""
        while self._is_stale() or self._room <= 0:
            answer = self._sqs.get_queue_attributes(
                QueueUrl=self._queue_url, AttributeNames=["ApproximateNumberOfMessages"]
            )
            self._looked_at = self._clock()
            self._room = self._max_waiting - int(answer["Attributes"]["ApproximateNumberOfMessages"])
            if self._room <= 0:
                self._sleep(_LOOK_SECONDS)

    def send(self, body: str) -> None:
        """Send a message when it is its turn, then wait as long as the rate requires."""
        self.wait_for_turn()
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body)
        self.sent()

    def sent(self) -> None:
        """Take note of a message that was sent, and wait as long as the rate requires."""
        self._room -= 1
        self._sleep(self._pause)

    def _is_stale(self) -> bool:
        return self._looked_at is None or self._clock() - self._looked_at > _LOOK_SECONDS
