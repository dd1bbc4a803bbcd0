"""A deployed stack with a budget and a dashboard: what CloudWatch has of it, and its workers paused and resumed."""

from collections.abc import Iterator
from typing import Any

import pytest

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
