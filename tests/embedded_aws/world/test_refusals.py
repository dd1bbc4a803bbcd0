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

from .samples import TRUST, tiny_zip

Arguments = dict[str, Any]


class Sample:
    """A world with one thing of each kind, and boto3 calls on them that AWS takes."""

    def __init__(self, world: World) -> None:
        self.world = world
        region, account = world.region, world.account_id
        s3, sqs, sns, iam = (world.client(name) for name in ("s3", "sqs", "sns", "iam"))
        place = {"LocationConstraint": region}
        s3.create_bucket(Bucket="sample", CreateBucketConfiguration=place)
        rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        s3.put_bucket_ownership_controls(Bucket="sample", OwnershipControls=rules)
        block = {"BlockPublicPolicy": True}
        s3.put_public_access_block(Bucket="sample", PublicAccessBlockConfiguration=block)
        self.queue = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
        self.queue_arn = f"arn:aws:sqs:{region}:{account}:work"
        self.closed_arn = f"arn:aws:sqs:{region}:{account}:closed"
        sqs.create_queue(
            QueueName="closed",
            Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})},
        )
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.queue_arn,
            "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::sample"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": policy})
        self.topic = sns.create_topic(Name="events")["TopicArn"]
        sns.subscribe(TopicArn=self.topic, Protocol="email", Endpoint="a@example.com")
        self.role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"][
            "Arn"
        ]
        actions = [f"sqs:{name}" for name in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")]
        receive = {"Effect": "Allow", "Action": actions, "Resource": self.queue_arn}
        iam.put_role_policy(
            RoleName="worker",
            PolicyName="receive",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [receive]}),
        )
        self.poor = iam.create_role(RoleName="poor", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"][
            "Arn"
        ]
        self.servers = iam.create_role(
            RoleName="servers", AssumeRolePolicyDocument=json.dumps(TRUST).replace("lambda", "ec2")
        )["Role"]["Arn"]
        world.client("logs").create_log_group(logGroupName="g")
        for name, role in (
            ("worker", self.role),
            ("poor", self.poor),
            ("slow", self.role),
            ("fed", self.role),
        ):
            self.call("create_function", FunctionName=name, Role=role, Timeout=300 if name == "slow" else 3)
        self.call("create_event_source_mapping", FunctionName="fed")
        world.client("dynamodb").create_table(
            **self.defaults("create_table"), TableName="guarded", DeletionProtectionEnabled=True
        )

    def defaults(self, operation: str) -> Arguments:
        """Arguments of a call that AWS takes."""
        notification = {"QueueArn": self.queue_arn, "Events": ["s3:ObjectCreated:*"]}
        made: dict[str, Arguments] = {
            "put_object": {"Bucket": "sample", "Key": "k", "Body": b"1"},
            "put_object_tagging": {"Bucket": "sample", "Key": "tagged", **tag_set("a value: +-=._:/@ ü")},
            "put_bucket_tagging": {"Bucket": "sample", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}},
            "create_bucket": {
                "Bucket": "another-bucket",
                "CreateBucketConfiguration": {"LocationConstraint": self.world.region},
            },
            "put_bucket_notification_configuration": {
                "Bucket": "sample",
                "NotificationConfiguration": {"QueueConfigurations": [notification]},
            },
            "put_bucket_lifecycle_configuration": {
                "Bucket": "sample",
                "LifecycleConfiguration": {"Rules": [lifecycle_rule(Expiration={"Days": 7})]},
            },
            "put_bucket_policy": {"Bucket": "sample", "Policy": bucket_policy(self.world.account_id)},
            "create_queue": {"QueueName": "new"},
            "change_message_visibility": {
                "QueueUrl": self.queue,
                "ReceiptHandle": "x",
                "VisibilityTimeout": 1,
            },
            "send_message": {"QueueUrl": self.queue, "MessageBody": "ü\n"},
            "publish": {"TopicArn": self.topic, "Message": "m", "Subject": "s"},
            "create_topic": {"Name": "new"},
            "subscribe": {"TopicArn": self.topic, "Protocol": "email", "Endpoint": "b@example.com"},
            "create_function": {
                "FunctionName": "new",
                "Role": self.role,
                "Runtime": "python3.13",
                "Handler": "m.handler",
                "Code": {"ZipFile": tiny_zip()},
            },
            "create_event_source_mapping": {"EventSourceArn": self.queue_arn, "FunctionName": "worker"},
            "put_retention_policy": {"logGroupName": "g", "retentionInDays": 30},
            "create_log_group": {"logGroupName": "new"},
            "put_metric_alarm": {
                "AlarmName": "a",
                "MetricName": "m",
                "Namespace": "n",
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 1,
                "ComparisonOperator": "GreaterThanThreshold",
            },
            "create_table": {
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
            "delete_table": {"TableName": "plain"},
            "create_role": {"RoleName": "new", "AssumeRolePolicyDocument": json.dumps(TRUST)},
            "put_role_policy": {
                "RoleName": "worker",
                "PolicyName": "more",
                "PolicyDocument": policy_of_characters(1_000),
            },
            "create_policy": {"PolicyName": "new", "PolicyDocument": policy_of_characters(1_000)},
            "put_function_event_invoke_config": {"FunctionName": "worker", "MaximumRetryAttempts": 1},
            "delete_role": {"RoleName": "servers"},
        }
        return made.get(operation, {})

    def call(self, operation: str, **changed: Any) -> Any:
        """The call with some arguments changed."""
        service = next(service for service, names in OPERATIONS.items() if operation in names)
        return getattr(self.world.client(service), operation)(**{**self.defaults(operation), **changed})


