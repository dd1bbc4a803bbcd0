"""TIFF's directories (TIFF 6.0, BigTIFF, TIFF/EP): which layout the first picture has, and whether the file is raw."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
MAKE, STRIP_OFFSETS, SAMPLES, PLANAR = 271, 273, 277, 284
SUBFILE_TYPE = 254
TILE_OFFSETS, SUB_DIRECTORIES, EXTRA_SAMPLES, SAMPLE_FORMAT, DNG_VERSION = 324, 330, 338, 339, 50706
_NOT_A_PICTURE = 1 | 4  # bits: of reduced resolution, a mask of transparency
_MAX_DIRECTORIES = 32
_MAX_ENTRIES = 4_096
_MAX_VALUES = 64
_OUTSIDE = (struct.error, OverflowError)
"""What reading at an offset beyond the file raises; at one of 64 bits that no file can have, the latter."""
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 17: 8, 18: 8}
"""Type -> bytes of a value; rationals and floats are not read."""
_FORMATS = {
    1: "B",
    2: "B",
    3: "H",
    4: "I",
    6: "b",
    7: "B",
    8: "h",
    9: "i",
    13: "I",
    16: "Q",
    17: "q",
    18: "Q",
}
_RAW_PHOTOMETRICS = frozenset({32803, 34892})  # colour filter array, linear raw
_RAW_COMPRESSIONS = frozenset(
    {32767, 32769, 32770, 34713, 65000, 65535}
)  # Sony, Epson, Samsung, Nikon, Kodak, Pentax
_RAW_BY_MAKER = {
    b"canon": "Canon CR2",
    b"nikon": "Nikon NEF",
    b"pentax": "Pentax PEF",
    b"ricoh": "Pentax PEF",
    b"sony": "Sony ARW",
    b"samsung": "Samsung SRW",
    b"epson": "Epson ERF",
    b"seiko epson": "Epson ERF",
    b"hasselblad": "Hasselblad 3FR",
    b"kodak": "Kodak DCR",
    b"eastman kodak": "Kodak DCR",
    b"mamiya": "Mamiya MEF",
    b"leaf": "Leaf MOS",
    b"phase one": "Phase One IIQ",
}
_PHOTOMETRICS = {
    0: "grey, white is zero",
    1: "grey",
    2: "RGB",
    3: "palette",
    4: "mask",
    5: "inks",
    6: "YCbCr",
    8: "CIE L*a*b*",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32844: "LogL",
    32845: "LogLuv",
    51177: "depth map",
}
_COMPRESSIONS = {
    1: "uncompressed",
    2: "CCITT 1D",
    3: "CCITT group 3",
    4: "CCITT group 4",
    5: "LZW",
    6: "old JPEG",
    7: "JPEG",
    8: "Deflate",
    32766: "NeXT",
    32773: "PackBits",
    32809: "ThunderScan",
    32946: "Deflate",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    34661: "JBIG",
    34676: "SGI log",
    34677: "SGI log",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG",
    34925: "LZMA",
    34933: "PNG",
    34934: "JPEG XR",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_NUMBERS = {1: "whole numbers", 2: "whole numbers with a sign", 3: "floating point", 4: "undefined numbers"}


class Entry(NamedTuple):
    """Values of a tag, and where the first one stands in the file."""

    values: tuple[int, ...]
    length: int
    """How many values there are in the file."""
    at: int


@dataclass(frozen=True)
class Directory:
    """The tags of one picture in a file; of long lists only the beginning."""

    entries: Mapping[int, Entry]
    page: int | None = None
    """Its number among those that follow each other; None inside of another one."""

    def all(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return the values of a tag."""
        entry = self.entries.get(tag)
        return entry.values if entry and entry.values else default

    def first(self, tag: int, default: int) -> int:
        """Return the first value of a tag."""
        return self.all(tag, (default,))[0]

    @property
    def pieces(self) -> int:
        """Strips or tiles that the pixels are stored in."""
        return max(
            (self.entries[tag].length for tag in (STRIP_OFFSETS, TILE_OFFSETS) if tag in self.entries),
            default=0,
        )

    @property
    def is_sound(self) -> bool:
        """Whether it describes a picture at all, in numbers that can be meant."""
        offsets = self.all(STRIP_OFFSETS) or self.all(TILE_OFFSETS)
        bits = self.all(BITS, (1,))
        return (
            self.first(WIDTH, 0) > 0
            and self.first(HEIGHT, 0) > 0
            and bool(offsets)
            and all(0 < depth <= 64 for depth in bits)
            and self.first(PHOTOMETRIC, -1) in _PHOTOMETRICS
            and self.first(COMPRESSION, 1) in _COMPRESSIONS
        )

    @property
    def layout(self) -> str:
        """Name what a decoder must know, for people."""
        bits, extra = self.all(BITS, (1,)), self.all(EXTRA_SAMPLES)
        photometric, compression = self.first(PHOTOMETRIC, 0), self.first(COMPRESSION, 1)
        samples = self.first(SAMPLES, 1)
        numbers = self.first(SAMPLE_FORMAT, 1)
        words = [
            _PHOTOMETRICS.get(photometric, f"photometric interpretation {photometric}"),
            f"{samples} {'sample' if samples == 1 else 'samples'} of {'/'.join(map(str, sorted(set(bits))))} bits",
            _NUMBERS.get(numbers, f"sample format {numbers}") if numbers != 1 else "",
            f"extra samples {', '.join(map(str, extra))}" if extra else "",
            "separate planes" if self.first(PLANAR, 1) == 2 else "",
            _COMPRESSIONS.get(compression, f"compression {compression}"),
        ]
        return ", ".join(filter(None, words))


