"""Of each type: how it is created, and what it is updated to in place."""

import json
from typing import Any

from pulumi import FileArchive

from .resource_bench import Bench, Case, Inputs, bucket, function, policy
from .samples import tiny_zip

Made = tuple[str, Inputs, Inputs]


def _statement(principal: str, action: str, resource: str) -> str:
    entry = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [entry]})


def _key(bench: Bench) -> str:
    """Make a KMS key that AWS's services may use, and return its ARN."""
    statement = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return str(bench.world.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"])


def _queue(bench: Bench, name: str = "it") -> tuple[str, str]:
    url = bench.make("aws:sqs/queue:Queue", {}, name)
    return url, bench.shown()["arn"]


def a_bucket(_: Bench) -> Made:
    return "aws:s3/bucket:Bucket", {"tags": {"a": "b"}}, {"tags": {"c": "d"}}


def versioning(bench: Bench) -> Made:
    same = {"bucket": bucket(bench)}
    return (
        "aws:s3/bucketVersioning:BucketVersioning",
        {**same, "versioningConfiguration": {"status": "Enabled"}},
        {**same, "versioningConfiguration": {"status": "Suspended"}},
    )


def public_access_block(bench: Bench) -> Made:
    same = {"bucket": bucket(bench), "blockPublicAcls": True}
    return (
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        same,
        {**same, "restrictPublicBuckets": True},
    )


def ownership_controls(bench: Bench) -> Made:
    same = {"bucket": bucket(bench)}
    return (
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        {**same, "rule": {"objectOwnership": "BucketOwnerPreferred"}},
        {**same, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
    )


def encryption(bench: Bench) -> Made:
    def rules(algorithm: str) -> list[Inputs]:
        return [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm}}]

    same = {"bucket": bucket(bench)}
    return (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        {**same, "rules": rules("AES256")},
        {**same, "rules": rules("aws:kms")},
    )


def lifecycle(bench: Bench) -> Made:
    def rules(days: int) -> list[Inputs]:
        return [{"id": "old", "status": "Enabled", "expiration": {"days": days}, "filter": {"prefix": "a/"}}]

    same = {"bucket": bucket(bench)}
    return (
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        {**same, "rules": rules(1)},
        {**same, "rules": [{**rules(2)[0], "filter": {"tag": {"key": "status", "value": "OLD"}}}]},
    )


def bucket_policy(bench: Bench) -> Made:
    name = bucket(bench)

    def document(action: str) -> str:
        return _statement("logging.s3.amazonaws.com", action, f"arn:aws:s3:::{name}/*")

    return (
        "aws:s3/bucketPolicy:BucketPolicy",
        {"bucket": name, "policy": document("s3:PutObject")},
        {"bucket": name, "policy": document("s3:GetObject")},
    )


def notification(bench: Bench) -> Made:
    name = bucket(bench)
    url, arn = _queue(bench)
    policy_text = _statement("s3.amazonaws.com", "sqs:SendMessage", arn)
    bench.make("aws:sqs/queuePolicy:QueuePolicy", {"queueUrl": url, "policy": policy_text})

    def queues(event: str) -> list[Inputs]:
        return [{"id": "events", "queueArn": arn, "events": [event]}]

    return (
        "aws:s3/bucketNotification:BucketNotification",
        {"bucket": name, "queues": queues("s3:ObjectCreated:*")},
        {"bucket": name, "queues": queues("s3:ObjectRemoved:*")},
    )


def logging(bench: Bench) -> Made:
    name, target = bucket(bench), bench.make("aws:s3/bucket:Bucket", {"forceDestroy": True}, "logs")
    document = _statement("logging.s3.amazonaws.com", "s3:PutObject", f"arn:aws:s3:::{target}/*")
    bench.make("aws:s3/bucketPolicy:BucketPolicy", {"bucket": target, "policy": document})
    same = {"bucket": name, "targetBucket": target}
    return (
        "aws:s3/bucketLogging:BucketLogging",
        {**same, "targetPrefix": "a/"},
        {**same, "targetPrefix": "b/"},
    )


def a_table(bench: Bench) -> Made:
    same = {
        "name": "records",
        "billingMode": "PAY_PER_REQUEST",
        "hashKey": "id",
        "attributes": [{"name": "id", "type": "S"}],
    }
    return (
        "aws:dynamodb/table:Table",
        {**same, "deletionProtectionEnabled": False},
        {
            **same,
            "ttl": {"attributeName": "expires", "enabled": True},
            "pointInTimeRecovery": {"enabled": True},
            "tags": {"a": "b"},
            "serverSideEncryption": {"enabled": True, "kmsKeyArn": _key(bench)},
        },
    )


def a_queue(bench: Bench) -> Made:
    return (
        "aws:sqs/queue:Queue",
        {"name": "q", "visibilityTimeoutSeconds": 60},
        {
            "name": "q",
            "visibilityTimeoutSeconds": 90,
            "tags": {"a": "b"},
            "kmsMasterKeyId": _key(bench),
            "kmsDataKeyReusePeriodSeconds": 600,
        },
    )


def a_queue_policy(bench: Bench) -> Made:
    url, arn = _queue(bench)
    return (
        "aws:sqs/queuePolicy:QueuePolicy",
        {"queueUrl": url, "policy": _statement("s3.amazonaws.com", "sqs:SendMessage", arn)},
        {"queueUrl": url, "policy": _statement("sns.amazonaws.com", "sqs:SendMessage", arn)},
    )


def a_redrive_policy(bench: Bench) -> Made:
    _, dead_letters = _queue(bench, "dead-letters")
    url, _ = _queue(bench)

    def document(receives: int) -> str:
        return json.dumps({"deadLetterTargetArn": dead_letters, "maxReceiveCount": receives})

    return (
        "aws:sqs/redrivePolicy:RedrivePolicy",
        {"queueUrl": url, "redrivePolicy": document(3)},
        {"queueUrl": url, "redrivePolicy": document(5)},
    )


