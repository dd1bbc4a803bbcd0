"""The result of one event, in Lambda's words."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded_aws.runtime.process import Death


class RuntimeClosedError(RuntimeError):
    """The embedded AWS's functions were stopped."""


@dataclass(frozen=True)
class FunctionError:
    """Lambda's error document."""

    type: str
    message: str
    stack: tuple[str, ...] = ()

    @classmethod
    def reported(cls, document: Mapping[str, Any]) -> FunctionError:
        """Read what the function's process reports."""
        return cls(document["errorType"], document["errorMessage"], tuple(document["stackTrace"]))

    @classmethod
    def died(cls, death: Death, request_id: str, limit: float, exit_status: str) -> FunctionError:
        """Say why the process ended, as Lambda does; `limit` in seconds."""
        if death is Death.TIMEOUT:
            now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            message = f"{now}Z {request_id} Task timed out after {limit:.2f} seconds"
            return cls("Sandbox.Timedout", message)
        ended = f"RequestId: {request_id} Error: Runtime exited with error: {exit_status}"
        if death is Death.MEMORY:
            return cls("Runtime.OutOfMemory", ended)
        return cls("Runtime.ExitError", ended)


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """The result of one event. `payload` is None where there is an `error`; durations in milliseconds."""

    request_id: str
    payload: Any
    error: FunctionError | None
    log: str
    milliseconds: float
    init_milliseconds: float | None  # None: an environment that was there already
    death: Death | None
    max_memory_mb: int  # the most its process ever held; 0 where memory is not watched

    @property
    def killed(self) -> bool:
        """Return whether the process ended in the middle of it."""
        return self.death is not None


def trace_header(sampled: bool) -> str:
    """Return a new X-Ray tracing header, as Lambda hands it to each invocation."""
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled={int(sampled)}"
