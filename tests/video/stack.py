"""A deployed stack with videos in the embedded AWS: put objects in, wait for their ends, look at what is there."""

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from boto3.dynamodb.types import TypeDeserializer

from components.packaging import PACKAGES_FOR
from embedded_aws.runtime.functions import Functions
from embedded_aws.runtime.poller import Batch, Poller
from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.world import World
from local.stacks import deploy, stack_region

ROOT = Path(__file__).parents[2]
STACK = "dev"
WITH_VIDEO = {"media-pipeline:video.enabled": True}
TERMINAL = frozenset({"PUBLISHED", "BLOCKED", "REVIEW", "REJECTED", "FAILED", "SUPERSEDED", "DELETED"})
LOOK_SECONDS = 0.1
_PROCESSES = Path("/proc")


class StuckError(AssertionError):
    """Objects did not reach a terminal, announced record in time."""


@dataclass
class VideoStack:
    """The stack, its functions and their poller; `batches` are all invocations so far, of every function."""

    overrides: Mapping[str, Any] = field(default_factory=dict)
    timescale: TimeScale = field(default_factory=TimeScale)
    log_folder: Path | None = None
    batches: list[Batch] = field(default_factory=list)

    def __enter__(self) -> Self:
        os.environ[PACKAGES_FOR] = "host"
        self._exits = ExitStack()
        try:
            self.world = self._exits.enter_context(World(region=stack_region(ROOT, STACK)))
            deployed = deploy(ROOT, STACK, self.world, config_overrides={**WITH_VIDEO, **self.overrides})
            self.outputs: dict[str, Any] = deployed.outputs
            self.functions = self._exits.enter_context(Functions(self.world, self.timescale, self.log_folder))
            self._exits.enter_context(
                Poller(self.world, self.functions, self.timescale, on_batch=self.batches.append)
            )
        except BaseException:
            self._exits.close()
            raise
        self._s3: Any = self.world.client("s3")
        self._dynamodb: Any = self.world.client("dynamodb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    @property
    def function(self) -> str:
        """The name of the function that processes videos."""
        return str(self.outputs["process_video_function"])

    def put(self, key: str, data: bytes) -> str:
        """Upload an object; gives its version."""
        put = self._s3.put_object(Bucket=self.outputs["uploads_bucket"], Key=key, Body=data)
        return str(put["VersionId"])

    def items(self, key: str | None = None) -> list[dict[str, Any]]:
        """The records, all or those of one key."""
        table = {"TableName": self.outputs["records_table"], "ConsistentRead": True}
        if key is None:
            pages = self._dynamodb.get_paginator("scan").paginate(**table)
        else:
            values = {":key": {"S": key}}
            pages = self._dynamodb.get_paginator("query").paginate(
                **table, KeyConditionExpression="object_key = :key", ExpressionAttributeValues=values
            )
        deserialize = TypeDeserializer().deserialize
        return [{n: deserialize(v) for n, v in item.items()} for page in pages for item in page["Items"]]

    def end_of(self, key: str, seconds: float) -> dict[str, Any]:
        """Wait until the one record of a key is terminal and announced. Raises StuckError after `seconds`."""
        until = time.monotonic() + seconds
        while True:
            items = self.items(key)
            if len(items) == 1 and items[0]["status"] in TERMINAL and items[0].get("announced_at"):
                return items[0]
            if time.monotonic() > until:
                raise StuckError(f"{key} after {seconds:g} s: {items or 'no record'}{self._errors()}")
            time.sleep(LOOK_SECONDS)

    def renditions(self, key: str) -> dict[str, bytes]:
        """What lies in the renditions bucket for an object's key."""
        bucket = self.outputs["renditions_bucket"]
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{key}/")
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return {each: self._s3.get_object(Bucket=bucket, Key=each)["Body"].read() for each in keys}

    def peak_megabytes(self) -> int:
        """The most that a process of the video function ever had resident; 0 where that cannot be told."""
        peaks = [one.invocation.max_memory_mb for one in self.batches if one.function_name == self.function]
        return max(peaks, default=0)

    def scratch_files(self) -> list[str]:
        """What lies in /tmp of the video function's processes; empty, too, where that cannot be told."""
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
