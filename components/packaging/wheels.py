"""The cache of verified wheels, and pip to fill it.

`<wheels>/*.whl` under their own names, and for each pin and target a note in `<wheels>/chosen/` of the wheel
that pip chose. The note makes a build repeatable: another wheel in the cache may fit the target, too,
but less well. Every wheel is hashed again each time it is used; a damaged one is removed and fetched again.
"""

import hashlib
import json
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from components.packaging import pip
from components.packaging.errors import HashMismatchError, WheelError, storage_error
from components.packaging.lock import FIX, Pin
from components.packaging.store import PROJECT, replacing
from components.packaging.target import Target

_log: Final = logging.getLogger(__name__)
_ABANDONED_AFTER: Final = 24 * 3600  # seconds; a download that was killed leaves its folder behind


@dataclass(frozen=True)
class Wheel:
    """A verified wheel in memory."""

    pin: Pin
    filename: str
    data: bytes


def default_folder() -> Path:
    """Return where wheels are cached: in the virtual environment, else in the checkout's build folder."""
    is_virtual = sys.prefix != sys.base_prefix
    return Path(sys.prefix) / "wheels" if is_virtual else PROJECT / "build" / "wheels"


def get(pins: Sequence[Pin], target: Target, folder: Path | None = None) -> list[Wheel]:
    """Return the wheel of each pin that fits the target, from the cache or, where it is missing, through pip.

    Raises WheelError (see its subclasses) and StorageError; the cache then holds what it held, minus damaged
    files.
    """
    folder = folder or default_folder()
    wheels = {pin: _load(pin, target, folder) for pin in pins}
    missing = [pin for pin, wheel in wheels.items() if wheel is None]
    if missing:
        _log.info("Fetching %d wheels for %s ...", len(missing), target.label)
        wheels |= _fetch(missing, target, folder)
    return [wheel for wheel in wheels.values() if wheel is not None]


def _load(pin: Pin, target: Target, folder: Path) -> Wheel | None:
    try:
        filename = str(json.loads(_note(pin, target, folder).read_bytes())["wheel"])
        path = folder / Path(filename).name
        data = path.read_bytes()
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not fetched yet, or the note is damaged: fetch it again
    if hashlib.sha256(data).hexdigest() not in pin.hashes:
        _log.warning("%s is damaged: fetched again.", path)
        with suppress(OSError):  # read-only or open elsewhere: the fetched one replaces it anyway
            path.unlink()
        return None
    return Wheel(pin, path.name, data)


def _fetch(pins: Sequence[Pin], target: Target, folder: Path) -> dict[Pin, Wheel | None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        downloads = tempfile.TemporaryDirectory(prefix=".t", dir=folder, ignore_cleanup_errors=True)
    except OSError as error:
        raise storage_error(folder / "wheel", error) from None
    with downloads as name:
        download = Path(name)
        pip.download(pins, target, download, folder)
        return {pin: _adopt(pin, target, download, folder) for pin in pins}


def _adopt(pin: Pin, target: Target, download: Path, folder: Path) -> Wheel:
    """Move a downloaded wheel into the cache, after checking its hash again: pip's word is not enough."""
    path = _downloaded(pin, download.iterdir())
    if path is None:
        raise WheelError(
            f"pip reported that it downloaded {pin} for {target.label}, but there is no wheel of it."
        )
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() not in pin.hashes:
        raise HashMismatchError(
            f"The hash of {path.name} is not one that the lock has for {pin}: refused. {FIX}"
        )
    with replacing(folder / path.name) as file:
        file.write(data)
    note = _note(pin, target, folder)
    note.parent.mkdir(exist_ok=True)
    with replacing(note) as file:
        file.write(json.dumps({"pin": str(pin), "target": target.fingerprint, "wheel": path.name}).encode())
    return Wheel(pin, path.name, data)


def _downloaded(pin: Pin, paths: Iterable[Path]) -> Path | None:
    for path in paths:
        try:
            name, version, _, _ = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue  # pip's log and its requirements file
        if (name, version) == (pin.name, pin.version):
            return path
    return None


def _note(pin: Pin, target: Target, folder: Path) -> Path:
    chosen = "\n".join([str(pin), target.fingerprint, *sorted(pin.hashes)])
    return folder / "chosen" / f"{pin.name}-{hashlib.sha256(chosen.encode()).hexdigest()[:12]}.json"


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(".t*"):
        if path.is_dir() and time.time() - path.stat().st_mtime > _ABANDONED_AFTER:
            shutil.rmtree(path, ignore_errors=True)
