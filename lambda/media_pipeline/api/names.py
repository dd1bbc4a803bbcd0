"""Ids of uploads, and the file names that clients send: those are kept for people and decide nothing."""

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from email.message import Message
from urllib.parse import quote, unquote

ID_BYTES = 20  # 160 bits: nobody finds another upload by chance or by trying
IMAGE_ID = re.compile(r"[a-z2-7]{32}")
ESCAPED_NAME_BYTES = 1024  # S3: all metadata of an object together at most 2 KB


def new_image_id() -> str:
    """Return a new random id."""
    return _encode_id(secrets.token_bytes(ID_BYTES))


def derived_image_id(secret: str, api_key_id: str, idempotency_key: str) -> str:
    """Return the id that one client's idempotency key always gives.

    `secret` is the stack's own: without it, nobody can compute the id of another client's upload, or of one to come.
    """
    text = f"{len(api_key_id)}:{api_key_id}\0{idempotency_key}"
    return _encode_id(hmac.digest(secret.encode(), text.encode(), hashlib.sha256)[:ID_BYTES])


def is_image_id(text: str) -> bool:
    """Return whether `text` has the form of an upload's id."""
    return IMAGE_ID.fullmatch(text) is not None


def file_name(x_file_name: str | None, content_disposition: str | None) -> str | None:
    """Return the file's name from the client's headers, cleaned by `tidy`; None without a usable one."""
    if x_file_name is not None:
        return tidy(unquote(_utf8(x_file_name), errors="replace"))
    if content_disposition is None:
        return None
    message = Message()
    message["content-disposition"] = _utf8(content_disposition)
    try:
        return tidy(message.get_filename())
    except (TypeError, ValueError):
        # The standard library raises these for parameters that break RFC 2231: a number with thousands of digits,
        # sections with and without a number, a charset that cannot decode. A name is optional: go on without one.
        return None


def tidy(name: str | None) -> str | None:
    """Reduce a file name to its last part and to printable characters, no longer than S3's metadata allows.

    This removes folders, control characters, marks that change the direction of text, and unpaired surrogates.
    None where nothing is left.
    """
    last = re.split(r"[/\\]", name or "")[-1]
    printable = "".join(letter for letter in unicodedata.normalize("NFC", last) if letter.isprintable())
    kept, room = [], ESCAPED_NAME_BYTES
    for letter in printable.strip():
        room -= len(quote(letter, safe=""))
        if room < 0:
            break
        kept.append(letter)
    text = "".join(kept).rstrip()
    return text if text.strip(".") else None


def escaped(name: str) -> str:
    """Percent-encode a name, since metadata and form fields take ASCII only."""
    return quote(name, safe="")


def _encode_id(identity: bytes) -> str:
    return base64.b32encode(identity).decode().lower()


def _utf8(header: str) -> str:
    """Decode a header of UTF-8 that servers passed on as Latin-1 text."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header.encode(errors="replace").decode()  # JSON can hold unpaired surrogates
