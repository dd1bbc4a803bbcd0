"""One check for each module of `embedded_aws.moto_patches`, of the same name: is AWS's behaviour there?

A check gets a function that makes boto3 clients, and returns whether what its module describes holds. It is run against
the embedded AWS, where it must hold, and, by this module's `python -m`, against plain moto, where it must not.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.embedded_aws.moto_patches import behaviours_of_data, behaviours_of_distributions  # noqa: F401 - register their checks
from tests.embedded_aws.moto_patches.arrangements import (
    REGION,
    Clients,
    allow,
    bucket,
    document,
    function,
    names,
    queue,
    rest_api,
    stage,
    watched_bucket,
    zipped,
)
from tests.embedded_aws.moto_patches.checks import check, outcomes


def code(call: Callable[[], object]) -> str:
    """Return the code of the error that a call ends with, "" where it succeeds."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@check
def alarms_notify_topics(clients: Clients) -> bool:
    url, arn = queue(clients)
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
    gateway, api = rest_api(clients)
    for kind in ("image~1jpeg", "image~1png"):
        operation = {"op": "add", "path": f"/binaryMediaTypes/{kind}"}
        gateway.update_rest_api(restApiId=api, patchOperations=[operation])
    shown = gateway.get_rest_api(restApiId=api).get("binaryMediaTypes")
    return bool(shown == ["image/jpeg", "image/png"])


@check
def apis_imported_documents(clients: Clients) -> bool:
    gateway, api = rest_api(clients)
    responses = {"THROTTLED": {"statusCode": 429, "responseTemplates": {"application/json": "{}"}}}
    extensions: dict[str, Any] = {
        "x-amazon-apigateway-gateway-responses": responses,
        "x-amazon-apigateway-binary-media-types": ["image/jpeg"],
        "x-amazon-apigateway-security-policy": "TLS_1_2",
    }
    gateway.put_rest_api(restApiId=api, mode="overwrite", body=document(**extensions))
    shown = gateway.get_rest_api(restApiId=api)
    status = gateway.get_gateway_response(restApiId=api, responseType="THROTTLED")["statusCode"]
    imported = shown.get("securityPolicy"), shown["binaryMediaTypes"]
    return bool(imported == ("TLS_1_2", ["image/jpeg"]) and status == "429")


@check
def apis_method_settings_removal(clients: Clients) -> bool:
    gateway, api = stage(clients)
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
    gateway, api = rest_api(clients)
    arn = f"arn:aws:apigateway:{REGION}::/restapis/{api}"
    gateway.tag_resource(resourceArn=arn, tags={"a": "b"})
    return bool(gateway.get_tags(resourceArn=arn)["tags"] == {"a": "b"})


@check
def apis_usage_plan_limits(clients: Clients) -> bool:
    gateway, _ = rest_api(clients)
    plan = gateway.create_usage_plan(
        name="p", throttle={"rateLimit": 1.0, "burstLimit": 1}, quota={"limit": 5, "period": "DAY"}
    )["id"]
    values = {"/throttle/rateLimit": "0.5", "/quota/limit": "7"}
    operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
    gateway.update_usage_plan(usagePlanId=plan, patchOperations=operations)
    shown = gateway.get_usage_plan(usagePlanId=plan)
    return bool(shown["throttle"]["rateLimit"] == 0.5 and shown["quota"]["limit"] == 7)


@check
def budgets_tags(clients: Clients) -> bool:
    budgets, account = clients("budgets"), "123456789012"
    limit = {"Amount": "1", "Unit": "USD"}
    budget = {"BudgetName": "b", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit}
    tags = [{"Key": "a", "Value": "b"}]
    budgets.create_budget(AccountId=account, Budget=budget, ResourceTags=tags)
    shown = budgets.list_tags_for_resource(ResourceARN=f"arn:aws:budgets::{account}:budget/b")
    return bool(shown["ResourceTags"] == tags)


@check
def buckets_log_delivery(clients: Clients) -> bool:
    s3 = bucket(clients)
    bucket(clients, "the-logs")
    # Nobody but the bucket's owner writes by ACL: the policy has to allow it.
    resources = ["arn:aws:s3:::the-logs/a-bucket/*", "arn:aws:s3:::the-logs/other/*"]
    policy = allow(
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
    _, arn = queue(clients)
    functions = function(clients, DeadLetterConfig={"TargetArn": arn})
    shown = functions.get_function_configuration(FunctionName="f").get("DeadLetterConfig")
    return bool(shown == {"TargetArn": arn})


@check
def functions_event_invoke_config(clients: Clients) -> bool:
    functions = function(clients)
    for attempts in (1, 2):
        functions.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=attempts)
    return bool(functions.get_function_event_invoke_config(FunctionName="f")["MaximumRetryAttempts"] == 2)


@check
def functions_invoke_qualifier(clients: Clients) -> bool:
    functions = function(clients)
    try:
        functions.invoke(FunctionName="f", Qualifier="7")
    except ClientError as error:
        return error.response["Error"]["Code"] == "ResourceNotFoundException"
    return False


