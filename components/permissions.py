"""What each function may do: exact actions on exact ARNs, each statement with its reason as its id.

`tests/local/test_least_privilege.py` compares this with the calls that the functions really make.
"""

import pulumi
import pulumi_aws as aws

from components.bucket import PrivateBucket
from components.environment import ANSWERS_PREFIX, UPLOADS_PREFIX
from components.iam import Statement
from components.resources import Resources
from components.storage import ATTENTION_INDEX, EVIDENCE_PREFIX, MediaStorage


def process_image(on: Resources) -> list[Statement]:
    """Allow what every worker on media does, and to hand videos over."""
    own = process_media(on, on.images.queue)
    return [*own, hand_over(on.videos.queue)] if on.videos else own


def process_video(on: Resources) -> list[Statement]:
    """Allow what every worker on media does."""
    return process_media(on, on.video_queue.queue)


def process_media(on: Resources, queue: aws.sqs.Queue) -> list[Statement]:
    """Allow to read an original, publish or quarantine the result, record and announce it."""
    return [
        Statement(
            sid="FetchTheVersionOfTheEvent",
            actions=["s3:GetObjectVersion"],
            resources=[on.storage.uploads.objects()],
        ),
        Statement(
            sid="RemoveWhatWentToQuarantine",
            actions=["s3:DeleteObjectVersion"],
            resources=[on.storage.uploads.objects()],
        ),
        Statement(
            sid="TellMissingFromForbidden",  # without it a missing object answers 403 instead of 404
            actions=["s3:ListBucket"],
            resources=[on.storage.uploads.bucket.arn, on.storage.quarantine.bucket.arn],
        ),
        _find_earlier_uploads(on),
        Statement(
            sid="DropSecondRecords",  # of a version whose event without a sequencer came first
            actions=["dynamodb:DeleteItem"],
            resources=[on.storage.records.arn],
        ),
        Statement(
            sid="QuarantineAndVerifyTheCopy",  # GetObject also reads what a person approved
            actions=["s3:PutObject", "s3:PutObjectTagging", "s3:GetObject"],
            resources=[on.storage.quarantine.objects()],
        ),
        _remove_withdrawn_copies(on),
        Statement(
            sid="PublishAndRemoveRenditions",
            actions=["s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject"],
            resources=[on.storage.renditions.objects()],
        ),
        Statement(
            sid="Moderate",
            actions=["rekognition:DetectModerationLabels"],
            resources=["*"],  # Rekognition: this action has no resource type
        ),
        Statement(
            sid="KeepAnswersForLaterUploads",  # many at once, and therefore only where no record is
            actions=["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"],
            resources=[on.storage.records.arn],
            condition={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{ANSWERS_PREFIX}*"]}},
        ),
        *_forget_removed_renditions(on),
        *_every_worker(on, queue),
    ]


def _forget_removed_renditions(on: Resources) -> list[Statement]:
    """Allow whoever removes renditions to have the distribution forget them; nothing in a stack without one."""
    if on.delivery is None:
        return []
    distribution = on.delivery.distribution.arn
    return [
        Statement(
            sid="ForgetRemovedRenditions", actions=["cloudfront:CreateInvalidation"], resources=[distribution]
        )
    ]


def hand_over(videos: aws.sqs.Queue) -> Statement:
    """Allow to pass a video on to process-video."""
    return Statement(sid="HandVideosOver", actions=["sqs:SendMessage"], resources=[videos.arn])


def dead_letters(on: Resources) -> list[Statement]:
    """Allow to record FAILED for what no attempt could finish, to remove what was deleted, and to announce."""
    return [
        _find_earlier_uploads(on),
        Statement(
            sid="FindCopiesOfDeletedObjects",
            actions=["s3:ListBucket"],
            resources=[on.storage.quarantine.bucket.arn],
        ),
        Statement(
            sid="TellAMoveFromADelete",  # by the copy that a move to quarantine leaves behind: HeadObject
            actions=["s3:GetObject"],
            resources=[on.storage.quarantine.objects()],
        ),
        _remove_withdrawn_copies(on),
        Statement(
            sid="RemoveRenditionsOfDeletedObjects",
            actions=["s3:DeleteObject"],
            resources=[on.storage.renditions.objects()],
        ),
        *_forget_removed_renditions(on),
        *_every_worker(on, *(queue.dead_letters for queue in on.work_queues)),
    ]


def _remove_withdrawn_copies(on: Resources) -> Statement:
    """Allow to remove what is in quarantine of an object that a person deleted."""
    return Statement(
        sid="RemoveCopiesOfDeletedObjects",
        actions=["s3:DeleteObject"],
        resources=[on.storage.quarantine.objects()],
    )


def _find_earlier_uploads(on: Resources) -> Statement:
    """Allow to list the versions of a key: is an upload the first of its key, or only the console's folder?"""
    return Statement(
        sid="FindEarlierUploads", actions=["s3:ListBucketVersions"], resources=[on.storage.uploads.bucket.arn]
    )


def _every_worker(on: Resources, *queues: aws.sqs.Queue) -> list[Statement]:
    return [
        Statement(
            sid="KeepTheRecords",
            actions=["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query"],
            resources=[on.storage.records.arn],
        ),
        Statement(
            sid="FindRenditionsWithoutRecord",  # their record expired before their original was deleted
            actions=["s3:ListBucket"],
            resources=[on.storage.renditions.bucket.arn],
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


def reconcile(on: Resources) -> list[Statement]:
    """Allow to compare buckets and records, to send repairs, and to note where a run continues."""
    storage = on.storage
    return [
        Statement(
            sid="FindUploads", actions=["s3:ListBucketVersions"], resources=[storage.uploads.bucket.arn]
        ),
        Statement(sid="FindRenditions", actions=["s3:ListBucket"], resources=[storage.renditions.bucket.arn]),
        Statement(
            sid="FindOriginalsOfWhatWasApproved",
            actions=["s3:ListBucket"],
            resources=[storage.quarantine.bucket.arn],
        ),
        Statement(
            sid="RemoveRenditionsWithoutRecord",
            actions=["s3:DeleteObject"],
            resources=[storage.renditions.objects()],
        ),
        Statement(
            sid="ReadTheRecords", actions=["dynamodb:Query", "dynamodb:Scan"], resources=[storage.records.arn]
        ),
        Statement(
            sid="FindLostDecisionsAndExpiringReviews",
            actions=["dynamodb:Query"],
            resources=[pulumi.Output.concat(storage.records.arn, f"/index/{ATTENTION_INDEX}")],
        ),
        Statement(
            sid="NoteWhereToContinue",
            actions=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"],
            resources=[storage.records.arn],
            condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["reconcile"]}},
        ),
        Statement(sid="SendRepairs", actions=["sqs:SendMessage"], resources=[on.images.queue.arn]),
        *_forget_removed_renditions(on),
    ]


def log_notification(_: Resources) -> list[Statement]:
    """Allow nothing of its own: it writes to its log."""
    return []


def _note_appeals(on: Resources) -> Statement:
    """Allow to write an appeal into a record of the API's own prefix, and nothing else of the record.

    Neither `status` nor `decision`: `alert_id`, which the condition names, goes when a record is opened again.
    """
    return Statement(
        sid="NoteAppeals",
        actions=["dynamodb:UpdateItem"],
        resources=[on.storage.records.arn],
        condition={
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{UPLOADS_PREFIX}*"]},
            "ForAllValues:StringEquals": {
                "dynamodb:Attributes": [
                    "object_key",
                    "sequencer",
                    "appeal",
                    "attention",
                    "alert_id",
                    "updated_at",
                ]
            },
        },
    )


def upload_api(on: Resources) -> list[Statement]:
    """Allow to put, find and withdraw under the API's own prefix, to read records, and to sign links to renditions."""
    storage = on.storage
    return [
        *([_note_appeals(on)] if on.takes_appeals else []),
        Statement(
            sid="StoreUploadsAndLookAtThem",  # a form that the function signs can do no more than its role
            actions=["s3:PutObject", "s3:GetObject"],
            resources=[storage.uploads.objects(f"{UPLOADS_PREFIX}*")],
        ),
        Statement(
            sid="WithdrawUploads",  # without a version: it puts a delete marker, and removes no bytes
            actions=["s3:DeleteObject"],
            resources=[storage.uploads.objects(f"{UPLOADS_PREFIX}*")],
        ),
        Statement(
            sid="FindOwnUploads",  # ListBucketVersions: whether one was withdrawn already
            actions=["s3:ListBucket", "s3:ListBucketVersions"],
            resources=[storage.uploads.bucket.arn],
            condition={"StringLike": {"s3:prefix": [f"{UPLOADS_PREFIX}*"]}},
        ),
        Statement(
            sid="ReadTheRecordsOfItsUploads",
            actions=["dynamodb:Query"],
            resources=[storage.records.arn],
            condition={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{UPLOADS_PREFIX}*"]}},
        ),
        *([] if on.delivery else [_sign_links(storage)]),
    ]


def _sign_links(storage: MediaStorage) -> Statement:
    """Allow to sign links to renditions, which can do no more than the function's role; a CDN needs none."""
    return Statement(
        sid="SignLinksToRenditions",
        actions=["s3:GetObject"],
        resources=[storage.renditions.objects(f"{UPLOADS_PREFIX}*")],
    )


NOT_RECORDS = "!*"  # partitions of the records table that hold notes: answers, hash lists, budgets
ASKED_ATTRIBUTES = (
    *("object_key", "sequencer", "updated_at"),
    *("decision", "decisions", "approvals", "checked", "second", "hold", "attention"),
    "alert_id",
)
"""All that asking for a decision names of a record, as `media_pipeline.reviews.asking` has it."""


def review_api(on: Resources) -> list[Statement]:
    """Allow to read records, to show the judged pictures, and to ask for decisions: no originals, no renditions."""
    storage = on.storage
    only_records = {"ForAllValues:StringNotLike": {"dynamodb:LeadingKeys": [NOT_RECORDS]}}
    return [
        Statement(
            sid="ListWhatWaits",
            actions=["dynamodb:Query"],
            resources=[pulumi.Output.concat(storage.records.arn, f"/index/{ATTENTION_INDEX}")],
        ),
        Statement(
            sid="ReadRecords",
            actions=["dynamodb:GetItem", "dynamodb:Query"],
            resources=[storage.records.arn],
            condition=only_records,
        ),
        Statement(
            sid="AskForDecisions",
            actions=["dynamodb:UpdateItem"],
            resources=[storage.records.arn],
            condition={
                **only_records,
                "ForAllValues:StringEquals": {"dynamodb:Attributes": list(ASKED_ATTRIBUTES)},
            },
        ),
        Statement(
            sid="ShowJudgedPictures",
            actions=["s3:GetObject"],
            resources=[storage.quarantine.objects("*.review/*")],
        ),
        Statement(
            sid="TellExpiredFromForbidden",  # without it a missing picture answers 403 instead of 404
            actions=["s3:ListBucket"],
            resources=[storage.quarantine.bucket.arn],
        ),
        Statement(
            sid="WriteEvidenceOnce",
            actions=["s3:PutObject"],
            resources=[storage.buckets["logs"].objects(f"{EVIDENCE_PREFIX}*")],
            condition={"Null": {"s3:if-none-match": ["false"]}},
            encrypted=False,  # the bucket of access logs keeps S3's own key
        ),
        Statement(sid="NotifyTheWorkers", actions=["sqs:SendMessage"], resources=[on.images.queue.arn]),
    ]


def may_upload(uploads: PrivateBucket) -> list[Statement]:
    """Allow an application to put originals of any size; the bucket's policy excludes the upload API's prefix."""
    return [
        Statement(
            sid="Upload",  # AbortMultipartUpload: to clean up after a large upload that failed
            actions=["s3:PutObject", "s3:AbortMultipartUpload"],
            resources=[uploads.objects()],
        )
    ]


def may_read_renditions(renditions: PrivateBucket, records: aws.dynamodb.Table) -> list[Statement]:
    """Allow an application to read what became of an original, and to fetch what was published."""
    return [
        Statement(sid="ReadRenditions", actions=["s3:GetObject"], resources=[renditions.objects()]),
        Statement(sid="AskForRecords", actions=["dynamodb:Query"], resources=[records.arn]),
    ]
