"""ICC profiles made by the tests: matrix profiles of RGB and grey, and lookup tables, from their published numbers."""

import struct
from collections.abc import Callable

D50 = (0.9642, 1.0, 0.8249)
# Primaries adapted to D50, as columns red, green, blue of XYZ (ICC and Adobe publish them).
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def rgb_profile(primaries: tuple[tuple[float, ...], ...], gamma: float) -> bytes:
    """A matrix profile: three primaries and one gamma."""
    tags = {b"wtpt": xyz(D50)}
    for name, primary in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True):
        tags[name] = xyz(primary)
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        tags[name] = curve(gamma)
    return profile(b"RGB ", b"XYZ ", b"mntr", tags)


def grey_profile(gamma: float) -> bytes:
    """A grey profile with a gamma."""
    return profile(b"GRAY", b"XYZ ", b"mntr", {b"wtpt": xyz(D50), b"kTRC": curve(gamma)})


def table_profile(space: bytes, channels: int, to_lab: Callable[..., tuple[float, float, float]]) -> bytes:
    """A lookup table from `channels` inks or lights (each 0 or 1 at the corners) to Lab."""
    nodes = b""
    for index in range(2**channels):
        corner = [index >> (channels - 1 - channel) & 1 for channel in range(channels)]
        lightness, a, b = to_lab(*corner)
        nodes += bytes(min(255, max(0, round(level))) for level in (lightness * 2.55, a + 128, b + 128))
    identity = struct.pack(">9i", *(65536 if at % 4 == 0 else 0 for at in range(9)))
    linear = bytes(range(256))
    table = (
        b"mft1\0\0\0\0"
        + struct.pack(">BBBx", channels, 3, 2)
        + identity
        + linear * channels
        + nodes
        + linear * 3
    )
    return profile(space, b"Lab ", b"prtr", {b"wtpt": xyz(D50), b"A2B0": table})


def profile(space: bytes, connection: bytes, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 78, **tags}
    offset = 128 + 4 + 12 * len(tags)
    index, bodies = b"", b""
    for name, body in tags.items():
        body += b"\0" * (-len(body) % 4)
        index += name + struct.pack(">II", offset + len(bodies), len(body))
        bodies += body
    size = offset + len(bodies)
    head = struct.pack(">I", size) + b"\0" * 4 + bytes.fromhex("02400000") + kind + space + connection
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 24 + struct.pack(">I", 0) + fixed(D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + index + bodies


def xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(values)


def fixed(values: tuple[float, ...]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
