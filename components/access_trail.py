"""AccessTrail: who had which media when, so that nobody can change it afterwards.

CloudTrail logs each request for an object of media or evidence into a bucket with Object Lock. S3's own access logs,
which a stack always has, cannot be locked: S3 delivers them into no bucket with a default retention (S3 User Guide,
"Logging requests with server access logging").
"""

from __future__ import annotations  # so that AWS's module for it is loaded only where a stack has it

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import bucket, iam
from components.bucket import PrivateBucket, PrivateBucketArgs
from components.naming import Account, component_type
from components.trail_keys import AccessLogs

_SERVICE = "cloudtrail.amazonaws.com"
Selector = aws.cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs


@dataclass(frozen=True, kw_only=True)
class AccessTrailArgs:
    """For how long logs are locked, and what is logged: ARNs of objects by what they begin with.

    `trail` is its name, which is unique in an account and region. `key_arn` is the KMS key of log files; None: a key of
    S3's own.
    """

    account: Account
    trail: str
    logs: AccessLogs
    prefixes: Sequence[pulumi.Input[str]]
    key_arn: str | None = None


class AccessTrail(pulumi.ComponentResource):
    """The trail, and its bucket, which outlives the stack."""

    bucket: PrivateBucket
    trail: aws.cloudtrail.Trail

    def __init__(self, name: str, args: AccessTrailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(component_type("AccessTrail"), name, {}, opts)
        days = args.logs.locked_days
        self.bucket = PrivateBucket(
            f"{name}-trail",
            PrivateBucketArgs(
                protect=False,
                lifecycle=bucket.expire_locked(days),
                versioned=True,
                lock=bucket.ObjectLock(days=days, mode=args.logs.mode.upper()),
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.trail = aws.cloudtrail.Trail(
            f"{name}-trail",
            name=args.trail,
            s3_bucket_name=self.bucket.bucket.bucket,
            advanced_event_selectors=[_media(args.prefixes)],
            enable_log_file_validation=True,  # signed digests prove that no file is missing or changed
            include_global_service_events=False,
            is_multi_region_trail=False,
            kms_key_id=args.key_arn,
            # CloudTrail refuses a trail whose bucket does not let it write.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._policy(f"{name}-trail-policy", args)]),
        )
        self.register_outputs({"bucket": self.bucket.bucket.bucket})

    def _policy(self, name: str, args: AccessTrailArgs) -> aws.s3.BucketPolicy:
        """Let the one trail write. ("Amazon S3 bucket policy for CloudTrail", CloudTrail User Guide.)"""
        account, own = args.account, self.bucket

        def grant(sid: str, action: str, resource: pulumi.Input[str]) -> iam.ServiceGrant:
            trail = pulumi.Output.concat(
                "arn:",
                account.partition,
                ":cloudtrail:",
                account.region,
                ":",
                account.id,
                ":trail/",
                args.trail,
            )
            return iam.ServiceGrant(
                sid=sid, service=_SERVICE, actions=[action], sources=[trail], resources=[resource]
            )

        below = own.objects(pulumi.Output.concat("AWSLogs/", account.id, "/*"))
        return bucket.policy(
            name,
            own,
            grant("TheTrailLooks", "s3:GetBucketAcl", own.bucket.arn),
            grant("TheTrailWrites", "s3:PutObject", below),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )


def _media(prefixes: Sequence[pulumi.Input[str]]) -> aws.cloudtrail.TrailAdvancedEventSelectorArgs:
    """Return what is logged: every request, reads too, for objects whose ARNs begin so."""
    return aws.cloudtrail.TrailAdvancedEventSelectorArgs(
        name="Media and evidence",
        field_selectors=[
            Selector(field="eventCategory", equals=["Data"]),
            Selector(field="resources.type", equals=["AWS::S3::Object"]),
            Selector(field="resources.ARN", starts_withs=list(prefixes)),
        ],
    )
