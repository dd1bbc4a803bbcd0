"""MediaStorage: the buckets of media, and the table with the outcome of each object version."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import bucket, iam
from components.bucket import PrivateBucket, PrivateBucketArgs
from components.config_model import Retention
from components.naming import Account, component_type
from components.upload_denials import upload_denials

ATTENTION_INDEX = "attention"  # sparse: only items that need a person have the attribute

EVIDENCE_PREFIX = "decisions/"  # of the logs bucket


@dataclass(frozen=True, kw_only=True)
class BucketSpec:
    """One bucket: its purpose, its lifecycle rules, and whether S3 logs the access to it into `logs`.

    A bucket that takes access logs keeps S3's own key: S3 delivers none into one with a KMS key (S3 User Guide,
    "Logging requests with server access logging").
    """

    name: str
    purpose: str
    lifecycle: Callable[[Retention], Sequence[bucket.Rule]]
    versioned: bool = False
    access_logged: bool = True

    @property
    def output(self) -> str:
        """The stack output that holds the bucket's physical name."""
        return f"{self.name}_bucket"


BUCKETS = (
    BucketSpec(
        name="logs",
        purpose="S3 access logs of the other buckets, and the evidence of people's decisions",
        lifecycle=lambda retention: bucket.expire(retention.logs),
        access_logged=False,
    ),
    BucketSpec(
        name="uploads",
        purpose="originals, versioned; put an object here to have it processed",
        lifecycle=lambda retention: bucket.expire(retention.originals, versioned=True),
        versioned=True,  # an event names one version, and exactly that version is fetched
    ),
    BucketSpec(
        name="quarantine",
        purpose="originals that were blocked or wait for review",
        lifecycle=lambda retention: bucket.expire_by_status(retention.quarantine, ("BLOCKED", "REVIEW")),
    ),
    BucketSpec(
        name="renditions",
        purpose="what is published",
        lifecycle=lambda _: bucket.expire(0),
        # Not versioned: what is removed from publication must be gone.
    ),
)


@dataclass(frozen=True, kw_only=True)
class MediaStorageArgs:
    """How long data is kept, whether the records can be restored, and whether the data outlives the stack.

    `key_arn` is the KMS key of media and records; None: keys of AWS's own.
    """

    account: Account
    retention: Retention
    point_in_time_recovery: bool
    protect: bool
    key_arn: str | None = None


