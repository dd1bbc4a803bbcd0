"""Limits of one object: the configured ones, and the fixed ones that protect the process."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024
MAX_SIDE = 65_535
"""Pixels a side; JPEG's own bound. Pillow's resampler keeps 32 bytes for each pixel of a side, so a picture of
1 x 50,000,000 px would need 1.6 GB however few its pixels are."""
ANIMATION_FACTOR = 2
"""All frames of an animation together may hold this many times the pixels that one picture may hold: each frame is
decoded once for each size and twice more, and encoded. 100 megapixels take up to 20 s of CPU."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Upper bounds of one uploaded picture; beyond any of them it is rejected before its pixels are decoded."""

    bytes: int = 26_214_400
    pixels: int = 50_000_000
    frames: int = 200
    memory: int = 760 * MEBIBYTE
    """Bytes that decoding and resizing may add to the idle process: half of a function of 1,769 MB without the idle
    function itself."""

    @property
    def animation_pixels(self) -> int:
        """Pixels that all frames of an animation may hold together."""
        return ANIMATION_FACTOR * self.pixels
