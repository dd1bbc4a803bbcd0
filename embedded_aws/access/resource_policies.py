"""The policies of resources: buckets, queues, topics; and S3's older grants to everybody, ACLs."""

from collections.abc import Callable
from typing import Any

from embedded_aws.access.actions import Need
from embedded_aws.access.policies import Document
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.moto_state import find_bucket, find_object

_ACL_PERMISSIONS = {
    "s3:GetObject": "READ",
    "s3:GetObjectVersion": "READ",
    "s3:ListBucket": "READ",
    "s3:ListBucketVersions": "READ",
    "s3:PutObject": "WRITE",
    "s3:DeleteObject": "WRITE",
}
_OF_OBJECTS = ("s3:GetObject", "s3:GetObjectVersion")


def resource_policies(resource: str) -> list[str | bytes | Document]:
    """Return the policy of the resource with this ARN, if it has one."""
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return []
    service, region, name = parts[2], parts[3], parts[5]
    find: Callable[[str, str], Any] | None = {
        "s3": _bucket_policy,
        "sqs": _queue_policy,
        "sns": _topic_policy,
    }.get(service)
    policy = find(region, name) if find is not None else None
    return [policy] if policy else []


def _bucket_policy(_: str, name: str) -> Any:
    bucket = find_bucket(name.partition("/")[0])
    return bucket.policy if bucket is not None else None


def _queue_policy(region: str, name: str) -> Any:
    from moto.sqs.models import sqs_backends

    queue = sqs_backends[ACCOUNT_ID][region].queues.get(name)
    return queue.policy if queue is not None else None


def _topic_policy(region: str, name: str) -> Any:
    from moto.sns.models import sns_backends

    topic = sns_backends[ACCOUNT_ID][region].topics.get(f"arn:aws:sns:{region}:{ACCOUNT_ID}:{name}")
    # The default policy allows the account's own principals everything: AWS, too, asks the identity then.
    return topic.policy if topic is not None and "__default_statement_ID" not in topic.policy else None


def acl_opens(need: Need) -> bool:
    """Return whether an ACL grants everybody what is needed, and nothing switches ACLs off.

    S3 User Guide: "Access control list (ACL) overview", "Controlling ownership of objects", "Blocking public access".
    """
    permission = _ACL_PERMISSIONS.get(need.action)
    bucket_name, _, key = need.resource.removeprefix("arn:aws:s3:::").partition("/")
    bucket = find_bucket(bucket_name)
    if permission is None or bucket is None or "BucketOwnerEnforced" in str(bucket.ownership_rule):
        return False
    if _blocks(bucket, "ignore_public_acls"):
        return False
    owner = find_object(bucket_name, key) if need.action in _OF_OBJECTS else bucket
    return owner is not None and _everybody_has(owner.acl, permission)


def restricts_public_buckets(need: Need) -> bool:
    """Return whether `RestrictPublicBuckets` keeps anonymous callers out of the bucket that is needed."""
    bucket = find_bucket(need.resource.removeprefix("arn:aws:s3:::").partition("/")[0])
    return bucket is not None and _blocks(bucket, "restrict_public_buckets")


def blocks_public_policy(bucket_name: str) -> bool:
    """Return whether `BlockPublicPolicy` is on for a bucket."""
    bucket = find_bucket(bucket_name)
    return bucket is not None and _blocks(bucket, "block_public_policy")


def _blocks(bucket: Any, setting: str) -> bool:
    block = bucket.public_access_block
    return block is not None and str(getattr(block, setting)).lower() == "true"


def _everybody_has(acl: Any, permission: str) -> bool:
    from moto.s3.models import ALL_USERS_GRANTEE

    grants = acl.grants if acl is not None else ()
    return any(
        ALL_USERS_GRANTEE in grant.grantees and {permission, "FULL_CONTROL"} & set(grant.permissions)
        for grant in grants
    )
