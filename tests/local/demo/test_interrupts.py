"""Ctrl-C at any moment: the demo ends soon, with a code of its own, and leaves neither process nor traceback."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.demo import scenes

ROOT = Path(__file__).resolve().parents[3]
SECONDS_ALLOWED = 20  # from the interrupt to the end
SECONDS_TO_GET_THERE = 60


def _heed_interrupts() -> None:
    """Take back that whoever started the tests in the background has them ignore SIGINT: no shell could trap it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Running:
    """`make demo` without make: the launcher with the demo in a session of its own, as in a terminal."""

    def __init__(self, out: Path, photos: Path) -> None:
        self.out = out
        command = [sys.executable, "-m", "local.demo", "--out", str(out), "--photos", str(photos)]
        self.process = subprocess.Popen(
            ["/bin/sh", "local/demo/launch.sh", *command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
            preexec_fn=_heed_interrupts,
        )
        self.output = ""
        self._grown = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._grown:
                self.output += line
                self._grown.notify_all()

    def wait_for(self, text: str) -> None:
        with self._grown:
            assert self._grown.wait_for(lambda: text in self.output, SECONDS_TO_GET_THERE), self.output

    def wait_for_command(self) -> set[int]:
        """Wait until the launcher runs the command: before, the shell may have no trap yet."""
        deadline = time.monotonic() + SECONDS_TO_GET_THERE
        while not (found := self.descendants()):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return found

    def descendants(self) -> set[int]:
        return set(_descendants(self.process.pid))

    def interrupt(self, *signals: signal.Signals) -> None:
        """Send the signal to every process of the session's group, as a terminal does on Ctrl-C."""
        for number in signals:
            os.killpg(self.process.pid, number)

    def end(self) -> int:
        """Wait for the end; returns the exit code."""
        began = time.monotonic()
        code = self.process.wait(SECONDS_ALLOWED)
        assert time.monotonic() - began < SECONDS_ALLOWED
        self._reader.join(5)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            for pid in self.descendants() | {self.process.pid}:
                os.kill(pid, signal.SIGKILL)
            self.process.wait()
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()


def _descendants(pid: int) -> Iterator[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="],  # noqa: S607 - wherever this system has it
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    parents = [tuple(int(part) for part in line.split()) for line in listed.splitlines()]
    for child, parent in parents:
        if parent == pid:
            yield child
            yield from _descendants(child)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Running]:
    photos = tmp_path / "photos"
    photos.mkdir()
    scenes.lake((300, 200)).save(photos / "0.jpg")
    running = Running(tmp_path / "out", photos)
    yield running
    running.close()


def assert_a_clean_end(demo: Running, processes: set[int]) -> None:
    assert demo.end() == 130, demo.output
    assert "Traceback" not in demo.output
    assert "Exception ignored" not in demo.output
    assert re.search(r"Interrupted.*(nothing to remove|[Rr]emoved)", demo.output, re.DOTALL), demo.output
    assert not [pid for pid in processes if _alive(pid)]
    assert not demo.out.exists()


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.5])
def test_an_interrupt_of_the_start_finds_nothing_to_remove(demo: Running, delay: float) -> None:
    processes = demo.wait_for_command()
    time.sleep(delay)
    processes |= demo.descendants()
    demo.interrupt(signal.SIGINT)
    assert_a_clean_end(demo, processes)
    assert "there was nothing to remove" in demo.output


@pytest.mark.long
def test_an_interrupt_while_deploying_removes_what_was_made(demo: Running) -> None:
    demo.wait_for("Deploying stack dev")
    time.sleep(1.5)
    processes = demo.descendants()
    demo.interrupt(signal.SIGINT)
    assert_a_clean_end(demo, processes)


@pytest.mark.long
def test_two_interrupts_while_processing_end_the_functions_too(demo: Running) -> None:
    demo.wait_for("PUBLISHED")
    processes = demo.descendants()
    assert len(processes) > 1, "the demo and at least one function"
    demo.interrupt(signal.SIGINT, signal.SIGINT)
    assert_a_clean_end(demo, processes)
    assert re.search(r"removed \d+ resources", demo.output)


@pytest.mark.long
def test_an_interrupt_while_destroying_lets_it_come_to_its_end(demo: Running) -> None:
    demo.wait_for("Destroying stack dev")
    demo.interrupt(signal.SIGINT)
    assert_a_clean_end(demo, set())


@pytest.mark.long
def test_termination_is_an_interrupt_too(demo: Running) -> None:
    demo.wait_for("Deploying stack dev")
    processes = demo.descendants()
    demo.interrupt(signal.SIGTERM)
    assert_a_clean_end(demo, processes)


@pytest.mark.long
def test_terminating_make_ends_the_demo_too(tmp_path: Path) -> None:
    """Send the signal to make alone, as when a CI job is cancelled."""
    (tmp_path / "photos").mkdir()
    scenes.lake((300, 200)).save(tmp_path / "photos" / "0.jpg")
    where = [f"RUN={sys.executable}", f"PHOTOS={tmp_path / 'photos'}", f"OUT={tmp_path / 'out'}"]
    with subprocess.Popen(
        ["make", "--assume-old=.venv/.ready", "demo", *where],  # noqa: S607 - wherever this system has it
        cwd=ROOT,
        # As a first make, even where this test runs under one.
        env={
            name: value
            for name, value in os.environ.items()
            if not name.startswith("MAKE") and name != "MFLAGS"
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Deploying stack dev")
        processes = set(_descendants(process.pid))
        assert processes
        process.terminate()
        rest = process.stdout.read()  # to the end of the last process that could write
        assert process.wait(SECONDS_ALLOWED) != 0
    assert "Interrupted: ending" in rest
    assert not [pid for pid in processes if _alive(pid)]
    assert not (tmp_path / "out").exists()


def test_the_launcher_passes_the_exit_code_on() -> None:
    command = ["/bin/sh", "local/demo/launch.sh", sys.executable, "-c", "raise SystemExit(7)"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 7


HANGING = """
import os, time
from local.demo import interrupts

interrupts.PATIENCE = 0.3
watched = interrupts.Interrupts()
watched.install()
watched.begin()
def discard():
    print("output discarded", flush=True)
def end_functions():
    print("functions ended", flush=True)
    raise OSError
with watched.ending_with(discard), watched.ending_with(end_functions):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_step_that_does_not_end_is_ended_with_its_functions_and_its_output() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HANGING],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(10) == 130
    assert rest.index("functions ended") < rest.index("output discarded"), "which they could still write to"
    assert "the process was ended" in rest
    assert "Traceback" not in rest
