"""Errors while packages are built; each message says what, where, what is allowed, how to fix it.

PackagingError          (a pulumi.RunError: the engine shows the sentence and no traceback)
├── TargetError         no such runtime, architecture or kind of host
├── LockError           the lock is missing, unreadable, or older than its inputs
├── WheelError          a wheel cannot be obtained, or is not what it should be
│   ├── NoNetworkError      not in the cache, and the package index does not answer
│   ├── NoWheelError        the index has none that fits the target
│   └── HashMismatchError   the index serves other bytes than the lock has
├── StorageError        the disk is full, or a folder cannot be written
└── TooLargeError       more than AWS allows
"""

import errno
import shutil
from pathlib import Path

from pulumi import RunError

_DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class PackagingError(RunError):
    """Base of all errors that this package raises."""


class TargetError(PackagingError):
    """Packages cannot be built for the requested target."""


class LockError(PackagingError):
    """The hash-pinned lock is missing, unreadable, or older than its inputs."""


class WheelError(PackagingError):
    """A wheel cannot be obtained, or is not what it should be."""


class NoNetworkError(WheelError):
    """The wheel is not in the cache and the package index does not answer."""


class NoWheelError(WheelError):
    """The package index has no wheel that fits the target."""


class HashMismatchError(WheelError):
    """The package index serves other bytes than those that the lock names."""


class StorageError(PackagingError):
    """The disk is full, or a folder cannot be written."""


class TooLargeError(PackagingError):
    """The package is larger than AWS allows."""


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return the error that says why `path` could not be written."""
    if is_disk_full(error):
        return disk_full(path)
    return StorageError(
        f"{path} cannot be written: {error.strerror or error}. "
        f"Make {path.parent} writable for you and run again; no partial file was kept."
    )


def is_disk_full(error: OSError) -> bool:
    """Whether the error is a full disk or an exhausted quota."""
    return error.errno in _DISK_FULL


def disk_full(path: Path) -> StorageError:
    """Return the error that says that the disk of `path` is full, and how much is free there."""
    folder = next((parent for parent in path.parents if parent.exists()), Path())
    free = shutil.disk_usage(folder).free
    return StorageError(
        f"The disk is full: {path} could not be written, {megabytes(free)} are free there. "
        "Free some 200 MB and run again; no partial file was left."
    )


def megabytes(count: int) -> str:
    """Format a number of bytes in MB of 2**20 bytes, the unit of AWS's limits."""
    return f"{count / 2**20:,.1f} MB"
