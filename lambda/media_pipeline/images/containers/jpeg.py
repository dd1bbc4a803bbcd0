"""JPEG's markers (ITU-T T.81): what stands before the pixels, how many scans there are, and where they end."""

import re
import struct
from dataclasses import dataclass, field

from media_pipeline.errors import Reason, RejectedError

END = b"\xff\xd9"
MAX_SEGMENTS = 4_096
"""Segments of one file. A profile has up to 255, extended XMP some hundred."""
MAX_JUNK = 1_048_576
"""Bytes between the segments in front of the pixels that belong to none."""
MAX_SCANS = 200
"""Scans of one picture. Encoders write up to 20; each makes a decoder walk over all blocks, be it ever so short."""
_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_AFTER_SCAN = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL)
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_SOF = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_UNSUPPORTED = {
    0xC3: "lossless coding",
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical coding"),
    0xCB: "lossless arithmetic coding",
    0xF7: "the coding of JPEG-LS",
}
"""Start of frame -> the process that libjpeg cannot decode (T.81, table B.1; T.87)."""
_BITS = 8
_EOI, _SOS = 0xD9, 0xDA
_SCAN = b"\xff\xda"
_BETWEEN_SCANS = frozenset({0xC4, 0xCC, 0xDB, 0xDD, 0xDC, 0xFE, *range(0xE0, 0xF0)})
"""Tables, restart interval, number of lines, comments, applications' data."""


@dataclass
class Scans:
    """What a walk over a file's scans tells."""

    end: int = 0
    """Where the last scan's data end: at a marker that no scan can follow, or at the end of the file."""
    has_end_marker: bool = False
    count: int = 0
    is_progressive: bool = False
    is_buffered: bool = False
    """Whether a decoder collects all scans before it shows a pixel."""
    unsupported: str = ""
    """The process, or the depth, that no decoder here can do."""
    left: dict[int, list[int]] = field(default_factory=dict)
    """Component -> for each of its 64 coefficients how many low bits are missing; a large number: all."""

    @property
    def is_complete(self) -> bool:
        """Whether the scans bring every coefficient of every component in full."""
        return bool(self.left) and not any(any(missing) for missing in self.left.values())


def check(data: bytes) -> None:
    """Refuse a file that cannot be decoded, or whose header or scans would cost far more than its size suggests.

    Raises RejectedError: resource_exhausted, unsupported_type. What is broken is left to the decoder.
    """
    header, position = _header(data)
    if header.unsupported:
        raise RejectedError(
            Reason.UNSUPPORTED_TYPE,
            f"a JPEG file in {header.unsupported}; allowed are baseline, extended and progressive coding of 8 bits",
        )
    # The two bytes of the marker cannot be pixels, so that counting them is enough, and a tenth of the time of a walk.
    if header.is_buffered and data.count(_SCAN, position) >= MAX_SCANS:
        _walk_scans(data, position, header)
        if header.count > MAX_SCANS:
            raise _too_much(f"{MAX_SCANS} scans")


def scans(data: bytes) -> Scans:
    """Walk over all scans of a file.

    Raises RejectedError: resource_exhausted.
    """
    found, position = _header(data)
    if found.count:
        _walk_scans(data, position, found)
    return found


def _header(data: bytes) -> tuple[Scans, int]:
    """Walk up to the pixels of the first scan; where there is none, up to where the file makes no sense."""
    found, position, segments, junk = Scans(), 2, 0, 0
    while match := _MARKER.search(data, position):
        junk += match.end() - position - 2
        segments += 1
        if segments > MAX_SEGMENTS or junk > MAX_JUNK:
            raise _too_much(f"{MAX_SEGMENTS:,} segments and {MAX_JUNK:,} bytes between them")
        marker, position = match[1][0], match.end()
        if marker == _EOI:
            break
        if marker in _ALONE:
            continue
        content = _content(data, position)
        if content is None:
            break
        if marker in _UNSUPPORTED:
            found.unsupported = _UNSUPPORTED[marker]
        elif marker in _SOF:
            _note_frame(content, found, is_progressive=marker in _PROGRESSIVE)
        position += len(content) + 2
        if marker == _SOS:
            _note_scan(content, found)
            found.is_buffered = found.is_progressive or (bool(content) and content[0] < len(found.left))
            break
    return found, position


def _walk_scans(data: bytes, position: int, found: Scans) -> None:
    """Go on behind the header of the first scan."""
    while match := _AFTER_SCAN.search(data, position):
        marker = match[1][0]
        found.end = match.start()
        if marker == _EOI:
            found.has_end_marker = True
            return
        content = _content(data, match.end())
        if content is None or not (marker == _SOS or marker in _BETWEEN_SCANS) or not found.is_buffered:
            return
        if marker == _SOS:
            _note_scan(content, found)
        position = match.end() + len(content) + 2
    found.end = len(data)
    while data[found.end - 1 : found.end] == b"\xff":  # fill bytes, or half a marker
        found.end -= 1


def _content(data: bytes, position: int) -> bytes | None:
    """Return what a segment holds behind its length; None where the file breaks off before its end."""
    length = int.from_bytes(data[position : position + 2], "big")
    content = data[position + 2 : position + length]
    return content if length >= 2 and len(content) == length - 2 else None


def _note_frame(content: bytes, found: Scans, *, is_progressive: bool) -> None:
    found.is_progressive = is_progressive
    if content and content[0] != _BITS:
        found.unsupported = f"{content[0]} bits a sample"
    components = content[6::3] if len(content) > 6 else b""
    found.left = {component: [99] * 64 for component in components}


def _note_scan(content: bytes, found: Scans) -> None:
    """Note which coefficients a scan brings, and down to which bit (T.81, G.1.1.1)."""
    found.count += 1
    count = content[0] if content else 0
    if len(content) < 2 * count + 4:
        return
    first, last, approximation = struct.unpack_from("BBB", content, 1 + 2 * count)
    low = approximation & 0xF
    if not found.is_progressive:
        first, last, low = 0, 63, 0
    for component in content[1 : 1 + 2 * count : 2]:
        missing = found.left.get(component)
        if missing is not None and last < 64:
            missing[first : last + 1] = [low] * (last + 1 - first)


def _too_much(allowed: str) -> RejectedError:
    return RejectedError(
        Reason.RESOURCE_EXHAUSTED, f"the JPEG file has more than the {allowed} that are allowed"
    )
