"""Dolby Vision's configuration record, read from the header of MP4 and Matroska: PyAV gives no access to it.

Most profiles are HDR10, HLG or SDR with metadata on top. Profile 5 and those without a compatible base are coded in
colours of their own, for which FFmpeg needs a GPU: decoded as usual they turn red into purple.
("Dolby Vision streams within the ISO base media file format", version 2.4, sections 2 and 3.)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_RECORDS = (b"dvcC", b"dvvC", b"dvwC")
_PROFILES_WITHOUT_BASE = frozenset({5})
_FIRST_PROFILE_WITH_COMPATIBILITY = 8
"""Before profile 8 the compatibility is fixed by the profile, and old records have no field for it."""
_MOV_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_STSD_HEADER = 8  # version, flags, number of entries
_VISUAL_SAMPLE_ENTRY = 78  # bytes of a VisualSampleEntry before its boxes (ISO/IEC 14496-12, 12.1.3)
# Elements of Matroska, by id (RFC 9559).
_SEGMENT, _TRACKS, _TRACK_ENTRY, _BLOCK_ADDITION_MAPPING = 0x18538067, 0x1654AE6B, 0xAE, 0x41E4
_MATROSKA_PATH = (_SEGMENT, _TRACKS, _TRACK_ENTRY, _BLOCK_ADDITION_MAPPING)
_BLOCK_ADD_ID_TYPE, _BLOCK_ADD_ID_EXTRA_DATA, _CLUSTER = 0x41E7, 0x41ED, 0x1F43B675
_MAX_BOXES = 20_000
"""Boxes or elements that are visited; a file with more of them in its header is not searched to the end."""
_RECORD_BYTES = 24
_MIN_RECORD_BYTES = 5


@dataclass(frozen=True)
class DolbyVision:
    """The fields of a configuration record that decide whether a video can be shown without Dolby's metadata."""

    profile: int
    compatibility: int

    @property
    def has_compatible_base(self) -> bool:
        """Whether decoded colours are those of HDR10, HLG or SDR."""
        if self.profile in _PROFILES_WITHOUT_BASE:
            return False
        return self.profile < _FIRST_PROFILE_WITH_COMPATIBILITY or self.compatibility != 0

    @property
    def name(self) -> str:
        """Such as "Dolby Vision profile 8.4"."""
        minor = f".{self.compatibility}" if self.profile >= _FIRST_PROFILE_WITH_COMPATIBILITY else ""
        return f"Dolby Vision profile {self.profile}{minor}"


def read_records(path: Path, demuxer: str) -> tuple[DolbyVision, ...]:
    """Return the Dolby Vision configurations of all tracks of a file; a broken header ends the search.

    `demuxer` is FFmpeg's name: mov or matroska.
    """
    with path.open("rb") as file:
        whole = _Box(0, file.seek(0, 2))
        header = _Header(file)
        found = _mov_records(header, whole) if demuxer == "mov" else _matroska_records(header, whole)
        return tuple(_parse(record) for record in found if len(record) >= _MIN_RECORD_BYTES)


def has_many_tracks(path: Path, most: int) -> bool:
    """Whether an MP4 file has more than `most` tracks."""
    with path.open("rb") as file:
        header, whole = _Header(file), _Box(0, file.seek(0, 2))
        movies = [inner for name, inner in header.boxes(whole) if name == b"moov"]
        return sum(name == b"trak" for movie in movies for name, _ in header.boxes(movie)) > most


def _parse(record: bytes) -> DolbyVision:
    """Parse DOVIDecoderConfigurationRecord: after two bytes 7 bits of profile, from bit 32 four of compatibility."""
    return DolbyVision(profile=record[2] >> 1, compatibility=record[4] >> 4)


@dataclass(frozen=True)
class _Box:
    """The content of a box or element, as a range of bytes of the file."""

    start: int
    end: int


class _Header:
    """Walks through boxes and elements of a file, but not through more than `_MAX_BOXES` of them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = _MAX_BOXES

    def read(self, start: int, length: int) -> bytes:
        """Return up to `length` bytes."""
        self._file.seek(start)
        return self._file.read(length)

    def boxes(self, outer: _Box) -> Iterator[tuple[bytes, _Box]]:
        """Yield kind and content of each box (ISO/IEC 14496-12, 4.2)."""
        start = outer.start
        while start + 8 <= outer.end and self._visit():
            head = self.read(start, 16)
            size, header = int.from_bytes(head[:4], "big"), 8
            if size == 1:
                size, header = int.from_bytes(head[8:16], "big"), 16
            elif size == 0:
                size = outer.end - start
            if size < header or start + size > outer.end:
                return
            yield head[4:8], _Box(start + header, start + size)
            start += size

    def elements(self, outer: _Box) -> Iterator[tuple[int, _Box]]:
        """Yield id and content of each EBML element (RFC 8794); one of unknown size lasts to the end."""
        start = outer.start
        while start < outer.end and self._visit():
            head = self.read(start, min(12, outer.end - start))
            id_length = _vint_length(head, 0)
            size_length = _vint_length(head, id_length)
            if not 1 <= id_length <= 4 or not size_length or len(head) < id_length + size_length:
                return
            mask = (1 << 7 * size_length) - 1
            size = int.from_bytes(head[id_length : id_length + size_length], "big") & mask
            content = start + id_length + size_length
            # A file that was cut off still has its head.
            start = outer.end if size == mask else min(content + size, outer.end)
            yield int.from_bytes(head[:id_length], "big"), _Box(content, start)

    def _visit(self) -> bool:
        self._left -= 1
        return self._left >= 0


def _mov_records(header: _Header, whole: _Box) -> Iterator[bytes]:
    found = [whole]
    for kind in _MOV_PATH:
        found = [inner for outer in found for name, inner in header.boxes(outer) if name == kind]
    for description in found:
        for _, entry in header.boxes(_Box(description.start + _STSD_HEADER, description.end)):
            for name, record in header.boxes(_Box(entry.start + _VISUAL_SAMPLE_ENTRY, entry.end)):
                if name in _RECORDS:
                    yield header.read(record.start, min(_RECORD_BYTES, record.end - record.start))


def _matroska_records(header: _Header, whole: _Box) -> Iterator[bytes]:
    found = [whole]
    for number in _MATROSKA_PATH:
        found = [inner for outer in found for inner in _inner_elements(header, outer, number)]
    for mapping in found:
        fields = dict(header.elements(mapping))
        kind, record = (
            header.read(field.start, min(_RECORD_BYTES, field.end - field.start)) if field else b""
            for field in map(fields.get, (_BLOCK_ADD_ID_TYPE, _BLOCK_ADD_ID_EXTRA_DATA))
        )
        if kind[-4:] in _RECORDS:  # an integer whose last bytes are the box's name
            yield record


def _inner_elements(header: _Header, outer: _Box, wanted: int) -> Iterator[_Box]:
    for number, inner in header.elements(outer):
        if number == _CLUSTER:
            return  # tracks are described before the first cluster
        if number == wanted:
            yield inner


def _vint_length(head: bytes, at: int) -> int:
    """Return the length of a variable-size integer in bytes, 0 where there is none."""
    return 9 - head[at].bit_length() if at < len(head) and head[at] else 0
