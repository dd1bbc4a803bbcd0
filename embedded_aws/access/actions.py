"""Which IAM actions on which resources a call needs, after the Service Authorization Reference.

`SERVICES` has every service with resource types; a call of any other needs the action of its own name on `*`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from embedded_aws.access.keys import DECRYPT, GENERATE, uses
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.moto_state import find_bucket, find_object, object_tags

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Need:
    """One permission that a call needs."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()
    """Condition keys of this permission alone, with their values."""


@dataclass(frozen=True)
class Place:
    """Where a call goes: parts of the ARNs that it does not name itself."""

    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """Return an ARN of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def needs(service: str, operation: str, parameters: Parameters, place: Place) -> list[Need]:
    """Return all permissions that a call needs; every one of them must be granted."""
    find = SERVICES.get(service)
    if find is None:
        return [Need(f"{service}:{operation}", "*")]
    return find(operation, parameters, place)


def _s3(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    bucket = f"arn:aws:s3:::{parameters.get('Bucket', '*')}"
    key = f"{bucket}/{parameters['Key']}" if "Key" in parameters else bucket
    versioned = "Version" if parameters.get("VersionId") else ""
    tagged = [Need("s3:PutObjectTagging", key)] if parameters.get("Tagging") else []
    match operation:
        case "GetObject":
            stored = parameters["Bucket"], parameters["Key"], parameters.get("VersionId")
            return [Need(f"s3:GetObject{versioned}", key), *_decryption(*stored, place)]
        case "HeadObject":
            stored = parameters["Bucket"], parameters["Key"], parameters.get("VersionId")
            # The checksum is encrypted, too.
            decryption = _decryption(*stored, place) if parameters.get("ChecksumMode") else []
            return [Need(f"s3:GetObject{versioned}", key), *decryption]
        case "GetObjectAttributes":
            return [Need(f"s3:GetObject{versioned}", key), Need(f"s3:GetObject{versioned}Attributes", key)]
        case "GetObjectTagging" | "PutObjectTagging" | "DeleteObjectTagging" if versioned:
            return [Need(f"s3:{operation.replace('Object', 'ObjectVersion')}", key)]
        case "PutObject" | "CreateMultipartUpload":
            return [Need("s3:PutObject", key), *tagged, *_encryption(GENERATE, parameters, place)]
        case "UploadPart":
            return [Need("s3:PutObject", key), *_encryption(GENERATE, parameters, place)]
        case "CompleteMultipartUpload":  # reads the parts, which are encrypted already
            return [Need("s3:PutObject", key), *_encryption(DECRYPT, parameters, place)]
        case "CopyObject" | "UploadPartCopy":
            written = [Need("s3:PutObject", key), *tagged, *_encryption(GENERATE, parameters, place)]
            return [*_copy_source(parameters, place), *written]
        case "DeleteObject":
            return [Need(f"s3:DeleteObject{versioned}", key)]
        case "DeleteObjects":
            return [
                Need(
                    "s3:DeleteObjectVersion" if entry.get("VersionId") else "s3:DeleteObject",
                    f"{bucket}/{entry['Key']}",
                )
                for entry in parameters["Delete"]["Objects"]
            ]
        case "ListObjects" | "ListObjectsV2" | "HeadBucket":
            return [Need("s3:ListBucket", bucket)]
        case "ListObjectVersions":
            return [Need("s3:ListBucketVersions", bucket)]
        case "ListParts":
            return [Need("s3:ListMultipartUploadParts", key)]
        case "ListMultipartUploads":
            return [Need("s3:ListBucketMultipartUploads", bucket)]
        case "ListBuckets":
            return [Need("s3:ListAllMyBuckets", "*")]
        case _:
            return [Need(f"s3:{operation}", key)]


def copy_source(parameters: Parameters) -> tuple[str, str, str | None]:
    """Return bucket, key and version of `CopySource`, given as text (`bucket/key?versionId=v`, encoded) or parsed."""
    source = parameters["CopySource"]
    if isinstance(source, Mapping):
        return source["Bucket"], source["Key"], source.get("VersionId")
    path, _, query = source.partition("?")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    return bucket, key, parse_qs(query).get("versionId", [None])[0]


def _copy_source(parameters: Parameters, place: Place) -> list[Need]:
    bucket, key, version = copy_source(parameters)
    source = f"arn:aws:s3:::{bucket}/{key}"
    suffix = "Version" if version else ""
    found = [Need(f"s3:GetObject{suffix}", source), *_decryption(bucket, key, version, place)]
    if _copies_tags(bucket, key, version, parameters):
        found.append(Need(f"s3:GetObject{suffix}Tagging", source))
    return found


def _decryption(bucket: str, key: str, version: str | None, place: Place) -> list[Need]:
    """Return what reading the bytes needs besides: the use of the KMS key that the object was stored with."""
    stored = find_object(bucket, key, version)
    if stored is None or stored.encryption != "aws:kms":
        return []
    under_bucket_key = str(stored.bucket_key_enabled).lower() == "true"
    named = f"arn:aws:s3:::{bucket}" if under_bucket_key else f"arn:aws:s3:::{bucket}/{key}"
    return _uses([DECRYPT], stored.kms_key_id, "s3", place, ("aws:s3:arn", named))


def _encryption(use: str, parameters: Parameters, place: Place) -> list[Need]:
    """Return what writing the bytes needs besides: the use of the KMS key that the request or the bucket names."""
    bucket = find_bucket(parameters["Bucket"])
    default = (bucket.encryption if bucket is not None else None) or {"Rule": {}}
    rule = default["Rule"]
    named: Mapping[str, Any] = rule.get("ApplyServerSideEncryptionByDefault") or {}
    if parameters.get("ServerSideEncryption"):
        named = {
            "SSEAlgorithm": parameters["ServerSideEncryption"],
            "KMSMasterKeyID": parameters.get("SSEKMSKeyId"),
        }
    if named.get("SSEAlgorithm") != "aws:kms":
        return []
    arn = f"arn:aws:s3:::{parameters['Bucket']}"
    under_bucket_key = str(parameters.get("BucketKeyEnabled", rule.get("BucketKeyEnabled"))).lower() == "true"
    context = ("aws:s3:arn", arn if under_bucket_key else f"{arn}/{parameters['Key']}")
    return _uses([use], named.get("KMSMasterKeyID"), "s3", place, context)


def _uses(
    actions: list[str], key: str | None, service: str, place: Place, context: tuple[str, str]
) -> list[Need]:
    found = uses(actions, key, service=service, region=place.region, context=context)
    return [Need(use.action, use.key, use.context) for use in found]


def _copies_tags(bucket: str, key: str, version: str | None, parameters: Parameters) -> bool:
    """Return whether a copy reads its source's tags: it keeps them, and there are any."""
    return parameters.get("TaggingDirective") != "REPLACE" and bool(object_tags(bucket, key, version))


