"""One check for each module of `embedded_aws.moto_patches`, of the same name: is AWS's behaviour there?

A check gets a function that makes boto3 clients, and returns whether what its module describes holds. It is run against
the embedded AWS, where it must hold, and, by this module's `python -m`, against plain moto, where it must not.
"""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

Clients = Callable[[str], Any]
Check = Callable[[Clients], bool]
REGION = "eu-central-1"
ACCOUNT = "123456789012"
_CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    """Register a check under its name."""
    _CHECKS[function.__name__] = function
    return function


def checks() -> dict[str, Check]:
    """All checks by name."""
    return dict(_CHECKS)


def outcomes(clients: Clients, fresh: Callable[[], None]) -> dict[str, bool]:
    """Whether each behaviour is there; an error of the service counts as not. `fresh` empties the backend."""
    found = {}
    for name, one in _CHECKS.items():
        fresh()
        try:
            found[name] = one(clients)
        except ClientError:
            found[name] = False
    return found


def _zip(text: str = "def handler(event, context): pass") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("m.py", text)
    return buffer.getvalue()


def _allow(principal: str, action: str, resource: str | list[str], **condition: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": action,
        "Resource": resource,
    }
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _function(clients: Clients, **settings: Any) -> Any:
    """Create the function `f`; returns the client."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    role = clients("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(policy))
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    clients("iam").put_role_policy(
        RoleName="worker",
        PolicyName="send",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [send]}),
    )
    functions = clients("lambda")
    functions.create_function(
        FunctionName="f",
        Role=role["Role"]["Arn"],
        Runtime="python3.13",
        Handler="m.handler",
        Code={"ZipFile": _zip()},
        **settings,
    )
    return functions


def _queue(clients: Clients, name: str = "q") -> tuple[str, str]:
    """Create a queue to which S3 may send; returns its URL and ARN."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    policy = _allow("s3.amazonaws.com", "sqs:SendMessage", arn)
    return clients("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn


def _bucket(clients: Clients, name: str = "a-bucket", *, versioned: bool = False) -> Any:
    """Create a bucket; returns the client."""
    s3 = clients("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return s3


def _watched_bucket(clients: Clients) -> tuple[Any, Callable[[], list[dict[str, Any]]]]:
    """Create a versioned bucket; returns the client, and what gives its events since the last call."""
    url, arn = _queue(clients)
    s3 = _bucket(clients, versioned=True)
    notification = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="a-bucket", NotificationConfiguration={"QueueConfigurations": [notification]}
    )

    def events() -> list[dict[str, Any]]:
        found = []
        while (
            messages := clients("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages")
        ):
            for message in messages:
                found += json.loads(message["Body"]).get("Records", [])
                clients("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    events()
    return s3, events


def _names(records: list[dict[str, Any]]) -> list[str]:
    return [record["eventName"] for record in records]


def _api(clients: Clients) -> tuple[Any, str]:
    gateway = clients("apigateway")
    return gateway, gateway.create_rest_api(name="api")["id"]


def _document(**more: Any) -> bytes:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations",
    }
    operation = {"responses": {}, "x-amazon-apigateway-integration": integration}
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    paths = {"/things/{id}": {"parameters": [parameter], "get": operation}}
    return json.dumps(
        {"openapi": "3.0.1", "info": {"title": "api", "version": "1"}, "paths": paths, **more}
    ).encode()


def _stage(clients: Clients) -> tuple[Any, str]:
    gateway, api = _api(clients)
    gateway.put_rest_api(
        restApiId=api, mode="overwrite", body=_document().replace(b'"parameters"', b'"summary"')
    )
    deployment = gateway.create_deployment(restApiId=api)["id"]
    gateway.create_stage(restApiId=api, stageName="v1", deploymentId=deployment)
    return gateway, api


@check
def alarms_notify_topics(clients: Clients) -> bool:
    url, arn = _queue(clients)
    topic = clients("sns").create_topic(Name="t")["TopicArn"]
    clients("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    alarms = clients("cloudwatch")
    alarms.put_metric_alarm(
        AlarmName="a",
        MetricName="m",
        Namespace="n",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    alarms.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="a test")
    return "Messages" in clients("sqs").receive_message(QueueUrl=url)


@check
def apis_binary_media_types(clients: Clients) -> bool:
    gateway, api = _api(clients)
    for kind in ("image~1jpeg", "image~1png"):
        operation = {"op": "add", "path": f"/binaryMediaTypes/{kind}"}
        gateway.update_rest_api(restApiId=api, patchOperations=[operation])
    shown = gateway.get_rest_api(restApiId=api).get("binaryMediaTypes")
    return bool(shown == ["image/jpeg", "image/png"])


@check
def apis_imported_documents(clients: Clients) -> bool:
    gateway, api = _api(clients)
    responses = {"THROTTLED": {"statusCode": 429, "responseTemplates": {"application/json": "{}"}}}
    extensions: dict[str, Any] = {
        "x-amazon-apigateway-gateway-responses": responses,
        "x-amazon-apigateway-binary-media-types": ["image/jpeg"],
    }
    gateway.put_rest_api(restApiId=api, mode="overwrite", body=_document(**extensions))
    shown = gateway.get_rest_api(restApiId=api)["binaryMediaTypes"]
    status = gateway.get_gateway_response(restApiId=api, responseType="THROTTLED")["statusCode"]
    return bool(shown == ["image/jpeg"] and status == "429")


@check
def apis_method_settings_removal(clients: Clients) -> bool:
    gateway, api = _stage(clients)
    setting = {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "5"}
    gateway.update_stage(restApiId=api, stageName="v1", patchOperations=[setting])
    removal = {"op": "remove", "path": "/*/*"}
    gateway.update_stage(restApiId=api, stageName="v1", patchOperations=[removal])
    return not gateway.get_stage(restApiId=api, stageName="v1").get("methodSettings")


@check
def apis_missing_deletion(clients: Clients) -> bool:
    try:
        clients("apigateway").delete_rest_api(restApiId="missing")
    except ClientError as error:
        return error.response["Error"]["Code"] == "NotFoundException"
    return False


@check
def apis_tags(clients: Clients) -> bool:
    gateway, api = _api(clients)
    arn = f"arn:aws:apigateway:{REGION}::/restapis/{api}"
    gateway.tag_resource(resourceArn=arn, tags={"a": "b"})
    return bool(gateway.get_tags(resourceArn=arn)["tags"] == {"a": "b"})


@check
def apis_usage_plan_limits(clients: Clients) -> bool:
    gateway, _ = _api(clients)
    plan = gateway.create_usage_plan(
        name="p", throttle={"rateLimit": 1.0, "burstLimit": 1}, quota={"limit": 5, "period": "DAY"}
    )["id"]
    values = {"/throttle/rateLimit": "0.5", "/quota/limit": "7"}
    operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
    gateway.update_usage_plan(usagePlanId=plan, patchOperations=operations)
    shown = gateway.get_usage_plan(usagePlanId=plan)
    return bool(shown["throttle"]["rateLimit"] == 0.5 and shown["quota"]["limit"] == 7)


@check
def buckets_log_delivery(clients: Clients) -> bool:
    s3 = _bucket(clients)
    _bucket(clients, "the-logs")
    # Nobody but the bucket's owner writes by ACL: the policy has to allow it.
    resources = ["arn:aws:s3:::the-logs/a-bucket/*", "arn:aws:s3:::the-logs/other/*"]
    policy = _allow(
        "logging.s3.amazonaws.com",
        "s3:PutObject",
        resources,
        ArnLike={"aws:SourceArn": "arn:aws:s3:::a-bucket"},
    )
    s3.put_bucket_policy(Bucket="the-logs", Policy=policy)
    target = {"TargetBucket": "the-logs", "TargetPrefix": "a-bucket/"}
    s3.put_bucket_logging(Bucket="a-bucket", BucketLoggingStatus={"LoggingEnabled": target})
    return bool(s3.get_bucket_logging(Bucket="a-bucket")["LoggingEnabled"]["TargetBucket"] == "the-logs")


@check
def functions_dead_letter_config(clients: Clients) -> bool:
    _, arn = _queue(clients)
    functions = _function(clients, DeadLetterConfig={"TargetArn": arn})
    shown = functions.get_function_configuration(FunctionName="f").get("DeadLetterConfig")
    return bool(shown == {"TargetArn": arn})


@check
def functions_event_invoke_config(clients: Clients) -> bool:
    functions = _function(clients)
    for attempts in (1, 2):
        functions.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=attempts)
    return bool(functions.get_function_event_invoke_config(FunctionName="f")["MaximumRetryAttempts"] == 2)


@check
def functions_invoke_qualifier(clients: Clients) -> bool:
    functions = _function(clients)
    try:
        functions.invoke(FunctionName="f", Qualifier="7")
    except ClientError as error:
        return error.response["Error"]["Code"] == "ResourceNotFoundException"
    return False


@check
def functions_logging_config(clients: Clients) -> bool:
    functions = _function(clients, LoggingConfig={"LogGroup": "mine", "LogFormat": "JSON"})
    shown = functions.get_function_configuration(FunctionName="f").get("LoggingConfig", {})
    return bool(shown.get("LogGroup") == "mine")


@check
def functions_unchanged_versions(clients: Clients) -> bool:
    functions = _function(clients)
    functions.update_function_configuration(FunctionName="f", Timeout=5)
    versions = [functions.publish_version(FunctionName="f")["Version"] for _ in range(2)]
    return versions == ["1", "1"]


@check
def functions_updated_settings(clients: Clients) -> bool:
    functions = _function(clients)
    functions.update_function_configuration(
        FunctionName="f", TracingConfig={"Mode": "Active"}, EphemeralStorage={"Size": 1024}
    )
    functions.update_function_code(FunctionName="f", ZipFile=_zip("changed"), Architectures=["arm64"])
    shown = functions.get_function_configuration(FunctionName="f")
    found = shown["TracingConfig"]["Mode"], shown["EphemeralStorage"]["Size"], shown["Architectures"]
    return bool(found == ("Active", 1024, ["arm64"]))


@check
def queues_kept_policy(clients: Clients) -> bool:
    url, _ = _queue(clients)
    clients("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "60"})
    shown = clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return "Policy" in shown


@check
def queues_redrive_allow_policy(clients: Clients) -> bool:
    rule = json.dumps({"redrivePermission": "denyAll"})
    url = clients("sqs").create_queue(QueueName="q", Attributes={"RedriveAllowPolicy": rule})["QueueUrl"]
    shown = clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return bool(shown.get("RedriveAllowPolicy") == rule)


@check
def s3_event_records(clients: Clients) -> bool:
    s3, events = _watched_bucket(clients)
    s3.put_object(Bucket="a-bucket", Key="a folder/1", Body=b"1")
    (record,) = events()
    described = record["s3"]["object"]
    return (
        described["key"] == "a+folder/1"
        and {"sequencer", "versionId"} <= described.keys()
        and {"userIdentity", "requestParameters", "responseElements"} <= record.keys()
    )


@check
def s3_keys_with_line_breaks(clients: Clients) -> bool:
    s3 = _bucket(clients)
    s3.put_object(Bucket="a-bucket", Key="a\nb", Body=b"1")
    return bool(s3.get_object(Bucket="a-bucket", Key="a\nb")["Body"].read() == b"1")


@check
def s3_multipart_events(clients: Clients) -> bool:
    s3, events = _watched_bucket(clients)
    where = {"Bucket": "a-bucket", "Key": "k"}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    part = s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"1")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)
    return _names(events()) == ["ObjectCreated:CompleteMultipartUpload"]


