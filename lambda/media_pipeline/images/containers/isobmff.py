"""ISO base media boxes (ISO/IEC 14496-12) of pictures (HEIF, ISO/IEC 23008-12; AVIF): what is said of the primary item.

Others have properties of their own: thumbnails, tiles of a grid, gain maps, planes of opacity.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from media_pipeline.errors import Reason, RejectedError

MAX_ITEMS = 2_048
"""Items of one file: a photograph of 200 megapixels in tiles of 512 pixels has 800."""
MAX_TABLES = 4_194_304
"""Bytes of the boxes that describe the items; a camera writes some kilobytes, up to 100 with a profile."""
_MAX_BOXES = 10_000
_CONTAINERS_OF_SAMPLES = (b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_VISUAL_SAMPLE_ENTRY = 78  # bytes in front of the boxes of a visual sample entry, 14496-12, 12.1.3
Box = tuple[int, int, int, int]


class Aperture(NamedTuple):
    """A clean aperture (clap): the part that is to be shown, its middle as distance from the picture's middle."""

    width: Fraction
    height: Fraction
    across: Fraction
    down: Fraction


@dataclass(frozen=True)
class Picture:
    """What the boxes say of the picture that is shown."""

    sizes: Sequence[tuple[int, int]]
    """Width and height of every item."""
    aperture: Aperture | None = None
    code_points: tuple[int, int] | None = None
    """Colour primaries and transfer characteristics (ITU-T H.273)."""
    is_monochrome: bool = False
    properties: Sequence[tuple[bytes, bytes]] = ()
    """Names and contents of the picture's properties, in the order in which they are applied."""


def read(data: bytes) -> Picture:
    """Read the boxes of a file; what breaks off says nothing, the decoder says what there is to say about it.

    Raises RejectedError: resource_exhausted (more than MAX_ITEMS, or boxes of more than MAX_TABLES).
    """
    top = dict(_boxes(memoryview(data), {b"meta", b"moov"}))
    for name, content in top.items():
        if len(content) > MAX_TABLES:
            raise RejectedError(
                Reason.RESOURCE_EXHAUSTED,
                f"the file's {name.decode()} box has {len(content):,} bytes; allowed are {MAX_TABLES:,}",
            )
    parts = dict(_boxes(top.get(b"meta", memoryview(b""))[4:]))
    _check_items(parts)
    properties = dict(_boxes(parts.get(b"iprp", memoryview(b""))))
    listed = [(name, bytes(content)) for name, content in _boxes(properties.get(b"ipco", memoryview(b"")))]
    sizes = [
        struct.unpack_from(">II", body, 4) for name, body in listed if name == b"ispe" and len(body) >= 12
    ]
    try:
        if b"moov" in top and data[8:12] == b"avis":
            shown = list(_of_track(top[b"moov"]))  # what libavif decodes of a sequence
        else:
            wanted = _primary(bytes(parts.get(b"pitm", b"")))
            numbers = _associated(bytes(properties.get(b"ipma", b"")), wanted)
            shown = [listed[number - 1] for number in numbers if 0 < number <= len(listed)]
    except struct.error:
        shown = []
    return Picture(
        sizes=[(width, height) for width, height in sizes],
        aperture=next(filter(None, (_aperture(body) for name, body in shown if name == b"clap")), None),
        code_points=next(filter(None, (_code_points(body) for name, body in shown if name == b"colr")), None),
        properties=shown,
        is_monochrome=any(name == b"av1C" and len(body) > 2 and body[2] & 0x10 for name, body in shown),
    )


def crop(aperture: Aperture, size: tuple[int, int]) -> Box:
    """Return the whole pixels of a picture that lie inside its clean aperture.

    Raises RejectedError: corrupt, where it shows nothing of the picture.
    """
    left, right = _span(size[0], aperture.width, aperture.across)
    top, bottom = _span(size[1], aperture.height, aperture.down)
    if left >= right or top >= bottom:
        raise RejectedError(Reason.CORRUPT, "the picture's clean aperture shows nothing of it")
    return (left, top, right, bottom)


