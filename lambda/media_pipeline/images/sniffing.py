"""What a file is, told from its first bytes; never from its name or from what the uploader says."""

from typing import Literal, NamedTuple

HEAD_BYTES = 4096
"""How much of an object `sniff` wants: enough for WebM's document type and three packets of a transport stream."""

Family = Literal["image", "video", "unknown"]


class Kind(NamedTuple):
    """Family and content type of some bytes; the content type of an unknown kind is for people only."""

    family: Family
    content_type: str


UNKNOWN = Kind("unknown", "application/octet-stream")

_PREFIXES: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", Kind("image", "image/jpeg")),
    (b"\x89PNG\r\n\x1a\n", Kind("image", "image/png")),
    (b"GIF87a", Kind("image", "image/gif")),
    (b"GIF89a", Kind("image", "image/gif")),
    (b"II*\x00", Kind("image", "image/tiff")),
    (b"MM\x00*", Kind("image", "image/tiff")),
    (b"II+\x00", Kind("image", "image/tiff")),  # BigTIFF
    (b"MM\x00+", Kind("image", "image/tiff")),
    (b"FLV\x01", Kind("video", "video/x-flv")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind("video", "video/x-ms-asf")),
    (b"\x00\x00\x01\xba", Kind("video", "video/mpeg")),
    (b"\x00\x00\x01\xb3", Kind("video", "video/mpeg")),
    (b"IIRO", Kind("unknown", "image/x-olympus-orf")),
    (b"IIRS", Kind("unknown", "image/x-olympus-orf")),
    (b"MMOR", Kind("unknown", "image/x-olympus-orf")),
    (b"IIU\x00", Kind("unknown", "image/x-panasonic-rw2")),
    (b"FUJIFILMCCD-RAW", Kind("unknown", "image/x-fuji-raf")),
    (b"\x00MRM", Kind("unknown", "image/x-minolta-mrw")),
    (b"FOVb", Kind("unknown", "image/x-sigma-x3f")),
    (b"II\x1a\x00\x00\x00HEAPCCDR", Kind("unknown", "image/x-canon-crw")),
    (b"%PDF-", Kind("unknown", "application/pdf")),
    (b"%!PS", Kind("unknown", "application/postscript")),
    (b"\xc5\xd0\xd3\xc6", Kind("unknown", "application/postscript")),
    (b"8BPS", Kind("unknown", "image/vnd.adobe.photoshop")),
    (b"\x00\x00\x01\x00", Kind("unknown", "image/vnd.microsoft.icon")),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", Kind("unknown", "image/jxl")),
    (b"\xff\x0a", Kind("unknown", "image/jxl")),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Kind("unknown", "image/jp2")),
    (b"PK\x03\x04", Kind("unknown", "application/zip")),
)
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
"""Sizes of the DIB header that follows the 14 bytes of the file header."""
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1"}
)
_STRUCTURE_BRANDS = frozenset({b"miaf", b"MA1A", b"MA1B"})
"""Brands that some files name first although they say only how a picture is stored; the others tell its coding."""
_OTHER_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B ", b"aax ", b"jp2 "})
"""ISO base media that is neither a picture we render nor a video: raw photographs and sound."""
_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_TRANSPORT_PACKETS = ((188, 0), (192, 4))  # (packet length, offset of the sync byte): MPEG-TS, M2TS


def sniff(head: bytes) -> Kind:
    """Tell the kind of a file from its first HEAD_BYTES (fewer where it is shorter)."""
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    if head.startswith(b"RIFF"):
        return _riff(head)
    if head[4:8] == b"ftyp":
        return _iso_base_media(head)
    if head[4:8] in _QUICKTIME_ATOMS:
        return Kind("video", "video/quicktime")
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return Kind("video", "video/webm" if b"webm" in head[:64] else "video/x-matroska")
    if head.startswith(b"OggS"):
        return Kind("video", "video/ogg") if b"\x80theora" in head else Kind("unknown", "audio/ogg")
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return Kind("image", "image/bmp")
    if any(_is_transport_stream(head, *packets) for packets in _TRANSPORT_PACKETS):
        return Kind("video", "video/mp2t")
    return _text(head)


def _riff(head: bytes) -> Kind:
    if head[8:12] == b"WEBP":
        return Kind("image", "image/webp")
    if head[8:12] == b"AVI ":
        return Kind("video", "video/x-msvideo")
    return UNKNOWN


def _iso_base_media(head: bytes) -> Kind:
    length = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    # The minor version at 12..16 is no brand.
    brands = {major, *(head[at : at + 4] for at in range(16, length - 3, 4))}
    if major == b"crx ":
        return Kind("unknown", "image/x-canon-cr3")
    if major in _OTHER_BRANDS:
        return UNKNOWN
    is_still = major in _HEIC_BRANDS or major in _STRUCTURE_BRANDS
    if major in _AVIF_BRANDS or (is_still and brands & _AVIF_BRANDS):
        return Kind("image", "image/avif")
    if major in _HEIC_BRANDS or (is_still and brands & _HEIC_BRANDS):
        return Kind("image", "image/heic")
    if major == b"qt  ":
        return Kind("video", "video/quicktime")
    if major.startswith((b"3gp", b"3g2")):
        return Kind("video", "video/3gpp")
    return Kind("video", "video/mp4")


def _is_transport_stream(head: bytes, length: int, offset: int) -> bool:
    return len(head) > 2 * length + offset and all(head[n * length + offset] == 0x47 for n in range(3))


def _text(head: bytes) -> Kind:
    """Name the texts that people upload as pictures, for the detail of the refusal."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:512].lower()
    if b"<svg" in start:
        return Kind("unknown", "image/svg+xml")
    if start.startswith((b"<!doctype html", b"<html")):
        return Kind("unknown", "text/html")
    if head and b"\x00" not in head and _is_utf8(head):
        return Kind("unknown", "text/plain")
    return UNKNOWN


def _is_utf8(head: bytes) -> bool:
    try:
        head[: HEAD_BYTES - 4].decode()
    except UnicodeDecodeError as error:
        # The last character may be cut in two.
        return error.start >= len(head[: HEAD_BYTES - 4]) - 3
    return True
