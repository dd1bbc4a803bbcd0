"""A Display P3 profile, written from its published numbers: phones tag their photos with it."""

import struct

# Display P3 adapted to the D50 of the profile connection space (SMPTE EG 432-1 primaries, Bradford).
WHITE_D50 = (0.9642, 1.0, 0.8249)
PRIMARIES = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
}
# The sRGB curve as parametric curve type 3 (ICC.1:2010, 10.16): g, a, b, c, d.
CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

HEADER_BYTES = 128
CREATED = (2024, 1, 1, 0, 0, 0)  # fixed: the same bytes on every run


def display_p3() -> bytes:
    """Return an ICC version 4 matrix/curve profile of Display P3, always the same bytes."""
    tags = {
        b"desc": _text("Display P3"),
        b"cprt": _text("Public domain"),
        b"wtpt": _xyz(WHITE_D50),
        **{name: _xyz(value) for name, value in PRIMARIES.items()},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve()),
    }
    table, body = b"", b""
    start = HEADER_BYTES + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"\0" * 4, 0x04000000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", *CREATED, b"acsp")
    illuminant = b"".join(_fixed(value) for value in WHITE_D50)
    head = head.ljust(68, b"\0") + illuminant
    return head.ljust(HEADER_BYTES, b"\0") + struct.pack(">I", len(tags)) + table + body


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(value: tuple[float, float, float]) -> bytes:
    return b"XYZ " + b"\0" * 4 + b"".join(_fixed(part) for part in value)


def _curve() -> bytes:
    return b"para" + b"\0" * 4 + struct.pack(">HH", 3, 0) + b"".join(_fixed(part) for part in CURVE)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + b"\0" * 4 + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded
