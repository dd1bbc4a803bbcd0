"""One execution environment: a process that runs one function, one event at a time."""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_EXIT_SECONDS = 5.0  # for a killed process to be gone, and its last lines to be read


class Death(StrEnum):
    """Why a process ended in the middle of an event."""

    TIMEOUT = "timeout"
    MEMORY = "memory"
    STOPPED = "stopped"  # the embedded AWS was stopped
    EXIT = "exit"  # by itself, or by a signal from elsewhere


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Everything that a process is started with."""

    handler: str
    path: Sequence[str]
    sdk: Mapping[str, str]
    variables: Mapping[str, str]
    file_bytes: int | None = None  # how far a file may grow


class ExecutionEnvironment:
    """A process with the function's code, its variables, and nothing of this interpreter's installed packages.

    It is in a session of its own, so that a terminal's Ctrl-C reaches only the process that started the embedded AWS,
    and it ends by itself when that process has ended.
    """

    def __init__(self, launch: Launch, write_log: Callable[[bytes], None]) -> None:
        mark = f"\x1e{secrets.token_hex(16)}\x1e"
        self.death: Death | None = None
        self._kill_lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", "utf8", str(_BOOTSTRAP)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(launch.variables),
            cwd=launch.path[0],
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._stdin, self._stdout, stderr = _pipes(self._process)
        self._replies: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._log = _LogPipe(stderr, mark.encode(), write_log)
        self._readers = [
            threading.Thread(target=self._read_replies, args=(self._stdout,), daemon=True),
            threading.Thread(target=self._log.read, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._send(
            {
                "handler": launch.handler,
                "path": launch.path,
                "sdk": launch.sdk,
                "mark": mark,
                "file_bytes": launch.file_bytes,
            }
        )

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def exit_status(self) -> str:
        """Return how the process ended, in Lambda's words."""
        code = self._process.poll()
        if code is None:
            return "running"
        if code < 0:
            return "signal: killed" if -code == signal.SIGKILL else f"signal: {signal.Signals(-code).name}"
        return f"exit status {code}"

    def wait_ready(self, seconds: float) -> tuple[dict[str, Any] | Death, str]:
        """Wait until the handler is imported: {}, {"error": ...}, or why the process died; and what it printed."""
        return self._reply(seconds)

    def invoke(self, request: Mapping[str, Any], seconds: float) -> tuple[dict[str, Any] | Death, str]:
        """Run one event: {"payload": ...}, {"error": ...}, or why the process died; and what it printed.

        Kills the process where it takes longer than `seconds`.
        """
        self._send(request)
        return self._reply(seconds)

    def kill(self, death: Death) -> None:
        """End the process and all that it started, now. The first reason given is kept."""
        with self._kill_lock:
            if self.death is None:
                self.death = death
            if self._process.poll() is not None:
                return  # its id may be another process's by now
            # It may end in this very moment: no such process then, or (macOS) one that takes no signals.
            with suppress(ProcessLookupError, PermissionError):
                if os.name == "posix":
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()

    def close(self) -> None:
        """End the process and wait until it is gone."""
        self.kill(Death.STOPPED)
        self._process.wait(_EXIT_SECONDS)
        for reader in self._readers:
            reader.join(_EXIT_SECONDS)
        self._log.close()
        self._stdout.close()
        with suppress(BrokenPipeError):  # an event was still on its way when the process died
            self._stdin.close()

    def _send(self, document: Mapping[str, Any]) -> None:
        line = json.dumps(document).encode() + b"\n"
        # A dead process (its pipe broken or closed) is noticed by the missing reply.
        with suppress(BrokenPipeError, ValueError):
            self._stdin.write(line)
            self._stdin.flush()

    def _reply(self, seconds: float) -> tuple[dict[str, Any] | Death, str]:
        try:
            reply = self._replies.get(timeout=seconds)
        except queue.Empty:
            self.kill(Death.TIMEOUT)
            # A reply that came in the last moment is as late as one that never came.
            while self._replies.get() is not None:
                pass
            reply = None
        if reply is None:
            self._process.wait(_EXIT_SECONDS)
            with self._kill_lock:
                self.death = self.death or Death.EXIT
            return self.death, self._log.take()
        return reply, self._log.take()

    def _read_replies(self, stream: IO[bytes]) -> None:
        for line in stream:
            if line.endswith(b"\n"):  # else the process died while writing it
                self._replies.put(json.loads(line))
        self._replies.put(None)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise TypeError("the process was started without pipes")
    return process.stdin, process.stdout, process.stderr


class _LogPipe:
    """Reads what a process prints, passes whole lines on at once, and keeps them until the request's mark."""

    def __init__(self, stream: IO[bytes], mark: bytes, write: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._mark = mark
        self._write = write
        self._kept = bytearray()
        self._complete: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read(self) -> None:
        """Read until the process ends."""
        pending = b""
        while chunk := os.read(self._stream.fileno(), 65_536):
            pending += chunk
            while self._mark in pending:
                before, _, pending = pending.partition(self._mark)
                self._pass_on(before)
                self._finish()
            lines, end, rest = pending.rpartition(b"\n")
            if end:
                self._pass_on(lines)
                pending = rest
        self._pass_on(pending)
        self._finish()

    def take(self) -> str:
        """Return what was printed up to the mark of the request that has just ended, or up to the death."""
        try:
            return self._complete.get(timeout=_EXIT_SECONDS).decode("utf-8", "replace")
        except queue.Empty:
            return ""  # the process left a child behind that keeps the pipe open

    def close(self) -> None:
        """Give the pipe back."""
        self._stream.close()

    def _pass_on(self, lines: bytes) -> None:
        if lines:
            lines = lines.removesuffix(b"\n") + b"\n"
            self._kept += lines
            self._write(lines)

    def _finish(self) -> None:
        self._complete.put(bytes(self._kept))
        self._kept.clear()
