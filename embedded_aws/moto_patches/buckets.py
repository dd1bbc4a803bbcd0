"""S3's access: bucket policies judged with their conditions, and log delivery granted by policy."""

from typing import Any

from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate
from embedded_aws.moto_patches.replacing import replace

_LOG_DELIVERY = Principal(kind="Service", value="logging.s3.amazonaws.com")
_ANYBODY = Principal(kind="AWS", value="*")


def apply() -> None:
    """moto takes an unmatched Condition for a Deny, so that a TLS-only policy closes the bucket to all."""
    from moto.iam.access_control import PermissionResult
    from moto.s3.models import FakeBucket

    results = {
        Verdict.ALLOW: PermissionResult.PERMITTED,
        Verdict.DENY: PermissionResult.DENIED,
        Verdict.SILENT: PermissionResult.NEUTRAL,
    }

    def get_permission(self: Any, action: str, resource: str) -> Any:
        """What the policy says of anybody; roles and the administrator are judged before moto is asked."""
        if self.policy is None:
            return PermissionResult.NEUTRAL
        request = AccessRequest(
            action=action, resource=resource, principal=_ANYBODY, context={"aws:SecureTransport": "true"}
        )
        return results[evaluate([self.policy], request)]

    def log_permissions_enabled_policy(self: Any, target_bucket: Any, target_prefix: str | None) -> bool:
        """moto wants one exact resource and knows no lists; AWS evaluates the policy."""
        if not target_bucket.policy:
            return False
        request = AccessRequest(
            action="s3:PutObject",
            resource=f"{target_bucket.arn}/{target_prefix or ''}2026-01-01-00-00-00-0000000000000000",
            principal=_LOG_DELIVERY,
            context={
                "aws:SecureTransport": "true",
                "aws:SourceArn": self.arn,
                "aws:SourceAccount": self.account_id,
            },
        )
        return evaluate([target_bucket.policy], request) is Verdict.ALLOW

    replace(FakeBucket, "get_permission", get_permission)
    replace(FakeBucket, "_log_permissions_enabled_policy", log_permissions_enabled_policy)
