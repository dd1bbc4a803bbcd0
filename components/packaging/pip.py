"""Downloads through pip, so that the user's own index, mirror, proxy and certificates apply.

pip reports every failure as long text and exit code 1; here each cause gets a sentence of its own.
"""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from components.packaging.errors import (
    HashMismatchError,
    NoNetworkError,
    NoWheelError,
    PackagingError,
    WheelError,
    disk_full,
)
from components.packaging.lock import FIX, Pin
from components.packaging.target import Target

# Variables of the user's pip that would change what is downloaded, not from where.
_OVERRIDING: Final = frozenset(
    f"PIP_{option}"
    for option in (
        *("ABI", "IMPLEMENTATION", "PLATFORM", "PYTHON", "PYTHON_VERSION", "REQUIRE_VIRTUALENV"),
        *("CONSTRAINT", "NO_BINARY", "ONLY_BINARY", "PRE", "REQUIREMENT", "REQUIRE_HASHES"),
        *("DEST", "DRY_RUN", "LOG", "QUIET", "VERBOSE"),
    )
)
_DISK_FULL: Final = re.compile(
    r"No space left on device|not enough space on the disk|Disk quota exceeded", re.I
)
_HASH_MISMATCH: Final = re.compile(
    r"^\s+(?P<name>\S+?)(?:==| from |@).*?\n\s+Expected .*?Got\s+(?P<got>[0-9a-f]{64})", re.M | re.S
)
_UNSATISFIED: Final = re.compile(r"satisfies the requirement (?P<name>[A-Za-z0-9._-]+)==")
# From pip's log. An index that answers 404 is available, but does not have the package.
_UNREACHED: Final = re.compile(r"Could not fetch URL \S+: (?!404 )(?P<why>.+?)(?: - skipping)?$", re.M)
# From its output: a download that was interrupted later, and an index that pip does not even contact.
_BROKEN_OFF: Final = re.compile(
    r"^(?P<why>.*(?:Max retries exceeded|timed out|connection broken|Connection\w*Error|ProxyError|SSLError"
    r"|IncompleteRead|HTTP error|is not a trusted or secure host).*)$",
    re.M,
)
_WHEEL_LINK: Final = re.compile(r"[^/\\\s'\"]+\.whl")
_TAGS_SHOWN: Final = 12


def download(pins: Sequence[Pin], target: Target, destination: Path, cache: Path) -> None:
    """Download the wheel of each pin that fits the target into `destination`; pip checks the hashes.

    `cache` is named in messages. Raises WheelError (see its subclasses) or StorageError.
    """
    requirements, log = destination / "requirements.txt", destination / "pip.log"
    # Without markers: pip would evaluate them for the Python that runs it, not for the target.
    lines = [
        " ".join([str(pin), *(f"--hash=sha256:{hash_}" for hash_ in sorted(pin.hashes))]) for pin in pins
    ]
    requirements.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [
        *(sys.executable, "-P", "-m", "pip", "download"),
        *("--no-deps", "--only-binary=:all:", "--require-hashes"),
        *("--no-input", "--disable-pip-version-check", "--no-color", "--progress-bar=off"),
        *("--requirement", str(requirements), "--dest", str(destination), "--log", str(log)),
        *target.pip_arguments,
    ]
    environment = {name: value for name, value in os.environ.items() if name.upper() not in _OVERRIDING}
    done = subprocess.run(
        command,
        env=environment | {"PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        logged = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        raise diagnosis(done.stdout + done.stderr, logged, pins, target, cache)


def diagnosis(output: str, log: str, pins: Sequence[Pin], target: Target, cache: Path) -> PackagingError:
    """Return the error that says in one sentence why pip failed: what, where, what is allowed, how to fix it."""
    if "No module named pip" in output:
        return WheelError(
            f"pip is missing in {sys.prefix}, and is needed to download the functions' wheels. "
            f"Fix it with: {sys.executable} -m ensurepip"
        )
    if _DISK_FULL.search(output):
        return disk_full(cache / "wheel")
    if mismatch := _HASH_MISMATCH.search(output):
        return HashMismatchError(
            f"The package index serves {mismatch['name']} with the SHA-256 {mismatch['got']}, which the "
            "lock does not have: refused, and nothing was kept. Find out who changed the file; if it is "
            "right, " + FIX[0].lower() + FIX[1:]
        )
    if unreached := _UNREACHED.search(log) or _BROKEN_OFF.search(output):
        names = ", ".join(str(pin) for pin in pins)
        why = unreached["why"].strip()
        return NoNetworkError(
            f"The package index cannot be reached ({why}), and the cache {cache} lacks wheels for {target.label}: "
            f"{names}. Connect, or set pip's index or proxy (`pip config set global.index-url ...`), and run "
            "again; once fetched, no network is needed."
        )
    unsatisfied = _UNSATISFIED.search(output)
    pin = next(
        (pin for pin in pins if unsatisfied and pin.name == canonicalize_name(unsatisfied["name"])), None
    )
    if pin:
        return _no_wheel(pin, target, _offered(pin, log))
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = " ".join([line for line in lines if line.startswith("ERROR:")] or lines[-1:])
    return WheelError(f"pip could not download the wheels for {target.label} into {cache}. pip said: {said}")


def _no_wheel(pin: Pin, target: Target, offered: Sequence[str]) -> NoWheelError:
    if not offered:
        return NoWheelError(
            f"The package index has no wheel of {pin} at all (needed for {target.label}). "
            "Check the index that pip uses (`pip config list`), or pin another version in the .in file, "
            "then run `make lock`."
        )
    shown = ", ".join(offered[:_TAGS_SHOWN]) + (", ..." if len(offered) > _TAGS_SHOWN else "")
    return NoWheelError(
        f"There is no wheel of {pin} for {target.label}. Wanted: {target.fingerprint} or older, or any; "
        f"there are: {shown}. Pin a version that has one in the .in file, then run `make lock`, "
        "or set another runtime or architecture."
    )


def _offered(pin: Pin, log: str) -> list[str]:
    """Return the tags of the wheels of the pinned version that pip found and skipped."""
    tags = set()
    for link in _WHEEL_LINK.findall(log):
        try:
            name, version, _, _ = parse_wheel_filename(link)
        except InvalidWheelFilename:
            continue
        if (name, version) == (pin.name, pin.version):
            tags.add("-".join(link.removesuffix(".whl").split("-")[-3:]))
    return sorted(tags)
