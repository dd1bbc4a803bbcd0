"""Calls of one invocation at once, in real threads."""

import threading
from collections.abc import Callable, Iterator

import pytest

from media_pipeline.concurrency import Threads

SECONDS = 10.0  # that a test waits at most for what must happen


class Gate:
    """Counts how many calls are under way, and lets them end only together."""

    def __init__(self, parties: int) -> None:
        self._barrier = threading.Barrier(parties)
        self._lock = threading.Lock()
        self.running = self.most = 0

    def call(self) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self._barrier.wait(SECONDS)
        with self._lock:
            self.running -= 1
        return threading.current_thread().name


def test_calls_are_under_way_at_once_and_never_more_than_the_limit() -> None:
    gate = Gate(3)
    with Threads() as overlap:
        results = list(overlap.at_most(3)(gate.call for _ in range(9)))
    assert len(results) == 9
    assert gate.most == 3
    assert threading.current_thread().name not in results


def test_a_limit_of_one_needs_no_thread() -> None:
    before = threading.active_count()
    with Threads() as overlap:
        assert set(overlap.at_most(1)(threading.current_thread for _ in range(3))) == {
            threading.current_thread()
        }
        assert threading.active_count() == before


def test_the_next_call_is_taken_in_the_callers_thread_when_it_can_start() -> None:
    taken: list[tuple[int, threading.Thread]] = []

    def calls() -> Iterator[Callable[[], int]]:
        for number in range(5):
            taken.append((number, threading.current_thread()))
            yield lambda number=number: number  # type: ignore[misc]

    with Threads() as overlap:
        results = overlap.at_most(2)(calls())
        next(results)
        assert len(taken) == 2
        assert sorted([*results, taken[0][0]])[-1] == 4
    assert {thread for _, thread in taken} == {threading.current_thread()}


def test_after_a_failure_no_call_is_started_and_the_others_end_before_it_is_raised() -> None:
    begun, released = threading.Event(), threading.Event()
    ended: list[str] = []

    def slow() -> str:
        begun.set()
        assert released.wait(SECONDS)
        ended.append("slow")
        return "slow"

    def failing() -> str:
        assert begun.wait(SECONDS)
        threading.Timer(0.05, released.set).start()
        raise OSError("refused")

    def never() -> str:
        ended.append("never")
        return "never"

    results: list[str] = []
    with Threads() as overlap, pytest.raises(OSError, match="refused"):
        results.extend(overlap.at_most(2)([slow, failing, never]))
    assert results == ended == ["slow"]


def test_what_refuses_the_next_call_is_raised_when_the_others_have_ended() -> None:
    released = threading.Event()
    ended: list[bool] = []

    def calls() -> Iterator[Callable[[], None]]:
        yield lambda: ended.append(released.wait(SECONDS))
        threading.Timer(0.05, released.set).start()
        raise TimeoutError("no time for another one")

    with Threads() as overlap, pytest.raises(TimeoutError, match="no time"):
        list(overlap.at_most(4)(calls()))
    assert ended == [True]


def test_no_thread_is_left_when_the_context_ends_even_with_an_error() -> None:
    released = threading.Event()
    threading.Timer(0.05, released.set).start()
    used: list[threading.Thread] = []

    def slow() -> None:
        assert released.wait(SECONDS)
        used.append(threading.current_thread())

    def fail() -> None:
        with Threads() as overlap:
            overlap.start(slow)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(used) == 1
    assert not used[0].is_alive()
