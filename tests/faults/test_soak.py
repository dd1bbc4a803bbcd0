"""A few seeds of `make soak`, and that a seed is repeated exactly."""

import pytest

from tests.faults.conftest import Laboratory
from tests.faults.fault_profile import LEAST_FAULTS
from tests.faults.soak import OBJECTS, run_seed


@pytest.mark.parametrize("seed", [1, 4])
def test_forty_objects_in_bad_weather_keep_the_promise(laboratory: Laboratory, seed: int) -> None:
    outcome = run_seed(laboratory.cloud, laboratory.pool, seed)
    assert outcome.violations == []
    assert outcome.objects == OBJECTS
    assert outcome.faults >= LEAST_FAULTS


def test_a_seed_replays_call_by_call(laboratory: Laboratory) -> None:
    first, second = (run_seed(laboratory.cloud, laboratory.pool, 12, trace=True).trace for _ in range(2))
    assert len(first) > 300
    assert first == second
