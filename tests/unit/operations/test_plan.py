"""How long an import takes, what it costs, and which concurrency is right: figures that can be checked by hand."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from components import bounds
from components.config_model import StackConfig
from components.stack_files import read_config
from operations import __main__
from operations.plan import Limits, Plan
from tests.components.recording import PROJECT

USUAL = Limits(requests=50.0, executions=1000)
SMALL = Limits(requests=5.0, executions=10)


@pytest.fixture(scope="module")
def config() -> StackConfig:
    return read_config(PROJECT, "dev")  # 5 at once, 8 files for each picture


def test_rate_follows_from_concurrency_until_rekognitions_quota_bounds_it(config: StackConfig) -> None:
    assert Plan(config=config, limits=USUAL, objects=1, seconds=1.25).rate == 5 / 1.25
    assert Plan(config=config, limits=SMALL, objects=1, seconds=0.5).rate == 5.0
    assert Plan(config=config, limits=SMALL, objects=1, seconds=0.5, requests=8).rate == 5 / 8


@pytest.mark.parametrize(
    ("stack", "requests", "measured"), [("dev", 1, 0.86), ("dev", 8, 1.38), ("prod", 1, 1.0)]
)
def test_without_billed_seconds_those_of_bench_path_are_estimated(
    stack: str, requests: int, measured: float
) -> None:
    plan = Plan(config=read_config(PROJECT, stack), limits=USUAL, objects=1, requests=requests)
    assert plan.billed_seconds == pytest.approx(measured, rel=0.1)


@pytest.mark.parametrize(
    ("limits", "seconds", "right"),
    [
        (USUAL, 1.3, 65),  # 50 a second x 1.3 s
        (Limits(requests=5.0, executions=1000), 1.3, 7),
        (SMALL, 1.3, 2),  # ten at once, of which the other functions of dev need eight
        (Limits(requests=None, executions=None), 2.0, 10),
    ],
)
def test_right_concurrency_uses_the_quota_and_leaves_the_other_functions_theirs(
    config: StackConfig, limits: Limits, seconds: float, right: int
) -> None:
    assert Plan(config=config, limits=limits, objects=1, seconds=seconds).right_concurrency == right


def test_a_million_photos_cost_a_thousand_dollars_for_rekognition_and_a_tenth_of_that_for_all_else(
    config: StackConfig,
) -> None:
    assert 1_070 < Plan(config=config, limits=USUAL, objects=1_000_000).dollars < 1_100


def test_an_import_that_would_expire_in_the_queue_is_named_with_what_fits(config: StackConfig) -> None:
    most = 4 * 14 * 86_400  # four a second for 14 days
    (warning,) = (
        line
        for line in Plan(config=config, limits=USUAL, objects=most + 1, seconds=1.25).lines()
        if "lost" in line
    )
    assert f"{most:,} are processed" in warning
    fits = Plan(config=config, limits=USUAL, objects=most, seconds=1.25)
    assert not [line for line in fits.lines() if "lost" in line]
    assert bounds.QUEUE_RETENTION_DAYS == 14


def test_quotas_come_from_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits.read(*clients(monkeypatch, executions=10, requests=5.0))
    assert limits == SMALL


def test_quotas_that_may_not_be_read_are_said_and_stop_nothing(
    config: StackConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits.read(*clients(monkeypatch, executions=None, requests=None))
    assert limits == Limits(requests=None, executions=None)
    text = "\n".join(Plan(config=config, limits=limits, objects=1000).lines())
    assert "could not be read: 5 requests a second are taken for granted" in text
    assert "Lambda's could not be read either" in text


def test_command_prints_hours_dollars_and_the_command_for_the_right_concurrency(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = dict(
        zip(("lambda", "service-quotas"), clients(monkeypatch, executions=1000, requests=50.0), strict=True)
    )
    monkeypatch.setattr(boto3, "client", lambda name, **_: found[name])
    command = ["plan", "--stack", "dev", "--objects", "100000", "--seconds", "1.25"]
    assert __main__.main(command) == 0
    printed = capsys.readouterr().out
    assert "100,000 pictures, 1.2 billed seconds each: 4.0 a second, 6.9 hours" in printed
    assert "pulumi config set --path" in printed
    assert "concurrency.image" in printed


def clients(
    monkeypatch: pytest.MonkeyPatch, *, executions: int | None, requests: float | None
) -> tuple[Any, Any]:
    """Return clients of Lambda and of Service Quotas that answer so, or refuse to (None)."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    awslambda = boto3.client("lambda", region_name="eu-central-1")
    quotas: Any = boto3.client("service-quotas", region_name="eu-central-1")
    first, second = Stubber(awslambda), Stubber(quotas)
    if executions is None:
        first.add_client_error("get_account_settings", "AccessDeniedException")
    else:
        first.add_response("get_account_settings", {"AccountLimit": {"ConcurrentExecutions": executions}})
    if requests is None:
        second.add_client_error("list_service_quotas", "AccessDeniedException")
    else:
        name = "Transactions per second per account for DetectModerationLabels"
        second.add_response("list_service_quotas", {"Quotas": [{"QuotaName": name, "Value": requests}]})
    first.activate()
    second.activate()
    return awslambda, quotas
