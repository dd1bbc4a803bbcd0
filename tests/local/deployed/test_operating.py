"""A deployed stack with a budget and a dashboard: what CloudWatch has of it, and its workers paused and resumed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.dashboard import dashboard_body
from components.stack_files import read_config
from local.demo.dashboard import names
from local.demo.run import PROJECT
from operations.cost import alarm_metrics
from operations.intake import Intake
from operations.prices import Prices
from operations.stack import StackOutputs
from tests.fixtures.deployed_stack import DeployedStack, deployed_stack

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def deployed() -> Iterator[DeployedStack]:
    with deployed_stack("dev", {"dashboard": True, "limits.judgedPerDay": 5}) as stack:
        yield stack


def test_the_dashboard_has_charts_and_queries_of_the_stacks_own_resources(deployed: DeployedStack) -> None:
    cloudwatch: Any = deployed.world.client("cloudwatch")
    (board,) = cloudwatch.list_dashboards()["DashboardEntries"]
    assert board["DashboardName"] == f"media-pipeline-dev-{deployed.world.region}"
    body = cloudwatch.get_dashboard(DashboardName=board["DashboardName"])["DashboardBody"]
    assert {widget["type"] for widget in json.loads(body)["widgets"]} == {"metric", "log"}
    for output in ("process_image_function", "process_video_function"):
        assert f'"{deployed.outputs[output]}"' in body
    assert deployed.outputs["images_queue_url"].rsplit("/", 1)[-1] in body


def test_the_report_of_a_stack_without_a_dashboard_draws_the_one_that_it_would_have(
    deployed: DeployedStack,
) -> None:
    cloudwatch: Any = deployed.world.client("cloudwatch")
    (board,) = cloudwatch.list_dashboards()["DashboardEntries"]
    body = cloudwatch.get_dashboard(DashboardName=board["DashboardName"])["DashboardBody"]
    config = read_config(PROJECT, "dev")
    assert not config.dashboard
    assert dashboard_body(names(deployed.world, config, deployed.outputs)) == json.loads(body)


def test_alarm_metrics_of_a_stack_that_tells_nobody_are_within_what_is_free(deployed: DeployedStack) -> None:
    watched = alarm_metrics(deployed.world.client("cloudwatch"), "media-pipeline-dev")
    assert watched == Prices.read().free["alarm_metrics"]


def test_workers_are_paused_and_resumed_and_what_reads_dead_letters_goes_on(deployed: DeployedStack) -> None:
    awslambda: Any = deployed.world.client("lambda")
    intake = Intake(awslambda=awslambda, outputs=StackOutputs.parse(deployed.outputs, "the test"))

    def taking() -> set[str]:
        entries = awslambda.list_event_source_mappings()["EventSourceMappings"]
        return {each["FunctionArn"].split(":")[6] for each in entries if each["State"] == "Enabled"}

    everyone = taking()
    workers = {deployed.outputs[name] for name in ("process_image_function", "process_video_function")}
    assert len(intake.switch(takes=False, wait=20)) == 2
    assert taking() == everyone - workers == {deployed.outputs["dead_letters_function"]}
    intake.switch(takes=True, wait=20)
    assert taking() == everyone


def test_without_budget_and_dashboard_both_are_gone_and_two_functions_have_changed(
    deployed: DeployedStack,
) -> None:
    changes = deployed.deployment.update({"dashboard": False, "limits.judgedPerDay": 0})
    assert {urn.rsplit("::", 1)[-1] for urn in changes} == {
        "media-pipeline-dev-process-image",
        "media-pipeline-dev-process-video",
    }
    cloudwatch: Any = deployed.world.client("cloudwatch")
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []
    names = [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]]
    assert [name for name in names if "budget" in name] == []
