"""Of the types that watch and tell: how they are created, and what they are updated to in place."""

import json

from .resource_bench import Bench, Case, Inputs

Made = tuple[str, Inputs, Inputs]


def an_alarm(_: Bench) -> Made:
    same = {
        "name": "a",
        "metricName": "m",
        "namespace": "n",
        "statistic": "Sum",
        "period": 60,
        "evaluationPeriods": 1,
        "comparisonOperator": "GreaterThanThreshold",
    }
    return (
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        {**same, "threshold": 1},
        {**same, "threshold": 2, "alarmDescription": "too many"},
    )


def a_dashboard(_: Bench) -> Made:
    def body(text: str) -> str:
        properties = {"markdown": text}
        widget = {"type": "text", "x": 0, "y": 0, "width": 3, "height": 3, "properties": properties}
        return json.dumps({"widgets": [widget]})

    kind = "aws:cloudwatch/dashboard:Dashboard"
    return (
        kind,
        {"dashboardName": "d", "dashboardBody": body("one")},
        {"dashboardName": "d", "dashboardBody": body("two")},
    )


def a_saved_query(_: Bench) -> Made:
    same = {"name": "folder/query", "logGroupNames": ["g"]}
    return (
        "aws:cloudwatch/queryDefinition:QueryDefinition",
        {**same, "queryString": "limit 1"},
        {**same, "queryString": "limit 2"},
    )


def a_budget(_: Bench) -> Made:
    service = {"key": "SERVICE", "values": ["Amazon Rekognition"]}
    notification = {
        "notificationType": "ACTUAL",
        "comparisonOperator": "GREATER_THAN",
        "threshold": 80,
        "thresholdType": "PERCENTAGE",
        "subscriberEmailAddresses": ["a@example.com"],
    }
    same = {
        "name": "b",
        "budgetType": "COST",
        "timeUnit": "MONTHLY",
        "limitUnit": "USD",
        "metrics": "UnblendedCost",
        "filterExpression": {"ors": [{"tags": {"key": "Stack", "values": ["dev"]}}, {"dimensions": service}]},
        "notifications": [notification],
    }
    return "aws:budgets/budget:Budget", {**same, "limitAmount": "10"}, {**same, "limitAmount": "20"}


CASES: tuple[Case, ...] = (an_alarm, a_dashboard, a_saved_query, a_budget)
