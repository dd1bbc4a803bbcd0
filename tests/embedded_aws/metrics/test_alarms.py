"""Alarms of the world: metrics get there as on AWS, and states follow from whole periods."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from embedded_aws.world import World

PERIOD = 300


@pytest.fixture
def world() -> Iterator[World]:
    with World() as opened:
        opened.metrics.advance(PERIOD - opened.metrics.now() % PERIOD)
        yield opened


def alarm(world: World, **settings: Any) -> None:
    defaults = {
        "AlarmName": "a",
        "Namespace": "N",
        "MetricName": "M",
        "Dimensions": [{"Name": "service", "Value": "s"}],
        "Statistic": "Sum",
        "Period": PERIOD,
        "EvaluationPeriods": 2,
        "Threshold": 3,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }
    chosen = {**defaults, **settings}
    world.client("cloudwatch").put_metric_alarm(**{key: value for key, value in chosen.items() if value})


def event(value: float, service: str = "s") -> str:
    metrics = [{"Name": "M", "Unit": "Count"}]
    directive = {"Namespace": "N", "Dimensions": [["service"]], "Metrics": metrics}
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, "service": service, "M": [value]})


def state_after(world: World, *values: float) -> str:
    for value in values:
        world.metrics.embedded(event(value))
    world.let_time_pass(PERIOD)
    return world.evaluate_alarms()["a"]


def test_an_alarm_rings_after_so_many_breaching_periods_in_a_row_and_ends_with_the_first_that_is_not(
    world: World,
) -> None:
    alarm(world)
    assert state_after(world, 1, 2) == "OK"  # one of two periods
    assert state_after(world, 2, 2, -1) == "ALARM"  # a negative value takes off
    assert state_after(world, 2) == "OK"


def test_metrics_of_other_dimensions_and_other_lines_of_a_log_do_not_count(world: World) -> None:
    alarm(world, EvaluationPeriods=1)
    world.metrics.embedded(event(5, service="other"))
    world.metrics.embedded("a line with _aws in it")
    world.metrics.embedded('{"message": "\\"_aws\\""}')
    assert state_after(world) == "OK"
    assert state_after(world, 5) == "ALARM"


@pytest.mark.parametrize(
    ("treatment", "state"), [("missing", "INSUFFICIENT_DATA"), ("breaching", "ALARM"), ("notBreaching", "OK")]
)
def test_missing_data_counts_as_the_alarm_says(world: World, treatment: str, state: str) -> None:
    alarm(world, TreatMissingData=treatment)
    assert state_after(world) == state


def test_an_alarm_on_an_expression_and_on_a_percentile(world: World) -> None:
    stat = {
        "Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": [{"Name": "service", "Value": "s"}]}
    }
    queries = [
        {"Id": "m", "MetricStat": {**stat, "Period": PERIOD, "Stat": "p50"}, "ReturnData": False},
        {"Id": "result", "Expression": "IF(FILL(m, 0) > 1, 10, 0)", "ReturnData": True},
    ]
    alarm(
        world,
        Metrics=queries,
        EvaluationPeriods=1,
        **dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period")),
    )
    assert state_after(world, 1, 1, 5) == "OK"
    assert state_after(world, 1, 5, 5) == "ALARM"


def test_a_queue_shows_its_depth_its_age_and_what_was_sent_and_deleted_and_messages_grow_older(
    world: World,
) -> None:
    sqs = world.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    for body in ("one", "two"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    (hidden,) = sqs.receive_message(QueueUrl=url)["Messages"]

    def shown(name: str, statistic: str) -> float:
        metric = {
            "Namespace": "AWS/SQS",
            "MetricName": name,
            "Dimensions": [{"Name": "QueueName", "Value": "q"}],
        }
        query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}
        now = world.metrics.now()
        answer = world.client("cloudwatch").get_metric_data(
            MetricDataQueries=[query], StartTime=now - 59, EndTime=now + 1
        )
        return float(answer["MetricDataResults"][0]["Values"][0])

    world.publish_metrics()
    assert shown("NumberOfMessagesSent", "Sum") == 2
    assert shown("ApproximateNumberOfMessagesVisible", "Maximum") == 1
    assert shown("ApproximateNumberOfMessagesNotVisible", "Maximum") == 1
    sqs.delete_message(QueueUrl=url, ReceiptHandle=hidden["ReceiptHandle"])
    world.let_time_pass(900)
    world.publish_metrics()
    assert shown("NumberOfMessagesDeleted", "Sum") == 1
    assert shown("ApproximateAgeOfOldestMessage", "Maximum") == pytest.approx(900, abs=30)
    assert sqs.receive_message(QueueUrl=url)["Messages"]
