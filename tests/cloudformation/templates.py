"""What the program registered as a CloudFormation template, whose resource schemas the services' own teams write.

Most inputs of pulumi_aws are CloudFormation's properties in camelCase. What differs is translated here; a type or input
without a translation is an error, so that none is left out of the check unseen.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.components.recording import Recording, Registered

Properties = dict[str, Any]
RANDOM_PART = "-1a2b3c4"
ROLE = "arn:aws:iam::123456789012:role/a-role"
LAYER = "arn:aws:lambda:eu-central-1:123456789012:layer:a-layer:1"
CODE = {"S3Bucket": "a-bucket", "S3Key": "a-key"}
# Has no schema: it is not a resource of AWS.
_LOOKED_UP = frozenset({"pulumi:providers:aws"})


def template(resources: Iterable[Registered]) -> dict[str, Any]:
    """Return a template with one resource for each; the settings of a bucket become its properties."""
    found: dict[str, Any] = {}
    buckets: dict[str, Properties] = {}
    given = [each for each in resources if each.custom and each.type not in _LOOKED_UP]
    for resource in given:
        kind = resource.type.rpartition(":")[2]
        if kind == "Bucket":
            name = str(resource.inputs.get("bucket", _physical(resource)))
            buckets[name] = {"BucketName": name}
            found[logical_id(resource)] = {"Type": "AWS::S3::Bucket", "Properties": buckets[name]}
        elif kind in _TYPES:
            type_, translate = _TYPES[kind]
            found[logical_id(resource)] = {"Type": type_, "Properties": translate(resource)}
        elif kind not in _BUCKET_SETTINGS and kind not in _WITHOUT_SCHEMA:
            raise LookupError(f"{resource.type} has no translation into CloudFormation")
    for resource in given:
        kind = resource.type.rpartition(":")[2]
        if kind in _BUCKET_SETTINGS:
            buckets[resource.inputs["bucket"]] |= _BUCKET_SETTINGS[kind](resource.inputs)
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": found}


def of(recorded: Recording) -> dict[str, Any]:
    """Return the template of everything that was recorded."""
    return template(recorded.resources)


def logical_id(resource: Registered) -> str:
    """Return the resource's key in the template: letters and digits of its name and type."""
    kind = resource.type.rpartition(":")[2]
    return re.sub(r"[^A-Za-z0-9]", "", f"{resource.name.title()}{kind}")


def _physical(resource: Registered) -> str:
    return f"{resource.name}{RANDOM_PART}"


