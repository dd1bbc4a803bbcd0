"""What a package is built for: a Lambda runtime on one architecture, or the machine that runs this."""

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from packaging.markers import default_environment
from packaging.tags import sys_tags

from components.packaging.errors import TargetError

PACKAGES_FOR: Final = "MEDIA_PIPELINE_PACKAGES_FOR"
"""The environment variable that a local run sets to `host`: its functions run on this machine's Python."""

GLIBC: Final[Mapping[str, tuple[int, int]]] = {"python3.13": (2, 34), "python3.14": (2, 34)}
"""The glibc of each supported runtime: both run on Amazon Linux 2023."""

ARCHITECTURES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's architectures, by their names, with the names in wheels and kernels."""

_NAMES: Final = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}
_OLDEST_GLIBC: Final = {"arm64": 17, "x86_64": 5}  # manylinux starts there (PEP 513, PEP 599)
_LEGACY_TAGS: Final = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}  # PEP 600's aliases


@dataclass(frozen=True)
class Target:
    """One Python on one machine; `runtime` as Lambda names it, `architecture` `arm64` or `x86_64`."""

    runtime: str
    architecture: str
    is_host: bool = False

    def __post_init__(self) -> None:
        if self.is_host:
            return
        if self.runtime not in GLIBC:
            raise TargetError(
                f"Packages cannot be built for the runtime {self.runtime!r}; allowed: {', '.join(GLIBC)}. "
                "Fix it with: pulumi config set runtime python3.13"
            )
        if self.architecture not in ARCHITECTURES:
            raise TargetError(
                f"Packages cannot be built for the architecture {self.architecture!r}; "
                f"allowed: {', '.join(ARCHITECTURES)}. Fix it with: pulumi config set architecture arm64"
            )

    @classmethod
    def host(cls) -> Self:
        """Return the Python that runs this program, for functions in the embedded AWS."""
        if sys.implementation.name != "cpython":
            raise TargetError(
                f"Functions run locally on CPython only, and this is {sys.implementation.name}. "
                "Fix it with: make PYTHON=python3.13"
            )
        machine = platform.machine().lower()
        return cls(
            runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
            architecture=_NAMES.get(machine, machine),
            is_host=True,
        )

    @classmethod
    def chosen(cls, runtime: str, architecture: str) -> Self:
        """Return the target that the environment selects: AWS's as given, or this host.

        This is the one place that reads `MEDIA_PIPELINE_PACKAGES_FOR`.
        """
        chosen = os.environ.get(PACKAGES_FOR, "aws")
        if chosen == "host":
            return cls.host()
        if chosen == "aws":
            return cls(runtime, architecture)
        raise TargetError(f"{PACKAGES_FOR} is {chosen!r}; allowed: aws (the same as not set), host.")

    @property
    def version(self) -> str:
        """The Python version, `3.13`."""
        return self.runtime.removeprefix("python")

    @property
    def platforms(self) -> tuple[str, ...]:
        """Every manylinux tag that the runtime's glibc can load, newest first; pip does not expand them."""
        machine = ARCHITECTURES[self.architecture]
        major, newest = GLIBC[self.runtime]
        tags: list[str] = []
        for minor in range(newest, _OLDEST_GLIBC[self.architecture] - 1, -1):
            tags.append(f"manylinux_{major}_{minor}_{machine}")
            if minor in _LEGACY_TAGS:
                tags.append(f"{_LEGACY_TAGS[minor]}_{machine}")
        return (*tags, f"linux_{machine}")

    @cached_property
    def fingerprint(self) -> str:
        """Interpreter, ABI and newest platform, which decide which wheels fit."""
        if self.is_host:
            return f"host-{next(sys_tags())}"
        digits = self.version.replace(".", "")
        return f"cp{digits}-cp{digits}-{self.platforms[0]}"

    @property
    def label(self) -> str:
        """A name for files and messages, `python3.13-arm64`."""
        return f"{'host-' if self.is_host else ''}{self.runtime}-{self.architecture}"

    @property
    def pip_arguments(self) -> tuple[str, ...]:
        """The options that make pip choose wheels for this target and not for the Python that runs it."""
        if self.is_host:
            return ()
        # The ABI is given: by default pip appends the `t` of a free-threaded host's own ABI.
        abi = f"cp{self.version.replace('.', '')}"
        platforms = (argument for tag in self.platforms for argument in ("--platform", tag))
        return ("--implementation", "cp", "--python-version", self.version, "--abi", abi, *platforms)

    @property
    def markers(self) -> dict[str, str]:
        """The values of the environment markers (PEP 508) on the target."""
        if self.is_host:
            return {key: str(value) for key, value in default_environment().items()}
        return {
            "implementation_name": "cpython",
            # Lambda keeps its patch level up to date: a marker that requires "3.13.2 or newer" is true.
            "implementation_version": f"{self.version}.99",
            "os_name": "posix",
            "platform_machine": ARCHITECTURES[self.architecture],
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.version}.99",
            "python_version": self.version,
            "sys_platform": "linux",
        }
