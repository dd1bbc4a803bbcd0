"""Distinguishes uploads by form from other puts, which they are in moto: their events have another name."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_here = threading.local()


@contextmanager
def storing_form_upload() -> Iterator[None]:
    """Mark what this thread stores meanwhile as uploaded by form."""
    _here.on = True
    try:
        yield
    finally:
        _here.on = False


def is_form_upload() -> bool:
    """Return whether this thread is storing what was uploaded by form."""
    return getattr(_here, "on", False)
