"""One thread at a time in moto.

moto's backends are plain dictionaries: a condition is checked in one step and the item written in the next, so two
requests at once could both pass a DynamoDB condition, or lose an object version. Under the GIL, taking turns costs
next to nothing. A request that waits, such as a long poll, gives the lock up meanwhile.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MotoLock:
    """A lock that its holder's thread may take again, and may release for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: int | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; nested use in the holder's own thread is free."""
        me = threading.get_ident()
        if self._holder == me:
            yield
            return
        with self._lock:
            self._holder = me
            try:
                yield
            finally:
                self._holder = None

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let others go on meanwhile; does nothing in a thread that does not hold the lock."""
        if self._holder != threading.get_ident():
            yield
            return
        self._holder = None
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()
            self._holder = threading.get_ident()


MOTO_LOCK = MotoLock()
