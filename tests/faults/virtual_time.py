"""A virtual clock, and tasks that run on stacks of their own but only ever one at a time.

Whoever sleeps hands the world to whatever is due next; the order is decided by virtual time alone (and, for equal
times, by who asked first), never by the operating system. So a run is repeated exactly by its seed, however many
invocations are interleaved in it.
"""

import heapq
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from greenlet import greenlet

START = 1_800_000_000.0  # epoch seconds at which every run begins


class KilledError(BaseException):
    """The end of an invocation as SIGKILL makes it: no `except Exception` of the functions sees it."""


@dataclass(order=True)
class _Due:
    when: float
    number: int
    action: Callable[[], None] = field(compare=False)


class Task:
    """A body of code on a stack of its own, stepped by the timeline. `subject` is whatever it works for."""

    def __init__(self, timeline: "Timeline", body: Callable[[], None], subject: object) -> None:
        self.subject = subject
        self._timeline = timeline
        self._stack = greenlet(self._run)
        self._body = body

    def step(self) -> None:
        """Let it run until it sleeps or ends; called by the timeline only. Its errors are raised here."""
        outer, self._timeline.current = self._timeline.current, self
        try:
            self._stack.switch()
        finally:
            self._timeline.current = outer

    def pause(self) -> None:
        """Hand the world back until the next step; called from its own body only."""
        parent = self._stack.parent
        if parent is None:
            raise RuntimeError("a task pauses only while it is stepped")
        parent.switch()
        if self._timeline.closing:
            raise KilledError

    def _run(self) -> None:
        with suppress(KilledError):
            self._body()


class Timeline:
    """What happens when. Everything of a run shares one."""

    def __init__(self) -> None:
        self.now = START
        self.current: Task | None = None
        self.closing = False
        self._due: list[_Due] = []
        self._number = 0
        self._paused: set[Task] = set()

    @property
    def elapsed(self) -> float:
        """Virtual seconds since the run began."""
        return self.now - START

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Have `action` happen at `when` (epoch seconds), or as soon as possible where that is past."""
        self._number += 1
        heapq.heappush(self._due, _Due(max(when, self.now), self._number, action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Have `action` happen in `seconds`."""
        self.at(self.now + seconds, action)

    def spawn(self, body: Callable[[], None], subject: object) -> None:
        """Begin a task now; it ends by returning or with KilledError, any other error ends the run."""
        self.at(self.now, Task(self, body, subject).step)

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass for the task that calls, and others run meanwhile."""
        task, until = self.current, self.now + max(seconds, 0.0)
        if not self._due or self._due[0].when > until:
            self.now = until  # nothing else happens until then: no need to change stacks
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
        """Let everything happen that is due before `until`; tells whether nothing was left over."""
        while self._due and self._due[0].when <= until:
            due = heapq.heappop(self._due)
            self.now = max(self.now, due.when)
            due.action()
        return not self._due

    def close(self) -> None:
        """End the tasks that are still asleep, so that none outlives the run."""
        self.closing = True
        for task in list(self._paused):
            task.step()

    def __enter__(self) -> "Timeline":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
