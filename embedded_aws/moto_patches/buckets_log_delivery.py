"""S3's access: bucket policies judged with their conditions, and log delivery granted by policy."""

from typing import Any

from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate
from embedded_aws.moto_replacement import replace

_LOG_DELIVERY = Principal(kind="Service", value="logging.s3.amazonaws.com")


def apply() -> None:
    """Let `embedded_aws.access` alone judge requests, and log delivery be judged as AWS does it."""
    from moto.s3.models import FakeBucket

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

    replace(FakeBucket, "_log_permissions_enabled_policy", log_permissions_enabled_policy)
