"""Zip files whose bytes depend on their members alone.

Members of a wheel are copied as they are, still deflated: two zlibs deflate to different bytes, so nothing
is ever deflated here. Names are sorted by bytes, every date is 1980-01-01, every mode 0644 or 0755, every
file made on "Unix", and nothing has an extra field.
"""

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from components.packaging.errors import WheelError

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s4B4H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_VERSION: Final = 20  # of the format: 2.0, folders and deflate
_UNIX: Final = 3
_UTF8: Final = 0x800
_DATE: Final = 0x21  # 1980-01-01, the first day that the format knows; the time is 00:00:00
_FILE_MODE: Final = 0o100644
_EXECUTABLE_MODE: Final = 0o100755


@dataclass(frozen=True)
class Member:
    """One file of a zip: `raw` is its data in the zip, `size` its unpacked length in bytes."""

    path: str
    raw: bytes | memoryview
    crc: int
    size: int
    method: int
    is_executable: bool = False


def stored(path: str, data: bytes) -> Member:
    """Return a member with this data, uncompressed."""
    return Member(path, data, zlib.crc32(data), len(data), zipfile.ZIP_STORED)


def read(data: bytes, name: str) -> list[Member]:
    """Return the files of a zip without unpacking them; `name` is for messages.

    Raises WheelError for what is no zip, for a compression that Lambda may not know, and for a path that
    leads out.
    """
    members = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
        for entry in entries:
            if entry.is_dir():
                continue
            _check(entry, name)
            mode = entry.external_attr >> 16
            executable = bool(mode & 0o111) and not _is_imported(entry.filename)
            members.append(
                Member(
                    entry.filename,
                    _raw(data, entry),
                    entry.CRC,
                    entry.file_size,
                    entry.compress_type,
                    executable,
                )
            )
    except (zipfile.BadZipFile, struct.error, UnicodeDecodeError) as error:
        raise WheelError(
            f"{name} is not a readable zip ({error}), although its hash matches the lock. "
            "Pin another version of it in the .in file, then run `make lock`."
        ) from None
    return members


def unpacked(member: Member) -> bytes:
    """Return a member's data, checked against its CRC. Raises WheelError if it is damaged."""
    try:
        data = zlib.decompress(member.raw, -zlib.MAX_WBITS) if member.method else bytes(member.raw)
    except zlib.error as error:
        raise WheelError(f"{member.path} cannot be unpacked: {error}.") from None
    if zlib.crc32(data) != member.crc:
        raise WheelError(f"{member.path} is damaged: its CRC does not match.")
    return data


def write(members: Iterable[Member], out: BinaryIO) -> str:
    """Write the canonical zip of the members to `out` and return its SHA-256 (hex)."""
    digest = hashlib.sha256()
    offset = 0

    def put(*parts: bytes | memoryview) -> None:
        nonlocal offset
        for part in parts:
            out.write(part)
            digest.update(part)
            offset += len(part)

    directory: list[bytes] = []
    for member in sorted(members, key=lambda member: member.path.encode()):
        name = member.path.encode()
        common = (
            0 if name.isascii() else _UTF8,
            member.method,
            0,
            _DATE,
            member.crc,
            len(member.raw),
            member.size,
            len(name),
            0,
        )
        mode = _EXECUTABLE_MODE if member.is_executable else _FILE_MODE
        directory.append(
            _CENTRAL.pack(b"PK\x01\x02", _VERSION, _UNIX, _VERSION, 0, *common, 0, 0, 0, mode << 16, offset)
            + name
        )
        put(_LOCAL.pack(b"PK\x03\x04", _VERSION, *common), name, member.raw)
    start = offset
    put(*directory)
    count = len(directory)
    put(_END.pack(b"PK\x05\x06", 0, 0, count, count, offset - start, start, 0))
    return digest.hexdigest()


def _check(entry: zipfile.ZipInfo, name: str) -> None:
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename:
        raise WheelError(
            f"{name} holds the path {entry.filename!r}, which is outside of the package: refused."
        )
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 0x1:
        raise WheelError(
            f"{name} holds {entry.filename!r} encrypted, or compressed with another method than deflate: refused."
        )


def _raw(data: bytes, entry: zipfile.ZipInfo) -> memoryview:
    """Return a member's bytes as stored; only its local header says where they start."""
    header = _LOCAL.unpack_from(data, entry.header_offset)
    start = entry.header_offset + _LOCAL.size + header[-2] + header[-1]
    raw = memoryview(data)[start : start + entry.compress_size]
    if header[0] != b"PK\x03\x04" or len(raw) != entry.compress_size:
        raise zipfile.BadZipFile(f"{entry.filename} is cut short")
    return raw


def _is_imported(name: str) -> bool:
    """Whether a file is executed, rather than loaded by Python, which needs no executable bit."""
    suffixes = PurePosixPath(name).suffixes
    return ".so" in suffixes or suffixes[-1:] == [".py"]
