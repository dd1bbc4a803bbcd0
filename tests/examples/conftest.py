"""What the tests of several examples need."""

import socket

import pytest


@pytest.fixture(scope="module")
def port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
