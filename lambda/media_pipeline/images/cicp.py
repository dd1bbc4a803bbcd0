"""Colours told by code points (ITU-T H.273) in place of an ICC profile: PNG's `cICP`, the `nclx` of AVIF and HEIC.

Pillow decodes such pictures and drops what they say. Here it becomes an ICC profile, which all else already speaks.
"""

from functools import lru_cache
from typing import NamedTuple

from media_pipeline.images import icc, tone_mapping
from media_pipeline.images.icc import SRGB_CURVE, Triple

_PRIMARIES: dict[
    int, tuple[Triple, Triple, Triple]
] = {  # red, green, blue as XYZ, adapted from D65 to D50 (Bradford)
    1: (
        (0.43604, 0.22248, 0.01392),
        (0.38511, 0.71691, 0.09707),
        (0.14305, 0.06061, 0.71391),
    ),  # sRGB, BT.709
    9: ((0.67348, 0.27904, -0.00193), (0.16567, 0.67534, 0.02998), (0.12505, 0.04561, 0.79685)),  # BT.2020
    12: (
        (0.51512, 0.24119, -0.00105),
        (0.29198, 0.69224, 0.04188),
        (0.15710, 0.06657, 0.78407),
    ),  # Display P3
}
_CURVES: dict[int, tuple[float, ...]] = {
    **dict.fromkeys((1, 6, 14, 15), SRGB_CURVE),  # cameras' curves: displays undo them as they undo sRGB's
    2: SRGB_CURVE,  # unspecified
    13: SRGB_CURVE,
    4: (2.2,),
    5: (2.8,),
    8: (1.0,),
}
"""Transfer characteristics with a fixed white; PQ and HLG have none, and are tone mapped."""


class CodePoints(NamedTuple):
    """Numbers of H.273's tables 2 and 3."""

    primaries: int
    transfer: int

    @property
    def known(self) -> bool:
        """Whether a profile can say the same."""
        return tone_mapping.is_hdr(self.transfer) or (
            self.primaries in _PRIMARIES and self.transfer in _CURVES
        )


@lru_cache(maxsize=16)
def as_profile(points: CodePoints | None) -> bytes | None:
    """Make an ICC profile that says the same; None where it would change nothing, or nothing is known of them."""
    if points is None or not points.known:
        return None
    if tone_mapping.is_hdr(points.transfer):
        return _tone_mapped(points)
    curve = _CURVES[points.transfer]
    if points.primaries == 1 and curve is SRGB_CURVE:
        return None
    return icc.matrix_profile(_PRIMARIES[points.primaries], curve)


def _tone_mapped(points: CodePoints) -> bytes:
    """Make a profile of 220 kB that shows HDR as SDR; it takes a quarter of a second."""
    light = tone_mapping.light_in_bt709(*points)
    steps = range(tone_mapping.POINTS)
    colours = (_in_xyz(light(red, green, blue)) for red in steps for green in steps for blue in steps)
    return icc.table_profile(tone_mapping.POINTS, colours)


def _in_xyz(light: Triple) -> Triple:
    (a, b, c), (d, e, f), (g, h, i) = _PRIMARIES[1]
    red, green, blue = light
    return (a * red + d * green + g * blue, b * red + e * green + h * blue, c * red + f * green + i * blue)
