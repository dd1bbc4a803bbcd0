"""Both stacks with a dashboard: charts of their own resources, and what the demo draws where a stack has none."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.dashboard import SAVED, dashboard_body
from components.stack_files import read_config
from local.demo.dashboard import names
from local.demo.run import PROJECT
from tests.fixtures.deployed_stack import DeployedStack, deployed_stack

pytestmark = pytest.mark.long


@pytest.fixture(scope="module", params=["dev", "prod"])
def stack(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def deployed(stack: str) -> Iterator[DeployedStack]:
    with deployed_stack(stack, {"dashboard": True, "protect": False}) as up:
        yield up


def shown(deployed: DeployedStack) -> tuple[str, dict[str, Any]]:
    """Return name and body of the account's one dashboard."""
    cloudwatch: Any = deployed.world.client("cloudwatch")
    (board,) = cloudwatch.list_dashboards()["DashboardEntries"]
    body = cloudwatch.get_dashboard(DashboardName=board["DashboardName"])["DashboardBody"]
    return board["DashboardName"], json.loads(body)


def test_it_has_charts_and_queries_of_the_stacks_own_resources(deployed: DeployedStack, stack: str) -> None:
    name, body = shown(deployed)
    assert name == f"media-pipeline-{stack}-{deployed.world.region}"
    assert {widget["type"] for widget in body["widgets"]} == {"metric", "log"}
    text = json.dumps(body)
    for output in ("process_image_function", "process_video_function"):
        assert f'"{deployed.outputs[output]}"' in text
    assert deployed.outputs["images_queue_url"].rsplit("/", 1)[-1] in text
    logs: Any = deployed.world.client("logs")
    groups = {group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]}
    saved = logs.describe_query_definitions()["queryDefinitions"]
    assert {each["name"] for each in saved} == {f"media-pipeline-{stack}/{title}" for title in SAVED}
    assert all(set(each["logGroupNames"]) <= groups for each in saved)


def test_the_report_of_a_stack_without_one_draws_the_one_that_it_would_have(
    deployed: DeployedStack, stack: str
) -> None:
    config = read_config(PROJECT, stack)
    assert not config.dashboard
    assert dashboard_body(names(deployed.world, config, deployed.outputs)) == shown(deployed)[1]


def test_nothing_of_it_is_left_once_the_stack_is_destroyed(deployed: DeployedStack) -> None:
    left = deployed.deployment.destroy()
    assert not any("dashboard" in arn or "query" in arn for arn in left)
    assert all("/backup/" in arn for arn in left), "prod's table leaves a backup"
