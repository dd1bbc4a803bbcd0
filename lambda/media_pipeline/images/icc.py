"""ICC profiles (ICC.1): made for pictures that tell their colours in another way, and the little read of others.

All transforms to sRGB are built from profiles, so that whatever a picture says of its colours becomes one.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence

Triple = tuple[float, float, float]
MAX_BYTES = 4_194_304
"""Of a profile that is used; printers' profiles have 2 MB. A larger one counts as absent."""
D50: Triple = (0.9642, 1.0, 0.8249)
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""Parameters of ICC's third kind of curve: ((a x + b) ** g where x >= d, else c x) as g, a, b, c, d."""
_HEADER_BYTES = 128
_MAX_TAGS = 100
_SPACE_AT, _SIGNATURE_AT = 16, 36
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))


def matrix_profile(primaries: Sequence[Triple], curve: tuple[float, ...]) -> bytes:
    """Make a profile of RGB from red, green and blue as XYZ adapted to D50, and the curve that all three share.

    A curve of one number is a gamma, one of five is like SRGB_CURVE.
    """
    tags = {b"wtpt": _xyz(D50)}
    for light, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags[light + b"XYZ"] = _xyz(primary)
        tags[light + b"TRC"] = _curve(curve)
    return _profile(b"RGB ", b"XYZ ", tags)


def grey_profile(curve: tuple[float, ...]) -> bytes:
    """Make a profile of grey with a curve."""
    return _profile(b"GRAY", b"XYZ ", {b"wtpt": _xyz(D50), b"kTRC": _curve(curve)})


def table_profile(points: int, colours: Iterable[Triple]) -> bytes:
    """Make a profile of RGB from XYZ (of D50) for `points` signals along red, green and blue, blue changing fastest."""
    identity = struct.pack(">9i", *(65536 if at % 4 == 0 else 0 for at in range(9)))
    straight = struct.pack(">6H", *(0, 65535) * 3)
    nodes = b"".join(struct.pack(">3H", *_lab(colour)) for colour in colours)
    table = b"mft2\0\0\0\0" + struct.pack(">BBBx", 3, 3, points) + identity + struct.pack(">HH", 2, 2)
    return _profile(b"RGB ", b"Lab ", {b"wtpt": _xyz(D50), b"A2B0": table + straight + nodes + straight})


def adapted_primaries(white: tuple[float, float], *lights: tuple[float, float]) -> list[Triple] | None:
    """Return red, green and blue as XYZ adapted to D50 (Bradford), from chromaticities that make a triangle."""
    if min(y for _, y in (white, *lights)) <= 0:
        return None
    columns = [(x / y, 1.0, (1 - x - y) / y) for x, y in lights]
    target = (white[0] / white[1], 1.0, (1 - white[0] - white[1]) / white[1])
    whole = _determinant(*columns)
    if abs(whole) < 1e-6:
        return None
    # Cramer's rule: how much of each light makes white.
    shares = [_determinant(*columns[:at], target, *columns[at + 1 :]) / whole for at in range(3)]
    cones, wanted = _product(_BRADFORD, target), _product(_BRADFORD, D50)
    if min(map(abs, cones)) < 1e-6:
        return None
    adapted = []
    for share, column in zip(shares, columns, strict=True):
        seen = _product(_BRADFORD, (column[0] * share, column[1] * share, column[2] * share))
        scaled = [level * new / old for level, old, new in zip(seen, cones, wanted, strict=True)]
        adapted.append(_solved(_BRADFORD, (scaled[0], scaled[1], scaled[2])))
    return adapted if max(abs(level) for light in adapted for level in light) < 30_000 else None


def colour_space(profile: bytes) -> bytes:
    """Return the signature of the device's colour space: RGB, GRAY, CMYK, filled up with spaces."""
    return (
        profile[_SPACE_AT : _SPACE_AT + 4] if profile[_SIGNATURE_AT : _SIGNATURE_AT + 4] == b"acsp" else b""
    )


def code_points(profile: bytes) -> tuple[int, int] | None:
    """Return primaries and transfer from a profile's `cicp` tag (ICC.1:2022, 9.2.17); None where there is none."""
    if len(profile) < _HEADER_BYTES + 4:
        return None
    (count,) = struct.unpack_from(">I", profile, _HEADER_BYTES)
    for number in range(min(count, _MAX_TAGS)):
        entry = profile[_HEADER_BYTES + 4 + 12 * number :][:12]
        if entry[:4] == b"cicp" and len(entry) == 12:
            (start,) = struct.unpack_from(">I", entry, 4)
            body = profile[start : start + 12]
            return (body[8], body[9]) if body[:4] == b"cicp" and len(body) == 12 else None
    return None


def _profile(space: bytes, connection: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    index, bodies = struct.pack(">I", len(tags)), b""
    start = _HEADER_BYTES + 4 + 12 * len(tags)
    for name, content in tags.items():
        index += name + struct.pack(">II", start + len(bodies), len(content))
        bodies += content + bytes(-len(content) % 4)
    head = (
        struct.pack(">I4xI", start + len(bodies), 0x04300000)
        + b"mntr"
        + space
        + connection
        + bytes(12)
        + b"acsp"
    )
    return head.ljust(68, b"\0") + _fixed(D50).ljust(60, b"\0") + index + bodies


def _lab(xyz: Triple) -> tuple[int, int, int]:
    """Return CIE L*a*b* as ICC's tables of 16 bits hold it (ICC.1, table 12): 100 is 0xFF00, a* and b* from -128."""
    x, y, z = (_cube_root(level / white) for level, white in zip(xyz, D50, strict=True))
    values = (116 * y - 16) * 652.8, (500 * (x - y) + 128) * 256, (200 * (y - z) + 128) * 256
    return tuple(min(65535, max(0, round(value))) for value in values)  # type: ignore[return-value] # three of them


def _cube_root(level: float) -> float:
    return level ** (1 / 3) if level > 216 / 24389 else (24389 / 27 * level + 16) / 116


def _curve(parameters: tuple[float, ...]) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", 3 if len(parameters) > 1 else 0, 0) + _fixed(parameters)


def _xyz(values: Triple) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _fixed(values: Sequence[float]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _product(matrix: Sequence[Triple], vector: Triple) -> Triple:
    a, b, c = (sum(part * share for part, share in zip(row, vector, strict=True)) for row in matrix)
    return (a, b, c)


def _solved(matrix: Sequence[Triple], vector: Triple) -> Triple:
    """Return the vector that `matrix` turns into `vector`."""
    columns: list[Triple] = list(zip(*matrix, strict=True))
    whole = _determinant(*columns)
    a, b, c = (_determinant(*columns[:at], vector, *columns[at + 1 :]) / whole for at in range(3))
    return (a, b, c)


def _determinant(*columns: Triple) -> float:
    (a, b, c), (d, e, f), (g, h, i) = columns
    return a * (e * i - f * h) - d * (b * i - c * h) + g * (b * f - c * e)
