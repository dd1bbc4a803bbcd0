"""Who is told what, and that every alarm watches something that is really there."""

import pytest

from media_pipeline.observability import Observability
from media_pipeline.record import Status
from tests.components.conftest import Run
from tests.components.recording import ACCOUNT, Recording, Registered

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"


def metrics(alarm: Registered) -> list[tuple[str, str, str, dict[str, str]]]:
    """Namespace, name, statistic and dimensions of all that an alarm looks at."""
    if "metricName" in alarm.inputs:
        keys = ("namespace", "metricName", "statistic", "dimensions")
        return [tuple(alarm.inputs[key] for key in keys)]
    return [
        (metric["namespace"], metric["metricName"], metric["stat"], metric["dimensions"])
        for query in alarm.inputs["metricQueries"]
        if (metric := query.get("metric"))
    ]


def watching(recorded: Recording, name: str) -> Registered:
    """The alarm whose only or last metric is `name`."""
    found = [alarm for alarm in recorded.of(ALARM) if name in {metric[1] for metric in metrics(alarm)}]
    assert found, name
    return min(found, key=lambda alarm: len(metrics(alarm)))


def test_all_alarms_are_there(recorded: Recording) -> None:
    prefix = f"media-pipeline-{recorded.stack}-"
    assert {alarm.name.removeprefix(prefix) for alarm in recorded.of(ALARM)} == {
        "failed",
        "rejected-share",
        "handed-back-share",
        "unknown-messages",
        "images-age",
        "images-dead-letters-left",
        "process-image-errors",
        "process-image-throttles",
        "dead-letters-errors",
        "dead-letters-throttles",
    }


