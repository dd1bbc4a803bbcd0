"""A socket to a server, for what no HTTP client would send."""

import socket


class Connection:
    """Sends lines or bytes, reads answer by answer."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=15)
        self._stream = self._socket.makefile("rb")

    def send(self, *lines: str, body: bytes = b"") -> None:
        self._socket.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode() + body)

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self, *, head: bool = False) -> tuple[int, dict[str, str], bytes]:
        status = int(self._stream.readline().split()[1])
        headers = {}
        while (line := self._stream.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        length = 0 if head or status < 200 else int(headers.get("content-length", 0))
        return status, headers, self._stream.read(length)

    def ended(self) -> bool:
        return self._stream.read(1) == b""

    def close(self) -> None:
        self._stream.close()
        self._socket.close()
