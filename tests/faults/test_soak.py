"""A few seeds of `make soak`, that a seed is repeated exactly, and that the harness notes what it has to."""

from typing import Any
from unittest import mock

import pytest
from moto.core.model_instances import model_data

from tests.faults.conftest import SimulationFactory
from tests.faults.fault_profile import LEAST_FAULTS
from tests.faults.random_users import OBJECTS
from tests.faults.sample_uploads import Content
from tests.faults.soak import run_seed


def _upload_over_the_api(simulations: SimulationFactory) -> None:
    run = simulations.new()
    with run.clock:
        run.api.upload(Content.CLEAN, 1)
        run.run()


@pytest.mark.parametrize("seed", [1, pytest.param(4, marks=pytest.mark.long)])
def test_forty_objects_under_random_faults_keep_the_promise(
    simulations: SimulationFactory, seed: int
) -> None:
    outcome = run_seed(simulations.stack, simulations.pool, seed)
    assert outcome.violations == []
    assert outcome.objects >= OBJECTS
    assert outcome.faults >= LEAST_FAULTS


@pytest.mark.long
def test_a_seed_repeats_its_run_call_by_call(simulations: SimulationFactory) -> None:
    first, second = (run_seed(simulations.stack, simulations.pool, 28, trace=True).trace for _ in range(2))
    assert len(first) > 300
    assert first == second


def test_the_ids_of_uploads_are_the_same_in_each_run(simulations: SimulationFactory) -> None:
    keys = []
    for _ in range(2):
        run = simulations.new()
        with run.clock:
            run.api.ask_for_form(Content.CLEAN, 1)
            run.run()
            keys.append([upload.key for upload in run.history.uploads.values()])
    assert len(keys[0]) == 1
    assert keys[0] == keys[1]


def test_the_stack_keeps_nothing_of_the_runs_before(simulations: SimulationFactory) -> None:
    kept = []
    for _ in range(3):
        _upload_over_the_api(simulations)
        models: Any = [model for of_service in model_data.values() for model in of_service.values()]
        kept.append(sum(len(model.instances_tracked) for model in models))
    assert kept[0] > 0
    assert kept[2] == kept[1]


def test_clients_of_the_api_forget_the_runs_before(simulations: SimulationFactory) -> None:
    _upload_over_the_api(simulations)
    quotas = simulations.pool.learnt_by_api.quotas
    for quota in quotas:
        assert quota.acquire(quota.available_capacity)
    simulations.new()
    assert len(quotas) > 0
    assert all(quota.available_capacity > 0 for quota in quotas)


def test_an_upload_over_the_api_is_noted_while_versioning_is_suspended(
    simulations: SimulationFactory,
) -> None:
    run = simulations.new()
    with run.clock:
        run.stack.set_versioning("Suspended")
        run.api.upload(Content.CLEAN, 1)
        run.run()
        assert [upload.is_null for upload in run.history.uploads.values()] == [True]
        assert [item["status"] for item in run.stack.all_items()] == ["PUBLISHED"]
        assert run.violations() == []


def test_a_call_that_the_harness_cannot_note_is_a_violation(simulations: SimulationFactory) -> None:
    run = simulations.new()
    with run.clock, mock.patch.object(run.api, "stored", side_effect=KeyError("x-amz-version-id")):
        run.api.upload(Content.CLEAN, 1)
        run.run()
    problem = "the harness could not note s3.PutObject: KeyError('x-amz-version-id')"
    assert any(violation.endswith(problem) for violation in run.checker.violations)
