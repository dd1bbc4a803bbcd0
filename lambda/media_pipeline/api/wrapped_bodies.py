"""Bodies that hold a picture in something else: a form, Base64, a compressed stream. Each gets its own explanation."""

import base64
import binascii
import re

from media_pipeline.images.sniffing import HEAD_BYTES, Kind, sniff

RIGHT = "curl --data-binary @photo.jpg -H 'Content-Type: application/octet-stream'"
_LEAST_BASE64 = 16  # characters; shorter texts are words more often than Base64
_MULTIPART = re.compile(
    rb"--[^\r\n]{1,200}\r?\n(?:[^\r\n]*\r?\n){0,8}?content-disposition:[ \t]*form-data", re.I
)
_MULTIPART_TYPE = "multipart/"
_DATA_URL = re.compile(rb'["\s]*data:[^,\s]{0,200},', re.I)
_URLENCODED = re.compile(rb"[\w.\-\[\]]{1,60}=")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=_\-\s\"']")
_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
}
_IDENTITY = frozenset({"", "identity"})


def explain(data: bytes, *, content_type: str | None, content_encoding: str | None) -> str | None:
    """Return a sentence that names what the body is wrapped in and how to send it; None where it is not wrapped.

    `data` is a body that is not a picture's; the two headers are as they were sent.
    """
    declared = (content_type or "").strip().lower()
    if declared.startswith(_MULTIPART_TYPE) or _MULTIPART.match(data[:HEAD_BYTES]):
        return (
            "The body is a multipart/form-data form, as `curl -F` and HTML forms send it. Send the picture's bytes"
            f" alone: {RIGHT}"
        )
    if _DATA_URL.match(data[:HEAD_BYTES]):
        return (
            "The body is a data URL. Send the bytes that it stands for, in JavaScript:"
            " fetch(url, {method: 'POST', headers, body: await (await fetch(dataUrl)).blob()})"
        )
    if name := _compression(data, content_encoding):
        return (
            f"The body is compressed ({name}). Send the picture's bytes uncompressed and without Content-Encoding:"
            f" {RIGHT}"
        )
    if (kind := _in_base64(data)) is not None:
        return (
            f"The body is Base64 text (of {kind.content_type}). Send the bytes themselves:"
            f" base64 -d photo.txt | {RIGHT.replace('photo.jpg', '-')}"
        )
    if data.lstrip()[:1] in (b"{", b"["):
        return f"The body is JSON. Send the picture's bytes alone: {RIGHT}"
    if declared.startswith("application/x-www-form-urlencoded") and _URLENCODED.match(data):
        return (
            "The body is a form of names and values (application/x-www-form-urlencoded). Send the picture's bytes"
            f" alone: {RIGHT}"
        )
    return None


def _compression(data: bytes, content_encoding: str | None) -> str | None:
    encoding = (content_encoding or "").strip().lower()
    if encoding not in _IDENTITY:
        return encoding if encoding.isascii() and encoding.isalnum() else "Content-Encoding"
    return next((name for magic, name in _COMPRESSED.items() if data.startswith(magic)), None)


def _in_base64(data: bytes) -> Kind | None:
    """Return what Base64 text (RFC 4648, either alphabet, with line breaks or quotes) encodes, if it is media."""
    head = data[: 2 * HEAD_BYTES]
    if len(data) < _LEAST_BASE64 or _NOT_BASE64.search(head):
        return None
    text = re.sub(rb"[\s\"'=]", b"", head).translate(bytes.maketrans(b"-_", b"+/"))
    try:
        decoded = base64.b64decode(text[: len(text) // 4 * 4], validate=True)
    except binascii.Error:
        return None
    kind = sniff(decoded[:HEAD_BYTES])
    return kind if kind.family != "unknown" else None
