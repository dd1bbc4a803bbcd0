"""Sample uploads: tiny pictures and videos whose colours encode what they show and which upload they are.

The upper left quarter encodes what Rekognition finds (red: a weapon, yellow: a fight, green: nothing). The other
three quarters are greys that encode the picture's number, so every rendition can be traced back to its original.
JPEGs carry EXIF with a GPS position, which no rendition may contain. A video is two seconds of such pictures.
"""

import io
import itertools
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import av
from PIL import ExifTags, Image, ImageDraw, ImageStat

from local.demo.filming import Film, film, picture_of

SIDE = 96  # px; the larger rendition stays above the 80 px that Rekognition asks for
GREYS = 8
PICTURES = GREYS**3
FRAMES, RATE = 8, 4  # of a video
CELL = 8  # px of the cells of a pattern
PATTERN = 8  # levels of 255: where brightness deviates more, nothing can be recognised
FAINT_WEAPON = (170, 85, 85)  # as much of a weapon's colour as leaves room for a pattern
BRIEF_FRAMES = 14
WEAPON_FRAMES = range(2, 6)  # of a WEAPON_VIDEO: the shortest stretch that the sampling must always find


class Content(StrEnum):
    """The content of an uploaded object."""

    CLEAN = "clean"
    WEAPON = "weapon"
    FIGHT = "fight"
    CORRUPT = "corrupt"
    EMPTY = "empty"
    TEXT = "text"
    VIDEO = "video"
    WEAPON_VIDEO = "weapon-video"  # clean at the beginning and at the end
    BROKEN_VIDEO = "broken-video"  # a header without data
    SURER_PARENT = "surer-parent"  # Rekognition is surer of the category than of any label below it
    HIDDEN = "hidden"  # transparent: a weapon over black, a fight over white
    GREY_ONLY = "grey-only"  # transparent: a weapon over mid grey; elsewhere a pattern hides it
    LONG_FRAME = "long-frame"  # an animation: a weapon for seconds, among brief frames that differ more
    LONG_CROP = "long-crop"  # a very tall picture: a weapon in the middle, which a crop shows in full
    POISON = "poison"  # decoding it kills the function every time

    @property
    def is_picture(self) -> bool:
        """Whether the image function can render it."""
        return self in _COLOURS or self in (Content.GREY_ONLY, Content.LONG_FRAME, Content.LONG_CROP)

    @property
    def is_video(self) -> bool:
        """Whether the image function hands it over to the video function."""
        return self in (Content.VIDEO, Content.WEAPON_VIDEO, Content.BROKEN_VIDEO)


_COLOURS = {
    Content.CLEAN: (40, 200, 60),
    Content.WEAPON: (220, 30, 30),
    Content.FIGHT: (230, 220, 40),
    Content.SURER_PARENT: (40, 60, 220),
    Content.POISON: (40, 200, 60),
    Content.HIDDEN: (255, 51, 51, 150),  # over black (150, 30, 30), over white (255, 135, 135)
}
_BY_HARM = (Content.CLEAN, Content.FIGHT, Content.SURER_PARENT, Content.WEAPON)
REASONS = {
    Content.CORRUPT: "corrupt",
    Content.EMPTY: "empty",
    Content.TEXT: "unsupported_type",
    Content.BROKEN_VIDEO: "corrupt",
    Content.POISON: "resource_exhausted",
}
WITHOUT_VIDEOS = "video_disabled"  # the reason for every video in a stack that does not accept videos


@dataclass(frozen=True)
class Recognised:
    """What the pixels of a picture encode."""

    kind: Content
    number: int


