"""How the processes of a deployed function are started."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded_aws.public_addresses import local_address
from embedded_aws.runtime.packages import import_folders, unzipped
from embedded_aws.world import FunctionPackage, World

# How long a changed configuration may take to be seen; on AWS an update takes some seconds.
_FRESH_SECONDS = 1.0
# Without these a Python that finds its own libraries through them, or any on Windows, does not start.
_OF_THE_MACHINE = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True, kw_only=True)
class Function:
    """A deployed function. Equal ones may share warm environments; `timeout` in seconds."""

    name: str
    version: str  # "$LATEST", or the number of a published one
    arn: str
    role_arn: str
    handler: str
    runtime: str
    timeout: float
    memory_mb: int
    traced: bool
    log_group: str
    path: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]

    @property
    def module(self) -> str:
        """Return the handler's module without its packages: `orders`."""
        return self.handler.split(".")[-2].split("/")[-1]


class FunctionLoader:
    """Reads functions from the world and unzips what they run. Thread-safe."""

    def __init__(self, world: World, cache: Path) -> None:
        self._world = world
        self._cache = cache
        self._lock = threading.Lock()
        self._loaded: dict[str, tuple[float, Function]] = {}
        self._folders: dict[str, Path] = {}

    def load(self, name: str) -> Function:
        """Return the function as it was deployed at most a second ago, or with `name:3` its version 3 for ever.

        Raises WorldError where there is none.
        """
        with self._lock:
            read_at, function = self._loaded.get(name, (-_FRESH_SECONDS, None))
            if function is None or time.monotonic() - read_at >= _FRESH_SECONDS:
                function = self._read(self._world.function_package(name))
                self._loaded[name] = (time.monotonic(), function)
            return function

    def _read(self, package: FunctionPackage) -> Function:
        settings = package.configuration
        layers = [layer["Arn"] for layer in settings.get("Layers", [])]
        folders = [self._folder(settings["CodeSha256"], package.code)]
        # A layer's version never changes: equal ARNs mean equal bytes.
        folders += [self._folder(arn, data) for arn, data in zip(layers, package.layers, strict=True)]
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        variables: Mapping[str, str] = settings.get("Environment", {}).get("Variables", {})
        return Function(
            name=package.name,
            version=str(settings["Version"]),
            arn=settings["FunctionArn"],
            role_arn=settings["Role"],
            handler=settings["Handler"],
            runtime=settings["Runtime"],
            timeout=float(settings["Timeout"]),
            memory_mb=int(settings["MemorySize"]),
            traced=settings["TracingConfig"]["Mode"] == "Active",
            log_group=settings["LoggingConfig"]["LogGroup"],
            path=tuple(import_folders(folders[0], folders[1:], python)),
            variables=tuple(
                (name, local_address(value, self._world)) for name, value in sorted(variables.items())
            ),
        )

    def _folder(self, identity: str, archive: bytes) -> Path:
        key = f"{identity} {len(archive)}"
        folder = self._folders.get(key)
        if folder is None or not folder.is_dir():
            folder = self._folders[key] = unzipped(archive, self._cache)
        return folder


def environment_variables(
    function: Function, *, sdk: Mapping[str, str], log_stream: str, scratch: str, xray_address: str
) -> dict[str, str]:
    """Return the whole environment of the function's process: Lambda's own and the function's, nothing else.

    `sdk` connects an AWS SDK to the world as the function's role; `scratch` is /tmp.
    """
    machine = {name: os.environ[name] for name in _OF_THE_MACHINE if name in os.environ}
    lambdas = {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": xray_address,
        "LAMBDA_TASK_ROOT": function.path[0],
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
        "TEMP": scratch,
        "TMP": scratch,
        "TMPDIR": scratch,
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }
    return {**machine, **lambdas, **sdk, **dict(function.variables)}
