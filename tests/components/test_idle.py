"""What a stack costs while nothing is uploaded, from what its program registers and the price file."""

import pytest

from components.function_specs import FUNCTIONS
from components.stack_files import read_config
from operations.prices import Prices
from tests.components.conftest import TOLD, Run, part
from tests.components.queries import ALARM, FUNCTION, MAPPING, metrics
from tests.components.recording import PROJECT, Recording

POLLS_A_MONTH = 3 * 60 * 24 * 30  # of one poller: a long poll of an empty queue takes 20 s
COST = (PROJECT / "docs" / "operator" / "cost.md").read_text("utf-8")
ALWAYS_BILLED = {  # types that cost although nobody uses them; a stack has none
    "aws:kms/key:Key",
    "aws:ec2/natGateway:NatGateway",
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
    "aws:secretsmanager/secret:Secret",
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:apigateway/cacheCluster:CacheCluster",
}


@pytest.fixture(scope="module")
def untold(run: Run) -> Recording:
    """Record dev as it is in the repository: it tells nobody."""
    return run("dev")


def test_a_stack_that_tells_nobody_has_ten_alarm_metrics_at_most_and_so_costs_nothing_for_them(
    untold: Recording,
) -> None:
    watched = sum(len(metrics(alarm)) for alarm in untold.of(ALARM))
    assert watched <= Prices.read().free["alarm_metrics"] == 10


def test_the_essential_alarms_ring_for_what_ends_badly_and_for_what_does_not_end(untold: Recording) -> None:
    names = {alarm.name.removeprefix("media-pipeline-dev-") for alarm in untold.of(ALARM)}
    assert names == {
        "failed", "handed-back-age", "images-age", "images-dead-letters-left", "videos-dead-letters-left",
    }  # fmt: skip


def test_a_stack_that_tells_somebody_has_every_alarm(untold: Recording, dev: Recording) -> None:
    assert len(dev.of(ALARM)) > 3 * len(untold.of(ALARM))


def test_a_budget_of_judged_pictures_adds_an_alarm_and_nothing_else(run: Run, untold: Recording) -> None:
    limited = run("dev", part("dev", "limits", judgedPerDay=500))
    added = {each.name for each in limited.resources} - {each.name for each in untold.resources}
    assert added == {"media-pipeline-dev-budget-spent"}
    assert sum(len(metrics(alarm)) for alarm in limited.of(ALARM)) <= Prices.read().free["alarm_metrics"]
    functions = {each.name: each.inputs["environment"]["variables"] for each in limited.of(FUNCTION)}
    assert {name for name, variables in functions.items() if variables.get("JUDGED_PER_DAY") == "500"} == {
        "media-pipeline-dev-process-image",
        "media-pipeline-dev-process-video",
    }
    for each in untold.of(FUNCTION):
        assert "JUDGED_PER_DAY" not in each.inputs["environment"]["variables"]


def idle_pollers(recording: Recording) -> int:
    """Return how many pollers Lambda keeps for the mappings of a stack whose queues are empty (docs/adr/0041)."""
    return sum(5 if "scalingConfig" in mapping.inputs else 2 for mapping in recording.of(MAPPING))


@pytest.mark.parametrize(
    ("videos", "pollers", "named"),
    [(True, 5 + 5 + 2 + 2, "SQS polling"), (False, 5 + 2, "the same with `video.enabled")],
)
def test_an_idle_stack_polls_no_more_than_bounded_concurrency_needs(
    run: Run, videos: bool, pollers: int, named: str
) -> None:
    overrides = {} if videos else {"video": {"enabled": False}}
    recorded = run("dev", overrides)
    assert idle_pollers(recorded) == pollers
    config = read_config(PROJECT, "dev", overrides)
    assert pollers == sum(
        poll.idle_pollers() for spec in FUNCTIONS if spec.is_deployed(config) for poll in spec.polls(config)
    )
    requests, prices = pollers * POLLS_A_MONTH, Prices.read()
    all_of_them = prices.cost({"sqs_request": requests})
    beyond = prices.cost({"sqs_request": max(0, requests - prices.free["sqs_requests"])})
    assert beyond < 0.33 if videos else beyond == 0
    (row,) = [line for line in COST.splitlines() if line.startswith(f"| {named}")]
    assert (
        f"| {pollers} idle pollers, {requests / 1e6:.2f} million requests | {all_of_them:.2f} USD | {beyond:.2f} USD |"
        in row
    )


def test_nothing_else_is_billed_while_idle(untold: Recording) -> None:
    assert {resource.type for resource in untold.resources}.isdisjoint(ALWAYS_BILLED)
    assert untold.of("aws:scheduler/schedule:Schedule") == [], (
        "nothing runs by a schedule that nobody asked for"
    )
    (table,) = untold.of("aws:dynamodb/table:Table")
    assert table.inputs["billingMode"] == "PAY_PER_REQUEST"


def test_the_document_of_costs_has_these_sums(run: Run, untold: Recording) -> None:
    for recorded in (untold, run("dev", TOLD)):
        alarms = recorded.of(ALARM)
        watched = sum(len(metrics(alarm)) for alarm in alarms)
        dollars = Prices.read().cost({"alarm_metric_month": watched})
        assert f"| {len(alarms)} alarms with {watched} metrics | {dollars:.2f} USD |" in COST


def test_no_two_alarms_of_a_stack_watch_the_same(dev: Recording) -> None:
    watched = [
        (tuple(map(repr, metrics(alarm))), alarm.inputs["threshold"], alarm.inputs["evaluationPeriods"])
        for alarm in dev.of(ALARM)
        if "metricName" in alarm.inputs
    ]
    assert len(set(watched)) == len(watched)