def _deep(value: Any) -> Any:
    """Return a value with CloudFormation's spelling of keys, and whole numbers as integers."""
    if isinstance(value, Mapping):
        return {f"{key[:1].upper()}{key[1:]}": _deep(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_deep(inner) for inner in value]
    return int(value) if isinstance(value, float) and value == int(value) else value


def _renamed(resource: Registered, name: str | None, **renamed: str | None) -> Properties:
    """Return the inputs as properties, some under another name (None: left out), JSON texts as documents."""
    made: Properties = {name: str(resource.inputs.get("name", _physical(resource)))} if name else {}
    for key, value in resource.inputs.items():
        target = renamed.get(key, f"{key[:1].upper()}{key[1:]}")
        if key != "name" and target is not None:
            is_document = isinstance(value, str) and value.startswith("{")
            made[target] = json.loads(value) if is_document else _deep(value)
    return made


def _function(resource: Registered) -> Properties:
    made = _renamed(resource, "FunctionName", code=None, publish=None, environment=None)
    environment = {"Variables": dict(resource.inputs["environment"]["variables"])}
    layers = [LAYER[:-1] + str(number) for number, _ in enumerate(resource.inputs["layers"], 1)]
    return {**made, "Code": CODE, "Role": ROLE, "Layers": layers, "Environment": environment}


def _alarm(resource: Registered) -> Properties:
    made = _renamed(resource, "AlarmName", dimensions=None, metricQueries=None)
    if "dimensions" in resource.inputs:
        made["Dimensions"] = _dimensions(resource.inputs["dimensions"])
    if "metricQueries" in resource.inputs:
        made["Metrics"] = [_query(query) for query in resource.inputs["metricQueries"]]
    return made


def _query(query: Mapping[str, Any]) -> Properties:
    made: Properties = _deep({key: value for key, value in query.items() if key != "metric"})
    if metric := query.get("metric"):
        named = {"Namespace": metric["namespace"], "MetricName": metric["metricName"]}
        watched = {**named, "Dimensions": _dimensions(metric["dimensions"])}
        made["MetricStat"] = _deep({"metric": watched, "period": metric["period"], "stat": metric["stat"]})
    return made


def _dimensions(given: Mapping[str, str]) -> list[Properties]:
    return [{"Name": name, "Value": value} for name, value in given.items()]


def _table(resource: Registered) -> Properties:
    made = _renamed(
        resource, "TableName", hashKey=None, rangeKey=None, attributes=None, ttl="TimeToLiveSpecification",
        pointInTimeRecovery=None, globalSecondaryIndexes=None,
    )  # fmt: skip
    inputs = resource.inputs
    keys = [("hashKey", "HASH"), ("rangeKey", "RANGE")]
    indexes = [
        {
            "IndexName": index["name"],
            "KeySchema": _deep(index["keySchemas"]),
            "Projection": {"ProjectionType": index["projectionType"]},
        }
        for index in inputs["globalSecondaryIndexes"]
    ]
    return {
        **made,
        "KeySchema": [{"AttributeName": inputs[key], "KeyType": kind} for key, kind in keys],
        "AttributeDefinitions": [
            {"AttributeName": each["name"], "AttributeType": each["type"]} for each in inputs["attributes"]
        ],
        "GlobalSecondaryIndexes": indexes,
        "PointInTimeRecoverySpecification": {
            "PointInTimeRecoveryEnabled": inputs["pointInTimeRecovery"]["enabled"]
        },
    }


def _schedule(resource: Registered) -> Properties:
    made = _renamed(resource, "Name")
    return {
        **made,
        "Target": {**made["Target"], "RoleArn": ROLE},
    }  # the recording's ARN of a role has a region


def _log_group(resource: Registered) -> Properties:
    made = _renamed(resource, "LogGroupName")
    return {key: value for key, value in made.items() if (key, value) != ("RetentionInDays", 0)}  # 0: kept


def _lifecycle(inputs: Mapping[str, Any]) -> Properties:
    def rule(given: Mapping[str, Any]) -> Properties:
        made: Properties = {"Id": given["id"], "Status": given["status"]}
        chosen = given["filter"]
        if "tag" in chosen:
            made["TagFilters"] = [{"Key": chosen["tag"]["key"], "Value": chosen["tag"]["value"]}]
        else:
            made["Prefix"] = chosen["prefix"]
        expiration = given.get("expiration", {})
        made |= {"ExpirationInDays": expiration["days"]} if "days" in expiration else {}
        if expiration.get("expiredObjectDeleteMarker"):
            made["ExpiredObjectDeleteMarker"] = True
        for name in ("noncurrentVersionExpiration", "abortIncompleteMultipartUpload"):
            made |= _deep({name: given[name]}) if name in given else {}
        return made

    return {"LifecycleConfiguration": {"Rules": [_deep(rule(each)) for each in inputs["rules"]]}}


def _encryption(inputs: Mapping[str, Any]) -> Properties:
    defaults = [each["applyServerSideEncryptionByDefault"]["sseAlgorithm"] for each in inputs["rules"]]
    rules = [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}} for algorithm in defaults]
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": rules}}


def _cors(inputs: Mapping[str, Any]) -> Properties:
    rules = []
    for given in inputs["corsRules"]:
        rule = _deep(given)
        rules.append({**{key: value for key, value in rule.items() if key != "MaxAgeSeconds"},
                      "MaxAge": rule["MaxAgeSeconds"]})  # fmt: skip
    return {"CorsConfiguration": {"CorsRules": rules}}


def _notification(inputs: Mapping[str, Any]) -> Properties:
    queues = [
        {"Event": event, "Queue": queue["queueArn"]}
        for queue in inputs["queues"]
        for event in queue["events"]
    ]
    return {"NotificationConfiguration": {"QueueConfigurations": queues}}


def _without_bucket(inputs: Mapping[str, Any]) -> Properties:
    made: Properties = _deep({key: value for key, value in inputs.items() if key != "bucket"})
    return made


