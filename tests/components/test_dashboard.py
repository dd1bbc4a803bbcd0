"""The dashboard: only where it is asked for, of metrics and logs that exist, in a form that CloudWatch takes."""

import json
import re
from typing import Any

import pytest

from components.dashboard import SAVED, USD_PER_PICTURE
from embedded_aws.refusals.monitoring import _dashboard, _saved_query
from media_pipeline.observability import METRICS
from media_pipeline.records.record import Status
from operations.prices import Prices
from tests.components.conftest import Run, part
from tests.components.queries import FUNCTION, QUEUE
from tests.components.recording import PROJECT, Recording

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"


@pytest.fixture(scope="module")
def shown(run: Run) -> Recording:
    return run("dev", {"dashboard": True})


def body(recorded: Recording) -> dict[str, Any]:
    (dashboard,) = recorded.of(DASHBOARD)
    found: dict[str, Any] = json.loads(dashboard.inputs["dashboardBody"])
    return found


def metrics(recorded: Recording) -> list[list[Any]]:
    return [
        metric
        for widget in body(recorded)["widgets"]
        for metric in widget["properties"].get("metrics", ())
        if "expression" not in metric[-1]
    ]


def test_it_is_one_resource_where_it_is_asked_for_and_none_where_it_is_not(
    run: Run, shown: Recording
) -> None:
    without = run("dev")
    added = {each.type for each in shown.resources} - {each.type for each in without.resources}
    assert DASHBOARD in added
    assert len(shown.of(DASHBOARD)) == 1
    names = {each.name for each in shown.resources} - {each.name for each in without.resources}
    queries = {name for name in names if name.startswith("media-pipeline-dev-query-")}
    assert names - queries == {"media-pipeline-dev-dashboard"}
    assert len(queries) == len(SAVED)
    assert Prices.read().free["dashboards"] == 3


def test_cloudwatch_takes_it(shown: Recording) -> None:
    (dashboard,) = shown.of(DASHBOARD)
    call: Any = {"DashboardName": "d", "DashboardBody": dashboard.inputs["dashboardBody"]}
    _dashboard.check(call)


def test_queries_are_saved_in_a_folder_of_the_stack_in_a_form_that_logs_insights_takes(
    shown: Recording,
) -> None:
    groups = {f"{group.name}-1a2b3c4" for group in shown.of("aws:cloudwatch/logGroup:LogGroup")}
    saved = shown.of("aws:cloudwatch/queryDefinition:QueryDefinition")
    assert {each.inputs["name"] for each in saved} == {f"media-pipeline-dev/{title}" for title in SAVED}
    for each in saved:
        _saved_query.check({"queryString": each.inputs["queryString"]})
        assert set(each.inputs["logGroupNames"]) <= groups


def test_every_field_that_a_saved_query_reads_is_one_that_the_functions_log() -> None:
    steps = {"total", "fetch", "render", "moderate", "publish"}
    known = {"object_key", "status", "reason", "detail", "message", "PicturesJudged"}
    known |= {f"milliseconds.{step}" for step in steps}
    assert steps - {"total"} <= set(re.findall(r'steps\("([a-z]+)"\)', _sources("processing")))
    for query in SAVED.values():
        names = re.findall(r"(?:ispresent|sum|avg)\(([\w.]+)\)|filter (\w+)", query)
        fields = {first or second for first, second in names} - {"ispresent"}
        assert fields <= known, query


def _sources(package: str) -> str:
    folder = PROJECT / "lambda" / "media_pipeline" / package
    return "\n".join(path.read_text("utf-8") for path in folder.glob("*.py"))


def test_every_metric_in_it_exists(shown: Recording) -> None:
    own = {*METRICS, *(status.capitalize() for status in Status if status.terminal)}
    queues = {f"{queue.name}-1a2b3c4" for queue in shown.of(QUEUE)}
    functions = {f"{function.name}-1a2b3c4" for function in shown.of(FUNCTION)}
    seen = set()
    for namespace, name, dimension, value, _ in metrics(shown):
        seen.add(namespace)
        if namespace == "MediaPipeline":
            assert name in own
            assert (dimension, value) == ("service", "media-pipeline-dev")
        elif namespace == "AWS/SQS":
            assert (dimension, value in queues) == ("QueueName", True)
        else:
            assert (namespace, dimension, value in functions) == ("AWS/Lambda", "FunctionName", True)
    assert seen == {"MediaPipeline", "AWS/SQS", "AWS/Lambda"}


def test_every_outcome_is_in_it(shown: Recording) -> None:
    drawn = {metric[1] for metric in metrics(shown)}
    assert drawn >= {status.capitalize() for status in Status if status.terminal}


def test_queries_read_the_logs_of_the_workers(shown: Recording) -> None:
    groups = {f"{group.name}-1a2b3c4" for group in shown.of("aws:cloudwatch/logGroup:LogGroup")}
    queries = [each["properties"]["query"] for each in body(shown)["widgets"] if each["type"] == "log"]
    assert len(queries) == 3
    for query in queries:
        sources = re.findall(r"SOURCE '([^']+)'", query)
        assert len(sources) == 2
        assert set(sources) <= groups


def test_widgets_do_not_overlap(shown: Recording) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in body(shown)["widgets"]:
        cells = {
            (column, row)
            for column in range(widget["x"], widget["x"] + widget["width"])
            for row in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken
        taken |= cells


def test_without_videos_nothing_of_them_is_drawn(run: Run) -> None:
    recorded = run("dev", {"dashboard": True, **part("dev", "video", enabled=False)})
    assert "videos" not in recorded.of(DASHBOARD)[0].inputs["dashboardBody"]


def test_what_rekognition_costs_is_computed_by_the_price_of_the_file() -> None:
    assert Prices.read().cost({"rekognition_request": 1}) == USD_PER_PICTURE
