"""Who gets which e-mails, and that every alarm watches something that exists."""

import pytest

from components.function_specs import FUNCTIONS
from media_pipeline.observability import Observability
from media_pipeline.records.record import Status
from tests.components.conftest import Run
from tests.components.queries import ALARM, SUBSCRIPTION, evaluate, metrics
from tests.components.recording import ACCOUNT, Recording, Registered


def watching(recorded: Recording, name: str) -> Registered:
    """Return the alarm with the fewest metrics that watches `name`."""
    found = [alarm for alarm in recorded.of(ALARM) if name in {metric[1] for metric in metrics(alarm)}]
    assert found, name
    return min(found, key=lambda alarm: len(metrics(alarm)))


def test_every_function_that_works_unseen_has_its_alarms(recorded: Recording) -> None:
    names = {alarm.name.removeprefix(f"media-pipeline-{recorded.stack}-") for alarm in recorded.of(ALARM)}
    watched = {spec.name for spec in FUNCTIONS if spec.is_watched}
    assert names >= {f"{name}-{what}" for name in watched for what in ("errors", "throttles")}
    # Alarms are billed all the time; who sits at the console sees that it fails, and an idle console costs nothing.
    assert {spec.name for spec in FUNCTIONS} - watched == {"review-api"}
    assert not [name for name in names if name.startswith("review-")]


def test_no_alarm_that_operators_rely_on_is_taken_away(recorded: Recording) -> None:
    names = {alarm.name.removeprefix(f"media-pipeline-{recorded.stack}-") for alarm in recorded.of(ALARM)}
    assert names >= {
        "failed", "rejected-share", "handed-back-share", "handed-back-age", "unknown-messages", "images-age",
        "images-dead-letters-left", "videos-age", "videos-dead-letters-left", "process-video-duration",
        "log-notification-dead-letters-left", "api-server-errors", "api-client-errors", "api-latency",
    }  # fmt: skip


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
        "AWS/ApiGateway": {
            "ApiName": {f"{each.name}-1a2b3c4" for each in recorded.of("aws:apigateway/restApi:RestApi")},
            "Stage": {recorded.stack},
        },
    }
    for alarm in recorded.of(ALARM):
        for namespace, _, _, dimensions in metrics(alarm):
            assert set(dimensions) == set(existing[namespace]), alarm.name
            for dimension, value in dimensions.items():
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
    observability.handed_back(RuntimeError("once"), age=60)
    observability.unknown_message("body", RuntimeError("no event"))
    observability.upload_accepted()
    observability.form_issued()
    observability.reviews_expiring(2)
    emitted = set(observability.metrics.provider.metric_set)
    observability.metrics.clear_metrics()
    watched = {
        metric[1] for alarm in recorded.of(ALARM) for metric in metrics(alarm) if metric[0] == "MediaPipeline"
    }
    assert watched <= emitted
    assert watched >= {
        "Published", "Blocked", "Review", "Rejected", "Failed", "BatchItemFailures", "AgeAtHandBack", "UnknownMessages",
    }  # fmt: skip
    assert observability.metrics.namespace == "MediaPipeline"
    assert observability.metrics.service == f"media-pipeline-{recorded.stack}"


def test_one_failed_outcome_and_one_crash_ring(recorded: Recording) -> None:
    for name in ("Failed", "UnknownMessages", "Errors"):
        alarm = watching(recorded, name).inputs
        assert (alarm["threshold"], alarm["statistic"], alarm["evaluationPeriods"]) == (1, "Sum", 1)
        assert alarm["period"] == 300


@pytest.mark.parametrize(
    ("age", "done", "rings"),
    [
        (719, None, False),
        (720, None, True),
        (720, 0, True),
        (86_400, 1, False),  # a large import makes progress
        (7 * 86_400 - 1, 1000, False),
        (7 * 86_400, 1000, True),  # half of the days after which it is lost
        (None, None, False),
    ],
)
def test_an_old_message_rings_where_none_is_finished_and_before_it_is_lost(
    dev: Recording, age: float | None, done: float | None, rings: bool
) -> None:
    alarm = dev.one(ALARM, "-images-age")
    values = {"ApproximateAgeOfOldestMessage": age, "NumberOfMessagesDeleted": done}
    given = {name: value for name, value in values.items() if value is not None}
    assert (evaluate(alarm, **given) >= alarm.inputs["threshold"]) is rings


def test_an_old_message_is_one_that_waited_twice_the_visibility_timeout(recorded: Recording) -> None:
    for what, timeout in (("images", {"dev": 60, "prod": 120}), ("videos", {"dev": 600, "prod": 900})):
        alarm = recorded.one(ALARM, f"-{what}-age")
        seconds = timeout[recorded.stack]
        assert alarm.inputs["threshold"] == 2 * 6 * seconds
        assert {metric[2] for metric in metrics(alarm)} == {"Maximum", "Sum"}
        # Nothing is finished in a period while each execution takes its whole time-out.
        assert alarm.inputs["evaluationPeriods"] * 300 > max(2 * seconds, 600)


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
        ({"Published": 95, "BatchItemFailures": 5}, True),
        ({"Published": 96, "BatchItemFailures": 5}, False),
        ({"Published": 1000, "BatchItemFailures": 17}, False),  # an import at Rekognition's quota
        ({"BatchItemFailures": 19}, False),
        ({}, False),
    ],
)
def test_a_share_of_five_percent_handed_back_rings_from_20_messages_on(
    dev: Recording, counts: dict[str, float], rings: bool
) -> None:
    alarm = dev.one(ALARM, "-handed-back-share")
    assert (evaluate(alarm, **counts) >= alarm.inputs["threshold"]) is rings
    assert alarm.inputs["evaluationPeriods"] == 3