class MediaStorage(pulumi.ComponentResource):
    """The buckets of `BUCKETS`, by name, and the records table."""

    buckets: Mapping[str, PrivateBucket]
    records: aws.dynamodb.Table

    def __init__(self, name: str, args: MediaStorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(component_type("MediaStorage"), name, {}, opts)
        self._name = name
        self._key_arn = args.key_arn
        self._account = args.account
        self.buckets = {
            spec.name: PrivateBucket(
                f"{name}-{spec.name}",
                PrivateBucketArgs(
                    protect=args.protect,
                    lifecycle=spec.lifecycle(args.retention),
                    versioned=spec.versioned,
                    key_arn=args.key_arn if spec.access_logged else None,
                ),
                pulumi.ResourceOptions(parent=self),
            )
            for spec in BUCKETS
        }
        self._log_access(name, args.account)
        self.records = self._table(f"{name}-records", args)
        self.register_outputs(
            {
                **{spec.name: self.buckets[spec.name].bucket.bucket for spec in BUCKETS},
                "records": self.records.name,
            }
        )

    @property
    def uploads(self) -> PrivateBucket:
        """The bucket of originals."""
        return self.buckets["uploads"]

    @property
    def quarantine(self) -> PrivateBucket:
        """The bucket of originals that were withheld."""
        return self.buckets["quarantine"]

    @property
    def renditions(self) -> PrivateBucket:
        """The bucket of what is published."""
        return self.buckets["renditions"]

    @property
    def accessed(self) -> list[pulumi.Output[str]]:
        """What the ARNs of media and evidence begin with, for a log of who had them."""
        media = [self.buckets[spec.name].objects("") for spec in BUCKETS if spec.access_logged]
        return [*media, self.buckets["logs"].objects(EVIDENCE_PREFIX)]

    def protect_uploads(self, *, api_prefix: str, api_role: pulumi.Input[str] | None) -> None:
        """Attach the policy of the uploads bucket; to be called once, when the upload API's role is known.

        Under `api_prefix` only `api_role` (an ARN; None: nobody) may put objects.
        """
        self._policy(
            f"{self._name}-uploads-policy",
            self.uploads,
            denials=upload_denials(
                self.uploads, api_prefix=api_prefix, api_role=api_role, key_arn=self._key_arn
            ),
        )

    def protect_renditions(self, *, distribution: pulumi.Input[str] | None) -> None:
        """Attach the policy of the renditions bucket; to be called once.

        CloudFront may get objects for `distribution` (an ARN; None: there is none), and nobody may list them for it.
        """
        readers = [] if distribution is None else [_delivery(self.renditions, self._account, distribution)]
        self._policy(f"{self._name}-renditions-policy", self.renditions, *readers)

    def _log_access(self, name: str, account: Account) -> None:
        """Give each bucket its policy, and have S3 log the access to those that hold media."""
        logs = self.buckets["logs"]
        sources = {spec.name: self.buckets[spec.name] for spec in BUCKETS if spec.access_logged}
        delivery = self._policy(
            f"{name}-logs-policy",
            logs,
            _log_delivery(logs, account, tuple(sources.values())),
            denials=[_evidence_is_written_once(logs)],
        )
        for what, source in sources.items():
            if source not in (self.uploads, self.renditions):  # their policies name what is created later
                self._policy(f"{name}-{what}-policy", source)
            aws.s3.BucketLogging(
                f"{name}-{what}-logging",
                bucket=source.bucket.bucket,
                target_bucket=logs.bucket.bucket,
                target_prefix=f"{what}/",
                opts=pulumi.ResourceOptions(parent=self, depends_on=[delivery]),
            )

    def _table(self, name: str, args: MediaStorageArgs) -> aws.dynamodb.Table:
        return aws.dynamodb.Table(
            name,
            billing_mode="PAY_PER_REQUEST",
            hash_key="object_key",
            range_key="sequencer",
            attributes=[
                aws.dynamodb.TableAttributeArgs(name=attribute, type="S")
                for attribute in ("object_key", "sequencer", "attention", "updated_at")
            ],
            global_secondary_indexes=[
                aws.dynamodb.TableGlobalSecondaryIndexArgs(
                    name=ATTENTION_INDEX,
                    key_schemas=[
                        aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(
                            attribute_name="attention", key_type="HASH"
                        ),
                        aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(
                            attribute_name="updated_at", key_type="RANGE"
                        ),
                    ],
                    projection_type="ALL",
                )
            ],
            ttl=aws.dynamodb.TableTtlArgs(attribute_name="expires_at", enabled=True),
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(
                enabled=args.point_in_time_recovery
            ),
            server_side_encryption=(
                aws.dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=args.key_arn)
                if args.key_arn
                else None
            ),
            deletion_protection_enabled=args.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )

    def _policy(
        self, name: str, target: PrivateBucket, *grants: iam.ServiceGrant, denials: Sequence[iam.Denial] = ()
    ) -> aws.s3.BucketPolicy:
        """Create the one policy of a bucket."""
        return bucket.policy(name, target, *grants, denials=denials, opts=pulumi.ResourceOptions(parent=self))


def _evidence_is_written_once(logs: PrivateBucket) -> iam.Denial:
    """Refuse to write over the evidence of a person's decision: without `If-None-Match` nobody puts an object there.

    ("Enforce conditional writes on Amazon S3 buckets", Amazon S3 User Guide.)
    """
    return iam.Denial(
        sid="EvidenceIsWrittenOnce",
        actions=["s3:PutObject"],
        resources=[logs.objects(f"{EVIDENCE_PREFIX}*")],
        condition={"Null": {"s3:if-none-match": "true"}},
    )


def _delivery(
    renditions: PrivateBucket, account: Account, distribution: pulumi.Input[str]
) -> iam.ServiceGrant:
    """Allow one distribution to get what is published."""
    return iam.ServiceGrant(
        sid="OneDistributionReads",
        service="cloudfront.amazonaws.com",
        actions=["s3:GetObject"],
        account=account.id,
        sources=[distribution],
        resources=[renditions.objects()],
    )


def _log_delivery(
    logs: PrivateBucket, account: Account, sources: Sequence[PrivateBucket]
) -> iam.ServiceGrant:
    """Allow S3's log delivery to write access logs of these buckets, and nothing else."""
    return iam.ServiceGrant(
        sid="AccessLogDelivery",
        service="logging.s3.amazonaws.com",
        actions=["s3:PutObject"],
        account=account.id,
        sources=[source.bucket.arn for source in sources],
        resources=[pulumi.Output.concat(logs.bucket.arn, "/*")],
    )
