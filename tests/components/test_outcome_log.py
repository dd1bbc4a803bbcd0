"""The completion log: every announcement reaches its function, or a queue with an alarm."""

from components import bounds
from components.queue import SECONDS_PER_DAY
from tests.components.queries import (
    ALARM,
    FUNCTION,
    QUEUE,
    SUBSCRIPTION,
    arn,
    environment,
    of_every_function,
    permissions,
)
from tests.components.recording import Recording

DEAD_LETTERS = "log-notification-dead-letters"


def test_it_gets_every_outcome_and_what_cannot_be_delivered_is_kept(recorded: Recording) -> None:
    (subscription,) = (each for each in recorded.of(SUBSCRIPTION) if each.inputs["protocol"] == "lambda")
    assert subscription.inputs["topic"] == recorded.outputs["events_topic_arn"]
    assert subscription.inputs["endpoint"] == arn("lambda", recorded, "log-notification")
    assert "filterPolicy" not in subscription.inputs
    assert subscription.json("redrivePolicy") == {"deadLetterTargetArn": arn("sqs", recorded, DEAD_LETTERS)}
    function = recorded.one(FUNCTION, "log-notification").inputs
    assert function["deadLetterConfig"] == {"targetArn": arn("sqs", recorded, DEAD_LETTERS)}


def test_only_the_events_topic_may_call_it_and_only_that_topic_fills_its_queue(recorded: Recording) -> None:
    topic = recorded.outputs["events_topic_arn"]
    permission = recorded.one("aws:lambda/permission:Permission", "log-notification-permission").inputs
    assert (permission["principal"], permission["sourceArn"]) == ("sns.amazonaws.com", topic)
    allow, deny = recorded.one("aws:sqs/queuePolicy:QueuePolicy", f"-{DEAD_LETTERS}-policy").json("policy")[
        "Statement"
    ]
    assert allow["Principal"] == {"Service": "sns.amazonaws.com"}
    assert allow["Action"] == ["sqs:SendMessage"]
    assert allow["Condition"] == {"ArnLike": {"aws:SourceArn": [topic]}}
    assert deny["Effect"] == "Deny"


def test_the_subscription_waits_until_it_may_deliver(recorded: Recording) -> None:
    subscription = recorded.one(SUBSCRIPTION, "log-notification-subscription")
    for type_, name in (
        ("aws:lambda/permission:Permission", "log-notification-permission"),
        ("aws:sqs/queuePolicy:QueuePolicy", f"{DEAD_LETTERS}-policy"),
    ):
        assert recorded.one(type_, name).urn in subscription.depends_on


def test_what_was_put_aside_is_kept_as_long_as_sqs_allows(recorded: Recording) -> None:
    kept = recorded.one(QUEUE, f"-{DEAD_LETTERS}").inputs["messageRetentionSeconds"]
    assert kept == bounds.QUEUE_RETENTION_DAYS * SECONDS_PER_DAY, "its alarm says so"


def test_it_may_do_nothing_but_write_its_log(recorded: Recording) -> None:
    assert permissions(recorded, "log-notification") == of_every_function(recorded, "log-notification") | {
        ("sqs:SendMessage", arn("sqs", recorded, DEAD_LETTERS))  # by Lambda, in its name
    }


def test_it_knows_no_bucket_and_no_table(recorded: Recording) -> None:
    assert set(environment(recorded, "log-notification")) == {
        "STACK",
        "RECORDS_RETENTION_DAYS",
        "TIMEOUT",
        "TRACING",
        "POWERTOOLS_TRACE_DISABLED",
        "POWERTOOLS_SERVICE_NAME",
        "POWERTOOLS_METRICS_NAMESPACE",
        "POWERTOOLS_LOG_LEVEL",
    }


def test_a_lost_line_rings(recorded: Recording) -> None:
    alarm = recorded.one(ALARM, f"-{DEAD_LETTERS}-left").inputs
    assert alarm["dimensions"] == {"QueueName": recorded.one(QUEUE, f"-{DEAD_LETTERS}").name + "-1a2b3c4"}
    assert (alarm["metricName"], alarm["threshold"]) == ("ApproximateNumberOfMessagesVisible", 1)
    assert recorded.one(QUEUE, f"-{DEAD_LETTERS}").inputs["sqsManagedSseEnabled"] is True
