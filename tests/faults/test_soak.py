"""A few seeds of `make soak`, and that a seed is repeated exactly."""

import pytest

from tests.faults.conftest import SimulationFactory
from tests.faults.fault_profile import LEAST_FAULTS
from tests.faults.random_users import OBJECTS
from tests.faults.soak import run_seed


@pytest.mark.parametrize("seed", [1, 4])
def test_forty_objects_under_random_faults_keep_the_promise(
    simulations: SimulationFactory, seed: int
) -> None:
    outcome = run_seed(simulations.stack, simulations.pool, seed)
    assert outcome.violations == []
    assert outcome.objects >= OBJECTS
    assert outcome.faults >= LEAST_FAULTS


def test_a_seed_repeats_its_run_call_by_call(simulations: SimulationFactory) -> None:
    first, second = (run_seed(simulations.stack, simulations.pool, 12, trace=True).trace for _ in range(2))
    assert len(first) > 300
    assert first == second
