"""Calls of one invocation at once, in virtual time: the clock alone decides about their order."""

from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from media_pipeline.concurrency import Overlap
from tests.faults.virtual_time import KilledError, VirtualClock

if TYPE_CHECKING:
    from tests.faults.simulated_invocation import Invocation

T = TypeVar("T")


class VirtualCalls(Overlap):
    """Each call is a task of the clock in place of a thread; a task that waits for calls is woken by those that end.

    A killed function takes all of its tasks with it: whoever waits for another one is killed as well.
    """

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock
        subject: Any = clock.current.subject if clock.current else None
        self._invocation: Invocation = subject
        self._wakers: list[Callable[[], None]] = []

    def _start(self, call: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def body() -> None:
            try:
                result = call()
            except KilledError:
                raise
            except BaseException as error:  # noqa: BLE001 - raised by whoever asks for the result, as of a thread
                future.set_exception(error)
            else:
                future.set_result(result)
            finally:
                self._invocation.threads -= 1
                self._wake()

        self._invocation.threads += 1
        self._clock.spawn(body, self._invocation)
        return future

    def _wait_for_one(self, calls: Collection[Future[Any]]) -> None:
        while self._invocation.alive and not any(call.done() for call in calls):
            self._wakers.append(self._clock.park())
            self._clock.parked()
        if not self._invocation.alive:
            raise KilledError

    def _wake(self) -> None:
        wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()
