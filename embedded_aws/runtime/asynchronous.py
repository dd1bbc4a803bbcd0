"""Lambda's asynchronous invocations: events without a waiting caller, retried, then sent to a dead-letter queue.

After the Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation".
"""

from __future__ import annotations

import heapq
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.calls import ThrottledError
from embedded_aws.runtime.invocation import FunctionError, Invocation, RuntimeClosedError
from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.world import Credentials, World, WorldError

_log = logging.getLogger(__name__)
RETRIES = 2
RETRY_SECONDS = (60.0, 120.0)  # AWS's, before the second and the third attempt
THROTTLED_SECONDS = 1.0
_WORKERS = max(2, os.cpu_count() or 2)
_MESSAGE_LENGTH = 1024  # characters of an error that a dead letter carries


@dataclass(order=True)
class _Waiting:
    due: float
    number: int
    name: str = field(compare=False)
    event: Any = field(compare=False)
    attempts: int = field(default=0, compare=False)
    id: str = field(default_factory=lambda: str(uuid.uuid4()), compare=False)


class AsynchronousInvocations:
    """A queue of events with a few workers, so that a burst of events does not start a burst of processes.

    `invoke` runs one event, and raises RuntimeClosedError where none can run any more; `credentials` gives a
    session of a function's role. An event that fails is tried twice more (or as often as the function's
    configuration says), then it goes to the destination for failures, or the dead-letter queue, with the role's
    permissions.
    """

    def __init__(
        self,
        world: World,
        invoke: Callable[[str, Any], Invocation],
        credentials: Callable[[str], Credentials],
        timescale: TimeScale,
    ) -> None:
        self._world = world
        self._invoke = invoke
        self._credentials = credentials
        self._timescale = timescale
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._numbers = count()
        self._running = 0
        self._closed = False
        self._workers: list[threading.Thread] = []
        self.lost: list[str] = []  # dead letters that could not be sent, as sentences

    def accept(self, name: str, event: Any) -> None:
        """Queue an event, and return at once."""
        with self._changed:
            if self._closed:
                return
            self._push(_Waiting(time.monotonic(), next(self._numbers), name, event))
            if len(self._workers) < min(_WORKERS, len(self._waiting) + self._running):
                worker = threading.Thread(target=self._work, name="asynchronous", daemon=True)
                self._workers.append(worker)
                worker.start()

    @property
    def pending(self) -> int:
        """Return how many events wait, run, or will be tried again."""
        with self._changed:
            return len(self._waiting) + self._running

    def close(self) -> None:
        """Drop what waits. What runs ends by itself, or is killed by its runner."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def join(self) -> None:
        """Wait for the workers, after `close`."""
        for worker in self._workers:
            worker.join()

    def _push(self, waiting: _Waiting) -> None:
        heapq.heappush(self._waiting, waiting)
        self._changed.notify()

    def _next(self) -> _Waiting | None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                if self._waiting and self._waiting[0].due <= now:
                    self._running += 1
                    return heapq.heappop(self._waiting)
                self._changed.wait(self._waiting[0].due - now if self._waiting else None)
            return None

    def _work(self) -> None:
        while (waiting := self._next()) is not None:
            again = False
            try:
                again = self._attempt(waiting)
            except RuntimeClosedError:
                return
            except (ClientError, BotoCoreError, WorldError) as error:
                self._lose(waiting, str(error))
            finally:
                with self._changed:
                    self._running -= 1
                    if again and not self._closed:
                        self._push(waiting)

    def _attempt(self, waiting: _Waiting) -> bool:
        """Run it once; True where it is to be tried again at its new `due`."""
        try:
            invocation = self._invoke(waiting.name, waiting.event)
        except (
            ThrottledError
        ):  # Lambda tries for up to six hours, with pauses that grow; this counts as no attempt
            waiting.due = time.monotonic() + self._timescale.seconds(THROTTLED_SECONDS)
            return True
        waiting.attempts += 1
        if invocation.error is None:
            return False
        settings = self._settings(waiting.name)
        if waiting.attempts <= settings.get("MaximumRetryAttempts", RETRIES):
            pause = RETRY_SECONDS[min(waiting.attempts, len(RETRY_SECONDS)) - 1]
            waiting.due = time.monotonic() + self._timescale.seconds(pause)
            return True
        destination = (settings.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination")
        if destination:
            self._send(waiting, destination, _record(waiting, invocation.error), {})
        configuration = self._world.client("lambda").get_function_configuration(FunctionName=waiting.name)
        target = configuration.get("DeadLetterConfig", {}).get("TargetArn")
        if target:
            self._send(waiting, target, waiting.event, _reasons(waiting, invocation.error))
        return False

    def _settings(self, name: str) -> Mapping[str, Any]:
        client = self._world.client("lambda")
        try:
            found: Mapping[str, Any] = client.get_function_event_invoke_config(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            return {}
        return found

    def _send(
        self, waiting: _Waiting, target: str, document: Any, attributes: Mapping[str, Mapping[str, str]]
    ) -> None:
        _, _, service, region, account, name = target.split(":", 5)
        session = self._credentials(waiting.name)
        text = json.dumps(document)
        if service == "sqs":
            sqs = self._world.client("sqs", session)
            url = self._world.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody=text, MessageAttributes=attributes)
        elif service == "sns":
            self._world.client("sns", session).publish(
                TopicArn=target, Message=text, MessageAttributes=attributes
            )
        else:
            self._lose(
                waiting, f"{service} in {region} of {account} is not a possible destination here: {target}"
            )

    def _lose(self, waiting: _Waiting, why: str) -> None:
        """Record a lost event. On AWS only a metric (DestinationDeliveryFailures, DeadLetterErrors) counts it."""
        self.lost.append(f"{waiting.name}: {why}")
        _log.warning("an event of %s is lost: %s", waiting.name, why)


def _reasons(waiting: _Waiting, error: FunctionError) -> dict[str, dict[str, str]]:
    return {
        "RequestID": {"DataType": "String", "StringValue": waiting.id},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": error.message[:_MESSAGE_LENGTH] or error.type},
    }


def _record(waiting: _Waiting, error: FunctionError) -> dict[str, Any]:
    return {
        "version": "1.0",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "requestContext": {
            "requestId": waiting.id,
            "functionArn": waiting.name,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": waiting.attempts,
        },
        "requestPayload": waiting.event,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": {"errorType": error.type, "errorMessage": error.message},
    }
