"""The console on 127.0.0.1: whoever asks must have come through the link that the command printed.

Three things keep other pages and programs out. The link's token works once, and is exchanged for a session that only
the page's own tab holds (not a cookie: other servers on this machine would be sent it). The `Host` must be this
address, so that no name of somebody else's that resolves to 127.0.0.1 reaches anything (DNS rebinding). The `Origin`,
where the browser sends one, must be the page's own, and every change must have one.
"""

import json
import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.reviews.routes import BODY_BYTES, Reply, Request, ReviewApi

ADDRESS = "127.0.0.1"
SESSION_HEADER = "X-Review-Session"
SESSION_PATH = "/session"
_TOKEN_BYTES = 32
_IDLE_SECONDS = 60  # of a connection without a request
_log = logging.getLogger(__name__)


class Doors:
    """Who may come in: one token, once, and the sessions that it was exchanged for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._token: str | None = secrets.token_urlsafe(_TOKEN_BYTES)
        self._sessions: set[str] = set()

    @property
    def token(self) -> str | None:
        """The token of the link; None once it was used."""
        return self._token

    def exchange(self, token: str) -> str | None:
        """Return a new session for the token; None where it is another one, or was used before."""
        with self._lock:
            if self._token is None or not secrets.compare_digest(token.encode(), self._token.encode()):
                return None
            self._token = None
            session = secrets.token_urlsafe(_TOKEN_BYTES)
            self._sessions.add(session)
            return session

    def knows(self, session: str) -> bool:
        """Return whether a session was given out."""
        known = False
        for each in self._sessions:
            known |= secrets.compare_digest(session.encode(), each.encode())
        return known


class Console:
    """Context manager: serve the page for one person until closed. Port 0 is any that is free.

    Raises OSError where the port is in use.
    """

    def __init__(self, api: ReviewApi, *, person: str, port: int = 0) -> None:
        self.doors = Doors()
        console = self

        class Handler(_Handler):
            """The handler of this console's connections."""

            def _answer(self, body: bytes) -> Reply:
                return console.answer(self.command, self.path, self.headers, body)

        self._api = api
        self._person = person
        self._server = ThreadingHTTPServer((ADDRESS, port), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, name="console", daemon=True)
        self.host = f"{ADDRESS}:{self._server.server_address[1]}"
        self.origin = f"http://{self.host}"

    @property
    def link(self) -> str:
        """The link that opens the page, once. The token is in the fragment, which no browser sends anywhere."""
        return f"{self.origin}/#token={self.doors.token}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        """Answer one request, after asking where it comes from. `headers` has `get`, whatever the letters' case."""
        if headers.get("Host") != self.host:
            return self._refused("This server has another address.", HTTPStatus.MISDIRECTED_REQUEST)
        origin = headers.get("Origin")
        is_change = method not in ("GET", "HEAD")
        if origin != self.origin and (origin is not None or is_change):
            return self._refused("The request comes from another page.")
        parts = urlsplit(target)
        if method == "GET" and (page := self._api.page(parts.path)):
            return page
        if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return self._refused("The request comes from another page.")
        if is_change and headers.get("Content-Type", "").partition(";")[0] != "application/json":
            return self._api.problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.")
        if (method, parts.path) == ("POST", SESSION_PATH):
            return self._open(body)
        if not self.doors.knows(headers.get(SESSION_HEADER, "")):
            return self._refused(
                "The link to this page works once, and ends with the command. Start the console again: python -m"
                " operations review --stack STACK"
            )
        request = Request(
            method=method,
            path=parts.path,
            person=self._person,
            query=dict(parse_qsl(parts.query)),
            body=body,
        )
        try:
            return self._api.answer(request)
        except (ClientError, BotoCoreError) as error:
            _log.warning("%s %s: %s", method, parts.path, error)
            return self._api.problem(HTTPStatus.BAD_GATEWAY, f"AWS refused or could not be reached: {error}")

    def _open(self, body: bytes) -> Reply:
        session = self.doors.exchange(_token(body))
        if session is None:
            return self._refused(
                "This link was opened before, or is not whole. Start the console again for a new one."
            )
        return Reply(
            status=HTTPStatus.OK,
            content_type="application/json",
            body=json.dumps({"session": session}).encode(),
            headers=self._api.security_headers,
        )

    def _refused(self, detail: str, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> Reply:
        return self._api.problem(status, detail)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "console"
    sys_version = ""
    timeout = _IDLE_SECONDS

    def _answer(self, body: bytes) -> Reply:
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer a request of any method."""
        length = self.headers.get("Content-Length", "0")
        too_long = not length.isdecimal() or int(length) > BODY_BYTES
        if too_long or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        reply = self._answer(self.rfile.read(int(length)))
        self.send_response(reply.status)
        sent: Mapping[str, str] = {
            **reply.headers,
            "Content-Type": reply.content_type,
            "Content-Length": str(len(reply.body)),
        }
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(reply.body)
        except ConnectionError:  # the browser went to another object meanwhile
            self.close_connection = True

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - names that http.server looks for

    def log_message(self, format: str, *args: Any) -> None:
        """Log for who looks for it: a line per picture would bury what the command prints."""
        _log.debug(format, *args)


def _token(body: bytes) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    token = document.get("token") if isinstance(document, dict) else None
    return token if isinstance(token, str) else ""
