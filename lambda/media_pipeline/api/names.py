"""Ids of uploads, and the names that people gave their files: those are kept for people and decide nothing."""

import base64
import hashlib
import re
import secrets
import unicodedata
from email.message import Message
from urllib.parse import quote, unquote

ID_BYTES = 20  # 160 bits: nobody hits another upload by chance or by trying
IMAGE_ID = re.compile(r"[a-z2-7]{32}")
ESCAPED_NAME_BYTES = 1024  # S3: all metadata of an object together at most 2 KB


def new_image_id() -> str:
    """Draw an id at random."""
    return _spell(secrets.token_bytes(ID_BYTES))


def derived_image_id(api_key_id: str, idempotency_key: str) -> str:
    """Id that one client's idempotency key always gives, and that tells nobody what it was made of."""
    text = f"{len(api_key_id)}:{api_key_id}\0{idempotency_key}"
    return _spell(hashlib.sha256(text.encode()).digest()[:ID_BYTES])


def is_image_id(text: str) -> bool:
    """Whether this can be the id of an upload."""
    return IMAGE_ID.fullmatch(text) is not None


def file_name(x_file_name: str | None, content_disposition: str | None) -> str | None:
    """Name of the file as the client's headers tell it, tidied; None without a usable one."""
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
    """Reduce a name to its last part and to what can be printed, no longer than S3's metadata takes.

    What goes are folders, control characters, marks that turn a text around, and half characters.
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
    """Write a tidied name in ASCII, as metadata and form fields need it."""
    return quote(name, safe="")


def _spell(identity: bytes) -> str:
    return base64.b32encode(identity).decode().lower()


def _utf8(header: str) -> str:
    """Undo what servers do to a header of UTF-8: they read it byte by byte as Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header.encode(errors="replace").decode()  # half characters, which JSON can hold
