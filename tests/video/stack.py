"""The dev stack with videos in the embedded AWS: upload objects, wait for their outcomes, read what is there."""

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from embedded_aws.runtime.functions import Functions
from embedded_aws.runtime.poller import Batch, Poller
from embedded_aws.runtime.timescale import TimeScale
from tests.fixtures.deployed_stack import PROJECT, DeployedStack, Record, deployed_stack

ROOT = PROJECT
WITH_VIDEO = {"media-pipeline:video.enabled": True}
TERMINAL = frozenset({"PUBLISHED", "BLOCKED", "REVIEW", "REJECTED", "FAILED", "SUPERSEDED", "DELETED"})
LOOK_SECONDS = 0.1
_PROCESSES = Path("/proc")


class StuckError(AssertionError):
    """An object did not reach a terminal, announced record in time."""


@dataclass
class VideoStack:
    """The stack, its functions and their poller; `batches` are all invocations of all functions so far."""

    overrides: Mapping[str, Any] = field(default_factory=dict)
    timescale: TimeScale = field(default_factory=TimeScale)
    log_folder: Path | None = None
    batches: list[Batch] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._exits = ExitStack()
        try:
            overrides = {**WITH_VIDEO, **self.overrides}
            self.deployed: DeployedStack = self._exits.enter_context(deployed_stack("dev", overrides))
            world = self.deployed.world
            self.functions = self._exits.enter_context(Functions(world, self.timescale, self.log_folder))
            self._exits.enter_context(
                Poller(world, self.functions, self.timescale, on_batch=self.batches.append)
            )
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    @property
    def function(self) -> str:
        """Return the name of the function that processes videos."""
        return str(self.deployed.outputs["process_video_function"])

    def put(self, key: str, data: bytes) -> str:
        """Upload an object; return its version id."""
        return self.deployed.upload(key, data)

    def items(self, key: str | None = None) -> list[Record]:
        """Return all records, or those of one key."""
        return self.deployed.records(key)

    def outcome_of(self, key: str, seconds: float) -> Record:
        """Wait for the terminal, announced record of a key; return it. Raises StuckError after `seconds`."""
        until = time.monotonic() + seconds
        while True:
            items = self.items(key)
            if len(items) == 1 and items[0]["status"] in TERMINAL and items[0].get("announced_at"):
                return items[0]
            if time.monotonic() > until:
                raise StuckError(f"{key} after {seconds:g} s: {items or 'no record'}{self._errors()}")
            time.sleep(LOOK_SECONDS)

    def renditions(self, key: str) -> dict[str, bytes]:
        """Return the renditions of an object: key -> bytes."""
        s3: Any = self.deployed.world.client("s3")
        bucket = self.deployed.outputs["renditions_bucket"]
        keys = self.deployed.keys("renditions_bucket", f"{key}/")
        return {each: s3.get_object(Bucket=bucket, Key=each)["Body"].read() for each in sorted(keys)}

    def peak_megabytes(self) -> int:
        """Return the peak of resident memory of the video function's processes; 0 where it cannot be measured."""
        peaks = [one.invocation.max_memory_mb for one in self.batches if one.function_name == self.function]
        return max(peaks, default=0)

    def scratch_files(self) -> list[str]:
        """Return the files in /tmp of the video function's processes; none where there is no /proc."""
        found: list[str] = []
        for environment in self.functions.environments():
            if environment.function_name != self.function:
                continue
            try:
                variables = (_PROCESSES / str(environment.pid) / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            scratch = next(Path(os.fsdecode(v[7:])) for v in variables if v.startswith(b"TMPDIR="))
            found += [str(path.relative_to(scratch)) for path in scratch.rglob("*")]
        return found

    def _errors(self) -> str:
        errors = {str(one.invocation.error) for one in self.batches if one.invocation.error}
        return "".join(f"\n  {error}" for error in sorted(errors))
