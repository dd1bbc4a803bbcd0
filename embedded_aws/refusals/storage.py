"""S3. (S3 User Guide: "Creating object key names", "Bucket naming rules", "Working with object metadata".)"""

import ipaddress
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from embedded_aws.access.policies import is_public
from embedded_aws.access.resource_policies import blocks_public_policy
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.moto_state import find_bucket
from embedded_aws.refusals.base import Parameters, refusal, refuse

KEY_BYTES = 1024
METADATA_BYTES = 2048
_BUCKET_NAME = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
_BAD_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_BAD_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_WRITES = ("PutObject", "CopyObject", "CreateMultipartUpload")


@refusal(
    "an object key has at most 1,024 bytes of UTF-8",
    "s3",
    *_WRITES,
    "GetObject",
    "HeadObject",
    "DeleteObject",
)
def _key_length(parameters: Parameters) -> None:
    if len(parameters["Key"].encode()) > KEY_BYTES:
        raise refuse("KeyTooLongError", "Your key is too long")


@refusal("a bucket's name follows the naming rules", "s3", "CreateBucket")
def _bucket_name(parameters: Parameters) -> None:
    name = parameters["Bucket"]
    bad = (
        not _BUCKET_NAME.match(name)
        or ".." in name
        or name.startswith(_BAD_PREFIXES)
        or name.endswith(_BAD_SUFFIXES)
        or _is_address(name)
    )
    if bad:
        raise refuse("InvalidBucketName", "The specified bucket is not valid.")


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


@refusal("user metadata has at most 2 KB", "s3", *_WRITES)
def _metadata(parameters: Parameters) -> None:
    size = sum(
        len(key.encode()) + len(value.encode()) for key, value in (parameters.get("Metadata") or {}).items()
    )
    if size > METADATA_BYTES:
        raise refuse("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")


@refusal("no ACL where the bucket's owner is enforced", "s3", *_WRITES, "PutObjectAcl", "PutBucketAcl")
def _acl(parameters: Parameters) -> None:
    bucket = find_bucket(parameters["Bucket"])
    rule = bucket.ownership_rule if bucket is not None else None
    enforced = "BucketOwnerEnforced" in str(rule)
    if enforced and parameters.get("ACL", "bucket-owner-full-control") != "bucket-owner-full-control":
        raise refuse("AccessControlListNotSupported", "The bucket does not allow ACLs")


@refusal("no public policy where BlockPublicPolicy is on", "s3", "PutBucketPolicy")
def _public_policy(parameters: Parameters) -> None:
    if blocks_public_policy(parameters["Bucket"]) and is_public(parameters["Policy"]):
        message = "public policies are blocked by the BlockPublicPolicy block public access setting."
        raise refuse("AccessDenied", message, 403)


@refusal("a destination exists and lets S3 send to it", "s3", "PutBucketNotificationConfiguration")
def _destinations(parameters: Parameters) -> None:
    from moto.sns.models import sns_backends
    from moto.sqs.models import sqs_backends

    from embedded_aws.s3.events import may_encrypt, may_send

    bucket_arn = f"arn:aws:s3:::{parameters['Bucket']}"
    for _, arn, _ in _subscriptions(parameters):
        _, _, service, region, account, name = arn.split(":", 5)
        if service == "sqs":
            target: Any = sqs_backends[ACCOUNT_ID][region].queues.get(name)
            action = "sqs:SendMessage"
        elif service == "sns":
            target = sns_backends[ACCOUNT_ID][region].topics.get(arn)
            action = "sns:Publish"
        else:
            raise refuse("InvalidArgument", f"{service} destinations are not carried out by the embedded AWS")
        may = target is not None and may_send([target.policy], action, arn, bucket_arn, account)
        if not may or not may_encrypt(target, arn):
            raise refuse("InvalidArgument", "Unable to validate the following destination configurations")


@refusal("two destinations never share an event of one key", "s3", "PutBucketNotificationConfiguration")
def _overlap(parameters: Parameters) -> None:
    for one, other in combinations(_subscriptions(parameters), 2):
        if _filters_overlap(one[2], other[2]) and any(
            _same_event(left, right) for left in one[0] for right in other[0]
        ):
            raise refuse(
                "InvalidArgument",
                "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
            )


def _subscriptions(parameters: Parameters) -> Iterator[tuple[list[str], str, dict[str, str]]]:
    configuration = parameters.get("NotificationConfiguration") or {}
    for kind, arn in (
        ("QueueConfigurations", "QueueArn"),
        ("TopicConfigurations", "TopicArn"),
        ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
    ):
        for entry in configuration.get(kind) or []:
            rules = ((entry.get("Filter") or {}).get("Key") or {}).get("FilterRules") or []
            yield entry["Events"], entry[arn], {rule["Name"].lower(): rule["Value"] for rule in rules}


def _same_event(left: str, right: str) -> bool:
    left_stem, right_stem = left.removesuffix("*"), right.removesuffix("*")
    return (
        left == right
        or (left.endswith("*") and right.startswith(left_stem))
        or (right.endswith("*") and left.startswith(right_stem))
    )


def _filters_overlap(left: dict[str, str], right: dict[str, str]) -> bool:
    prefixes = left.get("prefix", ""), right.get("prefix", "")
    suffixes = left.get("suffix", ""), right.get("suffix", "")
    return (prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])) and (
        suffixes[0].endswith(suffixes[1]) or suffixes[1].endswith(suffixes[0])
    )


@refusal(
    "a lifecycle rule's days are positive, and not combined with expired delete markers",
    "s3",
    "PutBucketLifecycleConfiguration",
)
def _lifecycle(parameters: Parameters) -> None:
    rules = (parameters.get("LifecycleConfiguration") or {}).get("Rules") or []
    for rule in rules:
        expiration = rule.get("Expiration") or {}
        if "Days" in expiration and expiration.get("ExpiredObjectDeleteMarker"):
            raise refuse("MalformedXML", "ExpiredObjectDeleteMarker cannot be specified with Days or Date")
        counts = (
            expiration.get("Days", 1),
            (rule.get("NoncurrentVersionExpiration") or {}).get("NoncurrentDays", 1),
            (rule.get("AbortIncompleteMultipartUpload") or {}).get("DaysAfterInitiation", 1),
        )
        if any(int(days) < 1 for days in counts):
            raise refuse("InvalidArgument", "'Days' for Expiration action must be a positive integer")
        if (
            not expiration
            and len(rule.keys() & {"NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"}) == 0
        ):
            raise refuse("InvalidRequest", "At least one action needs to be specified in a rule")
