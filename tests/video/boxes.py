"""Parse the boxes of an MP4 file, replace some, and write the file again."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """One box: its type of four letters, and its content."""

    kind: bytes
    content: bytes

    @property
    def bytes(self) -> bytes:
        """Return the box as bytes of a file."""
        return struct.pack(">I4s", 8 + len(self.content), self.kind) + self.content


def boxes(data: bytes) -> list[Box]:
    """Parse a sequence of boxes. Raises ValueError where they do not fill the data."""
    found, at = [], 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        header = 8
        if size == 1:
            size, header = struct.unpack_from(">Q", data, at + 8)[0], 16
        if size < header or at + size > len(data):
            raise ValueError(f"the box {kind!r} of {size} bytes does not fit")
        found.append(Box(kind, data[at + header : at + size]))
        at += size
    return found


def joined(sequence: Sequence[Box]) -> bytes:
    """Return a sequence of boxes as bytes."""
    return b"".join(box.bytes for box in sequence)


def rewritten(sequence: Sequence[Box], path: Sequence[bytes], content: bytes) -> list[Box]:
    """Replace the content of all boxes at a path, such as moov, trak, tkhd. Raises ValueError if there is none."""
    if not any(box.kind == path[0] for box in sequence):
        raise ValueError(f"there is no {path[0]!r}")
    return [_rewritten(box, path, content) if box.kind == path[0] else box for box in sequence]


def _rewritten(box: Box, path: Sequence[bytes], content: bytes) -> Box:
    if len(path) == 1:
        return Box(box.kind, content)
    return Box(box.kind, joined(rewritten(boxes(box.content), path[1:], content)))


def content_at(sequence: Sequence[Box], path: Sequence[bytes]) -> bytes:
    """Return the content of the first box at a path. Raises StopIteration if there is none."""
    found = next(box for box in sequence if box.kind == path[0])
    return found.content if len(path) == 1 else content_at(boxes(found.content), path[1:])
