"""Conversion of HDR and wide-gamut colours to BT.709: a lookup table for FFmpeg's `lut3d` filter.

libswscale can convert them as well, but takes five seconds to prepare; this takes a quarter of a second.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

BT2020, DCI_P3, DISPLAY_P3 = 9, 11, 12  # primaries as numbered in ITU-T H.273
PQ, HLG = 16, 18  # transfer characteristics, likewise
POINTS = 33  # grid points of the table along red, green and blue
_PEAK, _WHITE = 1000.0, 203.0
"""cd/m2: the mastering peak of consumer HDR, and its reference white (BT.2408), which becomes SDR's white."""
_DISPLAY_GAMMA = 2.4  # BT.1886: the display of BT.709
_Triple = tuple[float, float, float]

_FROM_BT2020 = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
_FROM_P3 = ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979))
"""Linear light to BT.709 primaries (BT.2087; P3 with D65 white)."""


def is_wide(primaries: int, transfer: int) -> bool:
    """Return whether the colours need the table at all."""
    return primaries in (BT2020, DCI_P3, DISPLAY_P3) or transfer in (PQ, HLG)


def write_table(path: Path, primaries: int, transfer: int) -> None:
    """Write the table as a `.cube` file, red changing fastest; arguments are H.273 numbers."""
    steps = [number / (POINTS - 1) for number in range(POINTS)]
    light = {step: _light(step, transfer) for step in steps}
    matrix = _FROM_P3 if primaries in (DCI_P3, DISPLAY_P3) else _FROM_BT2020
    tone_map = _tone_mapped if transfer in (PQ, HLG) else _unchanged
    lines = (
        "{:.5f} {:.5f} {:.5f}".format(
            *_encoded(matrix, tone_map((light[red], light[green], light[blue]), transfer))
        )
        for blue in steps
        for green in steps
        for red in steps
    )
    path.write_text("\n".join([f"LUT_3D_SIZE {POINTS}", *lines, ""]), encoding="ascii")


def _light(signal: float, transfer: int) -> float:
    """Return the light of a channel: cd/m2 for PQ, scene light from 0 to 1 for HLG, else display light from 0 to 1."""
    if transfer == PQ:
        return 10_000 * _pq_inverse(signal)
    if transfer == HLG:
        return _hlg_inverse(signal)
    return float(signal**_DISPLAY_GAMMA)


def _unchanged(light: _Triple, _: int) -> _Triple:
    return light


def _tone_mapped(light: _Triple, transfer: int) -> _Triple:
    """Compress a pixel's light below white and keep its hue: only bright parts change (BT.2390)."""
    if transfer == HLG:
        brightness = 0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2]
        factor = _PEAK * brightness**0.2 if brightness > 0 else 0.0  # BT.2100: system gamma 1.2
        light = (light[0] * factor, light[1] * factor, light[2] * factor)
    brightest = max(light)
    if brightest <= 0:
        return (0.0, 0.0, 0.0)
    factor = _COMPRESS(brightest) / brightest / _WHITE
    return (light[0] * factor, light[1] * factor, light[2] * factor)


def _encoded(matrix: Iterable[_Triple], light: _Triple) -> Iterator[float]:
    for row in matrix:
        value = sum(part * share for part, share in zip(light, row, strict=True))
        yield min(1.0, max(0.0, value)) ** (1 / _DISPLAY_GAMMA)


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


def _compression_curve() -> Callable[[float], float]:
    """Return BT.2390's curve from the source's peak to white, both in cd/m2."""
    source = _pq(_PEAK / 10_000)
    target = _pq(_WHITE / 10_000) / source
    knee = 1.5 * target - 0.5

    def compress(light: float) -> float:
        signal = min(1.0, _pq(light / 10_000) / source)
        if signal > knee:
            share = (signal - knee) / (1 - knee)
            signal = (
                (2 * share**3 - 3 * share**2 + 1) * knee
                + (share**3 - 2 * share**2 + share) * (1 - knee)
                + (3 * share**2 - 2 * share**3) * target
            )
        return 10_000 * _pq_inverse(signal * source)

    return compress


_COMPRESS = _compression_curve()
