"""Colours told by code points (ITU-T H.273) in place of an ICC profile: PNG's `cICP`, the `nclx` of AVIF and HEIC.

Pillow decodes such pictures and drops what they say. Here it becomes an ICC profile, which all else already speaks.
"""

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from PIL import Image

from media_pipeline.images.png import chunk_before_pixels

_D50 = (0.9642, 1.0, 0.8249)
_PRIMARIES = {  # red, green, blue as XYZ, adapted from D65 to the white of ICC profiles (Bradford)
    1: (
        (0.43604, 0.22248, 0.01392),
        (0.38511, 0.71691, 0.09707),
        (0.14305, 0.06061, 0.71391),
    ),  # sRGB, BT.709
    9: ((0.67348, 0.27904, -0.00193), (0.16567, 0.67534, 0.02998), (0.12505, 0.04561, 0.79685)),  # BT.2020
    12: (
        (0.51512, 0.24119, -0.00105),
        (0.29198, 0.69224, 0.04188),
        (0.15710, 0.06657, 0.78407),
    ),  # Display P3
}
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""Of ICC's third kind: ((a x + b) ** g where x >= d, else c x) as g, a, b, c, d."""
_CURVES: dict[int, tuple[float, ...]] = {
    **dict.fromkeys((1, 6, 14, 15), _SRGB_CURVE),  # cameras' curves: displays undo them as they undo sRGB's
    2: _SRGB_CURVE,  # unspecified
    13: _SRGB_CURVE,
    4: (2.2,),
    5: (2.8,),
    8: (1.0,),
}
"""Transfer characteristics with a fixed white. PQ and HLG (16, 18) have none: they would need tone mapping."""
_TABLES_WITHIN = 65_536
"""Bytes in front of an AVIF file that hold the tables of its items and their properties."""


class CodePoints(NamedTuple):
    """Numbers of H.273's tables 2 and 3."""

    primaries: int
    transfer: int

    @property
    def known(self) -> bool:
        """Whether a profile can say the same."""
        return self.primaries in _PRIMARIES and self.transfer in _CURVES


def profile_of(image: Image.Image, data: bytes) -> bytes | None:
    """Return the ICC profile that an open picture has, or one that says what its code points say; None for sRGB.

    A PNG's code points go before its profile, those of AVIF and HEIC after it, as their standards have it.
    """
    embedded: bytes | None = image.info.get("icc_profile")
    if image.format == "PNG":
        points = _of_png(data)
        return as_profile(points) if points and points.known else embedded
    if embedded:
        return embedded
    if image.format == "AVIF":
        return as_profile(_of_avif(data[:_TABLES_WITHIN]))
    if found := image.info.get("nclx_profile"):
        return as_profile(CodePoints(found["color_primaries"], found["transfer_characteristics"]))
    return None


@lru_cache(maxsize=16)
def as_profile(points: CodePoints | None) -> bytes | None:
    """Make an ICC profile that says the same; None where it would change nothing, or nothing is known of them."""
    if points is None or not points.known:
        return None
    if points.primaries == 1 and _CURVES[points.transfer] is _SRGB_CURVE:
        return None
    curve = _CURVES[points.transfer]
    kind = 3 if len(curve) > 1 else 0
    body = b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _fixed(curve)
    tags = {b"wtpt": _xyz(_D50)}
    for light, primary in zip((b"r", b"g", b"b"), _PRIMARIES[points.primaries], strict=True):
        tags[light + b"XYZ"] = _xyz(primary)
        tags[light + b"TRC"] = body
    table, bodies = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(bodies), len(content))
        bodies += content
    head = struct.pack(">I4xI", start + len(bodies), 0x04300000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    return head.ljust(68, b"\0") + _fixed(_D50).ljust(60, b"\0") + table + bodies


def _of_png(data: bytes) -> CodePoints | None:
    content = chunk_before_pixels(data, b"cICP")
    return CodePoints(content[0], content[1]) if len(content) == 4 else None


def _of_avif(head: bytes) -> CodePoints | None:
    """Find the code points of the primary item; others, such as a gain map, have their own."""
    meta = next((content for name, content in _boxes(head) if name == b"meta"), b"")
    parts = dict(_boxes(meta[4:]))
    properties = dict(_boxes(parts.get(b"iprp", b"")))
    colours = {
        number: content
        for number, (name, content) in enumerate(_boxes(properties.get(b"ipco", b"")), start=1)
        if name == b"colr" and content[:4] == b"nclx" and len(content) >= 8
    }
    try:
        for number in _associated(properties.get(b"ipma", b""), _primary(parts.get(b"pitm", b""))):
            if number in colours:
                return CodePoints(*struct.unpack_from(">HH", colours[number], 4))
    except struct.error:
        return None  # tables that break off: the decoder says what there is to say about them
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of each box (ISO/IEC 14496-12); of one that is cut off, what there is."""
    position = 0
    while position + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        head = 8
        if length == 1 and position + 16 <= len(data):
            (length,), head = struct.unpack_from(">Q", data, position + 8), 16
        end = position + length if length else len(data)
        if end < position + head:
            return
        yield name, data[position + head : end]
        position = end


def _primary(pitm: bytes) -> int:
    (item,) = struct.unpack_from(">I" if pitm[:1] > b"\0" else ">H", pitm, 4)
    return int(item)


def _associated(ipma: bytes, wanted: int) -> Iterator[int]:
    """Yield the numbers of an item's properties."""
    version_and_flags, count = struct.unpack_from(">II", ipma)
    item_format = ">IB" if version_and_flags >> 24 else ">HB"
    property_format, mask = (">H", 0x7FFF) if version_and_flags & 1 else (">B", 0x7F)
    position = 8
    for _ in range(count):
        item, properties = struct.unpack_from(item_format, ipma, position)
        position += struct.calcsize(item_format)
        for _ in range(properties):
            (number,) = struct.unpack_from(property_format, ipma, position)
            position += struct.calcsize(property_format)
            if item == wanted:
                yield number & mask  # the highest bit says whether a reader must understand it


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _fixed(values: tuple[float, ...]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))
