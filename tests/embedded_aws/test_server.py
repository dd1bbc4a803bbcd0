"""The embedded AWS's HTTP server, as a client sees it that waits before it sends a body."""

import socket
from urllib.parse import urlsplit

from embedded_aws.server import Server


def test_a_client_that_waits_for_leave_to_send_its_body_gets_it_at_once() -> None:
    server = Server()
    try:
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as client:
            client.sendall(
                b"PUT /bucket/key HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
            )
            assert client.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(b"abc")
            assert client.recv(1024).startswith(b"HTTP/1.1 404")  # there is no such bucket
    finally:
        server.close()
