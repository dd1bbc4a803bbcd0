"""A few of the animations of `make sampling`."""

import pytest

from tests.video.animation_trial import KINDS, judged_share


@pytest.mark.parametrize("kind", [kind for kind, (_, least) in KINDS.items() if least == 1.0])
def test_what_is_certain_of_animations_is_always_judged(kind: str) -> None:
    assert judged_share(kind, range(1000, 1003)) == 1.0
