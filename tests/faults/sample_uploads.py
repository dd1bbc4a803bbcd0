"""What people upload: tiny pictures and videos that say by their colours what they show and which one they are.

Upper left: what Rekognition sees in it (red: a weapon, yellow: a fight, green: nothing). The three other quarters
are greys that number the picture, so that a rendition found anywhere can be traced to its original, whoever made it.
JPEGs carry EXIF with a place, which no rendition may. A video is two seconds of such pictures.
"""

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import av
from PIL import ExifTags, Image, ImageDraw

from local.demo.filming import Film, film, picture_of

SIDE = 96  # px; the larger rendition stays above the 80 px that Rekognition asks for
GREYS = 8
PICTURES = GREYS**3
FRAMES, RATE = 8, 4  # of a video
ARMED = range(2, 6)  # its frames that show a weapon: as short as the sampling has to find for certain


class Kind(StrEnum):
    """What an object is."""

    CLEAN = "clean"
    WEAPON = "weapon"
    FIGHT = "fight"
    CORRUPT = "corrupt"
    EMPTY = "empty"
    TEXT = "text"
    VIDEO = "video"
    ARMED_VIDEO = "armed-video"  # clean at its beginning and at its end
    BROKEN_VIDEO = "broken-video"  # a header and nothing behind it
    HIDDEN = "hidden"  # a weapon that only shows over black; over white it looks like a fight
    POISON = "poison"  # decoding it kills the function, each time

    @property
    def is_picture(self) -> bool:
        """Whether it can be rendered."""
        return self in _COLOURS

    @property
    def is_video(self) -> bool:
        """Whether the image function hands it over."""
        return self in (Kind.VIDEO, Kind.ARMED_VIDEO, Kind.BROKEN_VIDEO)


_COLOURS = {
    Kind.CLEAN: (40, 200, 60),
    Kind.WEAPON: (220, 30, 30),
    Kind.FIGHT: (230, 220, 40),
    Kind.POISON: (40, 200, 60),
    Kind.HIDDEN: (255, 51, 51, 150),  # over black (150, 30, 30), over white (255, 135, 135)
}
_BY_HARM = (Kind.CLEAN, Kind.FIGHT, Kind.WEAPON)
REASONS = {
    Kind.CORRUPT: "corrupt",
    Kind.EMPTY: "empty",
    Kind.TEXT: "unsupported_type",
    Kind.BROKEN_VIDEO: "corrupt",
    Kind.POISON: "resource_exhausted",
}
WITHOUT_VIDEOS = "video_disabled"  # of every video in a stack that takes none


@dataclass(frozen=True)
class Seen:
    """What a picture shows by its pixels."""

    kind: Kind
    number: int


@cache
def draw(kind: Kind, number: int) -> bytes:
    """The bytes of object number `number` (below PICTURES)."""
    if kind is Kind.EMPTY:
        return b""
    if kind is Kind.TEXT:
        return f"This is no picture, but it is number {number}.".encode()
    if kind is Kind.BROKEN_VIDEO:
        return b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(64) + number.to_bytes(4)
    if kind.is_video:
        return _filmed(kind, number)
    image = _picture(kind, number)
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (47.0, 22.0, 12.0)})
    data = io.BytesIO()
    image.save(data, "PNG" if kind is Kind.HIDDEN else "JPEG", quality=90, exif=exif)
    return data.getvalue()[: -len(data.getvalue()) // 3] if kind is Kind.CORRUPT else data.getvalue()


def _picture(kind: Kind, number: int) -> Image.Image:
    image = Image.new("RGBA" if kind is Kind.HIDDEN else "RGB", (SIDE, SIDE))
    pen, half = ImageDraw.Draw(image), SIDE // 2
    greys = [_grey(number // GREYS**power % GREYS) for power in range(3)]
    pen.rectangle((0, 0, half, half), fill=_COLOURS.get(kind, _COLOURS[Kind.CLEAN]))
    for grey, corner in zip(greys, ((half, 0), (0, half), (half, half)), strict=True):
        pen.rectangle((*corner, corner[0] + half, corner[1] + half), fill=(grey,) * 3)
    return image


def _filmed(kind: Kind, number: int) -> bytes:
    clean, weapon = _picture(Kind.CLEAN, number), _picture(Kind.WEAPON, number)
    armed = ARMED if kind is Kind.ARMED_VIDEO else ()
    shots = [(frame / RATE, weapon if frame in armed else clean) for frame in range(FRAMES)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        film(path, shots, Film(rate=RATE), seconds=FRAMES / RATE)
        return path.read_bytes()


@cache
def recognise(data: bytes) -> Seen:
    """Read kind and number from the pixels of a file; a video is as bad as its worst frame."""
    seen = [_seen(image) for image in _images(data)]
    if len({one.number for one in seen}) != 1:
        raise ValueError(f"one file shows pictures of several originals: {seen}")
    return max(seen, key=lambda one: _BY_HARM.index(one.kind))


def _images(data: bytes) -> Iterator[Image.Image]:
    if data[4:8] == b"ftyp":
        with av.open(io.BytesIO(data), "r") as container:
            yield from map(picture_of, container.decode(video=0))
        return
    with Image.open(io.BytesIO(data)) as opened:
        yield opened.convert("RGB")


def _seen(image: Image.Image) -> Seen:
    width, height = image.size
    corners = [
        image.resize((1, 1), box=(x * width, y * height, (x + 0.3) * width, (y + 0.3) * height)).getpixel(
            (0, 0)
        )
        for x, y in ((0.1, 0.1), (0.6, 0.1), (0.1, 0.6), (0.6, 0.6))
    ]
    pixels = [pixel for pixel in corners if isinstance(pixel, tuple)]
    kind = min(
        _BY_HARM,
        key=lambda kind: sum(abs(a - b) for a, b in zip(_COLOURS[kind], pixels[0], strict=True)),
    )
    digits = [min(range(GREYS), key=lambda digit: abs(_grey(digit) - sum(pixel) / 3)) for pixel in pixels[1:]]
    return Seen(kind, sum(digit * GREYS**power for power, digit in enumerate(digits)))


def _grey(digit: int) -> int:
    return 16 + digit * 30
