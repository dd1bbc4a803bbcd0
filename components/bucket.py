"""PrivateBucket: the resources of every bucket of the pipeline, so that none lacks a protection."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import iam
from components.naming import component_type

ABORT_UPLOADS_DAYS = 1  # a multipart upload that is not finished by then never will be

Rule = aws.s3.BucketLifecycleConfigurationRuleArgs


@dataclass(frozen=True, kw_only=True)
class ObjectLock:
    """For how many days nobody may change an object; `mode` is `GOVERNANCE` or `COMPLIANCE`."""

    days: int
    mode: str


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    """Whether the data outlives the stack, and the rules that delete it while the stack exists.

    `key_arn` is the KMS key of new objects; None: a key of S3's own. A bucket with a `lock` always outlives the stack,
    with all its settings: neither a destroy nor a changed configuration may take what is locked.
    """

    protect: bool
    lifecycle: Sequence[Rule]
    versioned: bool = False
    key_arn: str | None = None
    lock: ObjectLock | None = None


class PrivateBucket(pulumi.ComponentResource):
    """A bucket without public access or ACLs, encrypted, with lifecycle rules.

    The component that owns several buckets adds policies and logging, because these refer to other buckets.
    """

    bucket: aws.s3.Bucket
    public_access: aws.s3.BucketPublicAccessBlock
    versioning: Sequence[aws.s3.BucketVersioning]
    """What enables versioning; empty in a bucket without versions."""

    def __init__(
        self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("PrivateBucket"), name, {}, opts)
        kept = True if args.lock else None
        child = pulumi.ResourceOptions(parent=self, retain_on_delete=kept)
        self.bucket = aws.s3.Bucket(
            name,
            # As of the last `up`: `pulumi destroy` does not run the program.
            force_destroy=not args.protect and args.lock is None,
            object_lock_enabled=kept,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, retain_on_delete=kept),
        )
        self.public_access = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=self.bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        self._harden(name, args.key_arn, child)
        self.versioning = (
            [
                aws.s3.BucketVersioning(
                    f"{name}-versioning",
                    bucket=self.bucket.bucket,
                    versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(
                        status="Enabled"
                    ),
                    opts=child,
                )
            ]
            if args.versioned
            else []
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=self.bucket.bucket,
            rules=list(args.lifecycle),
            # Rules about old versions need versioning.
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.versioning, retain_on_delete=kept),
        )
        if args.lock:
            self._lock(name, args.lock)
        self.register_outputs({"bucket": self.bucket.bucket})

    def _lock(self, name: str, lock: ObjectLock) -> None:
        """Lock every new object."""
        aws.s3.BucketObjectLockConfiguration(
            f"{name}-lock",
            bucket=self.bucket.bucket,
            rule=aws.s3.BucketObjectLockConfigurationRuleArgs(
                default_retention=aws.s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(
                    days=lock.days, mode=lock.mode
                )
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.versioning, retain_on_delete=True),
        )

    def _harden(self, name: str, key_arn: str | None, child: pulumi.ResourceOptions) -> None:
        """Disable ACLs, and encrypt every object."""
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=self.bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=self.bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="aws:kms" if key_arn else "AES256",
                            kms_master_key_id=key_arn,
                        )
                    ),
                    # One request to KMS for many objects (S3 User Guide, "S3 Bucket Keys").
                    bucket_key_enabled=True if key_arn else None,
                )
            ],
            opts=child,
        )

    def objects(self, under: pulumi.Input[str] = "*") -> pulumi.Output[str]:
        """Return the ARN of the objects whose keys match `under`."""
        return pulumi.Output.concat(self.bucket.arn, "/", under)


def policy(
    name: str,
    target: PrivateBucket,
    *grants: iam.ServiceGrant,
    denials: Sequence[iam.Denial] = (),
    opts: pulumi.ResourceOptions,
) -> aws.s3.BucketPolicy:
    """Create the one policy of a bucket: TLS 1.2 or newer only, the grants of AWS services, and the denials."""
    return aws.s3.BucketPolicy(
        name,
        bucket=target.bucket.bucket,
        policy=iam.resource_policy(
            action="s3:*",
            resources=[target.bucket.arn, target.objects()],
            grants=grants,
            denials=[*denials, _old_tls(target)],
        ),
        # S3 refuses two concurrent changes of one bucket's access settings.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[target.public_access])),
    )


def _old_tls(target: PrivateBucket) -> iam.Denial:
    """Refuse connections below TLS 1.2, whatever S3's endpoint still accepts.

    (Amazon S3 User Guide, "Enforcing encryption in transit": `s3:TlsVersion`. AWS's services have no such key.)
    """
    return iam.Denial(
        sid="OnlyTls12AndNewer",
        actions=["s3:*"],
        resources=[target.bucket.arn, target.objects()],
        condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    )


def expire_locked(days: int) -> list[Rule]:
    """Return rules that hide objects once their lock of `days` has ended, and delete them a day later."""
    return expire(days, versioned=True, old_days=1)


def expire(days: int, *, versioned: bool = False, old_days: int | None = None) -> list[Rule]:
    """Return rules that delete objects, and with `versioned` their old versions, after `days` (0: keep them).

    `old_days` is for old versions, if not `days`.
    """
    rules = []
    if days:
        old = aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=old_days or days
        )
        rules.append(
            _rule(
                "expire",
                expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
                noncurrent_version_expiration=old if versioned else None,
            )
        )
    if versioned:
        # A rule of its own: S3 does not accept it together with a number of days.
        markers = aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True)
        rules.append(_rule("delete-markers", expiration=markers))
    unfinished = aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
        days_after_initiation=ABORT_UPLOADS_DAYS
    )
    rules.append(_rule("unfinished-uploads", abort_incomplete_multipart_upload=unfinished))
    return rules


def expire_by_status(days: int, statuses: Sequence[str]) -> list[Rule]:
    """Return rules that delete objects after `days` (0: keep them) whose tag `status` is one of these.

    What people hold as evidence has another one: S3 has no filter for what lacks a tag, but every object here has this
    one from the beginning.
    """
    expiration = aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days)
    rules = [
        _rule(f"expire-{status.lower()}", expiration=expiration, tag=("status", status))
        for status in statuses
    ]
    return [*(rules if days else ()), *expire(0)]


def _rule(
    rule_id: str,
    *,
    expiration: aws.s3.BucketLifecycleConfigurationRuleExpirationArgs | None = None,
    noncurrent_version_expiration: (
        aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs | None
    ) = None,
    abort_incomplete_multipart_upload: (
        aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs | None
    ) = None,
    tag: tuple[str, str] | None = None,
) -> Rule:
    chosen = aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="")
    if tag is not None:
        key, value = tag
        chosen = aws.s3.BucketLifecycleConfigurationRuleFilterArgs(
            tag=aws.s3.BucketLifecycleConfigurationRuleFilterTagArgs(key=key, value=value)
        )
    return Rule(
        id=rule_id,
        status="Enabled",
        filter=chosen,
        expiration=expiration,
        noncurrent_version_expiration=noncurrent_version_expiration,
        abort_incomplete_multipart_upload=abort_incomplete_multipart_upload,
    )
