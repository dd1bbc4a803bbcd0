"""What can go wrong while packages are built; each message says what, where, allowed, how to mend.

PackagingError          (a pulumi.RunError: the engine shows the sentence and no traceback)
├── TargetError         no such runtime, architecture or kind of host
├── LockError           the lock is missing, unreadable, or older than its inputs
├── WheelError          a wheel cannot be had, or is not what it should be
│   ├── NoNetworkError      not in the cache, and the package index does not answer
│   ├── NoWheelError        the index has none that fits the target
│   └── HashMismatchError   the index serves other bytes than the lock names
├── StorageError        the disk is full, or a folder cannot be written
└── TooLargeError       more than AWS takes
"""

import errno
import shutil
from pathlib import Path

from pulumi import RunError

_DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class PackagingError(RunError):
    """Base of everything this package raises on purpose."""


class TargetError(PackagingError):
    """The packages are asked for something that they cannot be built for."""


class LockError(PackagingError):
    """The hash-pinned lock is missing, unreadable, or older than its inputs."""


class WheelError(PackagingError):
    """A wheel cannot be had, or is not what it should be."""


class NoNetworkError(WheelError):
    """The wheel is not in the cache and the package index does not answer."""


class NoWheelError(WheelError):
    """The package index has no wheel that fits the target."""


class HashMismatchError(WheelError):
    """The package index serves other bytes than the lock names."""


class StorageError(PackagingError):
    """The disk is full, or a folder cannot be written."""


class TooLargeError(PackagingError):
    """The package is larger than AWS takes."""


def storage_error(path: Path, error: OSError) -> StorageError:
    """Say what kept `path` from being written."""
    if is_disk_full(error):
        return disk_full(path)
    return StorageError(
        f"{path} cannot be written: {error.strerror or error}. "
        f"Make {path.parent} writable for you and run again; nothing half-written was kept."
    )


def is_disk_full(error: OSError) -> bool:
    """Tell a full disk or a used-up quota from other errors."""
    return error.errno in _DISK_FULL


def disk_full(path: Path) -> StorageError:
    """Say that the disk that holds `path` is full, and how much is free there."""
    folder = next((parent for parent in path.parents if parent.exists()), Path())
    free = shutil.disk_usage(folder).free
    return StorageError(
        f"The disk is full: {path} could not be written, {megabytes(free)} are free there. "
        "Free some 200 MB and run again; no partial file was left."
    )


def megabytes(count: int) -> str:
    """Write a number of bytes for people, in the MB (2**20 bytes) that AWS counts its limits in."""
    return f"{count / 2**20:,.1f} MB"
