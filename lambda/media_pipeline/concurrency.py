"""Several calls of one invocation at once: a bounded number of them, and none outlives the invocation."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol, Self, TypeVar

T = TypeVar("T")
MOST_THREADS = 16
"""Of one invocation: one that asks Rekognition in the background with four requests, encoders, or eight uploads."""


class Together(Protocol):
    """Makes several calls, some of them at once; yields each result as soon as it is there.

    It takes the next call from `calls` only when it can start it, and always in the caller's thread. After a failure,
    of a call or of `calls`, no further call is started; the error is raised when all others have ended and their
    results were yielded.
    """

    def __call__(self, calls: Iterable[Callable[[], T]], /) -> Iterator[T]:
        """Make the calls."""
        ...


def one_by_one(calls: Iterable[Callable[[], T]]) -> Iterator[T]:
    """Make the calls one after the other, in the caller's thread."""
    for call in calls:
        yield call()


class Overlap(ABC):
    """What one invocation has in flight. A context manager: on leaving it, everything that was started has ended."""

    def __init__(self) -> None:
        self._started: list[Future[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.join(self._started)

    def start(self, call: Callable[[], T]) -> Future[T]:
        """Start a call in the background."""
        started = self._start(call)
        self._started.append(started)
        return started

    def join(self, calls: Iterable[Future[Any]]) -> None:
        """Wait until all of them have ended, whether well or not."""
        while running := [call for call in calls if not call.done()]:
            self._wait_for_one(running)

    def at_most(self, limit: int) -> Together:
        """Return what makes up to `limit` calls at once; with 1, one after the other in the caller's thread."""

        def together(calls: Iterable[Callable[[], T]], /) -> Iterator[T]:
            return self._together(calls, limit)

        return together if limit > 1 else one_by_one

    def _together(self, calls: Iterable[Callable[[], T]], limit: int) -> Iterator[T]:
        left = iter(calls)
        # Oldest first: of those that have ended together, it is the first to count.
        running: list[Future[T]] = []
        failure: BaseException | None = None
        try:
            while True:
                try:
                    while failure is None and len(running) < limit:
                        running.append(self.start(self.carried(next(left))))
                except StopIteration:
                    left = iter(())
                except Exception as error:  # noqa: BLE001 - raised below, when the others have ended
                    failure = error
                if not running:
                    break
                self._wait_for_one(running)
                for ended in [call for call in running if call.done()]:
                    running.remove(ended)
                    failure = failure or ended.exception()
                    if ended.exception() is None:
                        yield ended.result()
        finally:
            self.join(running)
        if failure is not None:
            raise failure

    @abstractmethod
    def _start(self, call: Callable[[], T]) -> Future[T]:
        """Start a call in a thread of its own."""

    @abstractmethod
    def _wait_for_one(self, calls: Collection[Future[Any]]) -> None:
        """Wait until at least one of them has ended."""

    def carried(self, call: Callable[[], T]) -> Callable[[], T]:
        """Return the call with what it needs of the caller's thread, and not of what ran in its own before."""
        return call


class Threads(Overlap):
    """Calls in threads, which are created when they are first needed and have ended on leaving the context."""

    def __init__(self, carry: Callable[[Callable[[], Any]], Callable[[], Any]] = lambda call: call) -> None:
        """`carry` is called in a thread that makes several calls at once: it takes something of it along."""
        super().__init__()
        self._carry = carry
        self._pool: ThreadPoolExecutor | None = None

    def __exit__(self, *details: object) -> None:
        super().__exit__(*details)
        if self._pool is not None:
            self._pool.shutdown()

    def _start(self, call: Callable[[], T]) -> Future[T]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(MOST_THREADS)
        return self._pool.submit(call)

    def _wait_for_one(self, calls: Collection[Future[Any]]) -> None:
        wait(calls, return_when=FIRST_COMPLETED)

    def carried(self, call: Callable[[], T]) -> Callable[[], T]:
        """Return the call with the caller's open subsegment."""
        return self._carry(call)
