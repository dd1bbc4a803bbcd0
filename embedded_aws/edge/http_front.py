"""The HTTP server of the edge location."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from embedded_aws.edge.edge import Edge, Request
from embedded_aws.edge.origin import Response
from embedded_aws.isolation import LOOPBACK
from embedded_aws.moto_patches.distributions_invalidations import SECONDS, paced
from embedded_aws.world import World

_IDLE_SECONDS = 75.0


class EdgeFront:
    """Context manager: deliver for each distribution at `http://127.0.0.1:<port>/<its domain or alias>`.

    A request whose `Host` is the distribution's own is answered as well, as by `curl --connect-to`. An invalidation
    takes `invalidation_seconds` of `clock`, which is the cache's, too.
    """

    def __init__(
        self,
        world: World,
        *,
        clock: Callable[[], float] = time.monotonic,
        invalidation_seconds: float = SECONDS,
    ) -> None:
        self._world = world
        self._clock = clock
        self._seconds = invalidation_seconds
        self._parts = ExitStack()

    def __enter__(self) -> Self:
        edge = Edge(self._world, self._clock)

        class Handler(_Handler):
            """The handler of this world's connections."""

            def answer(self, request: Request) -> Response:
                return edge.answer(request)

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="edge", daemon=True
        )
        self._parts.enter_context(paced(self._seconds, self._clock))
        self._thread.start()
        self._world.edge_endpoint = self.url
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._world.edge_endpoint = None
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._parts.close()

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:<port>`, no trailing slash."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "CloudFront"
    sys_version = ""
    timeout = _IDLE_SECONDS

    def answer(self, request: Request) -> Response:
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer a request; what it has for a body is not read, and ends the connection."""
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True
        response = self._response()
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value.replace("\r", " ").replace("\n", " "))
        if response.status != 304:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = do_GET  # noqa: N815 - http.server's names

    def _response(self) -> Response:
        pairs = (each.strip().partition("=") for each in self.headers.get("Cookie", "").split(";"))
        request = Request(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            cookies={name: value for name, _, value in pairs},
            client=self.client_address[0],
        )
        return self.answer(request)

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests."""