def uncropped(data: bytes, picture: Picture) -> tuple[bytes, Box] | None:
    """Return the file with an aperture of the whole picture, and the box that is to be cut off once it is turned.

    For decoders that refuse apertures. None where the picture has none, or nobody says how large it is.

    Raises RejectedError: corrupt.
    """
    clap = next((body for name, body in picture.properties if name == b"clap"), None)
    size = next(
        (struct.unpack_from(">II", body, 4) for name, body in picture.properties if name == b"ispe"), None
    )
    if picture.aperture is None or clap is None or size is None:
        return None
    width, height = size
    left, top, right, bottom = crop(picture.aperture, (width, height))
    whole = struct.pack(">8I", width, 1, height, 1, 0, 1, 0, 1)
    for name, body in picture.properties:
        if name == b"irot":
            for _ in range(body[0] & 3):  # counter-clockwise by a quarter
                left, top, right, bottom = top, width - right, bottom, width - left
                width, height = height, width
        elif name == b"imir" and body[0] & 1:
            left, right = width - right, width - left
        elif name == b"imir":
            top, bottom = height - bottom, height - top
    return data.replace(b"clap" + clap[:32], b"clap" + whole, 1), (left, top, right, bottom)


def _span(side: int, length: Fraction, distance: Fraction) -> tuple[int, int]:
    start = Fraction(side, 2) + distance - length / 2
    return max(0, math.ceil(start)), min(side, math.floor(start + length))


def _check_items(parts: dict[bytes, memoryview]) -> None:
    listed = parts.get(b"iinf", memoryview(b""))
    if len(listed) < 8:
        return
    (count,) = struct.unpack_from(">I" if listed[0] else ">H", listed, 4)
    if count > MAX_ITEMS:
        raise RejectedError(
            Reason.RESOURCE_EXHAUSTED, f"the file has {count:,} items; allowed are {MAX_ITEMS:,}"
        )
    for name, entry in _boxes(listed[8 if listed[0] else 6 :]):
        if name == b"infe" and not _is_named(bytes(entry)):
            raise RejectedError(Reason.CORRUPT, "the type of one of the file's items is not text")


def _is_named(infe: bytes) -> bool:
    """Whether an item's type, and its content type, are text (ISO/IEC 14496-12, 8.11.6).

    pi-heif 1.4.0 takes the whole process down where they are not.
    """
    type_at = {2: 8, 3: 10}.get(infe[0] if infe else 0)
    if type_at is None:
        return True
    kind, text = infe[type_at : type_at + 4], infe[type_at + 4 :]
    _name, _, content_type = text.partition(b"\0")
    try:
        kind.decode("ascii")
        content_type.partition(b"\0")[0].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _boxes(data: memoryview, wanted: set[bytes] | None = None) -> Iterator[tuple[bytes, memoryview]]:
    """Yield name and content of each box, or of each that is `wanted`; of one that is cut off, what there is."""
    position = 0
    for _ in range(_MAX_BOXES):
        if position + 8 > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, position)
        head = 8
        if length == 1 and position + 16 <= len(data):
            (length,), head = struct.unpack_from(">Q", data, position + 8), 16
        end = position + length if length else len(data)
        if end < position + head:
            return
        if wanted is None or name in wanted:
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


def _of_track(moov: memoryview) -> Iterator[tuple[bytes, bytes]]:
    """Yield the properties of a sequence's first kind of sample."""
    content = moov
    for wanted in _CONTAINERS_OF_SAMPLES:
        content = dict(reversed(list(_boxes(content, {wanted})))).get(wanted, memoryview(b""))
    for _, entry in _boxes(content[8:]):
        for name, body in _boxes(entry[_VISUAL_SAMPLE_ENTRY:]):
            yield name, bytes(body)
        return


def _code_points(colr: bytes) -> tuple[int, int] | None:
    if colr[:4] != b"nclx" or len(colr) < 8:
        return None
    primaries, transfer = struct.unpack_from(">HH", colr, 4)
    return primaries, transfer


def _aperture(clap: bytes) -> Aperture | None:
    """Read the four fractions: width and height without a sign, both distances with one."""
    if len(clap) < 32:
        return None
    numbers = struct.unpack_from(">IIIIiIiI", clap)
    if 0 in numbers[1::2]:
        return None
    values = [Fraction(number, unit) for number, unit in zip(numbers[::2], numbers[1::2], strict=True)]
    return Aperture(*values)
