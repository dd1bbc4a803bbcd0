"""SNS's deliveries to HTTP endpoints: posted, tried again, and put aside where no attempt succeeds.

After the Amazon SNS Developer Guide, "Message delivery retries": connections that fail, and answers of 429 or from 500
on, are tried again; all other answers but those of 2xx are permanent failures. Requests go to loopback only.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from embedded_aws.isolation import ACCOUNT_ID, LOOPBACK
from embedded_aws.moto_hooks.endpoint_confirmations import confirm
from embedded_aws.moto_hooks.topic_deliveries import HTTP_PROTOCOLS, Notification, deliver_by
from embedded_aws.moto_lock import MOTO_LOCK
from embedded_aws.runtime import signed_messages
from embedded_aws.runtime.signed_messages import Signer
from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.runtime.topics import to_dead_letters
from embedded_aws.webhook_schedule import content_type, delays
from embedded_aws.world import World

_log = logging.getLogger(__name__)
_ANSWER_SECONDS = 15.0  # SNS waits no longer for an answer
_AT_ONCE = 4
_OWN_HOSTS = frozenset({LOOPBACK, "localhost"})


@dataclass(frozen=True, kw_only=True)
class _Delivery:
    """A message on its way; `delays` are the seconds before each further attempt."""

    notification: Notification
    delays: tuple[float, ...]


class Webhooks:
    """Context manager: deliver what topics publish to `http` and `https` endpoints of this machine.

    `url` is the address that certificates and confirmations are had from. A confirmation that the endpoint does not
    take is tried again like a notification, and then forgotten.
    """

    def __init__(self, world: World, timescale: TimeScale | None = None) -> None:
        self._world = world
        self._timescale = timescale or TimeScale()
        self._signer = Signer()
        self._due: list[tuple[float, int, _Delivery]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._is_over = False
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __enter__(self) -> Self:
        self._front = _Front(self._signer, self._world.region)
        self._posters = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhooks")
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()
        self._world.webhooks_endpoint = self.url
        self._end = deliver_by(self._take, *HTTP_PROTOCOLS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        self._world.webhooks_endpoint = None
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self._thread.join()
        self._posters.shutdown(wait=False, cancel_futures=True)
        self._front.close()

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:<port>`, no trailing slash."""
        return self._front.url

    def _take(self, notification: Notification) -> None:
        self._plan(0.0, _Delivery(notification=notification, delays=delays(notification.delivery_policy)))

    def _plan(self, aws_seconds: float, delivery: _Delivery) -> None:
        with self._changed:
            due = time.monotonic() + self._timescale.seconds(aws_seconds)
            heapq.heappush(self._due, (due, next(self._numbers), delivery))
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._is_over:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, delivery = heapq.heappop(self._due)
                self._posters.submit(self._attempt, delivery)

    def _attempt(self, delivery: _Delivery) -> None:
        try:
            failure, may_retry = self._post(delivery.notification)
        except Exception:
            _log.exception("delivery to %s failed in the embedded AWS", delivery.notification.endpoint)
            raise
        if failure is None:
            return
        if may_retry and delivery.delays:
            later = _Delivery(notification=delivery.notification, delays=delivery.delays[1:])
            self._plan(delivery.delays[0], later)
            return
        _log.warning("SNS gives up on %s: %s", delivery.notification.endpoint, failure)
        if not self._is_over:
            with MOTO_LOCK.held():
                to_dead_letters(delivery.notification)

    def _post(self, notification: Notification) -> tuple[str | None, bool]:
        """Post it once; return why it failed, None where it did not, and whether SNS tries again."""
        if urlsplit(notification.endpoint).hostname not in _OWN_HOSTS:
            return "the embedded AWS delivers to this machine only", False
        document = signed_messages.body_of(
            notification, self._signer, self.url, _signature_version(notification)
        )
        request = urllib.request.Request(  # noqa: S310 - http or https, to loopback: checked above
            notification.endpoint,
            data=signed_messages.encoded(document),
            headers=signed_messages.headers_of(
                document, notification, content_type(notification.delivery_policy)
            ),
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=_ANSWER_SECONDS) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            with error:
                is_temporary = error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= 500
            return f"it answered {error.code}", is_temporary
        except OSError as error:  # no connection, or no answer in time
            return str(error), True
        return None, False


def _signature_version(notification: Notification) -> str:
    from moto.sns.models import sns_backends

    region = notification.topic_arn.split(":")[3]
    with MOTO_LOCK.held():
        topic = sns_backends[ACCOUNT_ID][region].topics.get(notification.topic_arn)
        return str(getattr(topic, "signature_version", "") or "1")


class _Front:
    """The HTTP server behind the URLs in SNS's messages: the certificate, and confirming by a visit."""

    def __init__(self, signer: Signer, region: str) -> None:
        class Handler(_Handler):
            """The handler of this world's connections."""

            def answer(self, path: str, query: dict[str, str]) -> tuple[HTTPStatus, bytes]:
                if path == signed_messages.CERTIFICATE_PATH:
                    return HTTPStatus.OK, signer.certificate
                if query.get("Action") == "ConfirmSubscription":
                    with MOTO_LOCK.held():
                        arn = confirm(region, query.get("TopicArn", ""), query.get("Token", ""))
                    if arn is not None:
                        return HTTPStatus.OK, _confirmed(arn)
                    return HTTPStatus.BAD_REQUEST, b"<ErrorResponse>Invalid parameter: Token</ErrorResponse>"
                return HTTPStatus.NOT_FOUND, b""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sns-urls", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _confirmed(arn: str) -> bytes:
    result = (
        f"<ConfirmSubscriptionResult><SubscriptionArn>{arn}</SubscriptionArn></ConfirmSubscriptionResult>"
    )
    return f"<ConfirmSubscriptionResponse>{result}</ConfirmSubscriptionResponse>".encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "embedded-aws"
    sys_version = ""
    timeout = _ANSWER_SECONDS

    def answer(self, path: str, query: dict[str, str]) -> tuple[HTTPStatus, bytes]:
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer a request."""
        parts = urlsplit(self.path)
        status, body = self.answer(
            parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}
        )
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests."""
