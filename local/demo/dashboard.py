"""What the stack's dashboard would show of the run: its own widgets, drawn from the run's metrics.

A stack without a dashboard is drawn as if it had one.
"""

import json
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from components.config_model import StackConfig
from components.dashboard import DashboardNames, dashboard_body
from components.function_specs import MEDIA_WORKERS
from embedded_aws.metrics import insights, queues, widgets
from embedded_aws.metrics.series import Series
from embedded_aws.runtime.functions import Functions
from embedded_aws.world import World
from local.demo.charts import Board, Chart, Listing

SAMPLED_EVERY: Final = 0.5
"""Seconds; SQS publishes its metrics once a minute, in which a run is over."""
PERIODS: Final = (1, 5, 10, 30, 60, 300)
"""Lengths of a period in seconds that CloudWatch has, up to the dashboard's own."""
MOST_POINTS: Final = 60
WORK_QUEUES: Final = ("images", "videos")


@contextmanager
def queues_watched(world: World) -> Iterator[None]:
    """Note what SQS would publish about its queues, all the while."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(SAMPLED_EVERY):
            queues.sample(world.metrics, world.account_id, world.region)

    thread = threading.Thread(target=watch, name="queue metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def draw(
    world: World, config: StackConfig, outputs: Mapping[str, Any], begin: float, functions: Functions
) -> Board:
    """Return what the dashboard shows from `begin` in epoch seconds until now."""
    functions.write_out()
    world.publish_metrics()
    end = world.metrics.now()
    begin = math.floor(begin)  # periods begin at whole seconds
    period = next((each for each in PERIODS if (end - begin) / each <= MOST_POINTS), PERIODS[-1])
    span = widgets.Span(begin=begin, period=period, periods=max(1, math.ceil((end - begin) / period)))
    series = Series(world.account_id, world.region, begin, end + 1)
    body = dashboard_body(names(world, config, outputs)) if not config.dashboard else _deployed(world)
    return Board(
        charts=tuple(
            Chart(
                title=widget["properties"]["title"],
                x=widget["x"],
                y=widget["y"],
                width=widget["width"],
                lines=tuple(widgets.lines(widget["properties"], series, span)),
            )
            for widget in body["widgets"]
            if widget["type"] == "metric"
        ),
        listings=tuple(
            Listing(
                title=widget["properties"]["title"],
                table=insights.evaluate(
                    widget["properties"]["query"], _logged(world, widget["properties"]["query"])
                ),
            )
            for widget in body["widgets"]
            if widget["type"] == "log"
        ),
        period=period,
        periods=span.periods,
        is_deployed=config.dashboard,
    )


def _logged(world: World, query: str) -> Iterator[str]:
    """Yield what is in the log groups that a query reads; a function that never ran has none."""
    pages = world.client("logs").get_paginator("filter_log_events")
    for group in insights.sources(query):
        for page in pages.paginate(logGroupName=group):
            yield from (event["message"] for event in page["events"])


def _deployed(world: World) -> Mapping[str, Any]:
    cloudwatch = world.client("cloudwatch")
    (board,) = cloudwatch.list_dashboards()["DashboardEntries"]
    body = cloudwatch.get_dashboard(DashboardName=board["DashboardName"])["DashboardBody"]
    found: Mapping[str, Any] = json.loads(body)
    return found


def names(world: World, config: StackConfig, outputs: Mapping[str, Any]) -> DashboardNames:
    """Return the names that the stack's own dashboard would have got."""
    workers = [outputs[spec.output] for spec in MEDIA_WORKERS if spec.output in outputs]
    return DashboardNames(
        service=config.service,
        region=config.region,
        workers=workers,
        log_groups=[_log_group(world, worker) for worker in workers],
        queues=_queuenames(outputs, "queue_url"),
        dead_letters=_queuenames(outputs, "dead_letters_url"),
    )


def _log_group(world: World, function: str) -> str:
    configuration = world.client("lambda").get_function_configuration(FunctionName=function)
    return str(configuration["LoggingConfig"]["LogGroup"])


def _queuenames(outputs: Mapping[str, Any], what: str) -> Sequence[str]:
    keys = [f"{name}_{what}" for name in WORK_QUEUES]
    return [str(outputs[key]).rsplit("/", 1)[-1] for key in keys if key in outputs]
