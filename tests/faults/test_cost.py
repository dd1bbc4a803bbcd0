"""What `operations cost` says of seeds of `make soak` is what the calls of these seeds cost, within 2 percent."""

from collections import Counter
from unittest import mock

import pytest
from botocore.awsrequest import AWSResponse

from components.stack_files import read_config
from operations.cost import NO_RECORD, Costs
from operations.prices import Prices
from tests.components.recording import PROJECT
from tests.faults.conftest import SimulationFactory
from tests.faults.fault_injection import Call
from tests.faults.simulation import Simulation
from tests.faults.soak import run_seed
from tests.fixtures.billed_calls import KINDS

SEEDS = (1, 4, 17, 28)
REFUSED = 300  # HTTP status; AWS bills no request that it refuses


@pytest.mark.long
def test_the_cost_of_a_soak_is_within_2_percent_of_the_calls_that_were_carried_out(
    simulations: SimulationFactory,
) -> None:
    calls: Counter[str] = Counter()
    carried_out = Simulation.carried_out

    def counted(run: Simulation, call: Call, response: AWSResponse) -> None:
        if call.operation in KINDS and response.status_code < REFUSED:
            calls[KINDS[call.operation]] += 1
        carried_out(run, call, response)

    costs, requests = Costs(config=read_config(PROJECT, "dev")), 0
    for seed in SEEDS:
        with mock.patch.object(Simulation, "carried_out", counted):
            assert run_seed(simulations.stack, simulations.pool, seed).violations == []
        for record in simulations.stack.all_items():
            costs.add(record)
        requests += simulations.pool.pictures_judged
    recorded = costs.total.units["rekognition_request"]
    costs.count_requests(requests)
    found = costs.document(since=None)
    assert recorded < 0.9 * calls["rekognition_request"]  # what was cut off is in no record
    assert found["judged"] == recorded + found["in_no_record"]
    assert found["by_rule"][NO_RECORD]["dollars"] == Prices.read().cost(
        {"rekognition_request": found["in_no_record"]}
    )
    of_calls = sum(found["by_service"][name] for name in ("Rekognition", "S3", "SNS"))
    assert of_calls == pytest.approx(Prices.read().cost(calls), rel=0.02)
