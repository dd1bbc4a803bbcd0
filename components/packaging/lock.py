"""The hash-pinned lock of a layer and the inputs that it was compiled from.

Both are requirements files, which every tool reads. Whether a lock is older than its inputs is judged by their content:
the times of files mean nothing in a fresh clone.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn, Self

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from components.packaging.errors import LockError

FIX: Final = "Fix it with `make lock` and commit the result."

RUNTIME_SDK: Final = frozenset(
    canonicalize_name(name)
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
)
"""Lambda's Python runtimes provide these. They are left out together: a part of them would mix urllib3 versions."""

_HASH: Final = re.compile(r"\s--hash=sha256:([0-9a-f]{64})(?=\s|$)")
_COMMENT: Final = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True)
class Pin:
    """One line of the lock: a package, its one version, the SHA-256 of each of its files, its marker."""

    name: NormalizedName
    version: Version
    hashes: frozenset[str]
    marker: Marker | None

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class Lock:
    """A lock and its inputs, parsed, but not yet restricted to a target."""

    path: Path
    inputs: Path
    pins: tuple[Pin, ...]
    wanted: tuple[Requirement, ...]
    content: bytes
    """Lock and inputs with LF line ends, for cache keys."""

    @classmethod
    def read(cls, path: Path, inputs: Path | None = None) -> Self:
        """Read the lock at `path` and its inputs (by default beside it, ending in `.in`).

        Raises LockError for a file that is missing or unreadable.
        """
        inputs = inputs or path.with_suffix(".in")
        lock_text, inputs_text = (
            _text(path, FIX),
            _text(inputs, "Restore it from version control."),
        )
        return cls(
            path=path,
            inputs=inputs,
            pins=tuple(_pin(path, number, line) for number, line in _lines(lock_text)),
            wanted=tuple(_wanted(inputs, number, line) for number, line in _lines(inputs_text)),
            content=lock_text.encode() + b"\0" + inputs_text.encode(),
        )

    def select(self, markers: Mapping[str, str]) -> dict[NormalizedName, Pin]:
        """Return the pins that apply under the target's markers, and check that the inputs are satisfied.

        The runtime's SDK is among them: it satisfies what others ask for, though it is not packaged.
        """
        pins: dict[NormalizedName, Pin] = {}
        for pin in self.pins:
            if pin.marker is None or pin.marker.evaluate({**markers, "extra": ""}):
                if pin.name in pins and pins[pin.name] != pin:
                    raise LockError(f"{self.path} pins both {pins[pin.name]} and {pin} for one target. {FIX}")
                pins[pin.name] = pin
        for requirement in self.wanted:
            if requirement.marker is None or requirement.marker.evaluate({**markers, "extra": ""}):
                self.check(requirement, pins, self.inputs.name)
        return pins

    def check(self, requirement: Requirement, pins: Mapping[NormalizedName, Pin], by: str) -> Pin:
        """Return the pin that satisfies a requirement of `by` (a file or a package), else raise LockError."""
        pin = pins.get(canonicalize_name(requirement.name))
        bare = f"{requirement.name}{requirement.specifier}"
        if pin is None:
            raise LockError(
                f"{self.path} is older than its inputs: {by} requires {bare}, which is not pinned. {FIX}"
            )
        if not requirement.specifier.contains(pin.version, prereleases=True):
            raise LockError(
                f"{self.path} is older than its inputs: {by} requires {bare}, but {pin} is pinned. {FIX}"
            )
        return pin


def _text(path: Path, fix: str) -> str:
    try:
        return path.read_text(encoding="utf-8")  # universal newlines: every line end is read as LF
    except FileNotFoundError:
        raise LockError(f"{path} is missing. {fix}") from None
    except UnicodeDecodeError:
        raise LockError(f"{path} is unreadable: it is not UTF-8 text. {fix}") from None
    except OSError as error:
        raise LockError(f"{path} is unreadable: {error.strerror or error}. {fix}") from None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each logical line with the number of its first physical one; no comments, no blank lines."""
    parts: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not parts:
            first = number
        parts.append(_COMMENT.sub("", line).rstrip().removesuffix("\\"))
        if not line.rstrip().endswith("\\"):
            joined = " ".join(parts).strip()
            parts = []
            if joined:
                yield first, joined
    if rest := " ".join(parts).strip():
        yield first, rest


def _pin(path: Path, number: int, line: str) -> Pin:
    hashes = frozenset(_HASH.findall(line))
    requirement = _requirement(path, number, _HASH.sub("", line))
    specifiers = list(requirement.specifier)
    if len(specifiers) != 1 or specifiers[0].operator not in ("==", "===") or not hashes:
        _unreadable(path, number, "it must pin one version with == and give its SHA-256 hashes")
    try:
        version = Version(specifiers[0].version)
    except InvalidVersion:
        _unreadable(path, number, f"{specifiers[0].version!r} is not a single version")
    return Pin(canonicalize_name(requirement.name), version, hashes, requirement.marker)


def _wanted(path: Path, number: int, line: str) -> Requirement:
    try:
        return _requirement(path, number, line)
    except LockError as error:
        raise LockError(str(error).removesuffix(FIX) + "Correct that line, then run `make lock`.") from None


def _requirement(path: Path, number: int, text: str) -> Requirement:
    try:
        requirement = Requirement(text.strip())
    except InvalidRequirement:
        _unreadable(
            path, number, f"{text.strip()[:80]!r} is not a requirement (options and links are not allowed)"
        )
    if requirement.url:
        _unreadable(path, number, f"{requirement.name} is a link; packages must come from the index")
    return requirement


def _unreadable(path: Path, number: int, why: str) -> NoReturn:
    raise LockError(f"{path} is unreadable in line {number}: {why}. {FIX}")


def without_sdk(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    """Return the pins of a layer, by name: all but those that the runtime provides."""
    return tuple(sorted((pin for pin in pins if pin.name not in RUNTIME_SDK), key=lambda pin: pin.name))
