"""Start a served world in a process of its own, and end it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from embedded_aws.isolation import without_aws

PROJECT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


class ServingError(RuntimeError):
    """The world's process did not come up; the message holds the end of what it said."""


class ServingProcess:
    """Context manager: a world in a process of its own.

    `provider_port` is for PULUMI_DEBUG_PROVIDERS, `environment` lets any AWS SDK speak to this world, `log` is
    where the process writes what goes wrong in it. Raises ServingError where it does not start.
    """

    def __init__(
        self,
        region: str,
        *,
        log: Path,
        function_logs: Path | None = None,
        outbox: Path | None = None,
        module: Sequence[str] = ("-m", "embedded_aws.serving"),
    ) -> None:
        self.log = log
        self._command = [sys.executable, *module, f"--region={region}"]
        if function_logs is not None:
            self._command.append(f"--logs={function_logs}")
        if outbox is not None:
            self._command.append(f"--outbox={outbox}")
        self.provider_port = 0
        self.environment: dict[str, str] = {}

    @property
    def endpoint_url(self) -> str:
        """Return the endpoint of every service."""
        return self.environment["AWS_ENDPOINT_URL"]

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=PROJECT,
                env={**without_aws(os.environ), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # Ctrl-C at the terminal is for the command that runs, not for the world that it works against.
                start_new_session=True,
            )
        try:
            ready = self._ready()
        except BaseException:
            self._end()
            raise
        self.provider_port, self.environment = ready["provider_port"], ready["environment"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _ready(self) -> dict[str, Any]:
        if self._process.stdout is None:
            raise TypeError("the process was not started with a pipe")
        watchdog = threading.Timer(_START_SECONDS, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            self._process.wait()
            said = self.log.read_text("utf-8", errors="replace").strip().splitlines()
            raise ServingError("\n".join(["the embedded AWS did not start:", *said[-5:]]))
        ready: dict[str, Any] = json.loads(line)
        return ready

    def _end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
