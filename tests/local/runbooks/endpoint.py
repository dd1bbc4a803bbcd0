"""An endpoint of `notify.webhooks` that confirms its subscription, and refuses outcomes until it is repaired."""

import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


PORT = free_port()
URL = f"http://127.0.0.1:{PORT}/outcomes"


@dataclass
class Endpoint:
    """What it did so far."""

    is_confirmed: bool = False
    is_repaired: bool = False
    taken: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def refusing_endpoint() -> Iterator[Endpoint]:
    """Serve at `URL`."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = 200
            if message["Type"] == "SubscriptionConfirmation":
                with urllib.request.urlopen(message["SubscribeURL"], timeout=10):  # noqa: S310
                    endpoint.is_confirmed = True
            elif endpoint.is_repaired:
                endpoint.taken.append(json.loads(message["Message"]))
            else:
                status = 404
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", PORT), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield endpoint
        server.shutdown()
