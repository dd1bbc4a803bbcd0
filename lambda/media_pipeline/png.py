"""Finding a PNG's EXIF without decoding: it may stand behind the pixels, where Pillow sees it only after them."""

_SIGNATURE_BYTES = 8
_CHUNK_BYTES = 12  # length, type and checksum around a chunk's content


def exif_chunk(data: bytes) -> bytes:
    """Return the content of the eXIf chunk; nothing where there is none."""
    position = _SIGNATURE_BYTES
    while position + _CHUNK_BYTES <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        content = position + 8
        if data[position + 4 : content] == b"eXIf":
            return data[content : content + length]
        position += length + _CHUNK_BYTES
    return b""
