"""MediaStorage: the buckets that media lives in, and the table that says what became of each object."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import bucket, iam
from components.bucket import PrivateBucket, PrivateBucketArgs
from components.config import Retention
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
        child = pulumi.ResourceOptions(parent=self)

        self.logs = PrivateBucket(
            f"{name}-logs",
            PrivateBucketArgs(protect=args.protect, lifecycle=bucket.expire(retention.logs), log_to=None),
            child,
        )
        self.uploads = PrivateBucket(
            f"{name}-uploads",
            PrivateBucketArgs(
                protect=args.protect,
                versioned=True,  # an event is about one version, and that one is fetched
                lifecycle=bucket.expire(retention.originals, versioned=True),
                log_to=self.logs.bucket,
            ),
            child,
        )
        self.quarantine = PrivateBucket(
            f"{name}-quarantine",
            PrivateBucketArgs(
                protect=args.protect, lifecycle=bucket.expire(retention.quarantine), log_to=self.logs.bucket
            ),
            child,
        )
        self.renditions = PrivateBucket(
            f"{name}-renditions",
            PrivateBucketArgs(
                # Not versioned: what is removed from publication must be gone.
                protect=args.protect,
                lifecycle=bucket.expire(0),
                log_to=self.logs.bucket,
            ),
            child,
        )
        media = (self.uploads, self.quarantine, self.renditions)
        self._policy(f"{name}-logs-policy", self.logs, self._log_delivery(args.account, media))
        for what, closed in zip(("uploads", "quarantine", "renditions"), media, strict=True):
            self._policy(f"{name}-{what}-policy", closed)

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

    def _policy(self, name: str, target: PrivateBucket, *grants: iam.ServiceGrant) -> None:
        """The one policy of a bucket: TLS only, and what AWS services may do."""
        aws.s3.BucketPolicy(
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
