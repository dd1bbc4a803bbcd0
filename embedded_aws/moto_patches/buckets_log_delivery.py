"""Access logs are delivered to a bucket whose policy lets S3's log delivery write there.

AWS: the policy is evaluated: any form of resource, lists, and conditions on the source. (S3 User Guide, "Enabling
Amazon S3 server access logging".)
moto: wants one exact resource, and knows neither lists nor conditions.
"""

from typing import Any

from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate
from embedded_aws.moto_replacement import replace

_LOG_DELIVERY = Principal(kind="Service", value="logging.s3.amazonaws.com")


def apply() -> None:
    """Evaluate the policy."""
    from moto.s3.models import FakeBucket

    def log_permissions_enabled_policy(self: Any, target_bucket: Any, target_prefix: str | None) -> bool:
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
