"""Which versions a person looks at only so that mistakes can be counted."""

import pytest

from media_pipeline.errors import SettingsError
from media_pipeline.moderation.samples import Samples


def test_share_of_versions_is_chosen_and_always_the_same_ones() -> None:
    samples = Samples(allowed=5, second_look=20)
    checks = [samples.has_check("a.jpg", f"v{number}") for number in range(10_000)]
    looks = [samples.has_second_look("a.jpg", f"v{number}") for number in range(10_000)]
    assert 400 < sum(checks) < 600
    assert 1_850 < sum(looks) < 2_150
    assert checks == [samples.has_check("a.jpg", f"v{number}") for number in range(10_000)]
    both = sum(check and look for check, look in zip(checks, looks, strict=True))
    assert 60 < both < 140, "each purpose chooses on its own"
    # Who names an object cannot choose: the version is S3's.
    assert len({samples.has_second_look(f"{number}.jpg", "v") for number in range(100)}) == 2


def test_nothing_and_everything_are_exact() -> None:
    versions = [f"v{number}" for number in range(1_000)]
    assert not any(Samples().has_check("a.jpg", version) for version in versions)
    assert all(Samples(allowed=100).has_check("a.jpg", version) for version in versions)


def test_document_is_parsed() -> None:
    assert Samples.parse({}) == Samples()
    assert Samples.parse({"secondLook": 5, "allowed": 0.1}) == Samples(allowed=0.1, second_look=5)


@pytest.mark.parametrize(
    "document", [{"allow": 1}, {"allowed": -1}, {"allowed": 101}, {"secondLook": "5"}, {"secondLook": True}]
)
def test_anything_else_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="REVIEW_SAMPLES"):
        Samples.parse(document)