def directories(data: bytes) -> Iterator[Directory]:
    """Yield the directories of a file, each before those inside and behind it; what breaks off yields nothing."""
    order = "<" if data[:2] == b"II" else ">"
    is_big = 43 in data[2:4]
    try:
        (start,) = struct.unpack_from(f"{order}Q" if is_big else f"{order}I", data, 8 if is_big else 4)
    except struct.error:
        return
    waiting: list[tuple[int, int | None]] = [(start, 0)]
    seen = set[int]()
    while waiting and len(seen) < _MAX_DIRECTORIES:
        position, page = waiting.pop(0)
        if position in seen or not position:
            continue
        seen.add(position)
        try:
            entries, following = _directory(data, position, order, is_big=is_big)
        except _OUTSIDE:
            continue
        directory = Directory(entries, page)
        yield directory
        inside = [(start, None) for start in directory.all(SUB_DIRECTORIES)]
        waiting = [*inside, *waiting, (following, None if page is None else page + 1)]


def shown(data: bytes) -> Directory:
    """Return the first page that is not marked as a smaller version of another one, nor as a mask (TIFF 6.0, p. 36).

    Where all are marked so, it is the largest, which cannot be a smaller version of any.
    """
    pages = [directory for directory in directories(data) if directory.page is not None]
    sound = [page for page in pages if page.is_sound]
    largest = max(sound, key=lambda page: page.first(WIDTH, 0) * page.first(HEIGHT, 0), default=None)
    whole = (page for page in sound if not page.first(SUBFILE_TYPE, 0) & _NOT_A_PICTURE)
    return next(whole, largest or (pages[0] if pages else Directory({}, 0)))


def raw_kind(data: bytes) -> str | None:
    """Name the kind of raw photograph that a TIFF file is; None where it is none.

    Such files show a rendered preview to whoever reads them as plain TIFF.
    """
    if data[8:10] == b"CR":
        return "Canon CR2"
    if data[8:12] in (b"IIII", b"MMMM"):
        return "Phase One IIQ"
    maker, is_raw = b"", False
    for directory in directories(data):
        if DNG_VERSION in directory.entries:
            return "Adobe DNG"
        maker = maker or bytes(level & 0xFF for level in directory.all(MAKE)).lower()
        is_raw = (
            is_raw
            or directory.first(PHOTOMETRIC, 0) in _RAW_PHOTOMETRICS
            or directory.first(COMPRESSION, 1) in _RAW_COMPRESSIONS
        )
    if not is_raw:
        return None
    return next((kind for start, kind in _RAW_BY_MAKER.items() if maker.startswith(start)), "of a camera")


def with_value(data: bytes, entry: Entry, value: int) -> bytes:
    """Return the file with another first value of a tag of 16 bits."""
    order = "<H" if data[:2] == b"II" else ">H"
    return data[: entry.at] + struct.pack(order, value) + data[entry.at + 2 :]


def _directory(data: bytes, position: int, order: str, *, is_big: bool) -> tuple[dict[int, Entry], int]:
    counter, entry = (f"{order}Q", f"{order}HHQ8s") if is_big else (f"{order}H", f"{order}HHI4s")
    size = struct.calcsize(entry)
    (count,) = struct.unpack_from(counter, data, position)
    start = position + struct.calcsize(counter)
    entries: dict[int, Entry] = {}
    for number in range(min(count, _MAX_ENTRIES)):
        tag, kind, length, inside = struct.unpack_from(entry, data, start + number * size)
        if width := _SIZES.get(kind):
            at = start + (number + 1) * size - len(inside)
            if width * length > len(inside):
                at = int.from_bytes(inside, "little" if order == "<" else "big")
            shown = max(0, min(length, _MAX_VALUES, (len(data) - at) // width))
            values = struct.unpack_from(f"{order}{shown}{_FORMATS[kind]}", data, at) if shown else ()
            entries.setdefault(tag, Entry(values, length, at))
    following = 0
    if count <= _MAX_ENTRIES and start + count * size + (8 if is_big else 4) <= len(data):
        (following,) = struct.unpack_from(f"{order}Q" if is_big else f"{order}I", data, start + count * size)
    return entries, following
