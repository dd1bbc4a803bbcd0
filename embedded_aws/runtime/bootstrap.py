"""The program of a function's process: import the handler and call it for each event it receives.

Started as `python -I -S -X utf8 bootstrap.py`, so the standard library only, until the first line on stdin says
where the function's code, its layers and the runtime's SDK lie. One JSON document a line: configuration and
events come on stdin, replies go to the original stdout. Whatever the function prints goes to stderr's pipe.
When stdin ends, the parent has ended, and so does this process, even in the middle of an invocation.
"""

import importlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from queue import SimpleQueue
from typing import Any


class RuntimeSdk:
    """Finds the SDK that Lambda's runtime brings, after code and layers, and nothing else of where it lies."""

    def __init__(self, folders: dict[str, str]) -> None:
        self._folders = folders

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: Any = None
    ) -> ModuleSpec | None:
        """Find top-level modules only, as importlib asks; their submodules are found through their `__path__`."""
        folder = self._folders.get(name) if path is None else None
        return PathFinder.find_spec(name, [folder], target) if folder else None


class Context:
    """Lambda's context object."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id: str = request["request_id"]
        self.invoked_function_arn: str = request["function_arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline: float = request["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda kills the process, never below 0."""
        return max(0, int((self._deadline - time.time()) * 1000))


class Channel:
    """The two pipes to the runtime, out of the function's reach."""

    def __init__(self) -> None:
        events = os.fdopen(os.dup(0), "rb")
        self._replies = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=self._read, args=(events,), daemon=True).start()

    def _read(self, events: Any) -> None:
        for line in events:
            self._lines.put(line)
        os._exit(0)

    def next(self) -> dict[str, Any]:
        """Wait for the next document."""
        document: dict[str, Any] = json.loads(self._lines.get())
        return document

    def reply(self, document: str) -> None:
        """Send one JSON document."""
        self._replies.write(document.encode() + b"\n")
        self._replies.flush()


class RequestId(logging.Filter):
    """Names the current request in each log line, as Lambda's own log format does."""

    current = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the field, drop nothing."""
        record.aws_request_id = RequestId.current
        return True


def hold_files_to(limit: int) -> None:
    """Let every write that would make a file larger than `limit` bytes fail."""
    import resource
    import signal

    signal.signal(
        signal.SIGXFSZ, signal.SIG_IGN
    )  # it would end the process; ignored, the write fails instead
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def set_up_logging() -> None:
    """Give the root logger the handler that Lambda's runtime gives it."""
    handler = logging.StreamHandler(sys.stdout)
    form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(RequestId())
    logging.getLogger().addHandler(handler)


def described(error: BaseException, frames: traceback.StackSummary) -> str:
    """Return Lambda's error document, and print it as Lambda does."""
    stack = frames.format()
    print(
        f"[ERROR] {type(error).__name__}: {error}\nTraceback (most recent call last):\n{''.join(stack)}",
        end="",
    )
    return json.dumps(
        {"error": {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": stack}}
    )


def frames_of(error: BaseException) -> traceback.StackSummary:
    """Return the error's frames without this file's own."""
    frames = traceback.extract_tb(error.__traceback__)
    return traceback.StackSummary.from_list([frame for frame in frames if frame.filename != __file__])


def load(handler: str) -> Any:
    """Import `package.module.function`."""
    module, _, function = handler.replace("/", ".").rpartition(".")
    return getattr(importlib.import_module(module), function)


def invoke(handler: Any, request: dict[str, Any]) -> str:
    """Call the handler; return the reply's JSON, also for what it raises or cannot be written as JSON."""
    RequestId.current = request["request_id"]
    os.environ["_X_AMZN_TRACE_ID"] = request["trace"]
    try:
        return json.dumps({"payload": handler(request["event"], Context(request))})
    except Exception as error:  # noqa: BLE001 - the boundary that reports what a function raises
        return described(error, frames_of(error))


def end_of_log(mark: str) -> None:
    """Write out what is buffered, then the mark that ends this request's log."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(2, mark.encode())


def requests(channel: Channel) -> Iterator[dict[str, Any]]:
    """Yield events for ever."""
    while True:
        yield channel.next()


def main() -> None:
    """Set up, report ready or what failed, then serve."""
    channel = Channel()
    start = channel.next()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if start["file_bytes"] is not None:
        hold_files_to(start["file_bytes"])
    sys.path[:0] = start["path"]
    sys.meta_path.append(RuntimeSdk(start["sdk"]))
    set_up_logging()
    try:
        handler = load(start["handler"])
    except Exception as error:  # noqa: BLE001 - the boundary that reports what an import raises
        reply = described(error, frames_of(error))
        end_of_log(start["mark"])
        channel.reply(reply)
        return
    end_of_log(start["mark"])
    channel.reply("{}")
    for request in requests(channel):
        reply = invoke(handler, request)
        end_of_log(start["mark"])
        channel.reply(reply)


if __name__ == "__main__":
    main()
