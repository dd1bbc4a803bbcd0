"""GIF's blocks (GIF89a): the screen, and each frame with its place, palette and disposal; nothing is decoded."""

import re
import struct
from dataclasses import dataclass

from media_pipeline.errors import Reason, RejectedError

MAX_SUB_BLOCKS = 1_000_000
"""Sub-blocks of one file; a full one has 255 bytes, and encoders fill all but the last of each frame."""
_EXTENSION, _FRAME, _PADDING = 0x21, 0x2C, 0
_GRAPHIC_CONTROL, _APPLICATION = 0xF9, 0xFF
_HEADER_BYTES = 13
_DESCRIPTOR_BYTES = 10  # a frame's descriptor with its introducer
_ZEROS = re.compile(rb"\0*")
_LOOPS = re.compile(rb"\x0b(?:NETSCAPE2\.0|ANIMEXTS1\.0)\x03\x01(..)", re.DOTALL)


@dataclass(frozen=True)
class GifFrame:
    """One frame: its place on the screen, its palette, and where its pixels are in the file."""

    size: tuple[int, int]
    at: tuple[int, int]
    milliseconds: int
    disposal: int
    """0, 1: it stays; 2: its region becomes clear; 3: its region becomes as it was before."""
    transparent: int | None
    """The index that leaves the canvas as it is."""
    palette: bytes
    """Red, green, blue of each index; empty: the indices are levels of grey."""
    is_interlaced: bool
    code_bits: int
    start: int
    end: int

    @property
    def is_opaque(self) -> bool:
        """Whether every pixel of the frame has a colour."""
        return self.transparent is None


@dataclass(frozen=True)
class Gif:
    """What a file says, without its pixels."""

    size: tuple[int, int]
    """The screen, at least as large as the first frame: browsers enlarge it for that one, and cut all others off."""
    frames: tuple[GifFrame, ...]
    repetitions: int | None
    """How often the animation is repeated, 0 for ever; None: it plays once."""


@dataclass
class _Control:
    """A graphic control extension, which is about the frame that follows."""

    milliseconds: int = 0
    disposal: int = 0
    transparent: int | None = None


class _Walk:
    """A position in a file, and how many sub-blocks were passed."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.left = MAX_SUB_BLOCKS

    def colour_table(self, flags: int) -> bytes:
        """Take the colour table that a descriptor's flags announce."""
        length = 3 << (flags & 7) + 1 if flags & 0x80 else 0
        self.position += length
        return self.data[self.position - length : self.position]

    def skip_sub_blocks(self) -> None:
        """Go behind the sub-blocks that begin here: each has its length in front, an empty one ends them.

        Raises RejectedError: resource_exhausted.
        """
        data, position, length = self.data, self.position, len(self.data)
        for number in range(self.left):
            if position >= length or not (size := data[position]):
                self.position, self.left = position + 1, self.left - number
                return
            position += size + 1
        raise RejectedError(
            Reason.RESOURCE_EXHAUSTED,
            f"the GIF file has more than the {MAX_SUB_BLOCKS:,} sub-blocks that are allowed",
        )


def read(data: bytes, max_frames: int) -> Gif:
    """Walk through the blocks of a GIF file; of frames read only one more than `max_frames`.

    A file that breaks off has the frames that began before. Raises RejectedError: resource_exhausted, corrupt.
    """
    if len(data) < _HEADER_BYTES:
        raise RejectedError(Reason.CORRUPT, "the GIF file breaks off in its header")
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    walk = _Walk(data)
    walk.position = _HEADER_BYTES
    palette = walk.colour_table(flags)
    frames: list[GifFrame] = []
    control, repetitions = _Control(), None
    while walk.position < len(data) and len(frames) <= max_frames:
        introducer = data[walk.position]
        if introducer == _EXTENSION:
            label, content = data[walk.position + 1 : walk.position + 2], walk.position + 2
            if label == bytes([_GRAPHIC_CONTROL]):
                control = _control(data, content)
            elif label == bytes([_APPLICATION]) and (loops := _LOOPS.match(data, content)):
                (repetitions,) = struct.unpack("<H", loops[1])
            walk.position = content
            walk.skip_sub_blocks()
        elif introducer == _FRAME:
            frame = _frame(walk, control, palette, (width, height))
            if frame is None:
                break
            frames.append(frame)
            control = _Control()
        elif introducer == _PADDING:
            walk.position = match.end() if (match := _ZEROS.match(data, walk.position)) else len(data)
        else:
            break  # the trailer, or what is not GIF any more
    if not frames:
        raise RejectedError(Reason.CORRUPT, "the GIF file has no frame")
    first = frames[0]
    size = max(width, first.at[0] + first.size[0]), max(height, first.at[1] + first.size[1])
    return Gif(size, tuple(frames), repetitions)


def _control(data: bytes, position: int) -> _Control:
    block = data[position + 1 : position + 5]
    if len(block) < 4 or data[position] < 4:
        return _Control()
    flags, delay, transparent = struct.unpack("<BHB", block)
    return _Control(delay * 10, flags >> 2 & 7, transparent if flags & 1 else None)


def _frame(walk: _Walk, control: _Control, palette: bytes, screen: tuple[int, int]) -> GifFrame | None:
    """Read the frame that begins here; None where the file breaks off before its pixels."""
    start = walk.position + _DESCRIPTOR_BYTES
    if start >= len(walk.data):
        return None
    x, y, width, height, flags = struct.unpack_from("<HHHHB", walk.data, walk.position + 1)
    walk.position = start
    own_palette = walk.colour_table(flags)
    if walk.position >= len(walk.data):
        return None
    code_bits, pixels = walk.data[walk.position], walk.position + 1
    walk.position = pixels
    walk.skip_sub_blocks()
    return GifFrame(
        size=(width or screen[0], height or screen[1]),
        at=(x, y),
        milliseconds=control.milliseconds,
        disposal=3 if control.disposal == 4 else control.disposal,  # an old misreading, which browsers honour
        transparent=control.transparent,
        palette=own_palette or palette,
        is_interlaced=bool(flags & 0x40),
        code_bits=code_bits,
        start=pixels,
        end=min(walk.position, len(walk.data)),
    )
