"""Bytecode in the packages: Lambda unpacks them read-only, so that without it each cold start compiles every module.

Only a Python of the target's own minor version can compile for it. Where the machine has one, every module gets a
`.pyc` file with an unchecked hash (PEP 552), which depends on its source alone; otherwise a package holds
sources only and works just as well (docs/adr/0040-bytecode-in-packages.md).
"""

import io
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import MAGIC_NUMBER
from pathlib import Path, PurePosixPath
from typing import Final

from components.packaging import archive
from components.packaging.archive import Member
from components.packaging.errors import PackagingError
from components.packaging.target import Target

_SCRIPT: Final = Path(__file__).with_name("compile_modules.py")
_PROBE: Final = """
import sys, sysconfig
from importlib.util import MAGIC_NUMBER
version = "{}.{}".format(*sys.version_info[:2])
free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
print(sys.implementation.name, version, sys.version_info.releaselevel, free_threaded, MAGIC_NUMBER.hex())
"""
_PROBE_SECONDS: Final = 30


@dataclass(frozen=True)
class Compiler:
    """A Python that compiles for a target: its command, its version (`3.13`) and its bytecode's magic number (hex)."""

    command: tuple[str, ...]
    version: str
    magic: str

    @property
    def key(self) -> bytes:
        """What a package's bytes depend on: not the patch level, within which bytecode stays loadable."""
        return f"{self.version} {self.magic}".encode()

    def modules(self, members: Iterable[Member], folder: str) -> list[Member]:
        """Return the `.pyc` of each `.py` among the members; `folder` is where Lambda unpacks the package.

        Raises PackagingError if the Python cannot be run.
        """
        sources = io.BytesIO()
        plain = (
            archive.stored(member.path, archive.unpacked(member))
            for member in members
            if member.path.endswith(".py")
        )
        archive.write(plain, sources)
        command = [*self.command, "-I", "-S", "-X", "utf8", str(_SCRIPT), folder]
        try:
            done = subprocess.run(command, input=sources.getvalue(), capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            printed = getattr(error, "stderr", b"").decode(errors="replace").strip().splitlines()
            raise PackagingError(
                f"{self.command[0]} could not compile the modules for Python {self.version}: "
                f"{printed[-1] if printed else error}. Repair that Python, or take it from PATH: "
                "packages work without bytecode, too."
            ) from None
        tag = f"cpython-{self.version.replace('.', '')}"
        return [
            archive.stored(_cached(member.path, tag), archive.unpacked(member))
            for member in archive.read(done.stdout, "the compiled modules")
        ]


def find_compiler(target: Target) -> Compiler | None:
    """Return the Python on this machine that compiles for the target; None if there is none.

    This Python itself where its version fits, else `python3.13` (as the target's may be) on PATH, else what
    Windows' launcher `py` finds.
    """
    return next(
        (found for command in _commands(target.version) if (found := _probed(command, target.version))), None
    )


def missing(target: Target) -> str:
    """Return what to tell people whose packages hold no bytecode."""
    return (
        f"The packages hold no bytecode, since there is no python{target.version} on PATH: they work, but each cold "
        "start compiles every module, which takes about as long as all else that it does, and from a machine that "
        f"has it the packages differ. Install Python {target.version}, for example with: uv python install "
        f"{target.version}"
    )


def _commands(version: str) -> Iterator[tuple[str, ...]]:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield (sys.executable,)
    if found := shutil.which(f"python{version}"):
        yield (found,)
    if sys.platform == "win32" and (launcher := shutil.which("py")):
        yield (launcher, f"-{version}")


@cache
def _probed(command: tuple[str, ...], version: str) -> Compiler | None:
    """Return the compiler behind a command; None if it does not run (a shim may have nothing behind it) or differs."""
    if command == (sys.executable,):
        is_free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
        found = f"{sys.implementation.name} {version} {sys.version_info.releaselevel} {is_free_threaded}"
        answer = f"{found} {MAGIC_NUMBER.hex()}"
    else:
        try:
            answer = subprocess.run(
                [*command, "-I", "-S", "-c", _PROBE],
                capture_output=True,
                text=True,
                check=True,
                timeout=_PROBE_SECONDS,
            ).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            return None
    wanted, _, magic = answer.rpartition(" ")
    # A pre-release has bytecode of its own; a free-threaded build shares constants in other ways.
    return Compiler(command, version, magic) if wanted == f"cpython {version} final False" else None


def _cached(source: str, tag: str) -> str:
    """Return where Python looks for the bytecode of a source (PEP 3147)."""
    path = PurePosixPath(source)
    return str(path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc")
