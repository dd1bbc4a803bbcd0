"""Long work in several processes: told of as it goes, and ended in order by Ctrl-C or SIGTERM."""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
TELLING = 10.0  # seconds between two lines of progress
INTERRUPTED = 130  # exit code: 128 + SIGINT, as shells have it


def interruptible() -> None:
    """Have SIGTERM end this process as Ctrl-C does: with KeyboardInterrupt."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _ignore_interrupts() -> None:
    # A terminal sends Ctrl-C to all; whoever gave out the work ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Crew:
    """Context manager: so many processes, or this one alone; leaving it waits only for what was begun."""

    def __init__(self, processes: int) -> None:
        self._pool = (
            ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_ignore_interrupts)
            if processes > 1
            else None
        )

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def each(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Do every task; results come as they are ready."""
        if self._pool is None:
            yield from map(work, tasks)
            return
        futures: list[Future[Any]] = [self._pool.submit(work, task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()


class Progress:
    """A line on stderr now and then: how much is done, how much of it is wrong, how long it will take."""

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._what = what
        self._began = self._told = time.monotonic()

    def tell(self, done: int, wrong: int) -> None:
        """Say how it stands, unless that was said a moment ago."""
        now = time.monotonic()
        if now - self._told < TELLING or not done:
            return
        self._told = now
        taken = now - self._began
        left = taken / done * (self._total - done)
        print(
            f"{done:,} of {self._total:,} {self._what}, {wrong} with violations;"
            f" {taken:.0f} s, about {left:.0f} s to go",
            file=sys.stderr,
            flush=True,
        )