def test_every_alarm_reaches_the_alarms_topic_and_stays_silent_without_data(recorded: Recording) -> None:
    for alarm in recorded.of(ALARM):
        assert alarm.inputs["alarmActions"] == [recorded.outputs["alarms_topic_arn"]], alarm.name
        assert alarm.inputs["treatMissingData"] == "notBreaching", alarm.name
        assert alarm.inputs["comparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm.inputs["evaluationPeriods"] >= 1


def test_every_alarm_says_what_it_means_and_what_to_do(recorded: Recording) -> None:
    descriptions = [alarm.inputs["alarmDescription"] for alarm in recorded.of(ALARM)]
    assert len(set(descriptions)) == len(descriptions)
    for description in descriptions:
        meaning, remedy = description.split(" What to do: ")
        assert meaning.endswith(".")
        assert remedy.endswith(".")
        assert len(description) <= 1024  # CloudWatch: AlarmDescription
        assert "  " not in description


def test_alarms_watch_queues_and_functions_of_this_stack(recorded: Recording) -> None:
    existing = {
        "AWS/SQS": {"QueueName": {f"{queue.name}-1a2b3c4" for queue in recorded.of("aws:sqs/queue:Queue")}},
        "AWS/Lambda": {
            "FunctionName": {f"{each.name}-1a2b3c4" for each in recorded.of("aws:lambda/function:Function")}
        },
        "MediaPipeline": {"service": {f"media-pipeline-{recorded.stack}"}},
    }
    for alarm in recorded.of(ALARM):
        for namespace, _, _, dimensions in metrics(alarm):
            ((dimension, value),) = dimensions.items()
            assert value in existing[namespace][dimension], alarm.name


def test_alarms_on_outcomes_watch_metrics_that_the_functions_really_emit(
    recorded: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = recorded.one("aws:lambda/function:Function", "process-image").inputs["environment"][
        "variables"
    ]
    for name, value in variables.items():
        if name.startswith("POWERTOOLS_"):
            monkeypatch.setenv(name, value)
    observability = Observability(tracing=False)
    for status in Status:
        if status.terminal:
            observability.outcome(status, object_key="key")
    observability.handed_back(RuntimeError("once"))
    observability.unknown_message("body", RuntimeError("no event"))
    emitted = set(observability.metrics.provider.metric_set)
    observability.metrics.clear_metrics()
    watched = {
        metric[1] for alarm in recorded.of(ALARM) for metric in metrics(alarm) if metric[0] == "MediaPipeline"
    }
    assert watched <= emitted
    assert watched == {
        "Published", "Blocked", "Review", "Rejected", "Failed", "BatchItemFailures", "UnknownMessages",
    }  # fmt: skip
    assert observability.metrics.namespace == "MediaPipeline"
    assert observability.metrics.service == f"media-pipeline-{recorded.stack}"


def test_one_failed_outcome_and_one_crash_ring(recorded: Recording) -> None:
    for name in ("Failed", "UnknownMessages", "Errors"):
        alarm = watching(recorded, name).inputs
        assert (alarm["threshold"], alarm["statistic"], alarm["evaluationPeriods"]) == (1, "Sum", 1)
        assert alarm["period"] == 300


def test_an_old_message_rings_after_twice_the_visibility_timeout(recorded: Recording) -> None:
    alarm = watching(recorded, "ApproximateAgeOfOldestMessage").inputs
    assert alarm["threshold"] == 2 * 6 * {"dev": 60, "prod": 120}[recorded.stack]
    assert alarm["statistic"] == "Maximum"
    assert alarm["dimensions"] == {"QueueName": f"media-pipeline-{recorded.stack}-images-1a2b3c4"}


def evaluate(alarm: Registered, **values: float) -> float:
    """Carry a metric math expression out: FILL and IF are all that ours use."""
    queries = {query["id"]: query for query in alarm.inputs["metricQueries"]}
    (result,) = (query for query in queries.values() if query["returnData"])
    names = {
        key: values.get(query["metric"]["metricName"])
        for key, query in queries.items()
        if query is not result
    }
    expression = result["expression"].replace("IF(", "either(")
    functions = {
        "FILL": lambda value, default: default if value is None else value,
        "either": lambda condition, yes, no: yes if condition else no,
    }
    try:
        return float(eval(expression, {"__builtins__": {}}, {**functions, **names}))  # noqa: S307 - our own text
    except ZeroDivisionError:  # CloudWatch drops such a data point: missing, so not breaching
        return 0


@pytest.mark.parametrize(
    ("counts", "rings"),
    [
        ({"Published": 16, "Rejected": 4}, True),
        ({"Published": 17, "Rejected": 4}, False),
        ({"Rejected": 19}, False),
        ({"Rejected": 20}, True),
        ({}, False),
        ({"Published": 5, "Blocked": 5, "Review": 5, "Failed": 1, "Rejected": 4}, True),
    ],
)
def test_a_rejected_share_of_20_percent_rings_from_20_objects_on(
    dev: Recording, counts: dict[str, float], rings: bool
) -> None:
    alarm = dev.one(ALARM, "-rejected-share")
    assert (evaluate(alarm, **counts) >= alarm.inputs["threshold"]) is rings


@pytest.mark.parametrize(
    ("counts", "rings"),
    [
        ({"Published": 99, "BatchItemFailures": 1}, True),
        ({"Published": 100, "BatchItemFailures": 1}, False),
        ({"BatchItemFailures": 19}, False),
        ({}, False),
    ],
)
def test_a_share_of_one_percent_handed_back_rings_from_20_messages_on(
    dev: Recording, counts: dict[str, float], rings: bool
) -> None:
    alarm = dev.one(ALARM, "-handed-back-share")
    assert (evaluate(alarm, **counts) >= alarm.inputs["threshold"]) is rings
    assert alarm.inputs["evaluationPeriods"] == 3


@pytest.mark.parametrize(
    ("visible", "in_flight", "rings"), [(0, 0, False), (1, 0, True), (0, 1, True), (None, None, False)]
)
def test_a_dead_letter_that_stays_rings_also_while_it_is_tried_over_and_over(
    dev: Recording, visible: float | None, in_flight: float | None, rings: bool
) -> None:
    alarm = dev.one(ALARM, "-dead-letters-left")
    values = {
        "ApproximateNumberOfMessagesVisible": visible,
        "ApproximateNumberOfMessagesNotVisible": in_flight,
    }
    given = {name: value for name, value in values.items() if value is not None}
    assert (evaluate(alarm, **given) >= alarm.inputs["threshold"]) is rings
    assert alarm.inputs["evaluationPeriods"] == 3
    assert {metric[2] for metric in metrics(alarm)} == {
        "Minimum"
    }  # not drained: never empty in all that time
    assert {metric[3]["QueueName"] for metric in metrics(alarm)} == {
        "media-pipeline-dev-images-dead-letters-1a2b3c4"
    }


def test_an_address_gets_alerts_by_status_and_every_alarm(dev: Recording) -> None:
    alerts, alarms = sorted(dev.of(SUBSCRIPTION), key=lambda each: each.name, reverse=True)
    if alerts.inputs["topic"] == dev.outputs["alarms_topic_arn"]:
        alerts, alarms = alarms, alerts
    assert alerts.inputs["topic"] == dev.outputs["events_topic_arn"]
    assert alerts.json("filterPolicy") == {"status": ["BLOCKED", "REVIEW", "FAILED"]}
    assert alerts.inputs["filterPolicyScope"] == "MessageAttributes"
    assert alarms.inputs["topic"] == dev.outputs["alarms_topic_arn"]
    assert "filterPolicy" not in alarms.inputs
    for subscription in (alerts, alarms):
        assert (subscription.inputs["protocol"], subscription.inputs["endpoint"]) == (
            "email",
            "ops@example.com",
        )


def test_the_statuses_of_alerts_are_statuses_that_announcements_carry(dev: Recording) -> None:
    policy = next(each for each in dev.of(SUBSCRIPTION) if "filterPolicy" in each.inputs).json("filterPolicy")
    assert set(policy["status"]) <= {status.value for status in Status if status.terminal}


def test_taking_one_address_away_leaves_the_others_subscriptions_alone(run: Run) -> None:
    def urns(*addresses: str) -> set[str]:
        recorded = run("dev", {"notify": {"alerts": list(addresses)}})
        return {each.urn for each in recorded.of(SUBSCRIPTION)}

    assert urns("b@example.com") < urns("a@example.com", "b@example.com")


def test_a_stack_without_addresses_has_no_subscriptions(prod: Recording) -> None:
    assert prod.of(SUBSCRIPTION) == []


def test_only_cloudwatch_of_this_account_may_publish_alarms(recorded: Recording) -> None:
    allow, deny = recorded.one("aws:sns/topicPolicy:TopicPolicy", "alarms-policy").json("policy")["Statement"]
    assert allow == {
        "Sid": "AlarmsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["sns:Publish"],
        "Resource": [recorded.outputs["alarms_topic_arn"]],
        "Condition": {
            "ArnLike": {"aws:SourceArn": [f"arn:aws:cloudwatch:eu-central-1:{ACCOUNT}:alarm:*"]},
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
        },
    }
    events = recorded.one("aws:sns/topicPolicy:TopicPolicy", "events-policy").json("policy")["Statement"]
    for statement in (deny, *events):
        assert (statement["Effect"], statement["Action"]) == ("Deny", "sns:Publish")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_topics_are_encrypted_as_far_as_their_publishers_can_use_a_free_key(recorded: Recording) -> None:
    topics = {topic.name.rsplit("-", 1)[-1]: topic.inputs for topic in recorded.of("aws:sns/topic:Topic")}
    assert topics["events"]["kmsMasterKeyId"] == "alias/aws/sns"
    assert "kmsMasterKeyId" not in topics["alarms"]  # CloudWatch cannot use the AWS-managed key
