"""Tells the events of uploads by form from those of other puts, which they are in moto."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_here = threading.local()


@contextmanager
def posting() -> Iterator[None]:
    """Around the PutObject that a form stands for."""
    _here.on = True
    try:
        yield
    finally:
        _here.on = False


def is_posting() -> bool:
    """Whether this thread is storing what came by form."""
    return getattr(_here, "on", False)
