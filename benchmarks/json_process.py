"""A child process that answers each line of JSON on its standard input with one on its standard output."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class JsonProcess:
    """Runs `command` in `folder` until `close`."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer. Raises RuntimeError where the process has ended."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the process has no pipes")
        print(json.dumps(question), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return dict(json.loads(line))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
