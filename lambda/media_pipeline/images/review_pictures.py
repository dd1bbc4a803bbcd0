"""Pictures for people who review what was withheld: the judged JPEGs, small enough to load at once."""

import io

from PIL import Image

REVIEW_SIDE = 1024  # px
_QUALITY = 80


def for_review(judged: bytes) -> bytes:
    """Return a judged JPEG with at most REVIEW_SIDE px a side; one that is small enough stays as it is."""
    with Image.open(io.BytesIO(judged)) as image:
        if max(image.size) <= REVIEW_SIDE:
            return judged
        # The decoder itself halves it as often as it may, which saves most of the work.
        image.draft("RGB", (REVIEW_SIDE, REVIEW_SIDE))
        image.thumbnail((REVIEW_SIDE, REVIEW_SIDE))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
