"""Ctrl-C (and SIGTERM) at any moment: an orderly end within seconds, without a traceback.

The handler only takes a note. An exception thrown into whatever runs at that moment would end up inside the
engine, a server thread or a lock of somebody else's code; so the demo asks `check()` between its steps instead,
and a watchdog ends the process where a step does not come to its end.
"""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

EXIT_CODE = 130  # what shells report for a program that Ctrl-C ended
PATIENCE = 10.0  # seconds for the orderly way
LAST_RESORT = 4.0  # seconds more for the functions' processes, and for the output folder
_TICK = 0.1

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


class InterruptedRunError(Exception):
    """The run ends: somebody pressed Ctrl-C, or the system asks the process to end.

    `removed` names what had been made and was removed on the way out; None where there was nothing yet.
    """

    def __init__(self, removed: str | None = None) -> None:
        super().__init__("interrupted")
        self.removed = removed


class Interrupts:
    """Records signals; one per process, installed before anything slow is imported."""

    def __init__(self) -> None:
        self.requested = False
        self._since = 0.0
        self._at_rest: str | None = None
        self._last_resorts: list[Callable[[], None]] = []

    def install(self) -> None:
        """Handle the signals from now on; until `begin` they end the process at once: there is nothing yet."""
        self._at_rest = "Interrupted before anything was made: there was nothing to remove."
        for number in SIGNALS:
            signal.signal(number, self._note)
        threading.Thread(target=self._watch, name="interrupts", daemon=True).start()

    def begin(self) -> None:
        """Only ask for the end at a signal from now on: there is something to remove."""
        self._at_rest = None

    def finish(self) -> None:
        """End the process at a signal again: everything is removed."""
        self._at_rest = "Interrupted at the very end: everything had been removed."

    def check(self) -> None:
        """Raise InterruptedRunError where a signal came in."""
        if self.requested:
            raise InterruptedRunError

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until a signal comes in; raise InterruptedRunError then."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, _TICK))
        self.check()

    @contextlib.contextmanager
    def ending_with(self, last_resort: Callable[[], None]) -> Iterator[None]:
        """Call `last_resort` within the block before the process is ended forcibly, after those of inner blocks."""
        self._last_resorts.append(last_resort)
        try:
            yield
        finally:
            self._last_resorts.remove(last_resort)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self._at_rest is not None:
            _end(self._at_rest)
        if not self.requested:
            self._since = time.monotonic()
            self.requested = True
            _hush()
            _say("\nInterrupted: ending ...")

    def _watch(self) -> None:
        while not (self.requested and time.monotonic() - self._since > PATIENCE):
            time.sleep(_TICK)
        for last_resort in reversed(self._last_resorts.copy()):
            # In a thread of its own, so that one that hangs or fails keeps none from its turn.
            ending = threading.Thread(target=last_resort, daemon=True)
            ending.start()
            ending.join(LAST_RESORT)
        _end(
            "Interrupted. The step at hand did not end in time, so the process was ended, and with it the embedded "
            "AWS with all that was in it."
        )


def _hush() -> None:
    """Silence what is still under way: it fails now, in other threads as well, and nobody needs its tracebacks."""
    logging.disable(logging.CRITICAL)
    threading.excepthook = lambda _args: None
    sys.unraisablehook = lambda _unraisable: None


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone, which is why SIGHUP came
        os.write(2, f"{text}\n".encode())


def _end(text: str) -> None:
    _say(text)
    os._exit(EXIT_CODE)
