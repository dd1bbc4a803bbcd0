"""Puts the hosted console together; everything it depends on is passed in."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from media_pipeline.observability import Observability
from media_pipeline.reviews.asking import Decisions
from media_pipeline.reviews.hosted import HostedConsole
from media_pipeline.reviews.pictures import Pictures
from media_pipeline.reviews.places import Places
from media_pipeline.reviews.routes import ReviewApi
from media_pipeline.reviews.waiting import Waiting
from media_pipeline.settings.reviews import ReviewSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


def console(
    settings: ReviewSettings,
    s3: "S3Client",
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    observability: Observability,
    clock: Callable[[], float],
) -> HostedConsole:
    """Assemble the console. `s3` signs links; `clock` gives epoch seconds."""
    places = Places(
        stack=settings.stack,
        uploads_bucket=settings.uploads_bucket,
        quarantine_bucket=settings.quarantine_bucket,
        logs_bucket=settings.logs_bucket,
        records_table=settings.records_table,
        images_queue_url=settings.images_queue_url,
        approvals=settings.approvals,
    )
    api = ReviewApi(
        stack=settings.stack,
        waiting=Waiting(dynamodb=dynamodb, table=settings.records_table, clock=clock),
        pictures=Pictures(s3=s3, bucket=settings.quarantine_bucket),
        decisions=Decisions(places=places, dynamodb=dynamodb, s3=s3, sqs=sqs, clock=clock),
    )
    return HostedConsole(api, observability)
