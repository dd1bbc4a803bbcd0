"""Kill a function that takes more memory than it was given, as Lambda does: at once, without a warning."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_INTERVAL = 0.02  # seconds; a process faults in some 4 MB a millisecond at most
_PROC = Path("/proc")
_KILOBYTES = re.compile(rb"^(VmHWM|RssAnon|RssShmem):\s+(\d+) kB", re.MULTILINE)

# Elsewhere there is no cheap way to ask without another dependency: memory sizes are then not enforced.
SUPPORTED = (_PROC / "self" / "status").is_file()


def usage(pid: int) -> tuple[int, int]:
    """Return a process's memory and the most it ever had resident, in bytes; zeros where it is gone.

    Memory is what only it can have: Lambda, too, gives pages of files back before it kills.
    """
    try:
        status = (_PROC / str(pid) / "status").read_bytes()
    except OSError:
        return 0, 0
    found = {name: int(kilobytes) * 1024 for name, kilobytes in _KILOBYTES.findall(status)}
    return found.get(b"RssAnon", 0) + found.get(b"RssShmem", 0), found.get(b"VmHWM", 0)


@dataclass(eq=False)
class Watch:
    """One process under watch; `limit` and `peak`, the most it ever had resident, in bytes."""

    pid: int
    limit: int
    kill: Callable[[], None]
    peak: int = 0

    def look(self) -> bool:
        """Measure, and return whether it takes too much."""
        taken, peak = usage(self.pid)
        self.peak = max(self.peak, peak)
        return taken > self.limit


class MemoryWatcher:
    """One thread that measures all processes which run an invocation."""

    def __init__(self) -> None:
        self._watched: set[Watch] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="memory-watcher", daemon=True)
        if SUPPORTED:
            self._thread.start()

    @contextmanager
    def watching(self, pid: int, limit: int, kill: Callable[[], None]) -> Iterator[Watch]:
        """Call `kill` once, from the watcher's thread, if the process takes more than `limit` bytes in the block."""
        watch = Watch(pid, limit, kill)
        with self._changed:
            self._watched.add(watch)
            self._changed.notify()
        try:
            yield watch
        finally:
            with self._changed:
                self._watched.discard(watch)
            watch.look()

    def close(self) -> None:
        """Stop watching."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        with self._changed:  # held but while waiting, so that nobody is killed after `watching` has ended
            while not self._closed:
                for watch in [watch for watch in self._watched if watch.look()]:
                    self._watched.discard(watch)
                    watch.kill()
                if self._watched:
                    self._changed.wait_for(lambda: self._closed, timeout=_INTERVAL)
                else:
                    self._changed.wait_for(lambda: self._watched or self._closed)
