"""CloudWatch. (API references: PutRetentionPolicy, PutMetricAlarm, PutDashboard, "Dashboard body structure".)"""

import json
import re
from collections.abc import Iterator
from typing import Any

from embedded_aws.access import keys
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.refusals.base import Parameters, refusal, refuse, within

RETENTION_DAYS = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)
_SHORT_PERIODS = frozenset((10, 20, 30))
_MINUTE, _HOUR, _DAY, _WEEK = 60, 3_600, 86_400, 604_800
_MISSING_DATA = frozenset(("breaching", "notBreaching", "ignore", "missing"))


@refusal(
    "the key's policy lets CloudWatch Logs encrypt a log group", "logs", "CreateLogGroup", "AssociateKmsKey"
)
def _key_of_logs(parameters: Parameters) -> None:
    arn = parameters.get("kmsKeyId")
    if not arn:
        return
    region = arn.split(":")[3]
    group = f"arn:aws:logs:{region}:{ACCOUNT_ID}:log-group:{parameters['logGroupName']}"
    context = {"kms:EncryptionContext:aws:logs:arn": group}
    actions = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey")
    if not keys.service_may_use(arn, region, f"logs.{region}.amazonaws.com", context, *actions):
        raise refuse(
            "AccessDeniedException",
            f"The specified KMS key does not exist or is not allowed to be used with Arn '{group}'",
        )


@refusal("log retention is one of CloudWatch's values", "logs", "PutRetentionPolicy")
def _retention(parameters: Parameters) -> None:
    days = parameters["retentionInDays"]
    if days not in RETENTION_DAYS:
        raise refuse(
            "InvalidParameterException",
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: {sorted(RETENTION_DAYS)}",
        )


@refusal(
    "an alarm's periods are 10, 20, 30 s or minutes, and look back at most a day (a week, by the hour)",
    "cloudwatch",
    "PutMetricAlarm",
)
def _periods(parameters: Parameters) -> None:
    metrics = parameters.get("Metrics") or []
    periods = [parameters["Period"]] if "Period" in parameters else []
    periods += [metric["MetricStat"]["Period"] for metric in metrics if "MetricStat" in metric]
    periods += [metric["Period"] for metric in metrics if "Period" in metric]
    for period in map(int, periods):
        if period not in _SHORT_PERIODS and (period < _MINUTE or period % _MINUTE):
            raise refuse("ValidationError", "The period must be 10, 20, 30, or a multiple of 60")
        most = _WEEK if period >= _HOUR else _DAY
        if period * int(parameters["EvaluationPeriods"]) > most:
            raise refuse("ValidationError", f"Metrics cannot be checked across more than {most} seconds")


@refusal("an alarm has a metric or exactly one result among its queries", "cloudwatch", "PutMetricAlarm")
def _one_result(parameters: Parameters) -> None:
    metrics = parameters.get("Metrics") or []
    if not metrics:
        if not parameters.get("MetricName"):
            raise refuse("ValidationError", "Exactly one of MetricName and Metrics must be specified")
        return
    results = [metric for metric in metrics if metric.get("ReturnData", True)]
    if len(results) != 1:
        raise refuse("ValidationError", "Exactly one element of the metrics list should return data.")
    ids = [metric["Id"] for metric in metrics]
    if len(set(ids)) != len(ids) or not all(name[:1].islower() for name in ids):
        raise refuse(
            "ValidationError", "The ids of metrics must be unique and start with a lower-case letter"
        )


@refusal("an alarm's other settings lie within bounds", "cloudwatch", "PutMetricAlarm")
def _settings(parameters: Parameters) -> None:
    datapoints = parameters.get("DatapointsToAlarm")
    if datapoints is not None and not within(datapoints, 1, int(parameters["EvaluationPeriods"])):
        raise refuse("ValidationError", "DatapointsToAlarm must be between 1 and EvaluationPeriods")
    if parameters.get("TreatMissingData", "missing") not in _MISSING_DATA:
        raise refuse("ValidationError", f"TreatMissingData must be one of {sorted(_MISSING_DATA)}")


_COMMANDS = frozenset(
    (
        "anomaly", "dedup", "diff", "display", "fields", "filter", "filterIndex", "limit", "lookup", "parse", "pattern",
        "sort", "SOURCE", "stats", "unmask", "unnest",
    )
)  # fmt: skip


