"""Measure what one upload costs the functions, in a process of its own: processor time and the peak of memory.

`python -m tests.bombs.measuring FILE` prints one line of JSON. The code and the settings are those of the functions of
a stack; only AWS is left out.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from benchmarks.peak import peak_bytes
from components.environment import image_settings, video_settings
from components.stack_files import read_config
from media_pipeline.concurrency import Threads
from media_pipeline.errors import RejectedError
from media_pipeline.images.inspection import inspect
from media_pipeline.images.renditions import Judging, render
from media_pipeline.images.sniffing import HEAD_BYTES, Kind, sniff
from media_pipeline.invocation import Invocation
from media_pipeline.limits import MEBIBYTE
from media_pipeline.observability import Observability
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.steps import Steps
from media_pipeline.settings.functions import IDLE_MEGABYTES, LAMBDA_MEMORY, ImageSettings, VideoSettings

PROJECT = Path(__file__).parents[2]
STACK = "dev"
MOST_SECONDS = 20.0
"""Of processor time. The image function of dev has 1,769 MB, which is one processor."""
TIME_LIMIT = 300.0
"""Seconds, of the clock: a measurement that takes longer counts as one that never ends."""
VIDEO_TIMEOUT = 900.0
"""Seconds: the longest that Lambda has. What a container costs does not depend on it."""
_ELSEWHERE = (
    "STACK", "UPLOADS_BUCKET", "QUARANTINE_BUCKET", "RENDITIONS_BUCKET", "RECORDS_TABLE", "EVENTS_TOPIC_ARN",
    "QUEUE_URL",
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What one upload costs."""

    ending: str
    """`published`, or the reason of its rejection and the detail; `crashed` where it is neither."""
    seconds: float
    """Of processor time, in all threads."""
    peak: int
    """Bytes at the peak, with those of the idle function."""
    memory: int
    """Bytes that the function has."""

    def violations(self, most_seconds: float = MOST_SECONDS) -> list[str]:
        """Return what is over the limits, in words."""
        found = [self.ending] if self.ending.startswith("crashed") else []
        if self.seconds > most_seconds:
            found.append(f"{self.seconds:.1f} s of processor time; allowed are {most_seconds:g}")
        if self.peak > self.memory / 2:
            allowed = self.memory / 2 / MEBIBYTE
            found.append(f"{self.peak / MEBIBYTE:,.0f} MB of memory; allowed are {allowed:,.0f}")
        return found


def measured(data: bytes, stack: str = STACK) -> Cost:
    """Process an upload in a process of its own."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "tests.bombs.measuring", file.name, stack],
                cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT / "lambda")},
                capture_output=True, text=True, check=False, timeout=TIME_LIMIT,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Cost(f"crashed: it did not end within {TIME_LIMIT:g} s", TIME_LIMIT, 0, 0)
    if done.returncode:
        last = (done.stderr.strip() or "no output").splitlines()[-1]
        return Cost(f"crashed: exit code {done.returncode}, {last[:200]}", 0.0, 0, 0)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def main(path: Path, stack: str) -> None:
    """Process the file; what the process took before counts as the idle function."""
    config = read_config(PROJECT, stack)
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD_BYTES))
    is_video = kind.family == "video"
    megabytes = (config.memory.video if is_video else config.memory.image) or 0
    environment = {
        **dict.fromkeys(_ELSEWHERE, "elsewhere"),
        **(video_settings(config) if is_video else image_settings(config)),
        "RECORDS_RETENTION_DAYS": "0",
        "TRACING": "false",
        LAMBDA_MEMORY: str(megabytes),
    }
    process = _video(environment) if is_video else _picture(environment)
    idle, began = peak_bytes(), time.process_time()
    try:
        ending = process(path, kind)
    except RejectedError as error:
        ending = f"{error.reason}: {error.detail}"
    cost = Cost(
        ending=ending,
        seconds=time.process_time() - began,
        peak=peak_bytes() - idle + IDLE_MEGABYTES * MEBIBYTE,
        memory=megabytes * MEBIBYTE,
    )
    print(json.dumps(asdict(cost)))


def _picture(environment: dict[str, str]) -> Any:
    settings = ImageSettings.from_environment(environment)

    def process(path: Path, _: Kind) -> str:
        data = path.read_bytes()
        made = render(data, inspect(data, settings.limits), settings.specs, settings.limits)
        return f"published, {len(made.proxies)} judged"

    return process


def _video(environment: dict[str, str]) -> Any:
    from media_pipeline.processing.video import FetchedVideo, VideoProcessor

    settings = VideoSettings.from_environment(environment)
    processor = VideoProcessor(settings)
    end = time.monotonic() + VIDEO_TIMEOUT

    def process(path: Path, kind: Kind) -> str:
        invocation = Invocation(
            request_id="", trace_id=None, timeout=VIDEO_TIMEOUT, time_left=lambda: end - time.monotonic(),
            client_timeout=15.0,
        )  # fmt: skip
        attempt = Attempt(
            event=cast(Any, None), claim=cast(Any, None), invocation=invocation, lease=None, clock=time.time,
            steps=Steps(Observability(tracing=False), "a"), overlap=Threads(),
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "original"
            copy.symlink_to(path)  # whoever reads it whole counts as the function
            fetched = FetchedVideo(path=copy, content_type=kind.content_type, folder=copy.parent)
            made = processor.make(attempt, fetched, cast(Any, Judging()))
        return f"published, {len(made.proxies)} judged"

    return process


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
