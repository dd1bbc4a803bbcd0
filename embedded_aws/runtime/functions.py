"""Lambda's data plane: run the deployed functions, each in processes of its own."""

from __future__ import annotations

import json
import logging
import math
import os
import secrets
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from embedded_aws.calls import ThrottledError
from embedded_aws.moto_hooks.topic_deliveries import deliver_by
from embedded_aws.profiles import CONCURRENT_EXECUTIONS, active
from embedded_aws.runtime import memory
from embedded_aws.runtime.asynchronous import AsynchronousInvocations
from embedded_aws.runtime.invocation import FunctionError, Invocation, trace_header
from embedded_aws.runtime.invocation import RuntimeClosedError as RuntimeClosedError
from embedded_aws.runtime.launch import Function, FunctionLoader, environment_variables
from embedded_aws.runtime.logs import CloudWatchLogs, LogFiles, LogStream
from embedded_aws.runtime.memory import MemoryWatcher, Watch
from embedded_aws.runtime.packages import DEFAULT_CACHE, sdk_folders
from embedded_aws.runtime.process import Death, ExecutionEnvironment, Launch
from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.runtime.topics import to_function
from embedded_aws.runtime.xray import XRayListener
from embedded_aws.world import Credentials, World

_log = logging.getLogger(__name__)
INIT_SECONDS = 10.0  # Lambda's limit for importing the handler; not scaled, since imports do not get faster
_MAX_AGE = 1800.0  # seconds; an environment is replaced long before its role's session (1 h) ends
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class RunningEnvironment:
    """A running process; `request_id` is None while it waits for work, `event` until the handler has one."""

    function_name: str
    pid: int
    request_id: str | None
    event: Any = None


@dataclass(eq=False)
class _Warm:
    function: Function
    process: ExecutionEnvironment
    scratch: TemporaryDirectory[str]
    born: float = field(default_factory=time.monotonic)
    request_id: str | None = None
    event: Any = None

    def close(self) -> None:
        self.process.close()
        self.scratch.cleanup()