OPERATIONS = {
    "s3": {
        "put_object",
        "put_object_tagging",
        "put_bucket_tagging",
        "create_bucket",
        "put_bucket_notification_configuration",
        "put_bucket_lifecycle_configuration",
        "put_bucket_policy",
    },
    "sqs": {"create_queue", "send_message", "change_message_visibility"},
    "sns": {"publish", "subscribe", "create_topic"},
    "lambda": {"create_function", "create_event_source_mapping", "put_function_event_invoke_config"},
    "logs": {"put_retention_policy", "create_log_group"},
    "cloudwatch": {"put_metric_alarm"},
    "dynamodb": {"create_table", "delete_table"},
    "iam": {"create_role", "put_role_policy", "delete_role", "create_policy"},
}


def lifecycle_rule(**actions: Any) -> Arguments:
    return {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, **actions}


def bucket_policy(principal: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::sample/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def policy_of_characters(count: int) -> str:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::b/{'x' * count}"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def sample(world: World) -> Sample:
    return Sample(world)


def queue(**attributes: str) -> Arguments:
    return {"Attributes": attributes}


def variables(**given: str) -> Arguments:
    return {"Environment": {"Variables": given}}


def rules(*made: Arguments) -> Arguments:
    return {"LifecycleConfiguration": {"Rules": list(made)}}


def tag_set(value: str, key: str = "k") -> Arguments:
    return {"Tagging": {"TagSet": [{"Key": key, "Value": value}]}}


def tag_list(value: str) -> Arguments:
    return {"Tags": [{"Key": "k", "Value": value}]}


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
    ("put_metric_alarm", {"Period": 45}, "multiple of 60"),
    ("put_metric_alarm", {"Period": 300, "EvaluationPeriods": 289}, "86400"),
    ("put_metric_alarm", {"DatapointsToAlarm": 2}, "DatapointsToAlarm"),
    ("put_metric_alarm", {"TreatMissingData": "notbreaching"}, "TreatMissingData"),
    ("put_metric_alarm", {"AlarmDescription": "x" * 1_025}, "AlarmDescription"),
    ("put_metric_alarm", "two results", "Exactly one element"),  # type: ignore[list-item]
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
]


def from_the_sample(sample: Sample, described: Arguments | str) -> Arguments:
    """Arguments that need the sample's ARNs."""
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
        "role of servers": lambda: {"Role": sample.servers},
        "dead letters": lambda: {"DeadLetterConfig": {"TargetArn": sample.queue_arn}},
        "destination": lambda: {"DestinationConfig": {"OnFailure": {"Destination": sample.topic}}},
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
    """Refused calls change nothing, so one world does for all of them."""
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
