"""PNG's chunks (W3C PNG 3, with animations): what matters to the picture, and a file that holds nothing else.

Pillow rejects a picture for metadata that is dropped anyway: a comment of more than 1 MiB, a wrong checksum around a
time stamp. Here such chunks are left out before Pillow sees the file. A chunk whose checksum is wrong counts as
absent where the standard calls it ancillary; where it is critical, the picture is broken.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images import icc

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 100_000
"""Chunks of one file. Encoders write pixels in chunks of 8 KiB and more; this allows 25 MB in chunks of 256 bytes."""
GREY, TRUE_COLOUR, PALETTE, GREY_ALPHA = 0, 2, 3, 4
"""Colour types of IHDR (PNG 3, 11.2.1)."""
_MAX_EXIF = 1_048_576  # bytes of EXIF that ImageMagick hides in a compressed text
_FRAME = struct.Struct(
    ">IIIIIHHBB"
)  # fcTL: sequence, width, height, x, y, delay's numerator and denominator, ...
_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_PIXELS = frozenset({b"IDAT", b"fdAT"})
_ONCE = frozenset({b"iCCP", b"cICP", b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"acTL", b"tRNS", b"PLTE"})
_TEXTS = frozenset({b"zTXt", b"tEXt", b"iTXt"})
_EXIF_TEXTS = (b"Raw profile type exif\0", b"Raw profile type APP1\0")


class Chunk(NamedTuple):
    """One chunk: its type, and where its content begins and ends in the file."""

    name: bytes
    start: int
    end: int


@dataclass(frozen=True)
class FrameControl:
    """A frame of an animation (fcTL), and the chunks that hold its pixels."""

    size: tuple[int, int]
    at: tuple[int, int]
    milliseconds: float
    disposal: int
    """What happens to the frame's region after it was shown. 0: nothing, 1: it becomes clear, 2: as it was before."""
    is_blended: bool
    """Whether the frame is laid over the canvas, rather than replacing its region."""
    pixels: list[Chunk] = field(default_factory=list)


@dataclass
class Png:
    """What a file says, without its pixels."""

    width: int = 0
    height: int = 0
    depth: int = 8
    colour_type: int = TRUE_COLOUR
    chunks: dict[bytes, bytes] = field(default_factory=dict)
    """Content of the chunks that stand once and matter; those of colours only if they stand where they may."""
    kept: list[Chunk] = field(default_factory=list)
    """The chunks that a decoder needs, in the file's order."""
    still: list[Chunk] = field(default_factory=list)
    """The chunks with the pixels of the picture that every decoder shows."""
    frames: list[FrameControl] = field(default_factory=list)
    """All frames of the animation; the first one may share its pixels with `still`."""
    is_whole: bool = True
    """Whether `kept` is all that the file holds, so that it can be decoded as it is."""
    text_exif: bytes = b""

    @property
    def is_animated(self) -> bool:
        """Whether there is an animation as the standard wants it; otherwise only the still picture counts."""
        return len(self.chunks.get(b"acTL", b"")) == 8 and len(self.frames) > 0

    @property
    def still_is_frame(self) -> bool:
        """Whether the still picture is the first frame, too."""
        return bool(self.frames) and self.frames[0].pixels is self.still

    @property
    def loop(self) -> int:
        """How often the animation plays; 0: for ever."""
        (plays,) = struct.unpack_from(">4xI", self.chunks[b"acTL"])
        return int(plays)

    @property
    def exif(self) -> bytes:
        """EXIF, wherever it stands."""
        return self.chunks.get(b"eXIf", b"") or self.text_exif

    @property
    def profile(self) -> bytes | None:
        """The embedded ICC profile; None where there is none, or none that can be used."""
        _, _, content = self.chunks.get(b"iCCP", b"").partition(b"\0")
        return _inflated(content[1:], icc.MAX_BYTES) or None if content[:1] == b"\0" else None


def read(data: bytes, max_frames: int) -> Png:
    """Walk through the chunks of a PNG file; of frames read only one more than `max_frames`.

    Raises RejectedError: corrupt (a critical chunk's checksum), unsupported_type, resource_exhausted (more than
    MAX_CHUNKS).
    """
    found = Png()
    pixels: list[Chunk] | None = None
    for chunk in _chunks(data):
        name = chunk.name
        if name in _PIXELS:
            if name == b"IDAT":
                found.kept.append(chunk)
                found.still.append(chunk)
                continue
            found.is_whole = False
            if pixels is not None and pixels is not found.still:
                pixels.append(Chunk(name, chunk.start + 4, chunk.end))
        elif name == b"fcTL":
            found.is_whole = False
            if len(found.frames) > max_frames:
                break
            pixels = _begin_frame(data, chunk, found)
        elif name in _KEPT:
            if name != b"tRNS":
                _check(data, chunk)
            if name != b"tRNS" or _is_sound(data, chunk):
                found.kept.append(chunk)
                if name == b"IHDR" and not found.width:
                    _read_header(data, chunk, found)
                elif name in _ONCE:
                    found.chunks.setdefault(name, data[chunk.start : chunk.end])
            else:
                found.is_whole = False
            if name == b"IEND":
                break
        else:
            found.is_whole = False
            _read_other(data, chunk, found)
    return found


def check_pixels(data: bytes, png: Png) -> None:
    """Refuse a picture whose pixels' checksums are wrong; by itself, because it takes 1 ms for each megabyte.

    Raises RejectedError: corrupt.
    """
    for chunk in png.still:
        _check(data, chunk)


