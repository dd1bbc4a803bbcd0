"""MediaStorage: the buckets that media lives in, and the table that says what became of each object."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import bucket, iam
from components.bucket import PrivateBucket, PrivateBucketArgs
from components.config_model import Retention
from components.naming import Account, component_type

ATTENTION_INDEX = "attention"  # sparse: only items that a person must look at have the attribute


@dataclass(frozen=True, kw_only=True)
class MediaStorageArgs:
    """How long things are kept, and whether they outlive the stack."""

    account: Account
    retention: Retention
    protect: bool


class MediaStorage(pulumi.ComponentResource):
    """Uploads, quarantine, renditions and access logs, and the records table."""

    uploads: PrivateBucket
    quarantine: PrivateBucket
    renditions: PrivateBucket
    logs: PrivateBucket
    records: aws.dynamodb.Table

    def __init__(self, name: str, args: MediaStorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(component_type("MediaStorage"), name, {}, opts)
        retention = args.retention

        self.logs = self._bucket(f"{name}-logs", args.protect, bucket.expire(retention.logs))
        self.uploads = self._bucket(
            f"{name}-uploads",
            args.protect,
            bucket.expire(retention.originals, versioned=True),
            versioned=True,  # an event is about one version, and that one is fetched
        )
        self.quarantine = self._bucket(
            f"{name}-quarantine", args.protect, bucket.expire(retention.quarantine)
        )
        # Not versioned: what is removed from publication must be gone.
        self.renditions = self._bucket(f"{name}-renditions", args.protect, bucket.expire(0))

        media = {"uploads": self.uploads, "quarantine": self.quarantine, "renditions": self.renditions}
        delivery = self._policy(
            f"{name}-logs-policy", self.logs, self._log_delivery(args.account, tuple(media.values()))
        )
        for what, source in media.items():
            self._policy(f"{name}-{what}-policy", source)
            aws.s3.BucketLogging(
                f"{name}-{what}-logging",
                bucket=source.bucket.bucket,
                target_bucket=self.logs.bucket.bucket,
                target_prefix=f"{what}/",
                opts=pulumi.ResourceOptions(parent=self, depends_on=[delivery]),
            )

        self.records = aws.dynamodb.Table(
            f"{name}-records",
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
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
            deletion_protection_enabled=args.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.register_outputs(
            {
                "uploads": self.uploads.bucket.bucket,
                "quarantine": self.quarantine.bucket.bucket,
                "renditions": self.renditions.bucket.bucket,
                "logs": self.logs.bucket.bucket,
                "records": self.records.name,
            }
        )

    def _bucket(
        self, name: str, protect: bool, lifecycle: Sequence[bucket.Rule], *, versioned: bool = False
    ) -> PrivateBucket:
        return PrivateBucket(
            name,
            PrivateBucketArgs(protect=protect, lifecycle=lifecycle, versioned=versioned),
            pulumi.ResourceOptions(parent=self),
        )

    def _policy(self, name: str, target: PrivateBucket, *grants: iam.ServiceGrant) -> aws.s3.BucketPolicy:
        """The one policy of a bucket: TLS only, and what AWS services may do."""
        return aws.s3.BucketPolicy(
            name,
            bucket=target.bucket.bucket,
            policy=iam.resource_policy(
                action="s3:*", resources=[target.bucket.arn, target.objects()], grants=grants
            ),
            # S3 refuses two changes of one bucket's access at the same time.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[target.public_access]),
        )

    def _log_delivery(self, account: Account, sources: Sequence[PrivateBucket]) -> iam.ServiceGrant:
        """S3's log delivery may write what happened to our own buckets, and nothing else."""
        return iam.ServiceGrant(
            sid="AccessLogDelivery",
            service="logging.s3.amazonaws.com",
            actions=["s3:PutObject"],
            account=account.id,
            sources=[source.bucket.arn for source in sources],
            resources=[pulumi.Output.concat(self.logs.bucket.arn, "/*")],
        )