_BUCKET_SETTINGS: Mapping[str, Callable[[Mapping[str, Any]], Properties]] = {
    "BucketVersioning": _without_bucket,
    "BucketPublicAccessBlock": lambda inputs: {"PublicAccessBlockConfiguration": _without_bucket(inputs)},
    "BucketOwnershipControls": lambda inputs: {"OwnershipControls": {"Rules": [_deep(inputs["rule"])]}},
    "BucketServerSideEncryptionConfiguration": _encryption,
    "BucketLogging": lambda inputs: {
        "LoggingConfiguration": {
            "DestinationBucketName": inputs["targetBucket"],
            "LogFilePrefix": inputs["targetPrefix"],
        }
    },
    "BucketCorsConfiguration": _cors,
    "BucketNotification": _notification,
    "BucketLifecycleConfiguration": _lifecycle,
}
_ARN = {"arn": None, "policy": "PolicyDocument"}
_TYPES: Mapping[str, tuple[str, Callable[[Registered], Properties]]] = {
    "Function": ("AWS::Lambda::Function", _function),
    "LayerVersion": (
        "AWS::Lambda::LayerVersion",
        lambda each: {**_renamed(each, None, code=None, skipDestroy=None), "Content": CODE},
    ),
    "EventSourceMapping": ("AWS::Lambda::EventSourceMapping", lambda each: _renamed(each, None)),
    "Permission": ("AWS::Lambda::Permission", lambda each: _renamed(each, None, function="FunctionName")),
    "Queue": (
        "AWS::SQS::Queue",
        lambda each: _renamed(
            each, "QueueName", visibilityTimeoutSeconds="VisibilityTimeout",
            messageRetentionSeconds="MessageRetentionPeriod", maxMessageSize="MaximumMessageSize",
        ),
    ),
    "QueuePolicy": (
        "AWS::SQS::QueuePolicy",
        lambda each: {
            "Queues": [each.inputs["queueUrl"]],
            **_renamed(each, None, queueUrl=None, policy="PolicyDocument"),
        },
    ),
    "Topic": ("AWS::SNS::Topic", lambda each: _renamed(each, "TopicName")),
    "TopicPolicy": (
        "AWS::SNS::TopicPolicy",
        lambda each: {"Topics": [each.inputs["arn"]], **_renamed(each, None, **_ARN)},
    ),
    "TopicSubscription": ("AWS::SNS::Subscription", lambda each: _renamed(each, None, topic="TopicArn")),
    "MetricAlarm": ("AWS::CloudWatch::Alarm", _alarm),
    "LogGroup": (
        "AWS::Logs::LogGroup",
        _log_group,
    ),
    "Role": (
        "AWS::IAM::Role",
        lambda each: _renamed(each, "RoleName", assumeRolePolicy="AssumeRolePolicyDocument"),
    ),
    "RolePolicy": (
        "AWS::IAM::RolePolicy",
        lambda each: {
            "PolicyName": _physical(each), **_renamed(each, None, role="RoleName", policy="PolicyDocument"),
        },
    ),
    "Policy": (
        "AWS::IAM::ManagedPolicy",
        lambda each: _renamed(each, "ManagedPolicyName", policy="PolicyDocument"),
    ),
    "Table": ("AWS::DynamoDB::Table", _table),
    "BucketPolicy": ("AWS::S3::BucketPolicy", lambda each: _renamed(each, None, policy="PolicyDocument")),
    "RestApi": (
        "AWS::ApiGateway::RestApi",
        lambda each: {
            **_renamed(each, "Name", endpointConfiguration=None),
            "EndpointConfiguration": {"Types": [each.inputs["endpointConfiguration"]["types"]]},
        },
    ),
    "Stage": (
        "AWS::ApiGateway::Stage",
        lambda each: _renamed(
            each, None, restApi="RestApiId", deployment="DeploymentId", xrayTracingEnabled="TracingEnabled",
            accessLogSettings="AccessLogSetting",
        ),
    ),
    "UsagePlan": (
        "AWS::ApiGateway::UsagePlan",
        lambda each: _renamed(
            each, "UsagePlanName", throttleSettings="Throttle", quotaSettings="Quota",
        ),
    ),
    "ApiKey": ("AWS::ApiGateway::ApiKey", lambda each: _renamed(each, "Name")),
    "Schedule": ("AWS::Scheduler::Schedule", _schedule),
    "UsagePlanKey": ("AWS::ApiGateway::UsagePlanKey", lambda each: _renamed(each, None)),
}  # fmt: skip
# CloudFormation has them as properties of the resource that they belong to, and the calls that they make are held
# against the services' own models.
_WITHOUT_SCHEMA = frozenset({"RedrivePolicy", "RedriveAllowPolicy", "MethodSettings", "Deployment"})
