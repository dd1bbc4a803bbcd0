"""HTTP/1.1 as API Gateway speaks it: kept connections, `Expect: 100-continue`, chunked bodies, HEAD.

werkzeug's server, which serves moto, cannot stand in here: it closes each connection after one answer, sends
`100 Continue` before the application has seen the head, takes two lengths for one body, and loses the case and the
order of headers. So this is Python's own `http.server`, and only what it lacks is added: framing of bodies, answers
before the body, and an end to all connections at once."""

from __future__ import annotations

import contextlib
import http
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

from embedded_aws.api_gateway.gateway import BODY_BYTES, Gateway
from embedded_aws.api_gateway.messages import Answer, Request

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 75.0  # of a connection without a request, or in the middle of one
_DRAIN_SECONDS = 10.0  # for a body that nobody wants any more, so that its sender reads the answer
_DRAIN_BYTES = 200 * 1024 * 1024
_BLOCK = 65_536
_LINE = 1024  # bytes of a chunk's size with its extensions


class _TooLargeError(Exception):
    """The body is larger than API Gateway takes."""


class _BadBodyError(Exception):
    """It is not clear where the body ends."""


class HttpServer(ThreadingTCPServer):
    """One thread for each connection; `end_connections` closes those that are still open."""

    allow_reuse_address = os.name == "posix"  # elsewhere it would take a port from who has it
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256  # so that a burst of clients is not turned away by the system

    def __init__(self, address: tuple[str, int], gateway: Gateway) -> None:
        self.gateway = gateway
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Ignore a client that has gone; log anything else as an error of this server."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            _log.exception("the API's server failed")

    def end_connections(self) -> None:
        """Close what is open, also where a client waits for an answer."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HttpServer
    timeout: ClassVar[float] = _IDLE_SECONDS
    disable_nagle_algorithm = True
    _continue_wanted = False

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Handle every HTTP method alike: refusing one is up to the API."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def version_string(self) -> str:
        """Return a name that does not mention Python."""
        return "embedded-aws"

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer what is not HTTP as JSON, like all other errors."""
        self.close_connection = True
        text = message or http.HTTPStatus(code).phrase
        headers = [("Content-Type", "application/json")]
        self._send(Answer(status=code, headers=headers, body=json.dumps({"message": text}).encode()))

    def handle_expect_100(self) -> bool:
        """Wait with `100 Continue` until the head has been judged."""
        self._continue_wanted = True
        return True

    def _serve(self) -> None:
        wants_continue, self._continue_wanted = self._continue_wanted, False
        try:
            length = self._length()
        except _BadBodyError as error:
            self.send_error(400, str(error))
            return
        target = urlsplit(self.path.encode("latin-1").decode("utf-8", "replace"))
        request = Request(
            method=self.command,
            path=target.path if target.path.startswith("/") else f"/{target.path}",
            query=target.query,
            headers=list(self.headers.items()),
            source_ip=self.client_address[0],
            protocol=self.request_version,
        )
        admitted = self.server.gateway.admit(request, length)
        if isinstance(admitted, Answer):
            self._refuse(admitted, length, unsent=wants_continue)
            return
        try:
            if wants_continue and length != 0:
                self.send_response_only(http.HTTPStatus.CONTINUE)
                self.end_headers()
            body = self._body(length)
        except _TooLargeError:
            self._refuse(self.server.gateway.too_large(admitted), None, unsent=False)
            return
        except _BadBodyError as error:
            self.send_error(400, str(error))
            return
        self._send(self.server.gateway.carry_out(admitted, body))

    def _length(self) -> int | None:
        """Return the length of the body; None where it comes in chunks. Raises _BadBodyError."""
        encodings = self.headers.get_all("Transfer-Encoding", [])
        lengths = set(self.headers.get_all("Content-Length", []))
        if encodings:
            if [value.strip().lower() for value in encodings] != ["chunked"] or lengths:
                raise _BadBodyError("Bad Request: transfer encoding")
            return None
        if not lengths:
            return 0
        if len(lengths) > 1 or not (text := lengths.pop().strip()).isascii() or not text.isdigit():
            raise _BadBodyError("Bad Request: content length")
        return int(text)

    def _body(self, length: int | None) -> bytes:
        if length is None:
            return self._chunks()
        data = self.rfile.read(length)
        if len(data) < length:
            raise _BadBodyError("Bad Request: the body ended too early")
        return data

    def _chunks(self) -> bytes:
        data = bytearray()
        while size := self._chunk_size():
            if len(data) + size > BODY_BYTES:
                raise _TooLargeError
            data += self.rfile.read(size)
            if self.rfile.readline(_LINE) not in (b"\r\n", b"\n"):
                raise _BadBodyError("Bad Request: chunk")
        while self.rfile.readline(_BLOCK) not in (b"\r\n", b"\n", b""):
            pass  # trailers
        return bytes(data)

    def _chunk_size(self) -> int:
        line = self.rfile.readline(_LINE).partition(b";")[0].strip()
        try:
            return int(line, 16) if line.isalnum() else int("none")
        except ValueError as error:
            raise _BadBodyError("Bad Request: chunk") from error

    def _refuse(self, answer: Answer, length: int | None, *, unsent: bool) -> None:
        """Answer before the body has arrived; if it is sent nevertheless, read on, for the sender to see it."""
        if length == 0:
            self._send(answer)
            return
        self.close_connection = True
        self._send(answer)
        if not unsent:
            self._drain(length)

    def _drain(self, length: int | None) -> None:
        left = _DRAIN_BYTES if length is None else min(length, _DRAIN_BYTES)
        end = time.monotonic() + _DRAIN_SECONDS
        self.connection.settimeout(1.0)
        with contextlib.suppress(OSError):
            if length is None:
                self.connection.shutdown(socket.SHUT_WR)
            while left > 0 and time.monotonic() < end:
                block = self.rfile.read1(min(_BLOCK, left))
                if not block:
                    return
                left -= len(block)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            one_line = value.replace("\r", " ").replace("\n", " ")
            self.send_header(name, one_line.encode("latin-1", "replace").decode("latin-1"))
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