@cache
def draw(kind: Content, number: int) -> bytes:
    """Return the bytes of upload number `number`, which is below PICTURES."""
    if kind is Content.EMPTY:
        return b""
    if kind is Content.TEXT:
        return f"This is not a picture, but it is number {number}.".encode()
    if kind is Content.BROKEN_VIDEO:
        return b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(64) + number.to_bytes(4)
    if kind.is_video:
        return _filmed(kind, number)
    if kind in _EVASIONS:
        return _EVASIONS[kind](number)
    image = _picture(kind, number)
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (47.0, 22.0, 12.0)})
    if kind is Content.CORRUPT:
        exif[ExifTags.Base.ImageDescription] = str(number)  # what is left of two pictures must differ
    data = io.BytesIO()
    image.save(data, "PNG" if kind is Content.HIDDEN else "JPEG", quality=90, exif=exif)
    return data.getvalue()[: -len(data.getvalue()) // 3] if kind is Content.CORRUPT else data.getvalue()


def _picture(kind: Content, number: int) -> Image.Image:
    image = Image.new("RGBA" if kind is Content.HIDDEN else "RGB", (SIDE, SIDE))
    pen, half = ImageDraw.Draw(image), SIDE // 2
    greys = [_grey(number // GREYS**power % GREYS) for power in range(3)]
    pen.rectangle((0, 0, half, half), fill=_COLOURS.get(kind, _COLOURS[Content.CLEAN]))
    for grey, corner in zip(greys, ((half, 0), (0, half), (half, half)), strict=True):
        pen.rectangle((*corner, corner[0] + half, corner[1] + half), fill=(grey,) * 3)
    return image


def _grey_only(number: int) -> bytes:
    """Over white the pattern is added to the weapon's colour, over black it is subtracted; over mid grey it is gone."""
    image = _picture(Content.CLEAN, number).convert("RGBa")
    for x, y in itertools.product(range(0, SIDE // 2, CELL), repeat=2):
        amount = 80 if (x + y) // CELL % 2 else 0
        colour = [level - amount for level in FAINT_WEAPON]
        image.paste((*colour, 255 - 2 * amount), (x, y, x + CELL, y + CELL))
    data = io.BytesIO()
    image.convert("RGBA").save(data, "PNG")
    return data.getvalue()


def _long_frame(number: int) -> bytes:
    """The brief frames differ in a band of black and white cells between the quarters."""
    frames, rng = [], random.Random(number)
    for _ in range(BRIEF_FRAMES):
        frames.append(_picture(Content.CLEAN, number))
        for x, y in itertools.product((SIDE // 2 - CELL, SIDE // 2), range(0, SIDE, CELL)):
            frames[-1].paste(rng.choice(("black", "white")), (x, y, x + CELL, y + CELL))
    weapon = _picture(Content.WEAPON, number)
    middle = (SIDE // 2 - CELL, 0, SIDE // 2 + CELL, SIDE)
    weapon.paste(frames[0].crop(middle), middle)
    frames.insert(BRIEF_FRAMES - 1, weapon)
    data = io.BytesIO()
    durations = [20] * (BRIEF_FRAMES - 1) + [5000, 20]
    frames[0].save(
        data, "WEBP", save_all=True, append_images=frames[1:], duration=durations, lossless=True, method=0
    )
    return data.getvalue()


def _long_crop(number: int) -> bytes:
    tall = _picture(Content.CLEAN, number).resize((SIDE, 12 * SIDE), Image.Resampling.NEAREST)
    tall.paste(_picture(Content.WEAPON, number), (0, 11 * SIDE // 2))
    data = io.BytesIO()
    tall.save(data, "PNG")
    return data.getvalue()


_EVASIONS = {
    Content.GREY_ONLY: _grey_only,
    Content.LONG_FRAME: _long_frame,
    Content.LONG_CROP: _long_crop,
}


def _filmed(kind: Content, number: int) -> bytes:
    clean, weapon = _picture(Content.CLEAN, number), _picture(Content.WEAPON, number)
    armed = WEAPON_FRAMES if kind is Content.WEAPON_VIDEO else ()
    shots = [(frame / RATE, weapon if frame in armed else clean) for frame in range(FRAMES)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        film(path, shots, Film(rate=RATE), seconds=FRAMES / RATE)
        return path.read_bytes()


@cache
def recognise(data: bytes) -> Recognised:
    """Read content and number from a file's pixels; a video counts as its most harmful frame.

    Raises ValueError where its frames belong to different uploads.
    """
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


def _seen(image: Image.Image) -> Recognised:
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
    first = image.crop((width // 10, height // 10, width * 2 // 5 + 1, height * 2 // 5 + 1))
    if ImageStat.Stat(first.convert("L")).stddev[0] > PATTERN:
        kind = Content.CLEAN
    digits = [min(range(GREYS), key=lambda digit: abs(_grey(digit) - sum(pixel) / 3)) for pixel in pixels[1:]]
    return Recognised(kind, sum(digit * GREYS**power for power, digit in enumerate(digits)))


def _grey(digit: int) -> int:
    return 16 + digit * 30
