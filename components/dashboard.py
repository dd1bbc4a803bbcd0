"""OperatorDashboard: one CloudWatch dashboard with what an operator asks, and queries over the functions' logs.

What comes in, what comes out and why, how long it takes, what waits, what it costs. Only metrics that exist anyhow are
drawn; a query reads logs, and is billed by what it reads, only while somebody looks at it.
"""

import json
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
OUTCOMES: Final[Mapping[str, str]] = {
    "Published": "#2ca02c",
    "Review": "#e08a00",
    "Blocked": "#d62728",
    "Rejected": "#9467bd",
    "Failed": "#c2185b",
    "Superseded": "#7f7f7f",
    "Deleted": "#5f8dd3",
}
"""Metric and color."""
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
class DashboardNames:
    """What `OperatorDashboardArgs` holds, once it is known."""

    service: str
    region: str
    workers: Sequence[str]
    log_groups: Sequence[str]
    queues: Sequence[str]
    dead_letters: Sequence[str]


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
            dashboard_body=_known(args).apply(_body_text),
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


def _known(args: OperatorDashboardArgs) -> pulumi.Output[dict[str, Any]]:
    several = ("workers", "log_groups", "queues", "dead_letters")
    return pulumi.Output.from_input(
        {
            "service": args.service,
            "region": args.region,
            **{name: list(getattr(args, name)) for name in several},
        }
    )


def _body_text(known: dict[str, Any]) -> str:
    return json.dumps(dashboard_body(DashboardNames(**known)))


def dashboard_body(names: DashboardNames) -> dict[str, Any]:
    """Return the dashboard's body ("Dashboard body structure and syntax", CloudWatch API Reference)."""
    charts = {
        **_work(names.service, names.queues, names.dead_letters),
        **_functions(names.service, names.workers),
        "What Rekognition costs, USD, and what the cache of answers saves": _money(names.service),
    }
    widgets = [
        _placed(number, HALF, _chart(names.region, title, metrics))
        for number, (title, metrics) in enumerate(charts.items())
    ]
    below = -(-len(widgets) // 2)  # rows that the charts take
    sources = "".join(f"SOURCE '{group}' | " for group in names.log_groups)
    widgets += [
        _placed(number, THIRD, _table(names.region, title, sources + query), below)
        for number, (title, query) in enumerate(QUERIES.items())
    ]
    return {"widgets": widgets}


def _work(service: str, queues: Sequence[str], dead_letters: Sequence[str]) -> dict[str, list[Metric]]:
    waiting = "ApproximateNumberOfMessagesVisible"
    return {
        "What comes in": [
            *(_sqs(service, "NumberOfMessagesSent", queue, "Sum", "events of ") for queue in queues),
            _own(service, "UploadsAccepted", label="taken by the API"),
            _own(service, "UploadFormsIssued", label="forms of the API"),
        ],
        "What comes out": [_own(service, name, color=color) for name, color in OUTCOMES.items()],
        "What waits": [
            *(_sqs(service, waiting, queue, "Maximum") for queue in (*queues, *dead_letters)),
            _own(service, "BudgetSpent", label="for the next day's budget"),
        ],
        "How long it has waited, s": [
            _sqs(service, "ApproximateAgeOfOldestMessage", queue, "Maximum") for queue in queues
        ],
    }


def _functions(service: str, workers: Sequence[str]) -> dict[str, list[Metric]]:
    def of_workers(name: str, **labels: str) -> list[Metric]:
        return [
            [
                *("AWS/Lambda", name, "FunctionName", worker),
                {"stat": statistic, "label": f"{_short(service, worker)} {label}".rstrip()},
            ]
            for worker in workers
            for statistic, label in labels.items()
        ]

    return {
        "How long it takes, ms": of_workers("Duration", p50="p50", p95="p95"),
        "How much runs at once": of_workers("ConcurrentExecutions", Maximum=""),
        "What goes wrong": [
            *of_workers("Errors", Sum="errors"),
            *of_workers("Throttles", Sum="throttled"),
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


def _sqs(service: str, name: str, queue: str, statistic: str, about: str = "") -> Metric:
    label = about + _short(service, queue)
    return ["AWS/SQS", name, "QueueName", queue, {"stat": statistic, "label": label}]


def _short(service: str, name: str) -> str:
    """Return a physical name without the stack's, and without the engine's seven random digits."""
    return re.sub(r"-[0-9a-f]{7}$", "", name.removeprefix(f"{service}-"))


def _placed(number: int, width: int, widget: Widget, first_row: int = 0) -> Widget:
    """Put a widget into the next place of rows with widgets of this width."""
    row, column = divmod(number, COLUMNS // width)
    return {"x": column * width, "y": (first_row + row) * ROW, "width": width, "height": ROW, **widget}


def _chart(region: str, title: str, metrics: list[Metric]) -> Widget:
    properties = {"title": title, "region": region, "view": "timeSeries", "period": PERIOD_SECONDS}
    return {"type": "metric", "properties": {**properties, "metrics": metrics}}


def _table(region: str, title: str, query: str) -> Widget:
    return {
        "type": "log",
        "properties": {"title": title, "region": region, "view": "table", "query": query},
    }