@pytest.mark.parametrize(
    ("age", "published", "rings"),
    [(1199, None, False), (1200, None, True), (1200, 19, True), (90_000, 20, False), (None, None, False)],
)
def test_one_message_that_is_handed_back_for_long_rings_within_minutes_but_not_in_an_import(
    recorded: Recording, age: float | None, published: float | None, rings: bool
) -> None:
    alarm = recorded.one(ALARM, "-handed-back-age")
    values = {"AgeAtHandBack": age, "Published": published}
    given = {name: value for name, value in values.items() if value is not None}
    assert (evaluate(alarm, **given) >= alarm.inputs["threshold"]) is rings
    assert alarm.inputs["evaluationPeriods"] == 1
    longest = max(each.inputs["timeout"] for each in recorded.of("aws:lambda/function:Function"))
    assert alarm.inputs["threshold"] > longest, "one attempt that is cut off is nothing unusual"


def test_ages_of_messages_are_not_added_up_and_outcomes_are(recorded: Recording) -> None:
    watched = [metric for alarm in recorded.of(ALARM) for metric in metrics(alarm)]
    ages = {statistic for _, name, statistic, _ in watched if "Age" in name}
    assert ages == {"Maximum"}, "many young messages are not an old one"
    outcomes = {statistic for _, name, statistic, _ in watched if name in ("Published", "Rejected", "Failed")}
    assert outcomes == {"Sum"}


@pytest.mark.parametrize(
    ("visible", "in_flight", "rings"), [(0, 0, False), (1, 0, True), (0, 1, True), (None, None, False)]
)
def test_a_dead_letter_that_stays_rings_also_while_it_is_tried_over_and_over(
    dev: Recording, visible: float | None, in_flight: float | None, rings: bool
) -> None:
    alarm = dev.one(ALARM, "-images-dead-letters-left")
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


def emails(recorded: Recording) -> list[tuple[str, str, object]]:
    """Address, topic and filter of every e-mail subscription."""
    topics = {recorded.outputs[f"{name}_topic_arn"]: name for name in ("events", "alarms")}
    return sorted(
        (each.inputs["endpoint"], topics[each.inputs["topic"]], each.json("filterPolicy")["status"])
        if "filterPolicy" in each.inputs
        else (each.inputs["endpoint"], topics[each.inputs["topic"]], None)
        for each in recorded.of(SUBSCRIPTION)
        if each.inputs["protocol"] == "email"
    )


ALERTS = ["BLOCKED", "REVIEW", "FAILED"]


def test_alerts_get_what_needs_a_person_and_every_alarm_and_results_every_outcome(dev: Recording) -> None:
    assert emails(dev) == [
        ("ops@example.com", "alarms", None),
        ("ops@example.com", "events", ALERTS),
        ("team@example.com", "events", None),
    ]
    scopes = {each.inputs.get("filterPolicyScope") for each in dev.of(SUBSCRIPTION)}
    assert scopes == {"MessageAttributes", None}


def test_an_address_in_both_lists_gets_every_outcome_once(run: Run) -> None:
    recorded = run("dev", {"notify": {"alerts": ["Both@example.com"], "results": ["both@example.com"]}})
    assert emails(recorded) == [
        ("Both@example.com", "alarms", None),
        ("both@example.com", "events", None),
    ]


def test_an_address_keeps_its_one_subscription_when_it_moves_and_when_an_old_stack_is_upgraded(
    run: Run,
) -> None:
    def subscription(**lists: list[str]) -> Registered:
        recorded = run("dev", {"notify": {"alerts": [], "results": [], **lists}})
        return recorded.one(SUBSCRIPTION, "-events-a@example.com")

    alerted, every = subscription(alerts=["a@example.com"]), subscription(results=["a@example.com"])
    assert alerted.urn == every.urn
    before = ("media-pipeline-dev-results-a@example.com", "media-pipeline-dev-alerts-a@example.com")
    assert alerted.aliases == every.aliases == before


def test_the_statuses_of_alerts_are_statuses_that_announcements_carry(dev: Recording) -> None:
    policy = next(each for each in dev.of(SUBSCRIPTION) if "filterPolicy" in each.inputs).json("filterPolicy")
    assert set(policy["status"]) <= {status.value for status in Status if status.terminal}


def test_taking_one_address_away_leaves_the_others_subscriptions_alone(run: Run) -> None:
    def urns(*addresses: str) -> set[str]:
        recorded = run("dev", {"notify": {"alerts": list(addresses)}})
        return {each.urn for each in recorded.of(SUBSCRIPTION)}

    assert urns("b@example.com") < urns("a@example.com", "b@example.com")


def test_a_stack_without_addresses_writes_to_nobody(run: Run) -> None:
    untold = run("prod")
    assert emails(untold) == []
    assert "notified_addresses" not in untold.outputs


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


def test_reviews_that_expire_ring_only_where_something_counts_them(run: Run) -> None:
    def rings(**keys: object) -> bool:
        recorded = run("dev", {"notify": {"alerts": ["a@example.com"]}, **keys})
        return any(alarm.name.endswith("-reviews-expiring") for alarm in recorded.of(ALARM))

    kept = {"originals": 14, "quarantine": 0, "records": 0, "logs": 14}
    assert rings(reconcile="daily")
    assert not rings(reconcile="off")
    assert not rings(reconcile="daily", retention=kept)