@refusal("a saved query is made of Logs Insights' commands", "logs", "PutQueryDefinition")
def _saved_query(parameters: Parameters) -> None:
    """(CloudWatch Logs User Guide, "CloudWatch Logs Insights language query syntax".)"""
    outside = re.sub(r"'[^']*'|\"[^\"]*\"|/(?:\\/|[^/\n])*/", "''", parameters["queryString"])
    commands = [(part.split() or [""])[0] for part in outside.split("|")]
    if unknown := [command for command in commands if command not in _COMMANDS]:
        raise refuse("InvalidParameterException", f"{unknown} are not commands of Logs Insights")
    if outside.count("(") != outside.count(")"):
        raise refuse("MalformedQueryException", "the parentheses of the query do not match")


_WIDGETS = frozenset(("metric", "text", "log", "alarm", "explorer"))
_CHARTS = frozenset(("timeSeries", "singleValue", "gauge", "bar", "pie"))
_TABLES = frozenset(("table", "timeSeries", "bar", "pie"))
_METRIC_OPTIONS = frozenset(
    ("accountId", "color", "expression", "id", "label", "period", "region", "stat", "visible", "yAxis")
)
_COLUMNS, _ROWS, _MOST_WIDGETS, _MOST_METRICS = 24, 1_000, 500, 500


@refusal("a dashboard's body is as CloudWatch documents it", "cloudwatch", "PutDashboard")
def _dashboard(parameters: Parameters) -> None:
    try:
        widgets = json.loads(parameters["DashboardBody"])["widgets"]
        problems = [
            f"widgets/{number}: {problem}"
            for number, each in enumerate(widgets)
            for problem in _problems(each)
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise refuse(
            "InvalidParameterInput", f"The field DashboardBody must be a valid JSON: {error!r}"
        ) from error
    if len(widgets) > _MOST_WIDGETS:
        problems.append(f"a dashboard has at most {_MOST_WIDGETS} widgets")
    if problems:
        raise refuse("InvalidParameterInput", f"The dashboard body is invalid: {problems}")


def _problems(widget: Any) -> Iterator[str]:
    kind, shown = widget.get("type"), widget.get("properties", {})
    if kind not in _WIDGETS:
        yield f"type is {kind!r}"
    width, height = widget.get("width", 6), widget.get("height", 6)
    if not within(width, 1, _COLUMNS) or not within(height, 1, _ROWS):
        yield f"{width} x {height} is not a size"
    if "x" in widget and not within(widget["x"] + width, 1, _COLUMNS):
        yield f"a widget of width {width} at column {widget['x']} ends beyond column {_COLUMNS}"
    if kind == "text" and not shown.get("markdown"):
        yield "markdown is missing"
    if kind in ("metric", "log") and not shown.get("region"):
        yield "region is missing"
    if kind == "log":
        if not str(shown.get("query", "")).startswith("SOURCE "):
            yield "query does not begin with its SOURCE"
        if shown.get("view", "table") not in _TABLES:
            yield f"view is {shown['view']!r}"
    if kind == "metric":
        yield from _metric_problems(shown)


def _metric_problems(shown: Any) -> Iterator[str]:
    metrics = shown.get("metrics", [])
    if not metrics and "annotations" not in shown:
        yield "there are neither metrics nor annotations"
    if len(metrics) > _MOST_METRICS:
        yield f"a widget has at most {_MOST_METRICS} metrics"
    if shown.get("view", "timeSeries") not in _CHARTS:
        yield f"view is {shown['view']!r}"
    periods = [shown["period"]] if "period" in shown else []
    ids = []
    for metric in metrics:
        options = metric[-1] if isinstance(metric[-1], dict) else {}
        names = metric[:-1] if options else metric
        if unknown := sorted(options.keys() - _METRIC_OPTIONS):
            yield f"a metric has the unknown options {unknown}"
        if "expression" in options:
            if names:
                yield "an expression has no metric beside it"
        elif len(names) < 2 or len(names) % 2 or not all(isinstance(name, str) for name in names):
            yield f"{names} is not a namespace, a name, and pairs of dimensions"
        ids += [options["id"]] if "id" in options else []
        periods += [options["period"]] if "period" in options else []
    if len(set(ids)) != len(ids) or not all(str(name)[:1].islower() for name in ids):
        yield "ids must be unique and begin with a lower-case letter"
    if any(period not in (1, 5, *_SHORT_PERIODS) and period % _MINUTE for period in map(int, periods)):
        yield "a period is neither 1, 5, 10, 20, 30 nor a multiple of 60"
