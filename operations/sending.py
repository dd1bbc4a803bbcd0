"""Sends messages to a stack's queue so that what its users upload meanwhile does not wait."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from media_pipeline.records.record import Stage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_LOOK_SECONDS: Final = 1.0
_HOUR: Final = 3600.0


class Work(NamedTuple):
    """What a message has a function do: which function, and for how many seconds."""

    stage: Stage
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How quickly messages may be sent: `rate` a second, and so that they keep `places` invocations busy at once.

    `places` is the part of the functions' concurrency that is not kept free for uploads; it may be below 1.
    """

    rate: float
    image: float
    video: float

    def places(self, stage: Stage) -> float:
        """Return how many invocations of a stage's function may be busy."""
        return self.video if stage is Stage.VIDEO else self.image

    def hours(self, messages: int, seconds: Mapping[Stage, float]) -> float:
        """Return how long so many messages take, with so many seconds of work for each function."""
        busy = (total / self.places(stage) for stage, total in seconds.items())
        return max(messages / self.rate, *busy, 0.0) / _HOUR

    def seconds(self, work: Work) -> float:
        """Return the seconds until the next message with work for the same function."""
        return work.seconds / self.places(work.stage)


class Sender:
    """Sends messages at a pace, and none while more than `max_waiting` wait. `clock` gives seconds."""

    def __init__(
        self,
        *,
        sqs: "SQSClient",
        queue_url: str,
        pace: Pace,
        max_waiting: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._pace = pace
        self._max_waiting = max_waiting
        self._clock = clock
        self._sleep = sleep
        self._looked_at: float | None = None
        self._room = 0
        self._free_at: dict[Stage, float] = {}

    def wait_for_turn(self, work: Work) -> None:
        """Wait for a place among the function's invocations, then for room in the queue.

        The room is what the queue said at most a second ago, less what was sent since.
        """
        if (wait := self._free_at.get(work.stage, 0.0) - self._clock()) > 0:
            self._sleep(wait)
        while self._is_stale() or self._room <= 0:
            answer = self._sqs.get_queue_attributes(
                QueueUrl=self._queue_url, AttributeNames=["ApproximateNumberOfMessages"]
            )
            self._looked_at = self._clock()
            self._room = self._max_waiting + 1 - int(answer["Attributes"]["ApproximateNumberOfMessages"])
            if self._room <= 0:
                self._sleep(_LOOK_SECONDS)

    def send(self, body: str, work: Work) -> None:
        """Send a message when it is its turn, then wait as long as the rate requires."""
        self.wait_for_turn(work)
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body)
        self.sent(work)

    def sent(self, work: Work) -> None:
        """Take note of a message that was sent, and wait as long as the rate requires."""
        self._room -= 1
        self._free_at[work.stage] = self._clock() + self._pace.seconds(work)
        self._sleep(1 / self._pace.rate)

    def _is_stale(self) -> bool:
        return self._looked_at is None or self._clock() - self._looked_at > _LOOK_SECONDS
