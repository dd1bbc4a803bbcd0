"""The HTTP server of the embedded AWS: moto's backends behind one threaded server on loopback.

Requests are served one at a time, under `moto_lock`; a request's body is read before the lock is taken.
"""

import io
import json
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from embedded_aws.calls import Call, RefusedError, error_response, read_call
from embedded_aws.isolation import LOOPBACK
from embedded_aws.moto_lock import MOTO_LOCK
from embedded_aws.s3 import cors, forms
from embedded_aws.s3.form_uploads import storing_form_upload

_log = logging.getLogger(__name__)

StartResponse = Callable[..., Any]
_Answer = tuple[str, list[tuple[str, str]], bytes]  # status line, headers, body
_FAILED = "InternalFailure"
_PHRASES = {404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}
Judge = Callable[[Call], None]
"""Looks at a call before moto does, and raises RefusedError where AWS would refuse it."""


class _Front:
    """The WSGI application: one request at a time into moto."""

    def __init__(self, judges: Sequence[Judge]) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._judges = judges
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.open = True

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = _buffer_body(environ)
        with MOTO_LOCK.held():
            if not self.open:
                status, headers, payload = _error(environ, RefusedError(_FAILED, "the world is closed", 503))
            else:
                status, headers, payload = self._safe_answer(environ, body)
        start_response(status, headers)
        return [payload]

    def _safe_answer(self, environ: dict[str, Any], body: bytes) -> _Answer:
        """Answer; whatever moto fails on reaches the caller as an error of the service, and does not hang it."""
        try:
            return self._answer(environ, body)
        except Exception as error:  # noqa: BLE001 - a boundary: nothing may kill the connection
            _log.exception("moto failed on %s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            return _error(environ, RefusedError(_FAILED, f"moto: {error!r}", 500))

    def _answer(self, environ: dict[str, Any], body: bytes) -> _Answer:
        if cors.is_preflight(environ):
            return cors.preflight(environ)
        answer = self._post if forms.is_form(environ) else self._ask
        status, headers, payload = answer(environ, body)
        return status, cors.with_rule_headers(environ, headers), payload

    def _post(self, environ: dict[str, Any], body: bytes) -> _Answer:
        """Carry out a form for S3 as the equivalent upload."""
        try:
            upload = forms.read(environ, body)
        except RefusedError as refusal:
            return _error(environ, refusal)
        with storing_form_upload():
            status, headers, payload = self._ask(upload.environ, upload.body)
        return upload.answer(headers) if status.startswith("200") else (status, headers, payload)

    def _ask(self, environ: dict[str, Any], body: bytes) -> _Answer:
        call = read_call(environ, body)
        if call is None:
            return _error(environ, _unknown_call(environ))
        try:
            for judge in self._judges:
                judge(call)
        except RefusedError as refusal:
            code, headers, payload = error_response(call, refusal)
            return f"{code} Refused", list(headers.items()), payload
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
            started.append((status, headers))

        parts = self._moto(environ, start)
        payload = b"".join(parts)
        return *started[-1], payload


def _unknown_call(environ: dict[str, Any]) -> RefusedError:
    """Return how AWS answers what is not a call of its APIs, or an unsigned request to a service other than S3."""
    if "HTTP_AUTHORIZATION" not in environ:
        return RefusedError("MissingAuthenticationToken", "Missing Authentication Token", 403)
    return RefusedError("UnknownOperationException", "The embedded AWS does not know this operation.", 404)


def _buffer_body(environ: dict[str, Any]) -> bytes:
    if environ.get("wsgi.input_terminated"):  # chunked: the stream knows its own end
        body = environ["wsgi.input"].read()
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input_terminated"] = False
        environ.pop("HTTP_TRANSFER_ENCODING", None)
    else:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return bytes(body)


def _error(environ: dict[str, Any], error: RefusedError) -> _Answer:
    """Return an error document for a request that was not read as a call: JSON or XML, as it was asked."""
    json_protocol = "HTTP_X_AMZ_TARGET" in environ or "json" in environ.get("CONTENT_TYPE", "")
    if json_protocol:
        body = json.dumps({"__type": error.code, "message": error.message})
    else:
        body = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
        if environ["PATH_INFO"] == "/":
            body = f"<ErrorResponse>{body}</ErrorResponse>"
    payload = body.encode()
    content_type = "application/json" if json_protocol else "application/xml"
    headers = [("Content-Type", content_type), ("Content-Length", str(len(payload)))]
    return f"{error.status} {_PHRASES.get(error.status, 'Refused')}", headers, payload


class Server:
    """moto on 127.0.0.1 (by IP, so that S3 stays path-style) at a port of the system's choice."""

    def __init__(self, judges: Sequence[Judge] = ()) -> None:
        from moto.moto_server.werkzeug_app import MotoRequestHandler
        from werkzeug.serving import make_server

        class QuietHandler(MotoRequestHandler):
            disable_nagle_algorithm = True
            wbufsize = 65_536  # bytes: one write for an answer, and not one for each header

            def handle_expect_100(self) -> bool:
                """Say at once that a body may come, which its sender waits for; werkzeug would say so once more."""
                goes_on = super().handle_expect_100()
                self.wfile.flush()
                del self.headers["Expect"]
                return goes_on

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Log no requests."""

        self._front = _Front(judges)
        self._http = make_server(LOOPBACK, 0, self._front, threaded=True, request_handler=QuietHandler)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, name="embedded-aws", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:<port>`, no trailing slash."""
        return f"http://{LOOPBACK}:{self._http.server_port}"

    def close(self) -> None:
        """Stop answering. Requests under way end by themselves, on daemon threads."""
        self._front.open = False
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=1)
