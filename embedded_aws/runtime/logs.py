"""The lines that functions print: a file per handler module, and CloudWatch Logs as the role may write."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.metrics.recorder import Metrics

_log = logging.getLogger(__name__)
_FLUSH_INTERVAL = 0.5  # seconds
_PERIOD = 60.0  # seconds between two looks at the queues, as SQS publishes its metrics
_OFTEN, _AT_FIRST = 5.0, 120.0  # more often at first: most worlds live for less than a minute
_MAX_EVENTS = 1000  # CloudWatch Logs takes up to 10,000 a call, and 1 MB
_TOO_LONG = 200_000  # characters of one event, of 262,144 bytes that CloudWatch Logs takes


class LogFiles:
    """`<folder>/<name>.log`, one for each name, holding exactly the lines that were printed."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._files: dict[str, IO[bytes]] = {}
        self._lock = threading.Lock()

    def write(self, name: str, lines: bytes) -> None:
        """Append whole lines; those of concurrent processes do not mix within a line."""
        if self._folder is None:
            return
        with self._lock:
            file = self._files.get(name)
            if file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                file = self._files[name] = (self._folder / f"{name}.log").open("ab", buffering=0)
            file.write(lines)

    def close(self) -> None:
        """Close all files. Lines that come later open theirs again."""
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files.clear()


@dataclass(frozen=True)
class LogStream:
    """One execution environment's stream; `client` makes the CloudWatch Logs client of the function's role."""

    group: str
    name: str
    client: Callable[[], Any] = field(compare=False)


class CloudWatchLogs:
    """Writes lines to CloudWatch Logs in the background. What the role may not write is lost, as on AWS."""

    def __init__(self, metrics: Metrics, publish: Callable[[], None]) -> None:
        """`metrics` gets those of events in the embedded metric format; `publish` is called every now and then."""
        self._metrics = metrics
        self._publish = publish
        self._waiting: dict[LogStream, list[dict[str, Any]]] = defaultdict(list)
        self._made: set[LogStream] = set()
        self._refused: set[str] = set()
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cloudwatch-logs", daemon=True)
        self._thread.start()

    def write(self, stream: LogStream, lines: bytes) -> None:
        """Queue lines as events with the present time."""
        now = int(time.time() * 1000)
        text = lines.decode("utf-8", "replace")
        # Not splitlines(): a JSON line may hold U+2028, which does not end a line for CloudWatch.
        events = [{"timestamp": now, "message": line[:_TOO_LONG]} for line in text.split("\n") if line]
        with self._lock:
            self._waiting[stream] += events

    def close(self) -> None:
        """Write what is left and stop."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        begun = published = time.monotonic()
        while not self._stop.wait(_FLUSH_INTERVAL):
            self.flush()
            now = time.monotonic()
            if now - published >= (_OFTEN if now - begun < _AT_FIRST else _PERIOD):
                published = now
                self._tell()
        self.flush()
        self._tell()

    def _tell(self) -> None:
        try:
            self._publish()
        except (ClientError, BotoCoreError) as error:
            _log.warning("metrics are lost: %s", error)

    def flush(self) -> None:
        """Write what was printed so far, and return once it is there."""
        with self._flushing:
            with self._lock:
                waiting, self._waiting = self._waiting, defaultdict(list)
            for stream, events in waiting.items():
                try:
                    self._put(stream, events)
                except (ClientError, BotoCoreError) as error:
                    if stream.group not in self._refused:
                        self._refused.add(stream.group)
                        _log.warning("lines for log group %s are lost: %s", stream.group, error)

    def _put(self, stream: LogStream, events: list[dict[str, Any]]) -> None:
        client = stream.client()
        if stream not in self._made:
            client.create_log_stream(logGroupName=stream.group, logStreamName=stream.name)
            self._made.add(stream)
        for start in range(0, len(events), _MAX_EVENTS):
            client.put_log_events(
                logGroupName=stream.group,
                logStreamName=stream.name,
                logEvents=events[start : start + _MAX_EVENTS],
            )
        for event in events:
            self._metrics.embedded(event["message"])
