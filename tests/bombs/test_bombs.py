"""A small share of `make bombs`: uploads that once cost far more than they may are bounded or refused with a reason."""

import pytest

from benchmarks.peak import measurable
from tests.bombs.films import FILMS
from tests.bombs.measuring import Cost, measured
from tests.bombs.pictures import PICTURES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not measurable(), reason="only Linux tells a process's peak from its start"),
]


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        pytest.param("webp-alpha", "published", marks=pytest.mark.long),  # 50 megapixels took 18 bytes each
        ("png-chunks", "resource_exhausted"),
        ("jpeg-scans", "resource_exhausted"),
        ("heic-items", "resource_exhausted"),
    ],
)
def test_picture_is_bounded(name: str, ending: str) -> None:
    cost = measured(PICTURES[name]())
    assert cost.violations() == []
    assert cost.ending.startswith(ending)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("mp4-samples", "too_many_frames"),  # 3 kB took 2.2 GB
        ("mp4-runs", "resource_exhausted"),  # 3 kB took 1.9 GB
        ("mp4-tracks", "too_many_streams"),  # was tried again and again, and ended FAILED
    ],
)
def test_container_of_a_video_is_bounded(name: str, ending: str) -> None:
    cost = measured(FILMS[name]())
    assert cost.violations() == []
    assert cost.ending.startswith((ending, "resource_exhausted"))


def test_too_much_processor_time_or_memory_is_told() -> None:
    assert Cost("published", 20.0, 500, 1000).violations() == []
    assert len(Cost("published", 20.1, 501, 1000).violations()) == 2
    assert Cost("crashed: exit code -9", 0.0, 0, 1000).violations() == ["crashed: exit code -9"]
