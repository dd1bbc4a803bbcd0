"""BMP's header (BITMAPINFOHEADER and its successors): the layouts that Pillow lacks, by their names."""

import struct

_COMPRESSIONS = {4: "JPEG inside", 5: "PNG inside", 11: "CMYK", 12: "CMYK, RLE8", 13: "CMYK, RLE4"}
_BIT_FIELDS, _ALPHA_BIT_FIELDS = 3, 6
_DEPTHS = frozenset({1, 4, 8, 16, 24, 32})


def unsupported_layout(data: bytes) -> str | None:
    """Name the layout of a file that Pillow cannot open; None where the header makes no sense, or is cut off."""
    if len(data) < 54 or struct.unpack_from("<I", data, 14)[0] < 40:
        return None
    width, height, planes, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    if width <= 0 or height == 0 or planes != 1:
        return None
    if compression in _COMPRESSIONS:
        return _COMPRESSIONS[compression]
    if compression in (_BIT_FIELDS, _ALPHA_BIT_FIELDS) and bits in _DEPTHS and len(data) >= 70:
        masks = ", ".join(f"{mask:#x}" for mask in struct.unpack_from("<4I", data, 54))
        return f"{bits} bits a pixel in the fields {masks}"
    if compression == 0 and bits in (2, 64):
        return f"{bits} bits a pixel"
    return None
