"""What AWS refuses, the world refuses: every entry of the list, with a call next to it that is fine."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import refusals
from embedded_aws.calls import RefusedError
from embedded_aws.refusals import Refusal
from embedded_aws.world import World

from .refusal_sample import (
    OPERATIONS,
    Arguments,
    Sample,
    bucket_policy,
    budget,
    dashboard,
    lifecycle_rule,
    notifications,
    policy_of_characters,
    selectors,
    tag_set,
)
from .samples import TRUST, tiny_zip


@pytest.fixture
def sample(world: World) -> Sample:
    return Sample(world)


def queue(**attributes: str) -> Arguments:
    return {"Attributes": attributes}


def variables(**given: str) -> Arguments:
    return {"Environment": {"Variables": given}}


def rules(*made: Arguments) -> Arguments:
    return {"LifecycleConfiguration": {"Rules": list(made)}}


def tag_list(value: str) -> Arguments:
    return {"Tags": [{"Key": "k", "Value": value}]}


def retries(**given: int) -> Arguments:
    return {"Attributes": {"DeliveryPolicy": json.dumps({"healthyRetryPolicy": given})}}


METRIC = {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
NO_METRIC: Arguments = {"MetricName": "", "Metrics": []}

REFUSED: list[tuple[str, Arguments, str]] = [
    ("put_object", {"Key": "ü" * 513}, "KeyTooLongError"),
    ("create_bucket", {"Bucket": "amzn-s3-demo-x"}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "Upper-Case"}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "192.168.5.4"}, "InvalidBucketName"),
    ("put_object", {"Metadata": {"a": "x" * 2_048}}, "MetadataTooLarge"),
    ("put_object", {"ACL": "public-read"}, "AccessControlListNotSupported"),
    ("put_bucket_notification_configuration", "unpermitted", "destination configurations"),  # type: ignore[list-item]
    ("put_bucket_notification_configuration", "overlapping", "Configurations overlap"),  # type: ignore[list-item]
    ("put_bucket_lifecycle_configuration", rules(lifecycle_rule(Expiration={"Days": 0})), "InvalidArgument"),
    (
        "put_bucket_lifecycle_configuration",
        rules(lifecycle_rule(Expiration={"Days": 1, "ExpiredObjectDeleteMarker": True})),
        "MalformedXML",
    ),
    ("put_bucket_policy", {"Policy": bucket_policy("*")}, "BlockPublicPolicy"),
    ("create_queue", queue(VisibilityTimeout="43201"), "VisibilityTimeout"),
    ("create_queue", queue(MessageRetentionPeriod="59"), "MessageRetentionPeriod"),
    ("create_queue", queue(MessageRetentionPeriod="1209601"), "MessageRetentionPeriod"),
    ("create_queue", queue(DelaySeconds="901"), "DelaySeconds"),
    ("create_queue", queue(ReceiveMessageWaitTimeSeconds="21"), "ReceiveMessageWaitTimeSeconds"),
    ("create_queue", queue(MaximumMessageSize="1023"), "MaximumMessageSize"),
    ("create_queue", "redrive to closed", "does not allow"),  # type: ignore[list-item]
    ("change_message_visibility", {"VisibilityTimeout": 43_201}, "InvalidParameterValue"),
    ("send_message", {"MessageBody": "a\x00b"}, "InvalidMessageContents"),
    ("subscribe", {"Protocol": "https", "Endpoint": "http://a.example.com"}, "match the specified protocol"),
    ("subscribe", {"Attributes": {"DeliveryPolicy": "{"}}, "DeliveryPolicy"),
    ("subscribe", retries(numRetries=101), "between 0 and 100"),
    ("subscribe", retries(numRetries=2, numMaxDelayRetries=3), "sum of its parts"),
    ("subscribe", retries(minDelayTarget=5, maxDelayTarget=4), "least not above the greatest"),
    ("subscribe", retries(numRetries=100, minDelayTarget=60, maxDelayTarget=60), "more than 3600"),
    ("publish", {"Subject": "two\nlines"}, "Subject"),
    ("publish", {"Subject": "Über"}, "Subject"),
    ("publish", {"Subject": "x" * 101}, "Subject"),
    ("publish", {"Message": "x" * 262_145}, "too long"),
    ("publish", {"Message": ""}, "Empty message"),
    ("subscribe", {"Endpoint": "nobody"}, "Email address"),
    ("subscribe", {"Attributes": {"FilterPolicy": '{"status": "BLOCKED"}'}}, "FilterPolicy"),
    ("subscribe", {"Attributes": {"FilterPolicy": "{"}}, "failed to parse JSON"),
    ("subscribe", {"Attributes": {"RedrivePolicy": "{}"}}, "RedrivePolicy"),
    (
        "subscribe",
        {"Attributes": {"RedrivePolicy": '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:q"}'}},
        "invalid arn",
    ),
    (
        "subscribe",
        {"Endpoint": "a@example.com", "Attributes": {"FilterPolicy": '{"status": ["FAILED"]}'}},
        "different attributes",
    ),
    ("create_function", variables(SIZES="x" * 4_090), "4KB"),
    ("create_function", variables(AWS_REGION="eu-central-1"), "reserved keys"),
    ("create_function", {"MemorySize": 10_241}, "memorySize"),
    ("create_function", {"Timeout": 901}, "timeout"),
    (
        "create_function",
        {"Layers": [f"arn:aws:lambda:eu-central-1:123456789012:layer:l:{n}" for n in range(6)]},
        "maximum of 5",
    ),
    ("create_function", {"Layers": ["arn:aws:lambda:eu-central-1:123456789012:layer:l:1"]}, "does not exist"),
    ("create_function", {"Code": {"ZipFile": b"no zip"}}, "unzip"),
    ("create_function", {"Code": {"ZipFile": tiny_zip(filler=262_144_000)}}, "maximum allowed size"),
    ("create_function", "dead letters", "permissions to call SendMessage on SQS"),  # type: ignore[list-item]
    ("put_function_event_invoke_config", "destination", "permissions to call Publish on SNS"),  # type: ignore[list-item]
    ("create_policy", {"PolicyDocument": policy_of_characters(6_200)}, "PolicySize"),
    ("create_function", "role of servers", "cannot be assumed by Lambda"),  # type: ignore[list-item]
    ("create_event_source_mapping", {"FunctionName": "slow"}, "less than Function timeout"),
    ("create_event_source_mapping", {"FunctionName": "poor"}, "call ReceiveMessage on SQS"),
    ("create_event_source_mapping", {"FunctionName": "fed"}, "already exists"),
    ("create_event_source_mapping", {"ScalingConfig": {"MaximumConcurrency": 1001}}, "maximumConcurrency"),
    ("create_event_source_mapping", {"BatchSize": 11}, "batch window"),
    ("put_retention_policy", {"retentionInDays": 31}, "retentionInDays"),
    (
        "create_log_group",
        {"kmsKeyId": "arn:aws:kms:eu-central-1:123456789012:key/1"},
        "not allowed to be used with Arn",
    ),
    ("put_metric_alarm", {"Period": 45}, "multiple of 60"),
    ("put_metric_alarm", {"Period": 300, "EvaluationPeriods": 289}, "86400"),
    ("put_metric_alarm", {"DatapointsToAlarm": 2}, "DatapointsToAlarm"),
    ("put_metric_alarm", {"TreatMissingData": "notbreaching"}, "TreatMissingData"),
    ("put_metric_alarm", "two results", "Exactly one element"),  # type: ignore[list-item]
    ("create_trail", {"Name": "other"}, "Incorrect S3 bucket policy"),
    ("create_trail", {"S3BucketName": "sample"}, "Incorrect S3 bucket policy"),
    ("create_trail", "trail with a key", "Insufficient permissions"),  # type: ignore[list-item]
    (
        "put_event_selectors",
        {"AdvancedEventSelectors": selectors({"eventCategory": "Data"})},
        "resources.type",
    ),
    (
        "put_event_selectors",
        {"AdvancedEventSelectors": selectors({"resources.type": "AWS::S3::Object"})},
        "eventCategory",
    ),
    (
        "create_budget",
        {"Budget": budget(FilterExpression={"Tags": {"Key": "k", "Values": ["v"]}})},
        "Metrics",
    ),
    ("create_budget", {"NotificationsWithSubscribers": notifications(6, ["a@example.com"])}, "at most 5"),
    (
        "create_budget",
        {"NotificationsWithSubscribers": notifications(1, [f"{number}@example.com" for number in range(11)])},
        "at most 10 e-mail addresses",
    ),
    ("put_query_definition", {"queryString": "filter a = 1 | where b = 2"}, "where"),
    ("put_query_definition", {"queryString": "stats count(* by a"}, "parentheses"),
    ("put_dashboard", {"DashboardBody": "{"}, "valid JSON"),
    ("put_dashboard", {"DashboardBody": dashboard("clock")}, "type is 'clock'"),
    ("put_dashboard", {"DashboardBody": dashboard(place={"x": 13})}, "beyond column 24"),
    ("put_dashboard", {"DashboardBody": dashboard(place={"width": 25})}, "is not a size"),
    ("put_dashboard", {"DashboardBody": dashboard("text")}, "markdown is missing"),
    ("put_dashboard", {"DashboardBody": dashboard("log", query="SOURCE 'g' | limit 1")}, "region is missing"),
    ("put_dashboard", {"DashboardBody": dashboard("log", query="limit 1", region="r")}, "SOURCE"),
    ("put_dashboard", {"DashboardBody": dashboard(view="donut")}, "view is 'donut'"),
    ("put_dashboard", {"DashboardBody": dashboard(period=45)}, "multiple of 60"),
    ("put_dashboard", {"DashboardBody": dashboard(metrics=[])}, "neither metrics nor annotations"),
    ("put_dashboard", {"DashboardBody": dashboard(metrics=[["n", "m", "d"]])}, "pairs of dimensions"),
    ("put_dashboard", {"DashboardBody": dashboard(metrics=[["n", "m", {"id": "A"}]])}, "ids must be unique"),
    (
        "put_dashboard",
        {"DashboardBody": dashboard(metrics=[["n", "m", {"colour": "#fff"}]])},
        "unknown options",
    ),
    (
        "put_dashboard",
        {"DashboardBody": dashboard(metrics=[["n", {"expression": "a"}]])},
        "no metric beside it",
    ),
    (
        "create_table",
        {
            "TableName": "t",
            "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n in ("id", "x")],
        },
        "AttributeDefinitions",
    ),
    ("delete_table", {"TableName": "guarded"}, "protected against deletion"),
    ("put_role_policy", {"PolicyDocument": policy_of_characters(10_200)}, "10240"),
    ("create_role", {"AssumeRolePolicyDocument": json.dumps({**TRUST, "Id": "x" * 2_048})}, "2048"),
    ("delete_role", {"RoleName": "worker"}, "must delete policies first"),
    ("put_object", {"Tagging": "k=%F0%9F%98%80"}, "InvalidTag"),
    ("put_object", {"Tagging": "&".join(f"k{n}=v" for n in range(11))}, "cannot be greater than 10"),
    ("put_object_tagging", tag_set("😀"), "InvalidTag"),
    ("put_object_tagging", tag_set("x" * 257), "InvalidTag"),
    ("put_bucket_tagging", tag_set("v", key="aws:mine"), "reserved"),
    ("create_table", {"TableName": "t", **tag_list("😀")}, "invalid"),
    ("create_topic", tag_list("😀"), "invalid"),
    ("create_role", tag_list("😀"), "invalid"),
    ("put_metric_alarm", tag_list("😀"), "invalid"),
    ("create_queue", {"tags": {"k": "😀"}}, "invalid"),
    ("create_function", {"Tags": {"k": "😀"}}, "invalid"),
    ("create_log_group", {"tags": {"k": "😀"}}, "invalid"),
    ("create_user_pool_domain", {"Domain": "my-aws-pages"}, "reserved word"),
    ("create_user_pool_domain", {"Domain": "taken"}, "already associated"),
    ("create_user_pool_domain", "second domain", "already has a domain"),  # type: ignore[list-item]
    ("delete_user_pool", "pool with a domain", "has a domain"),  # type: ignore[list-item]
    ("delete_user_pool", "protected pool", "deletion protection"),  # type: ignore[list-item]
    ("create_user_pool_client", {"CallbackURLs": ["http://app.example.com/"]}, "HTTP protocol"),
    ("create_user_pool_client", {"LogoutURLs": ["https://app.example.com/#a"]}, "fragment"),
    ("create_user_pool_client", {"CallbackURLs": []}, "can not be empty"),
    ("create_user_pool_client", {"AllowedOAuthScopes": []}, "required together"),
    ("create_user_pool_client", {"IdTokenValidity": 25}, "IdToken, 5 minutes to one day"),
    ("create_user_pool_client", {"RefreshTokenValidity": 3_651}, "60 minutes to 3650 days"),
    ("create_user_pool_client", "short refresh token", "not be valid for longer"),  # type: ignore[list-item]
    ("create_schedule", {"ScheduleExpression": "rate(1 days)"}, "Invalid Schedule Expression"),
    ("create_schedule", {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes"),
    ("create_schedule", "schedule by a function's role", "must allow AWS EventBridge Scheduler"),  # type: ignore[list-item]
]


def from_the_sample(sample: Sample, described: Arguments | str) -> Arguments:
    """Return arguments that need the sample's ARNs."""
    if not isinstance(described, str):
        return described
    entry = {"QueueArn": sample.queue_arn, "Events": ["s3:ObjectCreated:*"]}
    made: dict[str, Callable[[], Arguments]] = {
        "unpermitted": lambda: {
            "NotificationConfiguration": {"QueueConfigurations": [{**entry, "QueueArn": sample.closed_arn}]}
        },
        "overlapping": lambda: {
            "NotificationConfiguration": {
                "QueueConfigurations": [entry, {**entry, "Events": ["s3:ObjectCreated:Put"]}]
            }
        },
        "redrive to closed": lambda: queue(
            RedrivePolicy=json.dumps({"deadLetterTargetArn": sample.closed_arn, "maxReceiveCount": 5})
        ),
        "trail with a key": lambda: {"KmsKeyId": sample.key},
        "role of servers": lambda: {"Role": sample.servers},
        "dead letters": lambda: {"DeadLetterConfig": {"TargetArn": sample.queue_arn}},
        "destination": lambda: {"DestinationConfig": {"OnFailure": {"Destination": sample.topic}}},
        "schedule by a function's role": lambda: {
            "Target": {**sample.defaults("create_schedule")["Target"], "RoleArn": sample.role}
        },
        "second domain": lambda: {"UserPoolId": sample.named_pool},
        "pool with a domain": lambda: {"UserPoolId": sample.named_pool},
        "protected pool": lambda: {"UserPoolId": sample.protected_pool},
        "short refresh token": lambda: {
            "IdTokenValidity": 24,
            "RefreshTokenValidity": 2,
            "TokenValidityUnits": {"RefreshToken": "hours"},
        },
        "two results": lambda: {
            "Metrics": [{"Id": "a", "MetricStat": METRIC}, {"Id": "b", "MetricStat": METRIC}]
        },
    }
    return made[described]()


