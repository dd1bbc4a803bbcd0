"""One cloud a test module: it is emptied for every run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.exhaustive import Bench
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import Cloud
from tests.faults.simulation import Simulation

_pool = ClientPool()  # clients are dear; what they remember of a run is wiped before the next


@dataclass
class Laboratory:
    """Makes runs."""

    cloud: Cloud
    pool: ClientPool

    def simulation(self, **arguments: Any) -> Simulation:
        """A run at its beginning."""
        return Simulation(self.cloud, self.pool, **arguments)


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with Cloud() as cloud:
        yield Laboratory(cloud, _pool)


@pytest.fixture(scope="module")
def bench(laboratory: Laboratory) -> Bench:
    return Bench(laboratory.cloud, laboratory.pool)
