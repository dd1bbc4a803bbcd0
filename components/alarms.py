"""Alarms: missing data counts as good, and the description says what to do.

CloudWatch bills each metric of an alarm every month. A stack that tells nobody has the essential alarms only, few
enough for the ten metrics that AWS gives every account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

PERIOD_SECONDS = 300
QueryArgs = aws.cloudwatch.MetricAlarmMetricQueryArgs


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric; `statistic` aggregates each period: `Sum`, `Maximum`, or a percentile such as `p95`."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str = "Sum"


@dataclass(frozen=True, kw_only=True)
class AlarmTopic:
    """Where alarms go; `is_read`: somebody gets e-mails of it."""

    arn: pulumi.Input[str]
    is_read: bool


@dataclass(frozen=True, kw_only=True)
class AlarmArgs:
    """Rings when `expression` over `metrics` (by their ids) is at least `threshold` for `periods` in a row.

    `meaning` says what has happened, `remedy` what to do about it; the e-mail contains both.
    An alarm that `is_essential` is created although nobody reads the topic.
    """

    meaning: str
    remedy: str
    metrics: Mapping[str, Metric]
    threshold: float
    topic: AlarmTopic
    is_essential: bool = False
    expression: str | None = None  # may be left out for a single metric
    periods: int = 1
    label: str = field(default="value")


def alarm(name: str, args: AlarmArgs, opts: pulumi.ResourceOptions) -> None:
    """Create one alarm, unless it could tell nobody and is not essential."""
    if not (args.topic.is_read or args.is_essential):
        return
    single = next(iter(args.metrics.values())) if args.expression is None else None
    aws.cloudwatch.MetricAlarm(
        name,
        alarm_description=f"{args.meaning} What to do: {args.remedy}",
        comparison_operator="GreaterThanOrEqualToThreshold",
        threshold=args.threshold,
        evaluation_periods=args.periods,
        treat_missing_data="notBreaching",  # an idle pipeline sends no metrics
        namespace=single.namespace if single else None,
        metric_name=single.name if single else None,
        dimensions=single.dimensions if single else None,
        statistic=single.statistic if single and not _is_percentile(single) else None,
        extended_statistic=single.statistic if single and _is_percentile(single) else None,
        period=PERIOD_SECONDS if single else None,
        metric_queries=None if single else _queries(args),
        alarm_actions=[args.topic.arn],
        opts=opts,
    )


def _is_percentile(metric: Metric) -> bool:
    return metric.statistic.startswith("p")


def _queries(args: AlarmArgs) -> Sequence[QueryArgs]:
    queries = [
        QueryArgs(
            id=key,
            return_data=False,
            metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                namespace=metric.namespace,
                metric_name=metric.name,
                dimensions=metric.dimensions,
                stat=metric.statistic,
                period=PERIOD_SECONDS,
            ),
        )
        for key, metric in args.metrics.items()
    ]
    queries.append(QueryArgs(id="result", label=args.label, expression=args.expression, return_data=True))
    return queries
