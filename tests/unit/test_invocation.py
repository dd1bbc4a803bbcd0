"""What an invocation knows of its time."""

import pytest

from media_pipeline.invocation import STEP_SHARE, Invocation
from tests.fixtures.moto_stack import FakeContext


@pytest.mark.parametrize(("left", "client_timeout", "step"), [(600, 240, 240), (30, 120, 30), (60, None, 60)])
def test_a_step_fits_into_the_time_that_there_is(
    left: float, client_timeout: float | None, step: float
) -> None:
    """Where time is scaled, a function has less of it than its configured time-out says."""
    invocation = Invocation.of(FakeContext(left), client_timeout=client_timeout)
    assert invocation.step_seconds == step * STEP_SHARE
    assert invocation.has_time
