"""Which IAM actions on which resources a call needs, after the Service Authorization Reference.

`SERVICES` has every service with resource types; a call of any other needs the action of its own name on `*`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from embedded_aws.moto_state import find_object, object_tags

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Need:
    """One permission that a call needs."""

    action: str
    resource: str


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


def _s3(operation: str, parameters: Parameters, place: Place) -> list[Need]:  # noqa: ARG001 - one shape for all
    bucket = f"arn:aws:s3:::{parameters.get('Bucket', '*')}"
    key = f"{bucket}/{parameters['Key']}" if "Key" in parameters else bucket
    versioned = "Version" if parameters.get("VersionId") else ""
    tagged = [Need("s3:PutObjectTagging", key)] if parameters.get("Tagging") else []
    match operation:
        case "GetObject":
            stored = parameters["Bucket"], parameters["Key"], parameters.get("VersionId")
            return [Need(f"s3:GetObject{versioned}", key), *_decryption(*stored)]
        case "HeadObject":
            return [Need(f"s3:GetObject{versioned}", key)]
        case "GetObjectAttributes":
            return [Need(f"s3:GetObject{versioned}", key), Need(f"s3:GetObject{versioned}Attributes", key)]
        case "GetObjectTagging" | "PutObjectTagging" | "DeleteObjectTagging" if versioned:
            return [Need(f"s3:{operation.replace('Object', 'ObjectVersion')}", key)]
        case "PutObject" | "CreateMultipartUpload":
            return [Need("s3:PutObject", key), *tagged]
        case "UploadPart" | "CompleteMultipartUpload":
            return [Need("s3:PutObject", key)]
        case "CopyObject" | "UploadPartCopy":
            return [*_copy_source(parameters), Need("s3:PutObject", key), *tagged]
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


def _copy_source(parameters: Parameters) -> list[Need]:
    bucket, key, version = copy_source(parameters)
    source = f"arn:aws:s3:::{bucket}/{key}"
    suffix = "Version" if version else ""
    found = [Need(f"s3:GetObject{suffix}", source), *_decryption(bucket, key, version)]
    if _copies_tags(bucket, key, version, parameters):
        found.append(Need(f"s3:GetObject{suffix}Tagging", source))
    return found


def _decryption(bucket: str, key: str, version: str | None) -> list[Need]:
    """Return what reading the bytes needs besides: the use of the KMS key that the object was stored with."""
    stored = find_object(bucket, key, version)
    kms_key = stored.kms_key_id if stored is not None and stored.encryption == "aws:kms" else None
    # Everybody in the account may use the key that S3 itself manages in KMS.
    if kms_key is None or kms_key.endswith("alias/aws/s3"):
        return []
    return [Need("kms:Decrypt", kms_key)]


def _copies_tags(bucket: str, key: str, version: str | None, parameters: Parameters) -> bool:
    """Return whether a copy reads its source's tags: it keeps them, and there are any."""
    return parameters.get("TaggingDirective") != "REPLACE" and bool(object_tags(bucket, key, version))


def _dynamodb(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    def table(name: str, index: str | None = None) -> str:
        arn = name if name.startswith("arn:") else place.arn("dynamodb", f"table/{name}")
        return f"{arn}/index/{index}" if index else arn

    if operation in ("TransactWriteItems", "TransactGetItems"):
        actions = {
            "Put": "PutItem",
            "Update": "UpdateItem",
            "Delete": "DeleteItem",
            "ConditionCheck": "ConditionCheckItem",
            "Get": "GetItem",
        }
        return [
            Need(f"dynamodb:{actions[kind]}", table(entry["TableName"]))
            for item in parameters["TransactItems"]
            for kind, entry in item.items()
        ]
    if operation in ("BatchGetItem", "BatchWriteItem"):
        return [Need(f"dynamodb:{operation}", table(name)) for name in parameters["RequestItems"]]
    if "TableName" in parameters:
        return [Need(f"dynamodb:{operation}", table(parameters["TableName"], parameters.get("IndexName")))]
    return [Need(f"dynamodb:{operation}", parameters.get("ResourceArn", "*"))]


def _sqs(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    action = f"sqs:{operation.removesuffix('Batch')}"
    if "QueueUrl" in parameters:
        return [Need(action, place.arn("sqs", parameters["QueueUrl"].rsplit("/", 1)[-1]))]
    return [Need(action, place.arn("sqs", parameters["QueueName"]) if "QueueName" in parameters else "*")]


def _sns(operation: str, parameters: Parameters, place: Place) -> list[Need]:  # noqa: ARG001
    named = (parameters.get(key) for key in ("TopicArn", "TargetArn", "SubscriptionArn", "ResourceArn"))
    return [Need(f"sns:{operation.removesuffix('Batch')}", next((arn for arn in named if arn), "*"))]


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


def _budgets(operation: str, parameters: Parameters, place: Place) -> list[Need]:
    """Return the one of two actions that all operations on budgets share; tags have actions of their own."""
    if "ResourceARN" in parameters:
        return [Need(f"budgets:{operation}", parameters["ResourceARN"])]
    action = "budgets:ViewBudget" if operation.startswith("Describe") else "budgets:ModifyBudget"
    name = parameters.get("BudgetName") or parameters.get("Budget", {}).get("BudgetName", "*")
    return [Need(action, f"arn:aws:budgets::{place.account}:budget/{name}")]


SERVICES: dict[str, Callable[[str, Parameters, Place], list[Need]]] = {
    "s3": _s3,
    "dynamodb": _dynamodb,
    "sqs": _sqs,
    "sns": _sns,
    "logs": _logs,
    "lambda": _lambda,
    "apigateway": _apigateway,
    "budgets": _budgets,
    "cloudwatch": _cloudwatch,
    "cognito-idp": _cognito_idp,
    "iam": _iam,
    "scheduler": _scheduler,
    "sts": _sts,
}
