"""Counting a GIF's frames by walking its blocks, without decoding one of them."""

_EXTENSION, _FRAME = 0x21, 0x2C
_HEADER_BYTES = 13
_DESCRIPTOR_BYTES = 10  # an image's descriptor with its introducer


def count_frames(data: bytes, enough: int) -> int:
    """Count the frames of a GIF file up to `enough`; a file that breaks off has those that began before."""
    position = _HEADER_BYTES + _colour_table(data, 10)
    frames = 0
    while position < len(data) and frames < enough:
        introducer = data[position]
        if introducer == _EXTENSION:
            position = _after_blocks(data, position + 2)
        elif introducer == _FRAME:
            frames += 1
            # The descriptor, its colour table, the byte that says how wide LZW codes are, the data.
            table = _colour_table(data, position + 9)
            position = _after_blocks(data, position + _DESCRIPTOR_BYTES + table + 1)
        elif introducer == 0:
            position += 1  # padding, which decoders skip
        else:
            break  # the trailer, or rubbish
    return frames


def _colour_table(data: bytes, flags_at: int) -> int:
    """Bytes of the colour table that the flags at this place announce."""
    flags = data[flags_at] if flags_at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, position: int) -> int:
    """Skip sub-blocks, each with its length in front, up to the empty one that ends them."""
    while position < len(data) and data[position]:
        position += data[position] + 1
    return position + 1
