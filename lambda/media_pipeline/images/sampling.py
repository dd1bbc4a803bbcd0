"""Which pictures of a film to judge, when each one judged is billed: those that differ most from the others."""

from collections.abc import Sequence
from itertools import pairwise

from PIL import Image, ImageChops

SKETCH = (16, 16)
"""Pixels of the sketches that are compared: what fills a sixteenth of a side still leaves its mark on one of them."""
NOTICEABLE = 12
"""Levels of 255 by which a sketch's most different pixel must differ; less is noise of the encoder, or a slow fade."""


def sketch(image: Image.Image) -> Image.Image:
    """Make the few pixels that a picture is compared by."""
    return image.resize(SKETCH, Image.Resampling.BOX).convert("RGBA")


def most_different(sketches: Sequence[Image.Image], budget: int) -> frozenset[int]:
    """Choose up to `budget` (at least 2) of the pictures: the first and the last, then always the one that differs most
    from all chosen so far; where none differs noticeably any more, the rest of the budget is spread evenly.

    So a picture that is like no other is chosen wherever it stands, as long as the budget lasts.
    """
    count = len(sketches)
    if count <= budget:
        return frozenset(range(count))
    chosen = [0, count - 1]
    distances = [_difference(picture, sketches[0]) for picture in sketches]
    while len(chosen) < budget:
        newest = sketches[chosen[-1]]
        distances = [
            min(known, _difference(picture, newest))
            for known, picture in zip(distances, sketches, strict=True)
        ]
        farthest = max(range(count), key=distances.__getitem__)
        if distances[farthest] < NOTICEABLE:
            break
        chosen.append(farthest)
    while len(chosen) < budget:
        chosen.append(_middle_of_the_widest_gap(sorted(chosen)))
    return frozenset(chosen)


def _difference(one: Image.Image, other: Image.Image) -> int:
    """Levels by which the most different channel of the most different pixel differs."""
    extrema = ImageChops.difference(one, other).getextrema()
    return max(int(highest) for _, highest in extrema)  # type: ignore[misc] # RGBA: a pair for each channel


def _middle_of_the_widest_gap(chosen: Sequence[int]) -> int:
    start, end = max(pairwise(chosen), key=lambda gap: gap[1] - gap[0])
    return (start + end) // 2
