"""A virtual clock and cooperative tasks, of which only one runs at a time.

A task that sleeps lets the next due action run. Virtual time alone decides the order (for equal times, the order of
the requests), never the operating system. So a seed repeats a run exactly, however many invocations interleave.
"""

import heapq
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from greenlet import getcurrent, greenlet

START = 1_800_000_000.0  # epoch seconds at which every run begins


class KilledError(BaseException):
    """Ends an invocation as SIGKILL does: a BaseException, so no `except Exception` of the functions catches it."""


class KilledMeanwhileError(KilledError):
    """Ends a task whose invocation was killed by another one of its tasks, while this one slept."""


@dataclass(order=True)
class _Due:
    when: float
    number: int
    action: Callable[[], object] = field(compare=False)


class Task:
    """Code with its own call stack (a greenlet), resumed by the clock. `subject` is the invocation it belongs to.

    `call` is the API call that it makes now.
    """

    def __init__(self, clock: "VirtualClock", body: Callable[[], None], subject: object) -> None:
        self.subject = subject
        self.call: Any = None
        self._clock = clock
        self._greenlet = greenlet(self._run)
        self._body = body

    def step(self) -> None:
        """Run it until it sleeps or ends, and raise its errors here. Called only by the clock."""
        outer, self._clock.current = self._clock.current, self
        self._greenlet.parent = getcurrent()  # not whoever spawned it, which may be another task
        try:
            self._greenlet.switch()
        finally:
            self._clock.current = outer

    def pause(self) -> None:
        """Return control to the clock until the next step. Called only from the task's own body."""
        parent = self._greenlet.parent
        if parent is None:
            raise RuntimeError("a task can pause only while it runs")
        parent.switch()
        if self._clock.closing:
            raise KilledError

    def _run(self) -> None:
        with suppress(KilledError):
            self._body()


class VirtualClock:
    """Virtual time and the actions that are due; one per run."""

    def __init__(self) -> None:
        self.now = START
        self.current: Task | None = None
        self.closing = False
        self._due: list[_Due] = []
        self._number = 0
        self._paused: set[Task] = set()

    @property
    def elapsed(self) -> float:
        """Return the virtual seconds since the run began."""
        return self.now - START

    def at(self, when: float, action: Callable[[], object]) -> None:
        """Schedule `action` at `when` (epoch seconds), or now if that is in the past."""
        self._number += 1
        heapq.heappush(self._due, _Due(max(when, self.now), self._number, action))

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Schedule `action` in `seconds`."""
        self.at(self.now + seconds, action)

    def spawn(self, body: Callable[[], None], subject: object) -> None:
        """Start a task now. It ends by returning or with KilledError; any other error ends the run."""
        self.at(self.now, Task(self, body, subject).step)

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass for the calling task while others run.

        Raises RuntimeError outside of a task if another action is due before then.
        """
        task, until = self.current, self.now + max(seconds, 0.0)
        if not self._due or self._due[0].when > until:
            self.now = until  # nothing else is due before: no switch needed
            return
        if task is None:
            raise RuntimeError("only a task can sleep while something else is due")
        self.at(until, task.step)
        self._wait(task)

    def park(self) -> Callable[[], None]:
        """Prepare for the current task to stop until the function returned is called, then `parked()`."""
        task = self.current
        if task is None:
            raise RuntimeError("only a task can be parked")
        return lambda: self.at(self.now, task.step)

    def parked(self) -> None:
        """Stop the current task until its waker is called."""
        if self.current is None:
            raise RuntimeError("only a task can be parked")
        self._wait(self.current)

    def _wait(self, task: Task) -> None:
        self._paused.add(task)
        try:
            task.pause()
        finally:
            self._paused.discard(task)

    def run(self, until: float) -> bool:
        """Run every action that is due up to `until`; return whether none is left."""
        while self._due and self._due[0].when <= until:
            due = heapq.heappop(self._due)
            self.now = max(self.now, due.when)
            due.action()
        return not self._due

    def close(self) -> None:
        """End the tasks that still sleep, so that none outlives the run."""
        self.closing = True
        while self._paused:
            next(iter(self._paused)).step()
        self.closing = False

    def __enter__(self) -> "VirtualClock":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
