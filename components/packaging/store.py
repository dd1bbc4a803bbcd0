"""Finished packages on disk: named after their inputs, replaced atomically.

Next to each zip is a note of its size, time and SHA-256. A zip that still has that size and time is used as it is;
otherwise it is hashed again, and built again if the hash differs. So a damaged zip is replaced.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from components.packaging.archive import Member, write
from components.packaging.errors import StorageError, TooLargeError, megabytes, storage_error

PROJECT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = PROJECT / "build" / "packages"

UNZIPPED_LIMIT: Final = 250 * 2**20  # AWS: a function with all its layers, unpacked
UPLOAD_LIMIT: Final = 50 * 2**20  # AWS: a zip that is uploaded directly

_FORMAT: Final = b"3"  # incremented whenever the same inputs give other bytes
_REPLACE_ATTEMPTS: Final = 20
_REPLACE_PAUSE: Final = 0.1  # seconds; Windows refuses to replace a file while somebody reads it


@dataclass(frozen=True)
class Package:
    """A zip for Lambda: `bytes` and `sha256` (hex) are of the file at `path`; `unzipped` is in bytes."""

    name: str
    path: Path
    bytes: int
    sha256: str
    unzipped: int


def key(*parts: bytes) -> str:
    """Return a short hash of a package's inputs."""
    digest = hashlib.sha256(_FORMAT)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:12]


def keep(name: str, path: Path, members: Callable[[], Iterable[Member]]) -> Package:
    """Return the package at `path`, built from `members()` only if it does not exist already, or is damaged.

    Safe to call for one path from several processes at once: each writes a file of its own and moves it
    there. Raises StorageError if it cannot be written, TooLargeError if AWS would not take it.
    """
    note = path.with_suffix(".json")
    found = _found(name, path, note)
    if found:
        return found
    contents = list(members())
    unzipped = sum(member.size for member in contents)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(path, error) from None
    with replacing(path) as file:
        sha256 = write(contents, file)
        size = file.tell()
        if size > UPLOAD_LIMIT:
            raise TooLargeError(
                f"The package {name} has {megabytes(size)} zipped; AWS allows up to {megabytes(UPLOAD_LIMIT)} "
                "uploaded directly. Take requirements out of its .in file, then run `make lock`."
            )
    package = Package(name, path, size, sha256, unzipped)
    _write_note(note, package)
    return package


def check_fits(function: str, packages: Iterable[Package]) -> None:
    """Raise TooLargeError if a function's code and layers together are more than AWS unpacks."""
    parts = {package.name: package.unzipped for package in packages}
    check_unzipped(f"The function {function} with its layers", parts)


def check_unzipped(what: str, parts: dict[str, int]) -> None:
    """Raise TooLargeError, naming the three largest parts (name -> bytes), at more than AWS unpacks."""
    total = sum(parts.values())
    if total <= UNZIPPED_LIMIT:
        return
    ranked = sorted(parts.items(), key=lambda part: (-part[1], part[0]))
    largest = ", ".join(f"{name} {megabytes(size)}" for name, size in ranked[:3])
    raise TooLargeError(
        f"{what} has {megabytes(total)} unzipped; AWS allows up to {megabytes(UNZIPPED_LIMIT)} for a function "
        f"with all its layers. The largest: {largest}. "
        "Remove what is not needed."
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that replaces `path` at the end, or is deleted if anything fails before.

    Raises StorageError with the reason if it cannot be written.
    """
    temporary: Path | None = None
    try:
        # A unique and short name: Windows allows 260 characters for the whole path.
        handle, name = tempfile.mkstemp(prefix=".t", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
        temporary.chmod(0o644)  # mkstemp's 0600 would keep a zip from others who share the checkout
        _move(temporary, path)
    except OSError as error:
        raise storage_error(path, error) from None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def _move(temporary: Path, path: Path) -> None:
    for attempt in range(_REPLACE_ATTEMPTS):
        try:
            temporary.replace(path)
        except PermissionError:
            if attempt == _REPLACE_ATTEMPTS - 1:
                raise
            # On Windows, another process that built the same package may be reading it.
            if path.is_file() and sha256_of(path) == sha256_of(temporary):
                return
            time.sleep(_REPLACE_PAUSE)
        else:
            return


def _found(name: str, path: Path, note: Path) -> Package | None:
    try:
        status = path.stat()
        noted = json.loads(note.read_bytes())
        package = Package(name, path, int(noted["bytes"]), str(noted["sha256"]), int(noted["unzipped"]))
        is_untouched = status.st_mtime_ns == noted["mtime_ns"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not built yet, or its note is damaged: build it again
    if status.st_size != package.bytes:
        return None
    if not is_untouched:
        if sha256_of(path) != package.sha256:
            return None
        _write_note(note, package)
    return package


def _write_note(note: Path, package: Package) -> None:
    content = {
        "bytes": package.bytes,
        "sha256": package.sha256,
        "unzipped": package.unzipped,
        "mtime_ns": package.path.stat().st_mtime_ns,
    }
    # Without a note the package is built again next time, which costs time only.
    with suppress(StorageError), replacing(note) as file:
        file.write(json.dumps(content).encode())
