"""Colours of HDR and wide-gamut video as the web's: a table that a filter looks every pixel up in.

libswscale can do the same, but takes five seconds to prepare it; this takes a quarter of one.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

BT2020, DCI_P3, DISPLAY_P3 = 9, 11, 12  # primaries, as ITU-T H.273 numbers them
PQ, HLG = 16, 18  # transfers
POINTS = 33  # of the table, along red, green and blue
_PEAK, _WHITE = 1000.0, 203.0
"""cd/m2: what consumers' HDR is mastered for, and its white (BT.2408), which is the brightest that SDR shows."""
_DISPLAY_GAMMA = 2.4  # BT.1886: how screens show BT.709
_Triple = tuple[float, float, float]

_FROM_BT2020 = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
_FROM_P3 = ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979))
"""Linear light to BT.709's primaries (BT.2087; P3 with D65)."""


def is_wide(primaries: int, transfer: int) -> bool:
    """Whether colours have to be looked up at all."""
    return primaries in (BT2020, DCI_P3, DISPLAY_P3) or transfer in (PQ, HLG)


def write_table(path: Path, primaries: int, transfer: int) -> None:
    """Write the table as a `.cube` file, red changing fastest."""
    steps = [number / (POINTS - 1) for number in range(POINTS)]
    light = {step: _light(step, transfer) for step in steps}
    matrix = _FROM_P3 if primaries in (DCI_P3, DISPLAY_P3) else _FROM_BT2020
    shown = _toned if transfer in (PQ, HLG) else _as_it_is
    lines = (
        "{:.5f} {:.5f} {:.5f}".format(
            *_encoded(matrix, shown((light[red], light[green], light[blue]), transfer))
        )
        for blue in steps
        for green in steps
        for red in steps
    )
    path.write_text("\n".join([f"LUT_3D_SIZE {POINTS}", *lines, ""]), encoding="ascii")


def _light(signal: float, transfer: int) -> float:
    """Light of one channel: in cd/m2 of PQ, of the scene from 0 to 1 of HLG, of the screen from 0 to 1 else."""
    if transfer == PQ:
        return 10_000 * _pq_inverse(signal)
    if transfer == HLG:
        return _hlg_inverse(signal)
    return float(signal**_DISPLAY_GAMMA)


def _as_it_is(light: _Triple, _: int) -> _Triple:
    return light


def _toned(light: _Triple, transfer: int) -> _Triple:
    """Bring the light of a pixel below white, with its hue: bright parts are pressed, the rest stays (BT.2390)."""
    if transfer == HLG:
        brightness = 0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2]
        factor = _PEAK * brightness**0.2 if brightness > 0 else 0.0  # BT.2100: the screen's own gamma, 1.2
        light = (light[0] * factor, light[1] * factor, light[2] * factor)
    brightest = max(light)
    if brightest <= 0:
        return (0.0, 0.0, 0.0)
    pressed = _PEAK_CURVE(brightest) / brightest / _WHITE
    return (light[0] * pressed, light[1] * pressed, light[2] * pressed)


def _encoded(matrix: Iterable[_Triple], light: _Triple) -> Iterator[float]:
    for row in matrix:
        value = sum(part * share for part, share in zip(light, row, strict=True))
        yield min(1.0, max(0.0, value)) ** (1 / _DISPLAY_GAMMA)


def _pq(light: float) -> float:
    """SMPTE ST 2084's signal of light from 0 to 1, which is 10,000 cd/m2."""
    power = light**0.1593017578125
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def _pq_inverse(signal: float) -> float:
    power = signal ** (1 / 78.84375)
    return float((max(power - 0.8359375, 0.0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125))


def _hlg_inverse(signal: float) -> float:
    """BT.2100's light of the scene, from 0 to 1."""
    if signal <= 0.5:
        return signal * signal / 3
    return float((2.718281828459045 ** ((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)


def _pressing() -> Callable[[float], float]:
    """BT.2390's curve from the peak of the source to white, both in cd/m2."""
    source = _pq(_PEAK / 10_000)
    target = _pq(_WHITE / 10_000) / source
    knee = 1.5 * target - 0.5

    def press(light: float) -> float:
        signal = min(1.0, _pq(light / 10_000) / source)
        if signal > knee:
            share = (signal - knee) / (1 - knee)
            signal = (
                (2 * share**3 - 3 * share**2 + 1) * knee
                + (share**3 - 2 * share**2 + share) * (1 - knee)
                + (3 * share**2 - 2 * share**3) * target
            )
        return 10_000 * _pq_inverse(signal * source)

    return press


_PEAK_CURVE = _pressing()
