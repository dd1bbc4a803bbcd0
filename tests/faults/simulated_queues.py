"""SQS and Lambda's event source mapping in virtual time: at least once, unordered, dead letters after MAX_RECEIVES."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.virtual_time import VirtualClock

VISIBILITY_FACTOR = 6  # a queue's visibility timeout is so many times its function's time-out
LONGEST_VISIBILITY = 43_200  # SQS: twelve hours
MAX_RECEIVES = 50
RETENTION = {"images": 4 * 86_400.0, "videos": 4 * 86_400.0, "dead": 7 * 86_400.0}  # seconds


@dataclass(eq=False)
class Message:
    """One message. `receipts` are the receipt handles of all its deliveries; only the last one is valid."""

    number: int
    body: str
    visible_at: float
    sent_at: float
    receives: int = 0
    receipts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Delivery:
    """One delivery of a message to a function."""

    message: Message
    receipt: str
    receives: int
    queue: str


class Queue:
    """A standard queue."""

    def __init__(self, name: str, clock: VirtualClock) -> None:
        self.name = name
        self.url = f"https://sqs.eu-west-1.amazonaws.com/123456789012/{name}"
        self.messages: list[Message] = []
        self.dead_lettered: list[Message] = []
        self.expired: list[Message] = []
        self.visibility = 0.0  # seconds; set by the deployment
        self._clock = clock
        self._sent = 0
        self.on_visible: Callable[[], None] = lambda: None

    def send(self, body: str, sent_at: float | None = None) -> None:
        """Add a message; `sent_at` keeps the age of one that moves to the dead letters."""
        now = self._clock.now
        self._sent += 1
        self.messages.append(Message(self._sent, body, now, now if sent_at is None else sent_at))
        self._clock.at(now, self._look)

    def hide(self, receipt: str, seconds: int) -> str | None:
        """Carry out ChangeMessageVisibility; return the code of SQS's error, or None."""
        if not 0 <= seconds <= LONGEST_VISIBILITY:
            return "InvalidParameterValue"
        for message in self.messages:
            if receipt in message.receipts:
                if message.visible_at <= self._clock.now:
                    return "MessageNotInflight"
                if receipt == message.receipts[-1]:
                    message.visible_at = self._clock.now + seconds
                    self._clock.at(message.visible_at, self._look)
                return None
        return "InvalidParameterValue"

    def receive(self, rng: random.Random, dead_letters: "Queue | None") -> Delivery | None:
        """Return one visible message at random; one received too often moves to the dead letters instead."""
        self._expire()
        visible = [message for message in self.messages if message.visible_at <= self._clock.now]
        while visible:
            message = visible.pop(rng.randrange(len(visible)))
            if dead_letters is not None and message.receives >= MAX_RECEIVES:
                self.messages.remove(message)
                self.dead_lettered.append(message)
                dead_letters.send(message.body, message.sent_at)
                continue
            message.visible_at = self._clock.now + self.visibility
            self._clock.at(message.visible_at, self._look)
            return self.deliver(message)
        return None

    def deliver(self, message: Message) -> Delivery:
        """Deliver a message once more, although somebody else may have it.

        A deleted message is restored: one of SQS's servers kept a copy that the deletion did not reach.
        """
        if message not in self.messages:
            message.visible_at = self._clock.now + self.visibility
            self._clock.at(message.visible_at, self._look)
            self.messages.append(message)
        message.receives += 1
        message.receipts.append(f"{self.name}-{message.number}-{message.receives}")
        return Delivery(message, message.receipts[-1], message.receives, self.name)

    def delete(self, delivery: Delivery) -> None:
        """Delete a message. As in SQS, only the receipt handle of its last delivery does so."""
        message = delivery.message
        if delivery.receipt == message.receipts[-1] and message in self.messages:
            self.messages.remove(message)

    def _expire(self) -> None:
        for message in list(self.messages):
            if self._clock.now - message.sent_at > RETENTION[self.name]:
                self.messages.remove(message)
                self.expired.append(message)

    def _look(self) -> None:
        self.on_visible()


class EventSource:
    """Feeds a function from a queue: one message per invocation, at most `concurrency` at a time."""

    def __init__(
        self,
        *,
        queue: Queue,
        dead_letters: Queue | None,
        invoke: Callable[[Delivery, Callable[[bool], None]], None],
        clock: VirtualClock,
        rng: random.Random,
        concurrency: int,
        redelivery_delay: Callable[[], float | None],
        loses_delete: Callable[[], bool],
        acknowledged: Callable[[Message], None],
    ) -> None:
        """Connect the queue to the function.

        `invoke(delivery, done)` calls `done` with whether the batch succeeded. `redelivery_delay` returns the seconds
        after which SQS delivers the same message once more, or None. `loses_delete` returns whether SQS loses the
        deletion of a message. `acknowledged` is called for every message that a function processed.
        """
        self._queue = queue
        self._dead_letters = dead_letters
        self._invoke = invoke
        self._clock = clock
        self._rng = rng
        self._free = concurrency
        self._redelivery_delay = redelivery_delay
        self._loses_delete = loses_delete
        self._acknowledged = acknowledged
        queue.on_visible = self.look

    def look(self) -> None:
        """Receive visible messages, as far as concurrency allows."""
        while self._free:
            delivery = self._queue.receive(self._rng, self._dead_letters)
            if delivery is None:
                return
            self._hand_over(delivery)
            if (seconds := self._redelivery_delay()) is not None:
                message = delivery.message
                self._clock.after(seconds, lambda message=message: self._duplicate(message))  # type: ignore[misc]

    def _duplicate(self, message: Message) -> None:
        if self._free:
            self._hand_over(self._queue.deliver(message))

    def _hand_over(self, delivery: Delivery) -> None:
        self._free -= 1
        self._invoke(delivery, lambda went_well: self._done(delivery, went_well))

    def _done(self, delivery: Delivery, went_well: bool) -> None:
        self._free += 1
        if went_well:
            self._acknowledged(delivery.message)
            if not self._loses_delete():
                self._queue.delete(delivery)
        self.look()
