"""Evaluates the world's alarms, as CloudWatch does at the end of each period. ("Alarm evaluation", User Guide.)"""

import operator
from collections.abc import Mapping
from typing import Any, Final

from embedded_aws.metrics.expressions import evaluate
from embedded_aws.metrics.series import Series, metric_name

_COMPARISONS: Final = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


class Alarms:
    """The alarms of an account and region. `cloudwatch` is an administrator's client."""

    def __init__(self, cloudwatch: Any, account: str, region: str) -> None:
        self._cloudwatch = cloudwatch
        self._account = account
        self._region = region

    def evaluate(self, now: float) -> dict[str, str]:
        """Set the state of every alarm from the periods that are over at `now`; return the states by name.

        What changes is sent to the alarm's actions, as by SetAlarmState.
        """
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate()
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
        longest = max((_period(alarm) * alarm["EvaluationPeriods"] for alarm in alarms), default=0)
        series = Series(
            self._account, self._region, now - longest - max(map(_period, alarms), default=0), now
        )
        states = {}
        for alarm in alarms:
            state = _state(alarm, series, now)
            states[alarm["AlarmName"]] = state
            if state != alarm.get("StateValue"):
                self._cloudwatch.set_alarm_state(
                    AlarmName=alarm["AlarmName"],
                    StateValue=state,
                    StateReason=f"the last {alarm['EvaluationPeriods']} periods say so",
                )
        return states


def _state(alarm: Mapping[str, Any], series: Series, now: float) -> str:
    period, periods = _period(alarm), alarm["EvaluationPeriods"]
    end = now // period * period
    values = [_value(alarm, series, end - period * number, period) for number in range(1, periods + 1)]
    breaches = _COMPARISONS[alarm["ComparisonOperator"]]
    if all(value is None for value in values) and alarm.get("TreatMissingData", "missing") == "missing":
        return "INSUFFICIENT_DATA"
    is_missing_bad = alarm.get("TreatMissingData") == "breaching"
    breaching = [
        is_missing_bad if value is None else bool(breaches(value, alarm["Threshold"])) for value in values
    ]
    needed = alarm.get("DatapointsToAlarm") or periods
    return "ALARM" if sum(breaching) >= needed else "OK"


def _value(alarm: Mapping[str, Any], series: Series, begin: float, period: float) -> float | None:
    queries = alarm.get("Metrics") or []
    if not queries:
        metric = metric_name(alarm["Namespace"], alarm["MetricName"], alarm.get("Dimensions", ()))
        statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        return series.value(metric, statistic, begin, period)
    values: dict[str, float | None] = {}
    for query in queries:
        if stat := query.get("MetricStat"):
            about = stat["Metric"]
            metric = metric_name(about["Namespace"], about["MetricName"], about.get("Dimensions", ()))
            values[query["Id"]] = series.value(metric, stat["Stat"], begin, period)
    (result,) = (query for query in queries if query.get("ReturnData", True))
    return evaluate(result["Expression"], values) if "Expression" in result else values[result["Id"]]


def _period(alarm: Mapping[str, Any]) -> int:
    periods = [query["MetricStat"]["Period"] for query in alarm.get("Metrics") or () if "MetricStat" in query]
    return int(alarm.get("Period") or max(periods))
