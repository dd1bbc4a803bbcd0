"""What each function may do: exact actions on exact ARNs, each statement with its reason."""

from dataclasses import dataclass

import pulumi_aws as aws

from components.bucket import PrivateBucket
from components.iam import Statement


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the functions work on."""

    uploads: PrivateBucket
    quarantine: PrivateBucket
    renditions: PrivateBucket
    records: aws.dynamodb.Table
    events: aws.sns.Topic


def process_media(on: Resources, queue: aws.sqs.Queue) -> list[Statement]:
    """Read an original, publish or quarantine what came of it, record and announce that."""
    return [
        Statement(
            sid="FetchTheVersionOfTheEvent",  # GetObject: events without a version, pinned by their ETag
            actions=["s3:GetObjectVersion", "s3:GetObject"],
            resources=[on.uploads.objects()],
        ),
        Statement(
            sid="RemoveWhatWentToQuarantine",
            actions=["s3:DeleteObjectVersion"],
            resources=[on.uploads.objects()],
        ),
        Statement(
            sid="TellMissingFromForbidden",  # without it a missing object answers 403 instead of 404
            actions=["s3:ListBucket"],
            resources=[on.uploads.bucket.arn, on.quarantine.bucket.arn],
        ),
        Statement(
            sid="QuarantineAndVerifyTheCopy",
            actions=["s3:PutObject", "s3:PutObjectTagging", "s3:GetObject"],
            resources=[on.quarantine.objects()],
        ),
        Statement(
            sid="PublishAndRemoveRenditions",
            actions=["s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject"],
            resources=[on.renditions.objects()],
        ),
        Statement(
            sid="Moderate",
            actions=["rekognition:DetectModerationLabels"],
            resources=["*"],  # Rekognition: this action has no resource type
        ),
        *_every_worker(on, queue),
    ]


def hand_over(videos: aws.sqs.Queue) -> Statement:
    """Pass a video on to the function that can process it."""
    return Statement(sid="HandVideosOver", actions=["sqs:SendMessage"], resources=[videos.arn])


def dead_letters(on: Resources, *queues: aws.sqs.Queue) -> list[Statement]:
    """Record what is left as FAILED, carry deletes out, announce."""
    return [
        Statement(
            sid="TellMissingFromForbidden",
            actions=["s3:ListBucket"],
            resources=[on.uploads.bucket.arn],
        ),
        Statement(
            sid="RemoveRenditionsOfDeletedObjects",
            actions=["s3:DeleteObject"],
            resources=[on.renditions.objects()],
        ),
        *_every_worker(on, *queues),
    ]


def _every_worker(on: Resources, *queues: aws.sqs.Queue) -> list[Statement]:
    return [
        Statement(
            sid="KeepTheRecords",
            actions=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"],
            resources=[on.records.arn],
        ),
        Statement(sid="AnnounceOutcomes", actions=["sns:Publish"], resources=[on.events.arn]),
        Statement(
            sid="ReceiveItsMessages",  # ChangeMessageVisibility: a held lease, a growing pause
            actions=[
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ChangeMessageVisibility",
            ],
            resources=[queue.arn for queue in queues],
        ),
    ]


def upload_api(
    *, uploads: PrivateBucket, renditions: PrivateBucket, records: aws.dynamodb.Table, prefix: str
) -> list[Statement]:
    """Put, look and list under its own prefix, read records, and sign links to renditions."""
    return [
        Statement(
            sid="StoreUploadsAndLookAtThem",  # a form that it signs may do no more either
            actions=["s3:PutObject", "s3:GetObject"],
            resources=[uploads.objects(f"{prefix}*")],
        ),
        Statement(
            sid="FindOwnUploads",
            actions=["s3:ListBucket"],
            resources=[uploads.bucket.arn],
            condition={"StringLike": {"s3:prefix": [f"{prefix}*"]}},
        ),
        Statement(
            sid="ReadTheRecords",
            actions=["dynamodb:GetItem", "dynamodb:Query"],
            resources=[records.arn],
        ),
        Statement(sid="SignRenditions", actions=["s3:GetObject"], resources=[renditions.objects()]),
    ]


def may_upload(uploads: PrivateBucket) -> list[Statement]:
    """For an application of one's own: put originals, however large."""
    return [
        Statement(
            sid="Upload",  # AbortMultipartUpload: a large upload that fails half-way is cleared up
            actions=["s3:PutObject", "s3:AbortMultipartUpload"],
            resources=[uploads.objects()],
        )
    ]


def may_read_renditions(renditions: PrivateBucket, records: aws.dynamodb.Table) -> list[Statement]:
    """For an application of one's own: ask what became of an original, and fetch what was published."""
    return [
        Statement(sid="ReadRenditions", actions=["s3:GetObject"], resources=[renditions.objects()]),
        Statement(sid="AskForRecords", actions=["dynamodb:Query"], resources=[records.arn]),
    ]
