"""OperatorDashboard: one CloudWatch dashboard with what an operator asks, and queries over the functions' logs.

What comes in, what comes out and why, how long it takes, what waits, what it costs. Only metrics that exist anyhow are
drawn; a query reads logs, and is billed by what it reads, only while somebody looks at it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from components.alarms import PERIOD_SECONDS
from components.environment import METRICS_NAMESPACE
from components.naming import component_type

USD_PER_PICTURE: Final = 0.001
"""Of Rekognition, for the first million pictures a month; a test holds it against the file of prices."""
OUTCOMES: Final = ("Published", "Review", "Blocked", "Rejected", "Failed", "Superseded", "Deleted")
COLUMNS, HALF, THIRD, ROW = 24, 12, 8, 6
QUERIES: Final[Mapping[str, str]] = {
    "Why objects were withheld, rejected or failed": (
        "filter ispresent(object_key) and status != 'PUBLISHED'"
        " | stats count(*) as objects by status, reason | sort objects desc | limit 20"
    ),
    "The slowest objects": (
        "filter ispresent(object_key) and ispresent(status)"
        " | fields object_key, status, milliseconds.total as milliseconds | sort milliseconds desc | limit 20"
    ),
    "Messages that came back, by error": (
        "filter message like 'message handed back'"
        " | stats count(*) as messages by message | sort messages desc | limit 20"
    ),
}
"""Title and query; all read the logs of the functions that process media."""

SAVED: Final[Mapping[str, str]] = {
    **QUERIES,
    "What became of one object": (
        "filter object_key = 'REPLACE/BY/KEY.jpg' | fields @timestamp, status, reason, detail, message"
        " | sort @timestamp asc | limit 100"
    ),
    "Where the time goes, by step": (
        "filter ispresent(object_key) and ispresent(milliseconds.total)"
        " | stats avg(milliseconds.fetch) as fetch, avg(milliseconds.render) as render,"
        " avg(milliseconds.moderate) as moderate, avg(milliseconds.publish) as publish, count(*) as objects by status"
    ),
    "Pictures that Rekognition was asked about, by hour": (
        "filter ispresent(PicturesJudged) | stats sum(PicturesJudged) as pictures by bin(1h) | sort pictures desc"
    ),
    "Cold starts and memory": (
        "filter @type = 'REPORT' | stats count(*) as invocations, count(@initDuration) as cold_starts,"
        " max(@maxMemoryUsed) / 1000000 as megabytes, max(@duration) as milliseconds by @log"
    ),
}
"""Title and query of what is saved in Logs Insights besides."""

Metric = list[Any]
Widget = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class OperatorDashboardArgs:
    """The stack's service name and region, and the physical names of what is drawn.

    `workers` are the functions that process media, `log_groups` theirs; `queues` and `dead_letters` are of all queues.
    """

    service: str
    region: str
    workers: Sequence[pulumi.Input[str]]
    log_groups: Sequence[pulumi.Input[str]]
    queues: Sequence[pulumi.Input[str]]
    dead_letters: Sequence[pulumi.Input[str]]


class OperatorDashboard(pulumi.ComponentResource):
    """The dashboard of a stack."""

    dashboard: aws.cloudwatch.Dashboard

    def __init__(
        self, name: str, args: OperatorDashboardArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("OperatorDashboard"), name, {}, opts)
        self.dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=f"{args.service}-{args.region}",  # an account has one list for all regions
            dashboard_body=pulumi.Output.json_dumps(_body(args)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for title, query in SAVED.items():
            # The folder is the service: an account has one list for all stacks.
            aws.cloudwatch.QueryDefinition(
                f"{name}-query-{_slug(title)}",
                name=f"{args.service}/{title}",
                query_string=query,
                log_group_names=list(args.log_groups),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"dashboard": self.dashboard.dashboard_name})


def _slug(title: str) -> str:
    return re.sub(r"[^a-z]+", "-", title.lower()).strip("-")


def _body(args: OperatorDashboardArgs) -> dict[str, Any]:
    """Return the dashboard's body ("Dashboard body structure and syntax", CloudWatch API Reference)."""
    charts = {
        **_work(args.service, args.queues, args.dead_letters),
        **_functions(args.service, args.workers),
        "What Rekognition costs, USD, and what the cache of answers saves": _money(args.service),
    }
    widgets = [
        _placed(number, HALF, _chart(args.region, title, metrics))
        for number, (title, metrics) in enumerate(charts.items())
    ]
    below = -(-len(widgets) // 2)  # rows that the charts take
    sources = pulumi.Output.concat(
        *(part for group in args.log_groups for part in ("SOURCE '", group, "' | "))
    )
    widgets += [
        _placed(number, THIRD, _table(args.region, title, pulumi.Output.concat(sources, query)), below)
        for number, (title, query) in enumerate(QUERIES.items())
    ]
    return {"widgets": widgets}


def _work(
    service: str, queues: Sequence[pulumi.Input[str]], dead_letters: Sequence[pulumi.Input[str]]
) -> dict[str, list[Metric]]:
    waiting = "ApproximateNumberOfMessagesVisible"
    return {
        "What comes in": [
            *(_sqs("NumberOfMessagesSent", queue, "Sum") for queue in queues),
            _own(service, "UploadsAccepted"),
            _own(service, "UploadFormsIssued"),
        ],
        "What comes out": [_own(service, name) for name in OUTCOMES],
        "What waits": [
            *(_sqs(waiting, queue, "Maximum") for queue in (*queues, *dead_letters)),
            _own(service, "BudgetSpent"),
        ],
        "How long it has waited, s": [
            _sqs("ApproximateAgeOfOldestMessage", queue, "Maximum") for queue in queues
        ],
    }


def _functions(service: str, workers: Sequence[pulumi.Input[str]]) -> dict[str, list[Metric]]:
    def of_workers(name: str, *statistics: str) -> list[Metric]:
        return [
            ["AWS/Lambda", name, "FunctionName", worker, {"stat": statistic}]
            for worker in workers
            for statistic in statistics
        ]

    return {
        "How long it takes, ms": of_workers("Duration", "p50", "p95"),
        "What goes wrong": [
            *of_workers("Errors", "Sum"),
            *of_workers("Throttles", "Sum"),
            _own(service, "BatchItemFailures", label="handed back"),
        ],
    }


def _money(service: str) -> list[Metric]:
    return [
        _own(service, "PicturesJudged", id="judged", visible=False),
        _own(service, "AnswersReused", id="reused", visible=False),
        [{"expression": f"judged * {USD_PER_PICTURE}", "label": "spent", "id": "spent"}],
        [{"expression": f"reused * {USD_PER_PICTURE}", "label": "saved", "id": "saved"}],
    ]


def _own(service: str, name: str, **options: Any) -> Metric:
    return [METRICS_NAMESPACE, name, "service", service, {"stat": "Sum", **options}]


def _sqs(name: str, queue: pulumi.Input[str], statistic: str) -> Metric:
    return ["AWS/SQS", name, "QueueName", queue, {"stat": statistic}]


def _placed(number: int, width: int, widget: Widget, first_row: int = 0) -> Widget:
    """Put a widget into the next place of rows with widgets of this width."""
    row, column = divmod(number, COLUMNS // width)
    return {"x": column * width, "y": (first_row + row) * ROW, "width": width, "height": ROW, **widget}


def _chart(region: str, title: str, metrics: list[Metric]) -> Widget:
    properties = {"title": title, "region": region, "view": "timeSeries", "period": PERIOD_SECONDS}
    return {"type": "metric", "properties": {**properties, "metrics": metrics}}


def _table(region: str, title: str, query: pulumi.Input[str]) -> Widget:
    return {
        "type": "log",
        "properties": {"title": title, "region": region, "view": "table", "query": query},
    }
