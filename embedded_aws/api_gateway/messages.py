"""Requests and answers, independent of sockets."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field


def _request_id() -> str:
    return str(uuid.uuid4())


def _trace() -> str:
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"


@dataclass(frozen=True, kw_only=True)
class Request:
    """The head of a request; `path` as it was sent (encoded, with the stage), headers in order."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    source_ip: str
    protocol: str = "HTTP/1.1"
    id: str = field(default_factory=_request_id)
    trace: str = field(default_factory=_trace)
    received: float = field(default_factory=time.time)

    def header(self, name: str) -> str | None:
        """Return the last value of a header, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in reversed(self.headers) if key.lower() == wanted), None)

    @property
    def stage(self) -> str:
        """Return the first part of the path."""
        return self.path.split("/")[1]

    @property
    def resource_path(self) -> str:
        """Return the path without the stage."""
        return self.path[len(self.stage) + 1 :] or "/"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status, headers (Content-Length is the server's) and the whole body."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
