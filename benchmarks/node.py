"""sharp, in a Node.js process that is started once and gets its jobs over pipes."""

import atexit
import functools
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

FOLDER = Path(__file__).parent.parent / "build" / "bench-node"
"""Where the Makefile's `bench` installs sharp."""
_SCRIPT = Path(__file__).with_name("sharp_worker.cjs")


class NodeError(Exception):
    """The Node.js process ended, or sharp refused a picture."""


class Sharp:
    """One Node.js process; `milliseconds` and `cpu_milliseconds` are what its last job took inside it."""

    def __init__(self, node: str) -> None:
        environment = os.environ | {"NODE_PATH": str(FOLDER / "node_modules")}
        self._process = subprocess.Popen(
            [node, str(_SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self.milliseconds = 0.0
        self.cpu_milliseconds = 0.0
        self.pid = self._process.pid

    def render(
        self, data: bytes, sizes: Mapping[str, int], quality: int, webp_effort: int | None = None
    ) -> dict[str, bytes]:
        """Make all sizes, with `webp_effort` as WebP too. Raises NodeError."""
        to, answers = _pipes(self._process)
        job = {"sizes": dict(sizes), "quality": quality, "webp_effort": webp_effort, "bytes": len(data)}
        to.write(json.dumps(job).encode() + b"\n")
        to.write(data)
        to.flush()
        line = answers.readline()
        if not line:
            raise NodeError(f"node ended with exit status {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise NodeError(answer["error"])
        self.milliseconds, self.cpu_milliseconds = answer["milliseconds"], answer["cpu_milliseconds"]
        return {name: answers.read(length) for name, length in answer["files"]}

    def close(self) -> None:
        """End the process."""
        to, answers = _pipes(self._process)
        to.close()
        self._process.wait(timeout=10)
        answers.close()


def installed() -> bool:
    """Whether Node.js is on PATH, and sharp where the Makefile installs it."""
    return shutil.which("node") is not None and (FOLDER / "node_modules" / "sharp").is_dir()


@functools.cache
def process() -> Sharp:
    """Return this process's Node.js, started at the first call. Raises NodeError if it is missing."""
    node = shutil.which("node")
    if node is None:
        raise NodeError("node is not on PATH")
    sharp = Sharp(node)
    atexit.register(sharp.close)
    return sharp


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise NodeError("the process has no pipes")
    return process.stdin, process.stdout
