"""Finding a PNG's chunks without decoding.

Its EXIF may stand behind the pixels, where Pillow sees it only after them; and some chunks Pillow does not tell of.
"""

from collections.abc import Iterator

_SIGNATURE_BYTES = 8
_CHUNK_BYTES = 12  # length, type and checksum around a chunk's content


def exif_chunk(data: bytes) -> bytes:
    """Return the content of the eXIf chunk; nothing where there is none."""
    return next((data[start:end] for name, start, end in _chunks(data) if name == b"eXIf"), b"")


def chunk_before_pixels(data: bytes, wanted: bytes) -> bytes:
    """Return the content of a chunk that has to stand before the first IDAT; nothing where it does not."""
    for name, start, end in _chunks(data):
        if name == wanted:
            return data[start:end]
        if name == b"IDAT":
            break
    return b""


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield each chunk's type, and where its content starts and ends."""
    position = _SIGNATURE_BYTES
    while position + _CHUNK_BYTES <= len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        yield data[position + 4 : position + 8], position + 8, end
        position = end + 4
