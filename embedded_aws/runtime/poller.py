"""Lambda's event source mappings: receive messages from queues, invoke functions, delete what succeeded."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.calls import ThrottledError
from embedded_aws.runtime.functions import Functions, RuntimeClosedError
from embedded_aws.runtime.invocation import Invocation
from embedded_aws.runtime.queues import Queues
from embedded_aws.runtime.sqs_event import MESSAGE_ATTRIBUTES, event_of, failed_items
from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.world import QueueMapping, World, WorldError

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 0.015  # between two checks of a queue without visible messages; one costs microseconds
_FAULT_SECONDS = 1.0  # before a source that may not be read, or whose function cannot run, is tried again
_THROTTLED_SECONDS = 0.2  # before a batch is handed to a throttled function again
_FRESH_SECONDS = 5.0  # how long a queue's changed visibility timeout may take to be seen
_MAX_RECEIVED = 10  # SQS gives no more at once
# Without maximum_concurrency Lambda goes up to 1,000 invocations, which no development machine holds.
_DEFAULT_CONCURRENCY = max(2, os.cpu_count() or 2)


@dataclass(frozen=True)
class Batch:
    """One invocation for messages of one queue; `kept` are the ids that come back after the visibility timeout."""

    function_name: str
    queue_arn: str
    message_ids: tuple[str, ...]
    kept: frozenset[str]
    invocation: Invocation


@dataclass(eq=False)
class _Source:
    mapping: QueueMapping
    slots: threading.Semaphore
    stopped: threading.Event = field(default_factory=threading.Event)
    visibility: int = 0  # the queue's, in AWS's seconds
    read_at: float = -math.inf


class Poller:
    """Does for all enabled mappings of the world what Lambda's pollers do.

    Messages are received and deleted with the function's role, as on AWS. A message that failed stays in the
    queue until its visibility timeout is over; SQS itself moves it to the dead-letter queue after
    `maxReceiveCount` receives. `on_batch` gets every invocation, on the thread that ran it.
    """

    def __init__(
        self,
        world: World,
        functions: Functions,
        timescale: TimeScale | None = None,
        *,
        on_batch: Callable[[Batch], None] | None = None,
    ) -> None:
        self._world = world
        self._functions = functions
        self._queues = Queues(world)
        self._timescale = timescale or TimeScale()
        self._on_batch = on_batch
        self._sources: list[_Source] = []
        self._threads: list[threading.Thread] = []
        self._workers: ThreadPoolExecutor | None = None
        self._flying = 0
        self._lock = threading.Lock()
        self._paused = threading.Event()
        self.faults: list[str] = []  # what kept a mapping from working, each once, for people

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(kill=True)

    def start(self) -> None:
        """Begin to poll the mappings that are there and enabled now."""
        if self._workers is not None:
            raise RuntimeError("the poller runs already")
        mappings = [mapping for mapping in self._world.mappings() if mapping.enabled]
        limits = [mapping.maximum_concurrency or _DEFAULT_CONCURRENCY for mapping in mappings]
        self._workers = ThreadPoolExecutor(max(1, sum(limits)), thread_name_prefix="invocation")
        self._sources = [
            _Source(mapping, threading.Semaphore(limit))
            for mapping, limit in zip(mappings, limits, strict=True)
        ]
        self._threads = [
            threading.Thread(
                target=self._poll, args=(source,), name=source.mapping.function_name, daemon=True
            )
            for source in self._sources
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, *, kill: bool = False) -> None:
        """Receive no more and wait for the running invocations; with `kill`, end them. A second call is free.

        The messages of killed invocations come back after their visibility timeout, as on AWS.
        """
        for source in self._sources:
            source.stopped.set()
        for thread in self._threads:
            thread.join()
        while kill and self._flying:  # again and again: what was handed out last may only be starting
            self._functions.stop_running()
            time.sleep(_IDLE_SECONDS)
        if self._workers is not None:
            self._workers.shutdown()
        self._sources, self._threads, self._workers = [], [], None

    def pause(self) -> None:
        """Receive nothing until `resume`; what runs goes on."""
        self._paused.set()

    def resume(self) -> None:
        """Receive again."""
        self._paused.clear()

    @property
    def in_flight(self) -> int:
        """Return how many invocations run or are about to."""
        return self._flying

    def idle(self) -> bool:
        """Tell whether nothing runs and nothing waits.

        Every polled queue is empty (visible, hidden and delayed messages), and so is Lambda's own queue of events.
        """
        with self._lock:
            if self._flying or self._functions.events.pending:
                return False
            return all(not self._queues.count(source.mapping.queue_arn) for source in self._sources)

    def _poll(self, source: _Source) -> None:
        while not source.stopped.is_set():
            if self._paused.is_set() or not self._queues.has_visible(source.mapping.queue_arn):
                source.stopped.wait(_IDLE_SECONDS)
                continue
            if not source.slots.acquire(timeout=_IDLE_SECONDS):
                continue
            handed_over = False
            try:
                handed_over = self._hand_over(source)
            except (ClientError, BotoCoreError, WorldError) as error:
                self._fault(source, str(error))
                source.stopped.wait(_FAULT_SECONDS)
            finally:
                if not handed_over:
                    source.slots.release()

    def _hand_over(self, source: _Source) -> bool:
        """Receive one batch and give it to a worker; False where another consumer was faster."""
        with self._lock:
            self._flying += 1  # before the receive, so that `idle` never misses a batch
        messages: list[dict[str, Any]] = []
        try:
            mapping = source.mapping
            function = self._functions.deployed(mapping.function_name)
            sqs = self._world.client("sqs", self._functions.credentials(mapping.function_name))
            messages = self._receive(source, sqs, function.timeout)
            if messages and self._workers is not None:
                self._workers.submit(self._run, source, sqs, messages).add_done_callback(self._surface)
            return bool(messages)
        finally:
            if not messages:
                self._landed()

    def _receive(self, source: _Source, sqs: Any, function_timeout: float) -> list[dict[str, Any]]:
        """Collect up to a batch, for as long as the batching window is open."""
        mapping = source.mapping
        if time.monotonic() - source.read_at > _FRESH_SECONDS:
            url, names = mapping.queue_url, ["VisibilityTimeout"]
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            source.visibility, source.read_at = int(attributes["VisibilityTimeout"]), time.monotonic()
        closes = time.monotonic() + self._timescale.seconds(mapping.batching_window)
        messages: list[dict[str, Any]] = []
        while True:
            messages += sqs.receive_message(
                QueueUrl=mapping.queue_url,
                MaxNumberOfMessages=min(_MAX_RECEIVED, mapping.batch_size - len(messages)),
                VisibilityTimeout=self._timescale.visibility(source.visibility, function_timeout),
                WaitTimeSeconds=0,
                MessageSystemAttributeNames=MESSAGE_ATTRIBUTES,
                MessageAttributeNames=MESSAGE_ATTRIBUTES,
            ).get("Messages", [])
            left = closes - time.monotonic()
            if not messages or len(messages) >= mapping.batch_size or left <= 0 or source.stopped.is_set():
                return messages
            source.stopped.wait(min(left, _IDLE_SECONDS))

    def _run(self, source: _Source, sqs: Any, messages: list[dict[str, Any]]) -> None:
        mapping = source.mapping
        try:
            event = event_of(messages, mapping.queue_arn, self._world.region)
            invocation = self._invoke(source, event)
            if invocation is None:
                return
            kept = self._kept(mapping, invocation, messages)
            for message in messages:
                if message["MessageId"] not in kept:
                    sqs.delete_message(QueueUrl=mapping.queue_url, ReceiptHandle=message["ReceiptHandle"])
            if self._on_batch is not None:
                ids = tuple(message["MessageId"] for message in messages)
                batch = Batch(mapping.function_name, mapping.queue_arn, ids, frozenset(kept), invocation)
                self._on_batch(batch)
        except RuntimeClosedError:
            source.stopped.set()
        except (ClientError, BotoCoreError, WorldError) as error:
            self._fault(source, str(error))
        finally:
            source.slots.release()
            self._landed()

    def _invoke(self, source: _Source, event: Any) -> Invocation | None:
        """Invoke, again and again while Lambda refuses it; None where the messages are about to return by then."""
        until = time.monotonic() + self._timescale.seconds(source.visibility)
        while True:
            try:
                return self._functions.invoke(source.mapping.function_name, event)
            except ThrottledError:
                if source.stopped.wait(_THROTTLED_SECONDS) or time.monotonic() > until:
                    return None

    def _surface(self, run: Future[None]) -> None:
        """Log an error of this code or of `on_batch`, which would otherwise vanish in a worker."""
        if error := run.exception():
            self.faults.append(repr(error))
            _log.error("the poller failed", exc_info=error)

    @staticmethod
    def _kept(
        mapping: QueueMapping, invocation: Invocation, messages: Sequence[Mapping[str, Any]]
    ) -> set[str]:
        ids = [message["MessageId"] for message in messages]
        if invocation.error is not None:
            return set(ids)
        return failed_items(invocation.payload, ids) if mapping.reports_item_failures else set()

    def _landed(self) -> None:
        with self._lock:
            self._flying -= 1

    def _fault(self, source: _Source, what: str) -> None:
        fault = f"{source.mapping.function_name} <- {source.mapping.queue_arn.rsplit(':', 1)[-1]}: {what}"
        if fault not in self.faults:
            self.faults.append(fault)
            _log.warning("%s", fault)