@check
def s3_new_delete_markers(clients: Clients) -> bool:
    s3 = _bucket(clients, versioned=True)
    s3.delete_object(Bucket="a-bucket", Key="never")
    return "DeleteMarkers" in s3.list_object_versions(Bucket="a-bucket")


@check
def s3_removal_events(clients: Clients) -> bool:
    s3, events = _watched_bucket(clients)
    versions = [s3.put_object(Bucket="a-bucket", Key="k", Body=body)["VersionId"] for body in (b"1", b"2")]
    s3.delete_object(Bucket="a-bucket", Key="k", VersionId=versions[0])
    s3.delete_object(Bucket="a-bucket", Key="k")
    removed = [name for name in _names(events()) if name.startswith("ObjectRemoved")]
    return removed == ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"]


@check
def s3_suspended_versions(clients: Clients) -> bool:
    s3 = _bucket(clients, versioned=True)
    versions = [s3.put_object(Bucket="a-bucket", Key="k", Body=body)["VersionId"] for body in (b"1", b"2")]
    s3.put_bucket_versioning(Bucket="a-bucket", VersioningConfiguration={"Status": "Suspended"})
    s3.delete_object(Bucket="a-bucket", Key="k", VersionId=versions[1])
    left = s3.list_object_versions(Bucket="a-bucket").get("Versions", [])
    return [version["VersionId"] for version in left] == versions[:1]