def a_redrive_allow_policy(bench: Bench) -> Made:
    url, arn = _queue(bench)
    named = {"redrivePermission": "byQueue", "sourceQueueArns": [arn]}
    return (
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        {"queueUrl": url, "redriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})},
        {"queueUrl": url, "redriveAllowPolicy": json.dumps(named)},
    )


def a_topic(_: Bench) -> Made:
    changed = {"name": "t", "displayName": "Topic", "signatureVersion": 2, "tags": {"a": "b"}}
    return "aws:sns/topic:Topic", {"name": "t"}, changed


def a_topic_policy(bench: Bench) -> Made:
    bench.make("aws:sns/topic:Topic", {})
    arn = bench.shown()["arn"]
    return (
        "aws:sns/topicPolicy:TopicPolicy",
        {"arn": arn, "policy": _statement("s3.amazonaws.com", "sns:Publish", arn)},
        {"arn": arn, "policy": _statement("cloudwatch.amazonaws.com", "sns:Publish", arn)},
    )


def a_subscription(bench: Bench) -> Made:
    bench.make("aws:sns/topic:Topic", {})
    same = {"topic": bench.shown()["arn"], "protocol": "email", "endpoint": "a@example.com"}
    return (
        "aws:sns/topicSubscription:TopicSubscription",
        {**same, "filterPolicy": json.dumps({"status": ["FAILED"]})},
        {**same, "filterPolicy": json.dumps({"status": ["BLOCKED"]})},
    )


def a_webhook(bench: Bench) -> Made:
    bench.make("aws:sns/topic:Topic", {})
    endpoint = {"protocol": "https", "endpoint": "https://a.example.com/b"}
    same = {"topic": bench.shown()["arn"], **endpoint}
    retries = {"healthyRetryPolicy": {"numRetries": 5}}
    return (
        "aws:sns/topicSubscription:TopicSubscription",
        same,
        {**same, "deliveryPolicy": json.dumps(retries)},
    )


def a_role(_: Bench) -> Made:
    document = _statement("lambda.amazonaws.com", "sts:AssumeRole", "*").replace(', "Resource": "*"', "")
    same: dict[str, Any] = {"name": "r", "assumeRolePolicy": document}
    return (
        "aws:iam/role:Role",
        {**same, "maxSessionDuration": 3600},
        {**same, "maxSessionDuration": 7200, "tags": {"a": "b"}},
    )


def an_attachment(bench: Bench) -> Made:
    kind, inputs, _ = a_role(bench)
    role = bench.make(kind, inputs)
    arn = bench.make("aws:iam/policy:Policy", {"policy": policy()})
    same = {"role": role, "policyArn": arn}
    return "aws:iam/rolePolicyAttachment:RolePolicyAttachment", same, same


def a_log_group(bench: Bench) -> Made:
    return (
        "aws:cloudwatch/logGroup:LogGroup",
        {"name": "g", "retentionInDays": 7},
        {"name": "g", "retentionInDays": 30, "tags": {"a": "b"}, "kmsKeyId": _key(bench)},
    )


def a_mapping(bench: Bench) -> Made:
    name = function(bench)
    role = next(id_ for handler, id_, _ in bench.made if handler.type_name == "aws:iam/role:Role")
    actions = [f"sqs:{action}" for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")]
    statement = {"Effect": "Allow", "Action": actions, "Resource": bench.target}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    bench.make("aws:iam/rolePolicy:RolePolicy", {"role": role, "policy": document}, "receive")
    same = {"functionName": name, "eventSourceArn": bench.target}
    return (
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        {**same, "batchSize": 5},
        {**same, "batchSize": 1, "enabled": False, "tags": {"a": "b"}},
    )


def a_permission(bench: Bench) -> Made:
    same = {
        "function": function(bench),
        "statementId": "api",
        "action": "lambda:InvokeFunction",
        "principal": "apigateway.amazonaws.com",
    }
    return "aws:lambda/permission:Permission", same, same


def a_schedule(bench: Bench) -> Made:
    name = function(bench)
    arn = bench.shown()["arn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": bench.world.account_id}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    bench.make("aws:iam/role:Role", {"assumeRolePolicy": document}, "timer")
    same = {
        "name": name,
        "target": {
            "arn": arn,
            "roleArn": bench.shown()["arn"],
            "retryPolicy": {"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 3_600},
        },
        "flexibleTimeWindow": {"mode": "OFF"},
    }
    return (
        "aws:scheduler/schedule:Schedule",
        {**same, "scheduleExpression": "rate(1 day)", "description": "d"},
        {**same, "scheduleExpression": "cron(0 3 * * ? *)", "state": "DISABLED"},
    )


def a_layer_version(bench: Bench) -> Made:
    file = bench.folder / "layer.zip"
    file.write_bytes(tiny_zip())
    same = {"layerName": "l", "code": FileArchive(str(file))}
    return "aws:lambda/layerVersion:LayerVersion", same, same


CASES: tuple[Case, ...] = (
    a_bucket,
    versioning,
    public_access_block,
    ownership_controls,
    encryption,
    lifecycle,
    bucket_policy,
    notification,
    logging,
    a_table,
    a_queue,
    a_queue_policy,
    a_redrive_policy,
    a_redrive_allow_policy,
    a_topic,
    a_topic_policy,
    a_subscription,
    a_webhook,
    a_role,
    an_attachment,
    a_log_group,
    a_mapping,
    a_permission,
    a_schedule,
    a_layer_version,
)
