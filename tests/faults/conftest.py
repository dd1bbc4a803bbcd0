"""One simulated stack per test module; every run empties it first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.exhaustive import CaseRunner
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import SimulatedStack
from tests.faults.simulation import Simulation

_pool = ClientPool()  # creating clients is slow; what they remember of a run is cleared before the next


@dataclass
class SimulationFactory:
    """Creates simulations that share one stack."""

    stack: SimulatedStack
    pool: ClientPool

    def new(self, **arguments: Any) -> Simulation:
        """Return a simulation that has not started."""
        return Simulation(self.stack, self.pool, **arguments)


@pytest.fixture(scope="module")
def simulations() -> Iterator[SimulationFactory]:
    with SimulatedStack() as stack:
        yield SimulationFactory(stack, _pool)


@pytest.fixture(scope="module")
def runner(simulations: SimulationFactory) -> CaseRunner:
    return CaseRunner(simulations.stack, simulations.pool)