class Functions:
    """Invokes functions by name, with warm environments kept for the next event; `name:3` is a published version.

    Each has the deployed code and layers, the variables it was given, and credentials of its own role. It is
    killed at its deadline and above its memory (`watches_memory`: on Linux). Thread-safe; `close` ends all
    processes within 2 seconds. What functions print goes to `log_folder/<handler module>.log` and to CloudWatch
    Logs. The world's Invoke is carried out here, too, and what its topics send to functions (`events`).
    With `file_bytes` no file can grow beyond that many bytes, and writing fails as on a full /tmp (with EFBIG; not
    on Windows).
    """

    def __init__(
        self,
        world: World,
        timescale: TimeScale | None = None,
        log_folder: Path | None = None,
        *,
        cache: Path = DEFAULT_CACHE,
        file_bytes: int | None = None,
    ) -> None:
        self._world = world
        self._timescale = timescale or TimeScale()
        self._loader = FunctionLoader(world, cache)
        self._sdk = sdk_folders()
        self._file_bytes = file_bytes
        self._files = LogFiles(log_folder)
        self._cloudwatch = CloudWatchLogs(world.metrics, world.publish_metrics)
        self.concurrent_executions = int(active().quota("lambda", CONCURRENT_EXECUTIONS) or 0)
        """How many run at once before Lambda refuses more: the account's quota."""
        self._watcher = MemoryWatcher()
        self.traces = XRayListener()
        self.watches_memory = memory.SUPPORTED
        if not self.watches_memory:
            _log.warning(
                "the memory size of functions is not enforced here: only Linux shows how much they take"
            )
        self._lock = threading.Lock()
        self._idle: dict[str, list[_Warm]] = defaultdict(list)
        self._all: set[_Warm] = set()
        self._closed = False
        self.events = AsynchronousInvocations(world, self.invoke, self.credentials, self._timescale)
        self._end_invoke = world.carry_out_invocations(self._answer, self.events.accept)
        self._end_topics = deliver_by(lambda sent: to_function(sent, self.events.accept), "lambda")
        self._closing = threading.Lock()  # an interrupt may close from another thread
        self._sessions: dict[tuple[str, str], tuple[float, Credentials]] = {}
        self._sessions_lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def invoke(self, name: str, event: Any) -> Invocation:
        """Run one event synchronously, as RequestResponse does.

        A function that raises, is killed or cannot be imported is not an exception here but `Invocation.error`.
        Raises WorldError where there is no such function or its role cannot be assumed, ThrottledError where as many
        run as the account may run at once, and RuntimeClosedError.
        """
        function = self._loader.load(name)
        self._admit(function)
        invocation = self._invoke(function, event)
        failed, took = int(invocation.error is not None), invocation.milliseconds / self._timescale.factor
        self._published(function, Invocations=1, Errors=failed, Throttles=0, Duration=took)
        return invocation

    def _admit(self, function: Function) -> None:
        """Raise ThrottledError where the account's concurrency is used up."""
        with self._lock:
            busy = [warm.function.name for warm in self._all if warm.request_id is not None]
        if len(busy) >= self.concurrent_executions:
            self._published(function, Throttles=1)
            raise ThrottledError(f"{function.name}: Rate Exceeded.")
        self._published(function, ConcurrentExecutions=busy.count(function.name) + 1)

    def _published(self, function: Function, **values: float) -> None:
        for name, value in values.items():
            unit = "Milliseconds" if name == "Duration" else "Count"
            self._world.metrics.add("AWS/Lambda", name, {"FunctionName": function.name}, value, unit)

    def _invoke(self, function: Function, event: Any) -> Invocation:
        request_id = str(uuid.uuid4())
        warm = self._take(function, request_id)
        if warm is not None:
            return self._run(warm, event, request_id, None)
        begun = time.perf_counter()
        warm = self._start(function, request_id)
        limit = max(INIT_SECONDS, function.timeout)
        with self._watched(warm) as watch:
            reply, log = warm.process.wait_ready(limit)
        init = (time.perf_counter() - begun) * 1000
        if reply == {}:
            return self._run(warm, event, request_id, init, log)
        self._discard(warm)
        return _invocation(warm, request_id, reply, log, watch, limit, init=init, milliseconds=0.0)

    def warm(self, name: str) -> None:
        """Start an environment that waits for the first event, as Lambda may do ahead of traffic."""
        function = self._loader.load(name)
        warm = self._start(function, "")
        with self._watched(warm):
            reply, _ = warm.process.wait_ready(max(INIT_SECONDS, function.timeout))
        if reply == {}:
            self._give_back(warm)
        else:
            self._discard(warm)  # the first event tries again, and reports why

    def deployed(self, name: str) -> Function:
        """Return a function as it is deployed. Raises WorldError where there is none."""
        return self._loader.load(name)

    def credentials(self, name: str) -> Credentials:
        """Return a session of the function's role, the same for a while, since its clients are kept by it.

        Raises WorldError where there is no such function or Lambda may not assume its role.
        """
        return self._session(self._loader.load(name))

    def _session(self, function: Function) -> Credentials:
        key = function.name, function.role_arn
        with self._sessions_lock:
            born, session = self._sessions.get(key, (-math.inf, None))
            if session is None or time.monotonic() - born > _MAX_AGE:
                session = self._world.assume_role(function.role_arn, session_name=function.name)
                self._sessions[key] = (time.monotonic(), session)
            return session

    def _answer(self, name: str, event: Any) -> tuple[bytes, str | None, str]:
        """Carry out Lambda's Invoke: return the answer's bytes, whether it is a function's error, and the log."""
        invocation = self.invoke(name, event)
        if invocation.error is None:
            return json.dumps(invocation.payload).encode(), None, invocation.log
        error: dict[str, Any] = {"errorMessage": invocation.error.message, "errorType": invocation.error.type}
        if invocation.error.stack:
            error["stackTrace"] = list(invocation.error.stack)
        return json.dumps(error).encode(), "Unhandled", invocation.log

    def environments(self) -> list[RunningEnvironment]:
        """Return the processes that are there now."""
        with self._lock:
            return [
                RunningEnvironment(w.function.name, w.process.pid, w.request_id, w.event) for w in self._all
            ]

    def signal(self, environment: RunningEnvironment, number: int) -> bool:
        """Send a process a signal, as an operating system may; False where it no longer runs the same event."""
        with self._lock:
            for warm in self._all:
                if warm.process.pid == environment.pid and warm.request_id == environment.request_id:
                    with suppress(ProcessLookupError):  # it ended in this very moment
                        os.kill(environment.pid, number)
                        return True
            return False

    def write_out(self) -> None:
        """Write what functions printed so far to CloudWatch Logs, and its metrics to CloudWatch."""
        self._cloudwatch.flush()
        self._world.metrics.flush()

    def stop_running(self) -> None:
        """Kill what runs an event now; its callers get an Invocation that says so."""
        with self._lock:
            running = [warm for warm in self._all if warm.request_id is not None]
        for warm in running:
            warm.process.kill(Death.STOPPED)

    def close(self) -> None:
        """End all processes, running or idle, and write out the logs. A second call is free."""
        with self._closing:
            self._end_invoke()
            self._end_topics()
            self.events.close()
            with self._lock:
                self._closed = True
                everything = list(self._all)
                self._all.clear()
                self._idle.clear()
            for warm in everything:  # all at once, then wait for each
                warm.process.kill(Death.STOPPED)
            for warm in everything:
                warm.close()
            self.events.join()
            self._watcher.close()
            self._cloudwatch.close()
            self._files.close()
            self.traces.close()

    def _take(self, function: Function, request_id: str) -> _Warm | None:
        stale = []
        try:
            with self._lock:
                if self._closed:
                    raise RuntimeClosedError("the embedded AWS is stopped: no function runs any more")
                idle = self._idle[function.arn]
                while idle:
                    warm = idle.pop()  # the one used last, so that superfluous ones grow old
                    fresh = warm.function == function and time.monotonic() - warm.born < _MAX_AGE
                    if fresh and warm.process.exit_status == "running":
                        warm.request_id = request_id
                        return warm
                    stale.append(warm)
                return None
        finally:
            for warm in stale:
                self._discard(warm)

    def _give_back(self, warm: _Warm) -> None:
        with self._lock:
            warm.request_id = warm.event = None
            if not self._closed:
                self._idle[warm.function.arn].append(warm)

    def _discard(self, warm: _Warm) -> None:
        with self._lock:
            self._all.discard(warm)
        warm.close()

    def _start(self, function: Function, request_id: str) -> _Warm:
        credentials = self._session(function)
        stream = LogStream(
            function.log_group,
            f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{function.version}]{secrets.token_hex(16)}",
            lambda: self._world.client("logs", credentials),
        )
        scratch = TemporaryDirectory(prefix="lambda-tmp-", ignore_cleanup_errors=True)
        variables = environment_variables(
            function,
            sdk=self._world.environment(credentials),
            log_stream=stream.name,
            scratch=scratch.name,
            xray_address=self.traces.address,
        )

        def write_log(lines: bytes) -> None:
            self._files.write(function.module, lines)
            self._cloudwatch.write(stream, lines)

        launch = Launch(
            handler=function.handler,
            path=function.path,
            sdk=self._sdk,
            variables=variables,
            file_bytes=self._file_bytes,
        )
        process = ExecutionEnvironment(launch, write_log)
        warm = _Warm(function, process, scratch, request_id=request_id)
        with self._lock:
            closed = self._closed
            if not closed:
                self._all.add(warm)
        if closed:
            warm.close()
            raise RuntimeClosedError("the embedded AWS is stopped: no function runs any more")
        return warm

    def _watched(self, warm: _Warm) -> AbstractContextManager[Watch]:
        limit = self.memory_limit(warm.function, warm.process.pid, warm.event)
        return self._watcher.watching(warm.process.pid, limit, lambda: warm.process.kill(Death.MEMORY))

    def memory_limit(self, function: Function, pid: int, event: Any) -> int:  # noqa: ARG002 - for who overrides it
        """Return the bytes above which a process is killed; it has no `event` while it is started."""
        return function.memory_mb * _MEGABYTE

    def _run(
        self, warm: _Warm, event: Any, request_id: str, init: float | None, init_log: str = ""
    ) -> Invocation:
        function = warm.function
        seconds = self._timescale.seconds(function.timeout)
        request = {
            "request_id": request_id,
            "function_arn": function.arn,
            "deadline": time.time() + seconds,
            "trace": trace_header(function.traced),
            "event": event,
        }
        with self._lock:
            warm.event = event
        begun = time.perf_counter()
        with self._watched(warm) as watch:
            reply, log = warm.process.invoke(request, seconds)
        milliseconds = (time.perf_counter() - begun) * 1000
        if isinstance(reply, Death):
            self._discard(warm)
        else:
            self._give_back(warm)
        return _invocation(
            warm,
            request_id,
            reply,
            init_log + log,
            watch,
            function.timeout,
            init=init,
            milliseconds=milliseconds,
        )


def _invocation(
    warm: _Warm,
    request_id: str,
    reply: Mapping[str, Any] | Death,
    log: str,
    watch: Watch,
    limit: float,
    *,
    init: float | None,
    milliseconds: float,
) -> Invocation:
    error: FunctionError | None = None
    payload = None
    death = None
    if isinstance(reply, Death):
        death = reply
        error = FunctionError.died(reply, request_id, limit, warm.process.exit_status)
    elif "error" in reply:
        error = FunctionError.reported(reply["error"])
    else:
        payload = reply["payload"]
    return Invocation(
        request_id=request_id,
        payload=payload,
        error=error,
        log=log,
        milliseconds=milliseconds,
        init_milliseconds=init,
        death=death,
        max_memory_mb=watch.peak // _MEGABYTE,
    )