@check
def functions_logging_config(clients: Clients) -> bool:
    functions = function(clients, LoggingConfig={"LogGroup": "mine", "LogFormat": "JSON"})
    shown = functions.get_function_configuration(FunctionName="f").get("LoggingConfig", {})
    return bool(shown.get("LogGroup") == "mine")


@check
def functions_unchanged_versions(clients: Clients) -> bool:
    functions = function(clients)
    functions.update_function_configuration(FunctionName="f", Timeout=5)
    versions = [functions.publish_version(FunctionName="f")["Version"] for _ in range(2)]
    return versions == ["1", "1"]


@check
def functions_updated_settings(clients: Clients) -> bool:
    functions = function(clients)
    functions.update_function_configuration(
        FunctionName="f", TracingConfig={"Mode": "Active"}, EphemeralStorage={"Size": 1024}
    )
    functions.update_function_code(FunctionName="f", ZipFile=zipped("changed"), Architectures=["arm64"])
    shown = functions.get_function_configuration(FunctionName="f")
    found = shown["TracingConfig"]["Mode"], shown["EphemeralStorage"]["Size"], shown["Architectures"]
    return bool(found == ("Active", 1024, ["arm64"]))


@check
def logs_query_definitions(clients: Clients) -> bool:
    logs = clients("logs")
    id_ = logs.put_query_definition(name="one", queryString="limit 1")["queryDefinitionId"]
    logs.put_query_definition(queryDefinitionId=id_, name="one", queryString="limit 2")
    logs.put_query_definition(name="two", queryString="limit 1")
    shown = logs.describe_query_definitions(queryDefinitionNamePrefix="on")["queryDefinitions"]
    logs.delete_query_definition(queryDefinitionId=id_)
    again = code(lambda: logs.delete_query_definition(queryDefinitionId=id_))
    return [each["queryString"] for each in shown] == ["limit 2"] and again == "ResourceNotFoundException"


@check
def queues_kept_policy(clients: Clients) -> bool:
    url, _ = queue(clients)
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
    s3, events = watched_bucket(clients)
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
    s3 = bucket(clients)
    s3.put_object(Bucket="a-bucket", Key="a\nb", Body=b"1")
    return bool(s3.get_object(Bucket="a-bucket", Key="a\nb")["Body"].read() == b"1")


@check
def s3_multipart_events(clients: Clients) -> bool:
    s3, events = watched_bucket(clients)
    where = {"Bucket": "a-bucket", "Key": "k"}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    part = s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"1")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)
    return names(events()) == ["ObjectCreated:CompleteMultipartUpload"]


@check
def s3_customer_keys(clients: Clients) -> bool:
    s3 = bucket(clients)
    where, secret = (
        {"Bucket": "a-bucket", "Key": "k"},
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
    )
    s3.put_object(**where, **secret, Body=b"1")
    refused = [
        code(lambda: s3.get_object(**where)),
        code(lambda: s3.head_object(**where)),
        code(lambda: s3.copy_object(Bucket="a-bucket", Key="copy", CopySource=where)),
    ]
    given = s3.get_object(**where, **secret)["Body"].read()
    s3.put_object(**where, Body=b"2")
    return (
        refused == ["InvalidRequest", "400", "InvalidRequest"]
        and given == b"1"
        and not code(lambda: s3.get_object(**where))
    )


@check
def s3_new_delete_markers(clients: Clients) -> bool:
    s3 = bucket(clients, versioned=True)
    s3.delete_object(Bucket="a-bucket", Key="never")
    return "DeleteMarkers" in s3.list_object_versions(Bucket="a-bucket")


@check
def s3_removal_events(clients: Clients) -> bool:
    s3, events = watched_bucket(clients)
    versions = [s3.put_object(Bucket="a-bucket", Key="k", Body=body)["VersionId"] for body in (b"1", b"2")]
    s3.delete_object(Bucket="a-bucket", Key="k", VersionId=versions[0])
    s3.delete_object(Bucket="a-bucket", Key="k")
    removed = [name for name in names(events()) if name.startswith("ObjectRemoved")]
    return removed == ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"]


@check
def s3_suspended_versions(clients: Clients) -> bool:
    s3 = bucket(clients, versioned=True)
    versions = [s3.put_object(Bucket="a-bucket", Key="k", Body=body)["VersionId"] for body in (b"1", b"2")]
    s3.put_bucket_versioning(Bucket="a-bucket", VersioningConfiguration={"Status": "Suspended"})
    s3.delete_object(Bucket="a-bucket", Key="k", VersionId=versions[1])
    left = s3.list_object_versions(Bucket="a-bucket").get("Versions", [])
    return [version["VersionId"] for version in left] == versions[:1]


@check
def s3_version_listings(clients: Clients) -> bool:
    s3 = bucket(clients, versioned=True)
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


@check
def topics_signature_version(clients: Clients) -> bool:
    sns = clients("sns")
    arn = sns.create_topic(Name="t", Attributes={"SignatureVersion": "2"})["TopicArn"]
    return bool(sns.get_topic_attributes(TopicArn=arn)["Attributes"].get("SignatureVersion") == "2")


if __name__ == "__main__":
    _main()
