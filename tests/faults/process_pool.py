"""A process pool that shows its progress and stops in order on Ctrl-C or SIGTERM."""

import gc
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
PROGRESS_SECONDS = 10.0  # between two lines of progress
INTERRUPTED = 130  # exit code: 128 + SIGINT, the convention of shells


def interruptible() -> None:
    """Let SIGTERM end this process as Ctrl-C does, with KeyboardInterrupt."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def collect_garbage_rarely() -> None:
    """Look for reference cycles after 50,000 new objects instead of 700: a simulation makes millions that have none.

    It takes a fifth off the processor time of a seed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def _begin_worker() -> None:
    collect_garbage_rarely()
    # A terminal sends Ctrl-C to every process of the group; only the parent reacts, and shuts the pool down.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class ProcessPool:
    """Context manager: a number of worker processes, or only this process; leaving it cancels tasks not yet started."""

    def __init__(self, processes: int) -> None:
        self._pool = (
            ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_begin_worker)
            if processes > 1
            else None
        )

    def __enter__(self) -> "ProcessPool":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map_unordered(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Run `work` on every task; yield results as they become ready."""
        if self._pool is None:
            collect_garbage_rarely()
            yield from map(work, tasks)
            return
        futures: list[Future[Any]] = [self._pool.submit(work, task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()


class Progress:
    """Prints a line on stderr every PROGRESS_SECONDS: tasks done, tasks with violations, estimated time left."""

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._what = what
        self._began = self._printed = time.monotonic()

    def update(self, done: int, wrong: int) -> None:
        """Print a line, unless the last one is more recent than PROGRESS_SECONDS."""
        now = time.monotonic()
        if now - self._printed < PROGRESS_SECONDS or not done:
            return
        self._printed = now
        taken = now - self._began
        left = taken / done * (self._total - done)
        print(
            f"{done:,} of {self._total:,} {self._what}, {wrong} with violations;"
            f" {taken:.0f} s, about {left:.0f} s to go",
            file=sys.stderr,
            flush=True,
        )
