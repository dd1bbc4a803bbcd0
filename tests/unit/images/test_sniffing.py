import pytest

from media_pipeline.images.sniffing import HEAD_BYTES, Kind, sniff
from tests.unit.images.drawing import marked, saved


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    brands = b"".join(compatible)
    return (16 + len(brands)).to_bytes(4, "big") + b"ftyp" + major + b"\0\0\0\0" + brands


def transport_stream(length: int, offset: int) -> bytes:
    packet = b"\0" * offset + b"\x47" + b"\0" * (length - offset - 1)
    return packet * 4


@pytest.mark.parametrize(
    ("format_name", "content_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
    ],
)
def test_picture_is_told_by_its_first_bytes(format_name: str, content_type: str) -> None:
    data = saved(marked(), format_name, **({"subsampling": "4:2:0"} if format_name == "AVIF" else {}))
    assert sniff(data[:HEAD_BYTES]) == Kind("image", content_type)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (ftyp(b"heic", b"mif1", b"heic"), Kind("image", "image/heic")),
        (ftyp(b"mif1", b"mif1", b"heic"), Kind("image", "image/heic")),
        (ftyp(b"mif1", b"avif", b"miaf"), Kind("image", "image/avif")),
        (ftyp(b"avis", b"avif"), Kind("image", "image/avif")),
        (ftyp(b"miaf", b"avif"), Kind("image", "image/avif")),
        (ftyp(b"MA1B", b"mif1", b"avif"), Kind("image", "image/avif")),
        (ftyp(b"miaf", b"heic"), Kind("image", "image/heic")),
        (ftyp(b"isom", b"iso2", b"avc1", b"mp41"), Kind("video", "video/mp4")),
        (ftyp(b"mp42"), Kind("video", "video/mp4")),
        (ftyp(b"qt  "), Kind("video", "video/quicktime")),
        (ftyp(b"3gp5"), Kind("video", "video/3gpp")),
        (b"\0\0\0\x08wide\0\0\0\0mdat", Kind("video", "video/quicktime")),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", Kind("video", "video/webm")),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", Kind("video", "video/x-matroska")),
        (b"RIFF\x24\0\0\0AVI LIST", Kind("video", "video/x-msvideo")),
        (b"FLV\x01\x05", Kind("video", "video/x-flv")),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", Kind("video", "video/x-ms-asf")),
        (b"\0\0\x01\xba\x44", Kind("video", "video/mpeg")),
        (b"OggS" + b"\0" * 24 + b"\x80theora", Kind("video", "video/ogg")),
        (transport_stream(188, 0), Kind("video", "video/mp2t")),
        (transport_stream(192, 4), Kind("video", "video/mp2t")),
    ],
)
def test_containers_are_told_apart(head: bytes, kind: Kind) -> None:
    assert sniff(head) == kind


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (b"", "application/octet-stream"),
        (b"\x00\x01\x02\x03", "application/octet-stream"),
        (b"only words", "text/plain"),
        ("Grüße ".encode() * 1000, "text/plain"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"<!DOCTYPE html><html></html>", "text/html"),
        (b"%PDF-1.7", "application/pdf"),
        (b"8BPS\0\x01", "image/vnd.adobe.photoshop"),
        (b"%!PS-Adobe-3.0 EPSF", "application/postscript"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "application/octet-stream"),
        (b"OggS" + b"\0" * 24 + b"\x01vorbis", "audio/ogg"),
        (b"BM is how this text begins", "text/plain"),
        (ftyp(b"M4A ", b"isom"), "application/octet-stream"),
        (ftyp(b"crx "), "image/x-canon-cr3"),
    ],
)
def test_anything_else_is_unknown_whatever_its_name(head: bytes, content_type: str) -> None:
    assert sniff(head[:HEAD_BYTES]) == Kind("unknown", content_type)
