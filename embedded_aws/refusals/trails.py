"""CloudTrail. (API reference: CreateTrail, PutEventSelectors; User Guide: policies of buckets and keys.)"""

from embedded_aws.access import keys
from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.moto_state import find_bucket
from embedded_aws.refusals.base import Parameters, refusal, refuse

_SERVICE = "cloudtrail.amazonaws.com"
_CATEGORIES = frozenset(("Management", "Data", "NetworkActivity"))


def _arn(parameters: Parameters, region: str) -> str:
    name = str(parameters["Name"])
    return name if name.startswith("arn:") else f"arn:aws:cloudtrail:{region}:{ACCOUNT_ID}:trail/{name}"


@refusal("a trail's bucket lets CloudTrail write there", "cloudtrail", "CreateTrail", "UpdateTrail")
def _bucket(parameters: Parameters) -> None:
    name = parameters.get("S3BucketName")
    bucket = find_bucket(name) if name else None
    if bucket is None:  # moto refuses a bucket that is not there
        return
    context = {
        "aws:SecureTransport": "true",
        "aws:SourceArn": _arn(parameters, bucket.region_name),
        "aws:SourceAccount": ACCOUNT_ID,
        "s3:x-amz-acl": "bucket-owner-full-control",
    }
    file = f"{bucket.arn}/AWSLogs/{ACCOUNT_ID}/CloudTrail/x.json.gz"
    for action, resource in (("s3:GetBucketAcl", bucket.arn), ("s3:PutObject", file)):
        request = AccessRequest(
            action=action,
            resource=resource,
            principal=Principal(kind="Service", value=_SERVICE),
            context=context,
        )
        if not bucket.policy or evaluate([bucket.policy], request) is not Verdict.ALLOW:
            raise refuse(
                "InsufficientS3BucketPolicyException",
                f"Incorrect S3 bucket policy is detected for bucket: {name}",
            )


@refusal("a trail's key lets CloudTrail encrypt with it", "cloudtrail", "CreateTrail", "UpdateTrail")
def _key(parameters: Parameters) -> None:
    key = parameters.get("KmsKeyId")
    if not key:
        return
    region = key.split(":")[3]
    source = {"aws:SourceArn": _arn(parameters, region)}
    encrypted = {**source, "kms:EncryptionContext:aws:cloudtrail:arn": source["aws:SourceArn"]}
    may = keys.service_may_use(key, region, _SERVICE, source, "kms:DescribeKey") and keys.service_may_use(
        key, region, _SERVICE, encrypted, "kms:GenerateDataKey"
    )
    if not may:
        raise refuse(
            "InsufficientEncryptionPolicyException",
            "Insufficient permissions to access S3 bucket or KMS key, or the key is not in the bucket's region",
        )


@refusal(
    "a trail's advanced selectors say which category, and of data which type",
    "cloudtrail",
    "PutEventSelectors",
)
def _selectors(parameters: Parameters) -> None:
    for selector in parameters.get("AdvancedEventSelectors") or ():
        fields = {field["Field"]: field for field in selector["FieldSelectors"]}
        categories = fields.get("eventCategory", {}).get("Equals", [])
        if len(categories) != 1 or categories[0] not in _CATEGORIES:
            raise refuse("InvalidEventSelectorsException", "eventCategory must equal one category")
        if categories[0] == "Data" and len(fields.get("resources.type", {}).get("Equals", [])) != 1:
            raise refuse(
                "InvalidEventSelectorsException", "Data events need resources.type, which equals one type"
            )
