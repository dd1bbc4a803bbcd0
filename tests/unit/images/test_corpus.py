"""Odd, broken and hostile pictures from other projects' test suites: `../shared/corpus/odd-images.tar`."""

import io
import tarfile
import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.renditions import Rendered, Specs
from tests.unit.images.drawing import rendered, specs

ARCHIVE = Path(__file__).parents[4] / "shared" / "corpus" / "odd-images.tar"
EVERY = 11
"""Of 3,300 files each eleventh: 300, from all the suites."""
ALLOWED = {
    Reason.CORRUPT,
    Reason.UNSUPPORTED_TYPE,
    Reason.TOO_MANY_PIXELS,
    Reason.TOO_MANY_FRAMES,
    Reason.EMPTY,
}


def outcome(data: bytes, wanted: Specs) -> Rendered | Reason:
    try:
        return rendered(data, wanted)
    except RejectedError as error:
        return error.reason


@pytest.mark.skipif(not ARCHIVE.is_file(), reason="../shared/corpus is not here")
def test_every_odd_file_is_rendered_cleanly_or_rejected_with_a_reason() -> None:
    wanted = specs({"small": 512, "thumbnail": 150}, ("jpeg", "webp"))
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    with tarfile.open(ARCHIVE) as archive:
        members = sorted((member for member in archive if member.isfile()), key=lambda member: member.name)
        for member in members[::EVERY]:
            source = archive.extractfile(member)
            assert source is not None
            data = source.read()
            start = time.process_time()
            result = outcome(data, wanted)
            slowest = max(slowest, time.process_time() - start)
            if isinstance(result, Reason):
                assert result in ALLOWED, member.name
                outcomes[result] += 1
                continue
            outcomes["rendered"] += 1
            for made in result.renditions:
                image = Image.open(io.BytesIO(made.data))
                assert image.size == (made.width, made.height), member.name
                assert not dict(image.getexif()), member.name
                assert not {"exif", "icc_profile", "comment", "xmp"} & set(image.info), member.name
            for proxy in result.proxies:
                assert min(Image.open(io.BytesIO(proxy)).size) >= 80, member.name
    assert outcomes["rendered"] > 80
    assert outcomes[Reason.CORRUPT] > 80
    assert slowest < 5
