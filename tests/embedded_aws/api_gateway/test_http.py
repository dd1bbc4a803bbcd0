"""The server of the APIs speaks HTTP/1.1 with clients of all kinds, and never hangs."""

import json
from collections.abc import Iterator

import pytest

from embedded_aws.api_gateway.http_front import ApiFront, PortInUseError

from .conftest import Served
from .connection import Connection


@pytest.fixture
def connection(served: Served) -> Iterator[Connection]:
    opened = Connection(served.front.url)
    yield opened
    opened.close()


def post(served: Served, *more: str) -> tuple[str, ...]:
    return ("POST /dev/v1/things HTTP/1.1", "Host: x", f"x-api-key: {served.api.key}", *more)


def test_one_connection_serves_many_requests(served: Served, connection: Connection) -> None:
    for text in (b"one", b"two"):
        connection.send(*post(served, f"Content-Length: {len(text)}"), body=text)
        status, _, body = connection.read()
        assert (status, json.loads(body)["isBase64Encoded"]) == (200, True)


def test_a_body_is_asked_for_only_once_the_head_is_accepted(served: Served, connection: Connection) -> None:
    connection.send(*post(served, "Content-Length: 3", "Expect: 100-continue"))
    assert connection.read()[0] == 100
    connection.send_bytes(b"abc")
    assert json.loads(connection.read()[2])["body"] == "YWJj"


def test_a_refused_head_gets_its_answer_instead_of_being_asked_for_the_body(
    served: Served, connection: Connection
) -> None:
    connection.send(*post(served, "Content-Length: 20000000", "Expect: 100-continue"))
    assert connection.read()[0] == 413
    assert connection.ended()


def test_chunked_bodies_are_put_together(served: Served, connection: Connection) -> None:
    connection.send(*post(served, "Transfer-Encoding: chunked"))
    connection.send_bytes(b"2;x=y\r\nab\r\n1\r\nc\r\n0\r\nTrailer: t\r\n\r\n")
    assert json.loads(connection.read()[2])["body"] == "YWJj"
    connection.send(*post(served))  # the connection is where it should be
    assert connection.read()[0] == 200


def test_a_chunked_body_that_does_not_end_in_time_is_too_large(
    served: Served, connection: Connection
) -> None:
    connection.send(*post(served, "Transfer-Encoding: chunked"))
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    for _ in range(10):
        connection.send_bytes(chunk)
    connection.send_bytes(b"1\r\n")
    assert connection.read()[0] == 413


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -1",),
        ("Content-Length: 1_0",),
        ("Content-Length: 1", "Content-Length: 2"),
        ("Content-Length: 1", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: gzip",),
    ],
)
def test_a_body_whose_end_is_unclear_is_a_bad_request(
    served: Served, connection: Connection, lines: tuple[str, ...]
) -> None:
    connection.send(*post(served, *lines), body=b"x")
    status, headers, body = connection.read()
    assert (status, headers["content-type"]) == (400, "application/json")
    assert json.loads(body)["message"].startswith("Bad Request")
    assert connection.ended()


@pytest.mark.parametrize(
    "data", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n"]
)
def test_what_is_not_http_is_refused(connection: Connection, data: bytes) -> None:
    connection.send_bytes(data)
    assert b"message" in connection._stream.read(2000)


def test_a_head_request_has_the_length_and_no_body(served: Served, connection: Connection) -> None:
    connection.send("HEAD /dev/none HTTP/1.1", "Host: x")
    status, headers, body = connection.read(head=True)
    assert (status, body) == (403, b"")
    assert int(headers["content-length"]) > 0
    connection.send(*post(served))
    assert connection.read()[0] == 200


def test_a_port_in_use_is_reported_clearly(served: Served) -> None:
    port = int(served.front.url.rpartition(":")[2])
    front = ApiFront(served.api.world, served.functions.invoke, port=port)
    with pytest.raises(PortInUseError, match=f"port {port} of 127.0.0.1 cannot be had"), front:
        pass
