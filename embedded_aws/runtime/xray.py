"""An X-Ray daemon that keeps what it is sent: the trace segments of all functions."""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from typing import Any, Self

_DATAGRAM_BYTES = 65_536
_KEPT = 20_000
_STOP = b"stop"


class XRayListener:
    """Listens on a UDP port of loopback, to be named to functions as AWS_XRAY_DAEMON_ADDRESS."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._segments: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._count = 0
        self._thread = threading.Thread(target=self._run, name="x-ray", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Return `127.0.0.1:<port>`."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    @property
    def count(self) -> int:
        """Return how many segments came in altogether."""
        return self._count

    def segments(self) -> list[dict[str, Any]]:
        """Return the newest segment documents, oldest first, as X-Ray's PutTraceSegments takes them."""
        return list(self._segments)

    def close(self) -> None:
        """Stop listening."""
        if self._thread.is_alive():
            self._socket.sendto(_STOP, self._socket.getsockname())  # a blocked recv does not notice a close
            self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while (datagram := self._socket.recv(_DATAGRAM_BYTES)) != _STOP:
            # A datagram is a header line, {"format": "json", "version": 1}, and the document.
            _, _, document = datagram.partition(b"\n")
            try:
                segment = json.loads(document)
            except ValueError:
                continue  # the daemon, too, drops what it cannot read
            self._segments.append(segment)
            self._count += 1
