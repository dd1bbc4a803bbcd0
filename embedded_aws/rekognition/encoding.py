"""Labels as bytes and bytes as symbols: what a moderation card's blocks say.

A message is `length (2 bytes) | labels | CRC-32 (4 bytes)`, XORed with a fixed mask so that no card has
large plain areas. A label is its confidence in steps of 1e-5 (3 bytes) and its name: the index in the
taxonomy (1 byte), or 255, a length and the name in UTF-8.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence

from embedded_aws.rekognition import taxonomy

MAX_NAME_BYTES = 255
_OTHER_NAME = 255
_STEPS = 100_000
_SALT = zlib.crc32(b"moderation card 1")
_OVERHEAD = 6


class CardError(ValueError):
    """These labels cannot be drawn as a moderation card; the message says which and why."""


def checked(labels: Mapping[str, float]) -> dict[str, float]:
    """Return the labels with known names spelt as Rekognition does; unknown names stay as given.

    Raises CardError for an empty or overlong name, a name given twice, or a confidence outside 0 to 100.
    """
    result: dict[str, float] = {}
    for given, confidence in labels.items():
        known = taxonomy.find(given)
        name = known.name if known else given
        if not name.strip():
            raise CardError("A label needs a name, as in Weapons:95.")
        if len(name.encode()) > MAX_NAME_BYTES:
            raise CardError(f"The label {name[:40]!r}... is longer than {MAX_NAME_BYTES} bytes.")
        if name in result:
            raise CardError(f"The label {name!r} is given twice.")
        if not (math.isfinite(confidence) and 0 <= confidence <= 100):
            raise CardError(f"The confidence of {name!r} must lie between 0 and 100, got {confidence:g}.")
        result[name] = confidence
    return result


def encode(labels: Mapping[str, float]) -> bytes:
    """Return the unmasked message for labels that `checked` has passed."""
    positions = {term.name: index for index, term in enumerate(taxonomy.terms())}
    body = bytearray()
    for name, confidence in labels.items():
        body += round(confidence * _STEPS).to_bytes(3, "big")
        if name in positions:
            body.append(positions[name])
        else:
            text = name.encode()
            body += bytes((_OTHER_NAME, len(text))) + text
    framed = len(body).to_bytes(2, "big") + body
    return bytes(framed + zlib.crc32(framed, _SALT).to_bytes(4, "big"))


def decode(stream: bytes) -> list[tuple[str, float]] | None:
    """Return the labels of an unmasked message that `stream` starts with, or None if it is none."""
    length = int.from_bytes(stream[:2], "big")
    if length + _OVERHEAD > len(stream):
        return None
    end = 2 + length
    if zlib.crc32(stream[:end], _SALT) != int.from_bytes(stream[end : end + 4], "big"):
        return None
    labels: list[tuple[str, float]] = []
    at = 2
    while at < end:
        confidence = int.from_bytes(stream[at : at + 3], "big") / _STEPS
        code = stream[at + 3]
        at += 4
        if code == _OTHER_NAME:
            size = stream[at]
            name = stream[at + 1 : at + 1 + size].decode()
            at += 1 + size
        else:
            name = taxonomy.terms()[code].name
        labels.append((name, confidence))
    return labels


def to_symbols(message: bytes, count: int, bits: int) -> list[int]:
    """Spread a message over `count` symbols of `bits` bits; the rest is filled from the mask alone."""
    mask = _mask(math.ceil(count * bits / 8))
    masked = bytes(a ^ b for a, b in zip(message.ljust(len(mask), b"\0"), mask, strict=True))
    stream = int.from_bytes(masked, "big")
    total = len(masked) * 8
    return [(stream >> (total - bits * (i + 1))) & ((1 << bits) - 1) for i in range(count)]


def from_symbols(symbols: Sequence[int], bits: int) -> bytes:
    """Undo `to_symbols`: the unmasked bytes, as many as the symbols fill."""
    size = len(symbols) * bits // 8
    stream = 0
    for symbol in symbols:
        stream = stream << bits | symbol
    stream >>= len(symbols) * bits - size * 8
    return bytes(a ^ b for a, b in zip(stream.to_bytes(size, "big"), _mask(size), strict=True))


def parse(text: str) -> dict[str, float]:
    """Read `Weapons:95,Alcohol Use:60`; an empty text is a card without labels. Raises CardError."""
    return checked(_unique(_pairs(text)))


def _pairs(text: str) -> Iterable[tuple[str, float]]:
    for part in text.split(",") if text.strip() else ():
        name, colon, number = part.rpartition(":")
        confidence: float | None
        try:
            confidence = float(number)
        except ValueError:
            confidence = None
        if not colon or confidence is None:
            raise CardError(
                f"{part.strip()!r} is not name:confidence; write for example "
                "LABELS='Weapons:95,Alcohol Use:60'."
            )
        yield name.strip(), confidence


def _unique(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    result: dict[str, float] = {}
    for name, confidence in pairs:
        if name in result:
            raise CardError(f"The label {name!r} is given twice.")
        result[name] = confidence
    return result


def _mask(size: int) -> bytes:
    return hashlib.shake_256(b"moderation card").digest(size)
