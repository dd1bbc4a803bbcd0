"""Conversion of HDR and wide-gamut colours to BT.709: a lookup table for FFmpeg's `lut3d` filter.

libswscale can convert them as well, but takes five seconds to prepare; this takes a quarter of a second.
"""

from pathlib import Path

from media_pipeline.images.tone_mapping import (
    BT2020,
    DCI_P3,
    DISPLAY_P3,
    HLG,
    POINTS,
    PQ,
    is_hdr,
    light_in_bt709,
)

__all__ = ["BT2020", "DCI_P3", "DISPLAY_P3", "HLG", "POINTS", "PQ", "is_wide", "write_table"]

_DISPLAY_GAMMA = 2.4  # BT.1886: the display of BT.709


def is_wide(primaries: int, transfer: int) -> bool:
    """Return whether the colours need the table at all."""
    return primaries in (BT2020, DCI_P3, DISPLAY_P3) or is_hdr(transfer)


def write_table(path: Path, primaries: int, transfer: int) -> None:
    """Write the table as a `.cube` file, red changing fastest; arguments are H.273 numbers."""
    light = light_in_bt709(primaries, transfer)
    steps = range(POINTS)
    lines = (
        "{:.5f} {:.5f} {:.5f}".format(*(level ** (1 / _DISPLAY_GAMMA) for level in light(red, green, blue)))
        for blue in steps
        for green in steps
        for red in steps
    )
    path.write_text("\n".join([f"LUT_3D_SIZE {POINTS}", *lines, ""]), encoding="ascii")
