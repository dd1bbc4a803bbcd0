"""Which ICC profile an uploaded picture's colours have, whatever way the file tells it in."""

from functools import lru_cache
from typing import Any

from PIL import Image

# What reads profiles is imported where one is found: most pictures have none, and it would lengthen each cold start.

_SRGB_GAMMA = 0.45455
"""What PNG's standard has sRGB pictures say besides, for decoders that know nothing but gamma (PNG 3, 11.3.2.5)."""
_ALMOST = 0.01
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F"})
_D65 = (0.3127, 0.3290)
_SRGB_LIGHTS = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))


def profile_of(image: Image.Image) -> bytes | None:
    """Return the ICC profile of an open picture's colours; None where they are sRGB, or nobody knows.

    Reads what `open_picture` notes in `image.info`: `icc_profile`, else `code_points`, else PNG's `gamma` and
    `chromaticities`.
    """
    info: dict[Any, Any] = image.info
    if embedded := info.get("icc_profile"):
        return _usable(embedded, is_grey=_is_grey(image))
    if points := info.get("code_points"):
        from media_pipeline.images.cicp import as_profile

        return as_profile(points)
    if info.get("gamma") or info.get("chromaticities"):
        return _told_by_numbers(info.get("gamma") or 0.0, info.get("chromaticities"), is_grey=_is_grey(image))
    return None


def _is_grey(image: Image.Image) -> bool:
    """Whether the file stores one sample of brightness, beside its transparency."""
    told = image.info.get("is_grey")
    return bool(told) if told is not None else image.mode.split(";")[0] in _GREY_MODES


def _usable(profile: bytes, *, is_grey: bool) -> bytes | None:
    """Return the profile where it can be the picture's, or a better one that it announces."""
    from media_pipeline.images import icc, tone_mapping
    from media_pipeline.images.cicp import CodePoints, as_profile

    if len(profile) > icc.MAX_BYTES or (icc.colour_space(profile) == b"GRAY") != is_grey:
        return None
    if (told := icc.code_points(profile)) and tone_mapping.is_hdr(told[1]):
        return as_profile(CodePoints(*told))
    return profile


@lru_cache(maxsize=16)
def _told_by_numbers(
    gamma: float, chromaticities: tuple[float, ...] | None, *, is_grey: bool
) -> bytes | None:
    """Make a profile of PNG's gAMA and cHRM chunks; None where they say no more than sRGB does."""
    from media_pipeline.images import icc

    is_srgb_curve = gamma <= 0 or abs(gamma - _SRGB_GAMMA) < _ALMOST * _SRGB_GAMMA
    curve = icc.SRGB_CURVE if is_srgb_curve else (1 / gamma,)
    if not 0.1 <= curve[0] <= 10:
        return None
    if is_grey:
        return None if is_srgb_curve else icc.grey_profile(curve)
    if chromaticities is None:
        white, *lights = _D65, *_SRGB_LIGHTS
    else:
        white, *lights = list(zip(chromaticities[::2], chromaticities[1::2], strict=True))
    is_srgb = is_srgb_curve and all(
        abs(x - u) < _ALMOST and abs(y - v) < _ALMOST
        for (x, y), (u, v) in zip((white, *lights), (_D65, *_SRGB_LIGHTS), strict=True)
    )
    primaries = None if is_srgb else icc.adapted_primaries(white, *lights)
    return icc.matrix_profile(primaries, curve) if primaries else None
