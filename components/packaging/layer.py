"""The layer: the locked wheels of one requirements file, spliced into one zip under `python/`, and their notice."""

from collections.abc import Iterable, Mapping
from email.parser import BytesParser
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from components.packaging import archive, store, wheels
from components.packaging.archive import Member
from components.packaging.bytecode import Compiler
from components.packaging.errors import WheelError
from components.packaging.lock import RUNTIME_SDK, Lock, Pin, without_sdk
from components.packaging.notice import notice
from components.packaging.store import PACKAGES, Package
from components.packaging.target import Target
from components.packaging.wheels import Wheel

_ROOT: Final = "python"  # where Lambda looks for a layer's modules
# What an installer writes, which differs between installations. METADATA stays: importlib.metadata reads it.
_INSTALLERS: Final = frozenset(
    {"RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json"}
)
_UNPACKED: Final = "/opt"  # where Lambda unpacks layers
_LEFT_OUT: Final = frozenset({"scripts", "headers"})  # of `*.data`: nothing calls or compiles them on Lambda


def build_layer(
    lock: Path,
    target: Target,
    *,
    inputs: Path | None = None,
    output: Path = PACKAGES,
    cache: Path | None = None,
    compiler: Compiler | None = None,
) -> Package:
    """Build the layer `<lock's name>-layer` for the target, or return the one built from the same inputs.

    `inputs` is the requirements file that the lock was compiled from (default: beside it, ending in `.in`),
    `output` takes the zip, `cache` holds the wheels (default: see wheels.default_folder). With a `compiler` the layer
    contains the bytecode of every module, too.
    Raises PackagingError.
    """
    read = Lock.read(lock, inputs)
    name = f"{lock.stem}-layer"
    sdk = "\n".join(sorted(RUNTIME_SDK)).encode()
    bytecode = compiler.key if compiler else b""
    key = store.key(b"layer", target.fingerprint.encode(), sdk, read.content, bytecode)
    return store.keep(
        name, output / f"{name}-{target.label}-{key}.zip", lambda: _members(read, target, cache, compiler)
    )


def fetch(lock: Path, target: Target, *, inputs: Path | None = None, cache: Path | None = None) -> list[str]:
    """Fetch the wheels that the layer will need, and return their names. Raises PackagingError."""
    read = Lock.read(lock, inputs)
    pins = read.select(target.markers)
    return [wheel.filename for wheel in wheels.get(without_sdk(pins.values()), target, cache)]


def _members(lock: Lock, target: Target, cache: Path | None, compiler: Compiler | None) -> list[Member]:
    pins = lock.select(target.markers)
    fetched = wheels.get(without_sdk(pins.values()), target, cache)
    contents = {wheel: archive.read(wheel.data, wheel.filename) for wheel in fetched}
    _check_dependencies(lock, target, pins, contents)
    spread = {wheel: _spread(wheel, members) for wheel, members in contents.items()}
    store.check_unzipped(
        f"The layer of {lock.path}",
        {str(wheel.pin): sum(member.size for member in members) for wheel, members in spread.items()},
    )
    # Lambda unpacks all layers of a function into one folder, so each notice has a name of its own.
    path = f"{_ROOT}/NOTICE.{lock.path.stem}.txt"
    members = _merged(spread)
    bytecode = compiler.modules(members, _UNPACKED) if compiler else []
    return [*members, *bytecode, archive.stored(path, notice(lock.path.stem, spread.values()))]


def _spread(wheel: Wheel, members: Iterable[Member]) -> list[Member]:
    """Return a wheel's files at the paths where an installer would put them."""
    placed = []
    for member in members:
        parts = PurePosixPath(member.path).parts
        if parts[0].endswith(".data") and len(parts) > 2:
            if parts[1] in _LEFT_OUT:
                continue
            parts = parts[
                2:
            ]  # purelib and platlib are the root; data goes there, too, as with `pip --target`
        is_installers = len(parts) == 2 and parts[0].endswith(".dist-info") and parts[1] in _INSTALLERS
        if is_installers or "__pycache__" in parts or parts[-1].endswith(".pyc"):
            continue
        path = "/".join((_ROOT, *parts))
        placed.append(Member(path, member.raw, member.crc, member.size, member.method, member.is_executable))
    if not placed:
        raise WheelError(
            f"{wheel.filename} contains no file to package. Pin another version in the .in file."
        )
    return placed


def _merged(spread: Mapping[Wheel, list[Member]]) -> list[Member]:
    owners: dict[str, tuple[Wheel, Member]] = {}
    for wheel, members in spread.items():
        for member in members:
            other, same = owners.setdefault(member.path, (wheel, member))
            if (same.crc, same.size) != (member.crc, member.size):
                raise WheelError(
                    f"{other.filename} and {wheel.filename} both contain {member.path}, with different "
                    "contents. Take one of the two out of the .in file, then run `make lock`."
                )
    return [member for _, member in owners.values()]


def _check_dependencies(
    lock: Lock, target: Target, pins: Mapping[NormalizedName, Pin], contents: Mapping[Wheel, list[Member]]
) -> None:
    """Check that the lock satisfies the requirements of the wheels themselves on the target.

    That finds what names and versions cannot show: an extra that was added to the inputs after the lock was
    made. Raises LockError.
    """
    metadata = {wheel.pin.name: _requirements(wheel, members) for wheel, members in contents.items()}
    waiting = [requirement for requirement in lock.wanted if _applies(requirement, target.markers, {""})]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(canonicalize_name(e) for e in wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for requirement in metadata.get(name, ()):  # the runtime provides the SDK's own requirements
            if _applies(requirement, target.markers, extras | {""}):
                lock.check(
                    requirement, pins, wanted.name + (f"[{','.join(sorted(extras))}]" if extras else "")
                )
                waiting.append(requirement)


def _applies(requirement: Requirement, markers: Mapping[str, str], extras: Iterable[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**markers, "extra": extra}) for extra in extras)


def _requirements(wheel: Wheel, members: Iterable[Member]) -> list[Requirement]:
    for member in members:
        parts = PurePosixPath(member.path).parts
        if len(parts) == 2 and parts[0].endswith(".dist-info") and parts[1] == "METADATA":
            message = BytesParser().parsebytes(archive.unpacked(member))
            try:
                return [Requirement(text) for text in message.get_all("Requires-Dist", [])]
            except InvalidRequirement as error:
                raise WheelError(
                    f"{wheel.filename} has an unreadable requirement: {error}. "
                    "Pin another version of it in the .in file, then run `make lock`."
                ) from None
    raise WheelError(f"{wheel.filename} has no METADATA. Pin another version of it in the .in file.")
