"""One AWS call that nobody answers ends before Lambda ends its function, at every time-out that may be configured."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components import bounds
from components.function_specs import FUNCTIONS
from components.stack_files import read_config
from media_pipeline.bootstrap import clients
from media_pipeline.invocation import CALL_SHARE, STEP_SHARE

PROJECT = Path(__file__).parents[2]
SHORTEST, LONGEST = bounds.LAMBDA_TIMEOUT_SECONDS
PAUSES = 1.0 + 2.0  # botocore's standard mode: at most so long before the second and the third attempt
ALMOST = 1e-9


@pytest.fixture(autouse=True)
def configurations_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    session = SimpleNamespace(create_client=lambda _service, config: config)
    monkeypatch.setattr(clients, "_session", lambda: session)


def longest_call(config: Any) -> float:
    attempts = int(config.retries["total_max_attempts"])
    return attempts * float(config.connect_timeout + config.read_timeout) + (PAUSES if attempts > 1 else 0.0)


@pytest.mark.parametrize("service", ["s3", "dynamodb", "sns", "sqs"])
def test_a_call_fits_into_the_time_that_must_be_left_when_a_step_begins(service: str) -> None:
    for timeout in range(SHORTEST, LONGEST + 1):
        config: Any = getattr(clients.Clients.create(timeout), service)
        assert longest_call(config) <= timeout * STEP_SHARE + ALMOST, timeout


def test_a_call_leaves_time_for_the_release_from_a_minute_on() -> None:
    for timeout in range(60, LONGEST + 1):
        assert longest_call(clients.sqs(timeout)) <= timeout * CALL_SHARE + ALMOST, timeout


def test_the_copy_of_a_large_object_leaves_time_for_the_release() -> None:
    for timeout in range(SHORTEST, LONGEST + 1):
        assert longest_call(clients.large_copies_s3(timeout)) <= timeout * CALL_SHARE + ALMOST, timeout


def test_no_function_has_a_time_out_outside_of_what_the_clients_are_made_for() -> None:
    config = read_config(PROJECT, "prod")
    for spec in FUNCTIONS:
        if spec.is_deployed(config):
            assert SHORTEST <= spec.timeout(config) <= LONGEST, spec.name