@check
def s3_version_listings(clients: Clients) -> bool:
    s3 = _bucket(clients, versioned=True)
    for key in ("a", "b", "c"):
        s3.put_object(Bucket="a-bucket", Key=key, Body=b"1")
    page = s3.list_object_versions(Bucket="a-bucket", MaxKeys=1)
    marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    for version in page["Versions"]:
        s3.delete_object(Bucket="a-bucket", Key=version["Key"], VersionId=version["VersionId"])
    found = s3.list_object_versions(Bucket="a-bucket", **marker).get("Versions", [])
    return [version["Key"] for version in found] == ["b", "c"]


def _main() -> None:
    """Print what plain moto does, as JSON: check -> whether AWS's behaviour is there."""
    import boto3
    from botocore.config import Config
    from moto.core.base_backend import BackendDict
    from moto.core.config import default_user_config
    from moto.server import ThreadedMotoServer

    default_user_config["lambda"] = {"use_docker": False}
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    session: Any = boto3.session.Session(
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="none", region_name=REGION
    )
    made: dict[str, Any] = {}

    def clients(service: str) -> Any:
        if service not in made:
            made[service] = session.client(
                service,
                endpoint_url=f"http://{host}:{port}",
                config=Config(retries={"total_max_attempts": 1}),
            )
        return made[service]

    found = outcomes(clients, BackendDict.reset)
    server.stop()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    _main()
