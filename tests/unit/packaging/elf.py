"""As much of the ELF format as tells what a shared object runs on."""

import struct
from dataclasses import dataclass

MACHINES = {0x3E: "x86_64", 0xB7: "aarch64"}
_HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_NEED = struct.Struct("<HHIII")  # version, count of names, file, offset of names, offset of the next need
_NEEDED_NAME = struct.Struct("<IHHII")  # hash, flags, other, name, offset of the next name
_VERSION_NEEDS = 0x6FFFFFFE  # SHT_GNU_verneed


@dataclass(frozen=True)
class SharedObject:
    """Machine, and the highest glibc version that any symbol asks for (0, 0: none does)."""

    machine: str
    glibc: tuple[int, int]


def parse(data: bytes) -> SharedObject:
    """Read a 64-bit little-endian ELF file."""
    assert data[:6] == b"\x7fELF\x02\x01", "no 64-bit little-endian ELF"
    _, machine, _, _, _, start, _, _, _, _, size, count, _ = _HEADER.unpack_from(data)
    sections = [_SECTION.unpack_from(data, start + size * index) for index in range(count)]
    versions = {(0, 0)}
    for section in sections:
        if section[1] == _VERSION_NEEDS:
            names = sections[section[6]][4]  # the linked string table's offset
            versions |= {
                (int(parts[0]), int(parts[1]))
                for name in _needed(data, section[4], section[7], names)
                if name.startswith("GLIBC_")
                and (parts := name.removeprefix("GLIBC_").split("."))[0].isdigit()
            }
    return SharedObject(MACHINES.get(machine, hex(machine)), max(versions))


def _needed(data: bytes, offset: int, count: int, names: int) -> list[str]:
    found = []
    for _ in range(count):
        _, entries, _, auxiliary, following = _NEED.unpack_from(data, offset)
        entry = offset + auxiliary
        for _ in range(entries):
            _, _, _, name, next_entry = _NEEDED_NAME.unpack_from(data, entry)
            found.append(data[names + name : data.index(b"\0", names + name)].decode())
            entry += next_entry
        offset += following
    return found
