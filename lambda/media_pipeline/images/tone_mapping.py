"""Tone mapping of HDR (PQ, HLG) and conversion of primaries to BT.709: one arithmetic for stills and videos.

Pure numbers, no pixels: `icc` and `colour_conversion` turn them into lookup tables.
"""

from collections.abc import Callable
from functools import lru_cache

BT709, BT2020, DCI_P3, DISPLAY_P3 = 1, 9, 11, 12  # primaries as numbered in ITU-T H.273
PQ, HLG = 16, 18  # transfer characteristics, likewise
POINTS = 33  # grid points of a lookup table along red, green and blue
Triple = tuple[float, float, float]
_PEAK, _WHITE = 1000.0, 203.0
"""cd/m2: the mastering peak of consumer HDR, and its reference white (BT.2408), which becomes SDR's white."""
_DISPLAY_GAMMA = 2.4  # BT.1886: the display of BT.709
_Matrix = tuple[Triple, Triple, Triple]

_FROM_BT2020: _Matrix = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
_FROM_P3: _Matrix = ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979))
_FROM_BT709: _Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_FROM = {BT709: _FROM_BT709, BT2020: _FROM_BT2020, DCI_P3: _FROM_P3, DISPLAY_P3: _FROM_P3}
"""Linear light to BT.709 primaries (BT.2087; P3 with D65 white)."""


def is_hdr(transfer: int) -> bool:
    """Return whether the transfer characteristic encodes light far above white."""
    return transfer in (PQ, HLG)


def light_in_bt709(primaries: int, transfer: int) -> Callable[[int, int, int], Triple]:
    """Return the function from a grid point (red, green, blue, each below POINTS) to linear BT.709 light, 0 to 1.

    Arguments are H.273 numbers. Unknown primaries are taken for BT.2020, which BT.2100 defines PQ and HLG with.
    """
    steps = [_light(number / (POINTS - 1), transfer) for number in range(POINTS)]
    matrix = _FROM.get(primaries, _FROM_BT2020)

    def at(red: int, green: int, blue: int) -> Triple:
        light = (steps[red], steps[green], steps[blue])
        if is_hdr(transfer):
            light = _tone_mapped(light, transfer)
        first, second, third = light
        a, b, c = (row[0] * first + row[1] * second + row[2] * third for row in matrix)
        return (min(1.0, max(0.0, a)), min(1.0, max(0.0, b)), min(1.0, max(0.0, c)))

    return at


def _light(signal: float, transfer: int) -> float:
    """Return the light of a channel: cd/m2 for PQ, scene light from 0 to 1 for HLG, else display light from 0 to 1."""
    if transfer == PQ:
        return 10_000 * _pq_inverse(signal)
    if transfer == HLG:
        return _hlg_inverse(signal)
    return float(signal**_DISPLAY_GAMMA)


def _tone_mapped(light: Triple, transfer: int) -> Triple:
    """Compress a pixel's light below white and keep its hue: only bright parts change (BT.2390)."""
    if transfer == HLG:
        brightness = 0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2]
        factor = _PEAK * brightness**0.2 if brightness > 0 else 0.0  # BT.2100: system gamma 1.2
        light = (light[0] * factor, light[1] * factor, light[2] * factor)
    brightest = max(light)
    if brightest <= 0:
        return (0.0, 0.0, 0.0)
    factor = _compressed(brightest) / brightest / _WHITE
    return (light[0] * factor, light[1] * factor, light[2] * factor)


def _pq(light: float) -> float:
    """Return the SMPTE ST 2084 signal for light from 0 to 1, where 1 is 10,000 cd/m2."""
    power = light**0.1593017578125
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def _pq_inverse(signal: float) -> float:
    power = signal ** (1 / 78.84375)
    return float((max(power - 0.8359375, 0.0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125))


def _hlg_inverse(signal: float) -> float:
    """Return BT.2100's scene light from 0 to 1."""
    if signal <= 0.5:
        return signal * signal / 3
    return float((2.718281828459045 ** ((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)


_SOURCE = _pq(_PEAK / 10_000)
_TARGET = _pq(_WHITE / 10_000) / _SOURCE
_KNEE = 1.5 * _TARGET - 0.5


@lru_cache(maxsize=2 * POINTS)
def _compressed(light: float) -> float:
    """Follow BT.2390's curve from the source's peak to white, both in cd/m2."""
    signal = min(1.0, _pq(light / 10_000) / _SOURCE)
    if signal > _KNEE:
        share = (signal - _KNEE) / (1 - _KNEE)
        signal = (
            (2 * share**3 - 3 * share**2 + 1) * _KNEE
            + (share**3 - 2 * share**2 + share) * (1 - _KNEE)
            + (3 * share**2 - 2 * share**3) * _TARGET
        )
    return 10_000 * _pq_inverse(signal * _SOURCE)