def without_metadata(data: bytes, png: Png, transparency: bytes | None) -> bytes:
    """Return the file with nothing but the still picture, `transparency` in place of what its tRNS chunk says."""
    if png.is_whole and transparency == png.chunks.get(b"tRNS"):
        return data
    parts: list[bytes | memoryview] = [SIGNATURE]
    view = memoryview(data)
    for name, start, end in png.kept:
        if name == b"tRNS":
            parts.append(made(b"tRNS", transparency) if transparency is not None else b"")
            transparency = None
        else:
            parts.append(view[start - 8 : end + 4])
    return b"".join(parts)


def picture_of(data: bytes, png: Png, frame: FrameControl, transparency: bytes | None) -> bytes:
    """Make a PNG file of one frame alone."""
    header = struct.pack(">II", *frame.size) + data[_header_at(png) + 8 : _header_at(png) + 13]
    parts: list[bytes | memoryview] = [SIGNATURE, made(b"IHDR", header)]
    if palette := png.chunks.get(b"PLTE"):
        parts.append(made(b"PLTE", palette))
    if transparency is not None:
        parts.append(made(b"tRNS", transparency))
    view = memoryview(data)
    content = b"".join(view[start:end] for _, start, end in frame.pixels)
    return b"".join([*parts, made(b"IDAT", content), made(b"IEND", b"")])


def made(name: bytes, content: bytes) -> bytes:
    """Make a chunk, with its length and checksum."""
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))
    )


def _header_at(png: Png) -> int:
    return next(chunk.start for chunk in png.kept if chunk.name == b"IHDR")


def _chunks(data: bytes) -> Iterator[Chunk]:
    """Yield each chunk up to the end of the file, or to what is not a chunk."""
    unpack, length = struct.Struct(">I4s").unpack_from, len(data)
    position = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if position + 8 > length:
            return
        size, name = unpack(data, position)
        if not name.isalpha():
            return
        yield Chunk(name, position + 8, position + 8 + size)
        position += size + 12
    raise RejectedError(
        Reason.RESOURCE_EXHAUSTED, f"the PNG file has more than the {MAX_CHUNKS:,} chunks that are allowed"
    )


def _is_sound(data: bytes, chunk: Chunk) -> bool:
    """Whether a chunk is complete, and its checksum right."""
    name, start, end = chunk
    return data[end : end + 4] == struct.pack(">I", zlib.crc32(memoryview(data)[start:end], zlib.crc32(name)))


def _check(data: bytes, chunk: Chunk) -> None:
    """Refuse a picture with a critical chunk that is complete but whose checksum is wrong."""
    if chunk.end + 4 <= len(data) and not _is_sound(data, chunk):
        raise RejectedError(
            Reason.CORRUPT, f"the checksum of the PNG file's {chunk.name.decode()} chunk is wrong"
        )


def _read_header(data: bytes, chunk: Chunk, found: Png) -> None:
    if min(chunk.end, len(data)) - chunk.start >= 13:
        found.width, found.height, found.depth, found.colour_type = struct.unpack_from(
            ">IIBB", data, chunk.start
        )


def _begin_frame(data: bytes, chunk: Chunk, found: Png) -> list[Chunk] | None:
    """Note a frame, and return the list that its pixels are to be noted in."""
    if chunk.end - chunk.start < _FRAME.size or not _is_sound(data, chunk):
        return None
    _, width, height, x, y, delay, unit, disposal, blend = _FRAME.unpack_from(data, chunk.start)
    pixels = found.still if not found.frames and not found.still else []
    milliseconds = 1000 * delay / (unit or 100)
    found.frames.append(FrameControl((width, height), (x, y), milliseconds, disposal, blend == 1, pixels))
    return pixels


def _read_other(data: bytes, chunk: Chunk, found: Png) -> None:
    name, start, end = chunk
    if name in _ONCE:
        # EXIF may stand behind the pixels; what is said of them has to stand before.
        if name not in found.chunks and (name == b"eXIf" or not found.still) and _is_sound(data, chunk):
            found.chunks[name] = data[start:end]
    elif name in _TEXTS and not found.text_exif and data.startswith(_EXIF_TEXTS, start):
        if _is_sound(data, chunk):
            found.text_exif = _exif_of_text(name, data[start:end])
    elif name == b"CgBI":
        # Xcode's own: no zlib header, blue first, multiplied with the opacity.
        raise RejectedError(Reason.UNSUPPORTED_TYPE, "a PNG file that was optimised for iOS apps (CgBI)")


def _exif_of_text(name: bytes, content: bytes) -> bytes:
    """Read the EXIF that ImageMagick writes as text: a name and a length, then lines of hexadecimal digits."""
    text = content.partition(b"\0")[2]
    if name == b"zTXt":
        text = _inflated(text[1:], _MAX_EXIF)
    elif name == b"iTXt":
        is_compressed, text = text[:1] == b"\1", text[2:].split(b"\0", 2)[-1]
        text = _inflated(text, _MAX_EXIF) if is_compressed else text
    try:
        return bytes.fromhex("".join(text[:_MAX_EXIF].decode("ascii").split("\n")[3:]))
    except ValueError:
        return b""


def _inflated(content: bytes, at_most: int) -> bytes:
    """Decompress up to `at_most` bytes; nothing where there are more, or where they are broken."""
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(content, at_most)
    except zlib.error:
        return b""
    return b"" if inflate.unconsumed_tail else plain