WITHOUT_METRIC = {"MetricName", "Namespace", "Statistic", "Period"}


def test_what_aws_takes_the_world_takes(sample: Sample) -> None:
    sample.world.client("s3").put_object(Bucket="sample", Key="tagged", Body=b"1")
    sample.world.client("dynamodb").create_table(**sample.defaults("create_table"), TableName="plain")
    (received,) = [sample.call("send_message")] and sample.world.client("sqs").receive_message(
        QueueUrl=sample.queue
    )["Messages"]
    sample.call("change_message_visibility", ReceiptHandle=received["ReceiptHandle"])
    done = {"send_message", "change_message_visibility", "create_table"}
    for operation in sorted(set().union(*OPERATIONS.values()) - done):
        assert sample.call(operation)["ResponseMetadata"]["HTTPStatusCode"] in (200, 201, 202, 204), operation


@pytest.fixture(scope="module")
def one_sample() -> Any:
    """Serve all tests with one world: refused calls change nothing."""
    with World() as world:
        yield Sample(world)


@pytest.mark.parametrize(("operation", "changed", "message"), REFUSED)
def test_what_aws_refuses_the_world_refuses(
    one_sample: Sample, operation: str, changed: Arguments, message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        refused_call(one_sample, operation, changed)


def refused_call(sample: Sample, operation: str, changed: Arguments) -> None:
    arguments = {**sample.defaults(operation), **from_the_sample(sample, changed)}
    if "Metrics" in arguments:
        arguments = {key: value for key, value in arguments.items() if key not in WITHOUT_METRIC}
    service = next(service for service, names in OPERATIONS.items() if operation in names)
    getattr(sample.world.client(service), operation)(**arguments)


def test_every_entry_of_the_list_refuses_something(
    one_sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: set[tuple[str, str]] = set()

    def recording(entry: Refusal) -> Refusal:
        def check(parameters: Mapping[str, Any]) -> None:
            try:
                entry.check(parameters)
            except RefusedError:
                refused.add((entry.service, entry.rule))
                raise

        return replace(entry, check=check)

    by_call = {key: [recording(entry) for entry in entries] for key, entries in refusals.by_call().items()}
    monkeypatch.setattr(refusals, "by_call", lambda: by_call)
    for operation, changed, _ in REFUSED:
        with pytest.raises(ClientError):
            refused_call(one_sample, operation, changed)
    # API Gateway's are tried in tests/embedded_aws/api_gateway.
    listed = {(entry.service, entry.rule) for entry in refusals.REFUSALS if entry.service != "apigateway"}
    assert listed - refused == set(), "add a call to REFUSED that breaks this rule"
