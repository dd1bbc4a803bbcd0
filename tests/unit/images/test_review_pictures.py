"""Pictures for reviewers: what was judged, no larger than a page needs."""

import io

import pytest
from PIL import Image, ImageChops, ImageStat

from media_pipeline.images.review_pictures import REVIEW_SIDE, for_review


def jpeg(size: tuple[int, int]) -> bytes:
    data = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(data, "JPEG", quality=90)
    return data.getvalue()


@pytest.mark.parametrize("size", [(REVIEW_SIDE, 600), (80, 80)])
def test_small_picture_stays_byte_for_byte(size: tuple[int, int]) -> None:
    data = jpeg(size)
    assert for_review(data) is data


@pytest.mark.parametrize(
    ("size", "shown"),
    [((2048, 1365), (1024, 682)), ((1025, 1025), (1024, 1024)), ((400, 5000), (82, 1024))],
)
def test_large_picture_is_shown_whole_within_the_bound(size: tuple[int, int], shown: tuple[int, int]) -> None:
    data = jpeg(size)
    small = Image.open(io.BytesIO(for_review(data)))
    assert small.format == "JPEG"
    assert small.size == pytest.approx(shown, abs=1)
    whole = Image.open(io.BytesIO(data)).resize(small.size)
    assert max(ImageStat.Stat(ImageChops.difference(whole, small)).mean) < 3
