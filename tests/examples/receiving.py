"""Runs the receiver of examples/python as a process, and waits for what it prints."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.components.recording import PROJECT

RECEIVER = PROJECT / "examples" / "python" / "receive_webhooks.py"
SECONDS = 20.0


def wait_for(holds: Callable[[], Any], seconds: float = SECONDS) -> Any:
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return found


@contextmanager
def receiver(arn: str, sns: str, log: Path, port: int = 0) -> Iterator[tuple[str, Callable[[], str]]]:
    """Run the example; yield its address, and what it printed so far."""
    with (
        log.open("w") as out,
        subprocess.Popen(
            [sys.executable, str(RECEIVER), "--topic", arn, "--port", str(port), "--sns", sns],
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            line = wait_for(lambda: [each for each in log.read_text().splitlines() if "waiting at" in each])
            yield line[0].split()[-1], log.read_text
        finally:
            process.terminate()
