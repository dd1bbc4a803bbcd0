"""The ask side of a deployed stack, put together from its outputs and the operator's own AWS login."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.reviews.asking import Decisions
from media_pipeline.reviews.pictures import Pictures
from media_pipeline.reviews.places import Places
from media_pipeline.reviews.routes import ReviewApi
from media_pipeline.reviews.waiting import Waiting
from operations.errors import OperationsError
from operations.review_report import report_of_days
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# As bootstrap.clients.signing_s3: links to the bucket's regional host work from the first minute on.
_SIGNING = Config(
    signature_version="s3v4",
    s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
    max_pool_connections=32,
)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What a reviewer works with, and who the reviewer is."""

    stack: str
    person: str
    """The ARN of the caller, as AWS names it: it cannot be chosen."""
    waiting: Waiting
    pictures: Pictures
    decisions: Decisions
    report: Callable[[int], Mapping[str, Any]]
    """Returns the report about so many days."""

    @classmethod
    def open(cls, stack: str, outputs: StackOutputs) -> "Desk":
        """Connect to a stack. Raises OperationsError where its outputs lack a bucket, and what boto3 raises."""
        places = places_of(stack, outputs)
        # A session of its own: the SDK's default one keeps the credentials that it found first.
        session = boto3.session.Session(region_name=outputs.region)
        s3: S3Client = session.client("s3", config=_SIGNING)
        dynamodb = session.client("dynamodb")
        return cls(
            stack=stack,
            person=session.client("sts").get_caller_identity()["Arn"],
            waiting=Waiting(dynamodb=dynamodb, table=places.records_table, clock=time.time),
            pictures=Pictures(s3=s3, bucket=places.quarantine_bucket),
            decisions=Decisions(
                places=places,
                dynamodb=dynamodb,
                s3=s3,
                sqs=session.client("sqs"),
                clock=time.time,
            ),
            report=partial(report_of_days, dynamodb, places.records_table, clock=time.time),
        )

    def api(self) -> ReviewApi:
        """Return the review API of this desk."""
        return ReviewApi(
            stack=self.stack,
            waiting=self.waiting,
            pictures=self.pictures,
            decisions=self.decisions,
            report=self.report,
        )


def places_of(stack: str, outputs: StackOutputs) -> Places:
    """Return what the ask side needs to know of a stack. Raises OperationsError where its outputs lack a bucket."""
    missing = [name for name in ("quarantine_bucket", "logs_bucket") if name not in outputs.named]
    if missing:
        raise OperationsError(f"the stack's outputs have no {', '.join(missing)}; `pulumi up` writes them")
    return Places(
        stack=stack,
        uploads_bucket=outputs.uploads_bucket,
        quarantine_bucket=outputs.named["quarantine_bucket"],
        logs_bucket=outputs.named["logs_bucket"],
        records_table=outputs.records_table,
        images_queue_url=outputs.images_queue_url,
        approvals=ApprovalRule.parse(json.loads(outputs.named.get("review_approvals", "{}"))),
    )
