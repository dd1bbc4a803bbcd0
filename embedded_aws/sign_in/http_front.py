"""The HTTP server of the sign-in pages."""

from __future__ import annotations

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from embedded_aws.isolation import LOOPBACK
from embedded_aws.sign_in.answers import Answer
from embedded_aws.sign_in.pages import SignInPages
from embedded_aws.world import World

_FORM_BYTES = 64 * 1024
_IDLE_SECONDS = 75.0


class SignInFront:
    """Context manager: serve the pages of each domain at `http://127.0.0.1:<port>/<domain>`, a free port."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __enter__(self) -> Self:
        pages = SignInPages(self._world)

        class Handler(_Handler):
            """The handler of this world's connections."""

            def _answer(self, form: bytes) -> Answer:
                parts = urlsplit(self.path)
                query = dict(parse_qsl(parts.query, keep_blank_values=True))
                fields = dict(parse_qsl(form.decode("utf-8", "replace"), keep_blank_values=True))
                return pages.answer(self.command, parts.path, query, fields)

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sign-in", daemon=True
        )
        self._thread.start()
        self._world.sign_in_endpoint = self.url
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._world.sign_in_endpoint = None
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:<port>`, no trailing slash."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "embedded-aws"
    sys_version = ""
    timeout = _IDLE_SECONDS

    def _answer(self, form: bytes) -> Answer:
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer a request with or without a form."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _FORM_BYTES:
            self.close_connection = True
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        answer = self._answer(self.rfile.read(int(length)))
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value.replace("\r", " ").replace("\n", " "))
        self.end_headers()
        self.wfile.write(answer.body)

    do_POST = do_GET  # noqa: N815 - a name that http.server looks for

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests."""
