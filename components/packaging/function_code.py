"""The functions' own code: one small zip, uncompressed, the same from every checkout."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from components.packaging import archive, store
from components.packaging.archive import Member
from components.packaging.bytecode import Compiler
from components.packaging.errors import PackagingError
from components.packaging.store import PACKAGES, Package

_SUFFIXES: Final = frozenset({".py", ".json", ".html", ".css", ".js", ".svg"})
_TESTS: Final = frozenset({"test", "tests"})


_UNPACKED: Final = "/var/task"  # where Lambda unpacks a function's code


def build_code(
    folder: Path, *, name: str | None = None, output: Path = PACKAGES, compiler: Compiler | None = None
) -> Package:
    """Zip the package at `folder` under its own name, or return the zip that was built from the same files.

    It contains the Python and JSON files and those of web pages, with LF line ends; no tests, no hidden files, no
    temporary files of editors or of Python. `name` is the package's, by default `<folder's name>-code` with hyphens,
    and `output` takes the zip. With a `compiler` it contains the bytecode of every module, too. Raises PackagingError.
    """
    name = name or f"{folder.name.replace('_', '-')}-code"
    files = dict(_files(folder))
    if not files:
        raise PackagingError(f"{folder} contains no Python code to package. Restore it from version control.")
    lines = [f"{path}\0{hashlib.sha256(data).hexdigest()}" for path, data in sorted(files.items())]
    key = store.key(b"code", "\n".join(lines).encode(), compiler.key if compiler else b"")
    return store.keep(name, output / f"{name}-{key}.zip", lambda: _members(name, files, compiler))


def _members(name: str, files: dict[str, bytes], compiler: Compiler | None) -> list[Member]:
    store.check_unzipped(f"The code {name}", {path: len(data) for path, data in files.items()})
    members = [archive.stored(path, data) for path, data in files.items()]
    return members + (compiler.modules(members, _UNPACKED) if compiler else [])


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (path in the zip, bytes with LF) of each file; a checkout on Windows may have CRLF."""
    try:
        for path in folder.rglob("*"):
            relative = path.relative_to(folder)
            if path.suffix not in _SUFFIXES or not _is_ours(relative) or not path.is_file():
                continue
            yield f"{folder.name}/{relative.as_posix()}", path.read_bytes().replace(b"\r\n", b"\n")
    except OSError as error:
        raise PackagingError(
            f"{error.filename or folder} cannot be read: {error.strerror or error}."
        ) from None


def _is_ours(path: Path) -> bool:
    is_hidden = any(part.startswith((".", "#", "~")) or part == "__pycache__" for part in path.parts)
    is_test = any(part in _TESTS for part in path.parts[:-1]) or path.name.startswith(("test_", "conftest."))
    return not is_hidden and not is_test
