"""The data sources of pulumi_aws that a program may read: caller, region, partition, default tags, a quota, a role,
a KMS key."""

from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.isolation import ADMIN_ACCESS_KEY_ID
from embedded_aws.resources.base import Aws, DeploymentRefusedError, ProviderSettings

Answer = Callable[[Mapping[str, Any], Aws, ProviderSettings], dict[str, Any]]


def answer(token: str, arguments: Mapping[str, Any], aws: Aws, provider: ProviderSettings) -> dict[str, Any]:
    """Return the result of a function such as `aws:index/getRegion:getRegion`.

    Raises DeploymentRefusedError for an unknown function, and for arguments that are not carried out.
    """
    if token not in _ANSWERS:
        raise DeploymentRefusedError(
            f"the embedded AWS does not know the function {token}; known are {', '.join(sorted(_ANSWERS))}"
        )
    given = {key for key, value in arguments.items() if value is not None} - _CARRIED.get(token, frozenset())
    if given:
        raise DeploymentRefusedError(f"{token}: arguments are not carried out: {', '.join(sorted(given))}")
    return _ANSWERS[token](arguments, aws, provider)


def _caller_identity(_: Mapping[str, Any], aws: Aws, __: ProviderSettings) -> dict[str, Any]:
    arn = f"arn:aws:iam::{aws.account_id}:user/administrator"
    return {"accountId": aws.account_id, "arn": arn, "id": aws.account_id, "userId": ADMIN_ACCESS_KEY_ID}


def _region(_: Mapping[str, Any], __: Aws, provider: ProviderSettings) -> dict[str, Any]:
    region = provider.region
    return {
        "name": region,
        "region": region,
        "id": region,
        "description": region,
        "endpoint": f"ec2.{region}.amazonaws.com",
    }


def _partition(_: Mapping[str, Any], __: Aws, ___: ProviderSettings) -> dict[str, Any]:
    suffix = "amazonaws.com"
    return {"partition": "aws", "id": "aws", "dnsSuffix": suffix, "reverseDnsPrefix": "com.amazonaws"}


def _default_tags(_: Mapping[str, Any], __: Aws, provider: ProviderSettings) -> dict[str, Any]:
    return {"id": "aws", "tags": dict(provider.default_tags)}


def _service_quota(given: Mapping[str, Any], aws: Aws, _: ProviderSettings) -> dict[str, Any]:
    """Ask Service Quotas; raises its ClientError for an unknown code, and for a caller who may not ask."""
    service, code = given["serviceCode"], given["quotaCode"]
    quota = aws.client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]
    return {
        "id": code,
        "serviceCode": service,
        "quotaCode": code,
        "value": quota["Value"],
        "adjustable": quota["Adjustable"],
    }


def _role(given: Mapping[str, Any], aws: Aws, _: ProviderSettings) -> dict[str, Any]:
    """Ask IAM; raises its ClientError where there is no such role."""
    role = aws.client("iam").get_role(RoleName=given["name"])["Role"]
    return {"id": role["RoleName"], "name": role["RoleName"], "arn": role["Arn"], "path": role["Path"]}


def _key(given: Mapping[str, Any], aws: Aws, _: ProviderSettings) -> dict[str, Any]:
    """Ask KMS; raises its ClientError where there is no such key."""
    key = aws.client("kms").describe_key(KeyId=given["keyId"])["KeyMetadata"]
    return {
        "id": key["KeyId"],
        "arn": key["Arn"],
        "keyId": given["keyId"],
        "keyUsage": key["KeyUsage"],
        "keyState": key["KeyState"],
        "keyManager": key["KeyManager"],
        "customerMasterKeySpec": key["CustomerMasterKeySpec"],
        "enabled": key["Enabled"],
    }


_ANSWERS: dict[str, Answer] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getDefaultTags:getDefaultTags": _default_tags,
    "aws:servicequotas/getServiceQuota:getServiceQuota": _service_quota,
    "aws:iam/getRole:getRole": _role,
    "aws:kms/getKey:getKey": _key,
}
_CARRIED = {
    "aws:servicequotas/getServiceQuota:getServiceQuota": frozenset({"serviceCode", "quotaCode"}),
    "aws:iam/getRole:getRole": frozenset({"name"}),
    "aws:kms/getKey:getKey": frozenset({"keyId"}),
}
"""The arguments that are carried out, by function; all others are refused."""