def _dynamodb(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    def table(name: str, index: str | None = None) -> str:
        arn = name if name.startswith("arn:") else place.arn("dynamodb", f"table/{name}")
        return f"{arn}/index/{index}" if index else arn

    def with_key(found: list[Need]) -> list[Need]:
        return [*found, *_table_keys(found, place)]

    if operation in ("TransactWriteItems", "TransactGetItems"):
        actions = {
            "Put": "PutItem",
            "Update": "UpdateItem",
            "Delete": "DeleteItem",
            "ConditionCheck": "ConditionCheckItem",
            "Get": "GetItem",
        }
        return with_key(
            [
                Need(f"dynamodb:{actions[kind]}", table(entry["TableName"]))
                for item in parameters["TransactItems"]
                for kind, entry in item.items()
            ]
        )
    if operation in ("BatchGetItem", "BatchWriteItem"):
        return with_key([Need(f"dynamodb:{operation}", table(name)) for name in parameters["RequestItems"]])
    if "TableName" in parameters:
        need = Need(f"dynamodb:{operation}", table(parameters["TableName"], parameters.get("IndexName")))
        return with_key([need]) if operation in _ON_ITEMS else [need]
    return [Need(f"dynamodb:{operation}", parameters.get("ResourceArn", "*"))]


_ON_ITEMS = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"})


def _table_keys(needs_of_call: list[Need], place: Place) -> list[Need]:
    """Return the use of each table's KMS key: its table key is decrypted for whoever asks for items."""
    from moto.dynamodb.models import dynamodb_backends

    tables = dynamodb_backends[ACCOUNT_ID][place.region].tables
    found = []
    for name in sorted({need.resource.split("/")[1] for need in needs_of_call}):
        specification = tables[name].sse_specification if name in tables else None
        key = (specification or {}).get("KMSMasterKeyId") if (specification or {}).get("Enabled") else None
        found += _uses([DECRYPT], key, "dynamodb", place, ("aws:dynamodb:tableName", name))
    return found


def _sqs(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    action = f"sqs:{operation.removesuffix('Batch')}"
    if "QueueUrl" in parameters:
        arn = place.arn("sqs", parameters["QueueUrl"].rsplit("/", 1)[-1])
        return [Need(action, arn), *_queue_key(action, arn, place)]
    return [Need(action, place.arn("sqs", parameters["QueueName"]) if "QueueName" in parameters else "*")]


def _queue_key(action: str, arn: str, place: Place) -> list[Need]:
    from moto.sqs.models import sqs_backends

    queue = sqs_backends[ACCOUNT_ID][place.region].queues.get(arn.rsplit(":", 1)[-1])
    key = getattr(queue, "kms_master_key_id", None)
    by_action = {"sqs:SendMessage": [GENERATE, DECRYPT], "sqs:ReceiveMessage": [DECRYPT]}
    return _uses(by_action.get(action, []), key, "sqs", place, ("aws:sqs:arn", arn))


def _sns(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    from moto.sns.models import sns_backends

    named = (parameters.get(key) for key in ("TopicArn", "TargetArn", "SubscriptionArn", "ResourceArn"))
    need = Need(f"sns:{operation.removesuffix('Batch')}", next((arn for arn in named if arn), "*"))
    if need.action != "sns:Publish":
        return [need]
    topic = sns_backends[ACCOUNT_ID][place.region].topics.get(need.resource)
    key = getattr(topic, "kms_master_key_id", None)
    return [need, *_uses([GENERATE, DECRYPT], key, "sns", place, ("aws:sns:topicArn", need.resource))]


def _logs(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    group, stream = parameters.get("logGroupName"), parameters.get("logStreamName")
    if not group:
        return [Need(f"logs:{operation}", "*")]
    return [Need(f"logs:{operation}", place.arn("logs", f"log-group:{group}:log-stream:{stream or ''}"))]


def _lambda(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    action = "lambda:InvokeFunction" if operation in ("Invoke", "InvokeAsync") else f"lambda:{operation}"
    name = parameters.get("FunctionName")
    if not name:
        return [Need(action, "*")]
    return [Need(action, name if name.startswith("arn:") else place.arn("lambda", f"function:{name}"))]


def _iam(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    role = parameters.get("RoleName")
    return [Need(f"iam:{operation}", f"arn:aws:iam::{place.account}:role/{role}" if role else "*")]


def _cloudwatch(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    action = f"cloudwatch:{operation}"
    if parameters.get("AlarmName"):
        return [Need(action, place.arn("cloudwatch", f"alarm:{parameters['AlarmName']}"))]
    if parameters.get("DashboardName"):
        board = f"arn:aws:cloudwatch::{place.account}:dashboard/{parameters['DashboardName']}"
        return [Need(action, board)]
    return [Need(action, "*")]


def _sts(operation: str, parameters: Parameters, place: Place) -> list[Need]:  # noqa: ARG001
    if operation == "GetCallerIdentity":
        return []  # needs no permission, and cannot be denied
    return [Need(f"sts:{operation}", parameters.get("RoleArn", "*"))]


def _apigateway(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    """Return the method of API Gateway's own REST API, on the path of that API."""
    methods = {"Create": "POST", "Import": "POST", "Get": "GET", "Put": "PUT", "Update": "PATCH"}
    methods |= {"Delete": "DELETE", "Tag": "PUT", "Untag": "DELETE"}
    method = next(verb for prefix, verb in methods.items() if operation.startswith(prefix))
    api, stage = parameters.get("restApiId"), parameters.get("stageName")
    path = f"/restapis/{api}" + (f"/stages/{stage}" if stage else "") if api else "/*"
    return [Need(f"apigateway:{method}", f"arn:aws:apigateway:{place.region}::{path}")]


def _scheduler(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    name = parameters.get("Name")
    group = parameters.get("GroupName", "default")
    return [
        Need(f"scheduler:{operation}", place.arn("scheduler", f"schedule/{group}/{name}") if name else "*")
    ]


def _cognito_idp(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    pool = parameters.get("UserPoolId")
    return [Need(f"cognito-idp:{operation}", place.arn("cognito-idp", f"userpool/{pool}") if pool else "*")]


def _cloudfront(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    """Return the operation's action, on the distribution that it names, or whatever has an ARN, or on all."""
    id_ = parameters.get("DistributionId") or (parameters.get("Id") if "Distribution" in operation else None)
    distribution = f"arn:aws:cloudfront::{place.account}:distribution/{id_}" if id_ else None
    action = operation.removesuffix("WithTags")
    return [Need(f"cloudfront:{action}", distribution or parameters.get("Resource", "*"))]


def _budgets(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    """Return the one of two actions that all operations on budgets share; tags have actions of their own."""
    if "ResourceARN" in parameters:
        return [Need(f"budgets:{operation}", parameters["ResourceARN"])]
    action = "budgets:ViewBudget" if operation.startswith("Describe") else "budgets:ModifyBudget"
    name = parameters.get("BudgetName") or parameters.get("Budget", {}).get("BudgetName", "*")
    return [Need(action, f"arn:aws:budgets::{place.account}:budget/{name}")]


def _events(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    """Return the action on each bus that is named; other operations have rules, which nothing here uses with a role."""
    buses = {entry.get("EventBusName", "default") for entry in parameters.get("Entries", ())} or {"*"}
    return [
        Need(
            f"events:{operation}", bus if bus.startswith("arn:") else place.arn("events", f"event-bus/{bus}")
        )
        for bus in sorted(buses)
    ]


def _cloudtrail(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    names = [parameters.get(key) for key in ("Name", "TrailName", "ResourceId")]
    name = next((str(found) for found in names if found), "*")
    trail = name if name == "*" or name.startswith("arn:") else place.arn("cloudtrail", f"trail/{name}")
    return [Need(f"cloudtrail:{operation}", trail)]


SERVICES: dict[str, Callable[[str, Parameters, Place], list[Need]]] = {
    "s3": _s3,
    "dynamodb": _dynamodb,
    "sqs": _sqs,
    "sns": _sns,
    "logs": _logs,
    "lambda": _lambda,
    "apigateway": _apigateway,
    "budgets": _budgets,
    "cloudfront": _cloudfront,
    "cloudtrail": _cloudtrail,
    "cloudwatch": _cloudwatch,
    "cognito-idp": _cognito_idp,
    "events": _events,
    "iam": _iam,
    "scheduler": _scheduler,
    "sts": _sts,
}
