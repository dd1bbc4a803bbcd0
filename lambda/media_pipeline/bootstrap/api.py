"""Puts the upload API together; everything it depends on is passed in."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from media_pipeline.api import names
from media_pipeline.api.appeals import Appeals
from media_pipeline.api.images import Images
from media_pipeline.api.originals import Originals
from media_pipeline.api.routes import Api
from media_pipeline.api.uploads import Uploads
from media_pipeline.observability import Observability
from media_pipeline.records.items import ItemTable
from media_pipeline.records.table import Records
from media_pipeline.settings.api import ApiSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


def api(
    settings: ApiSettings,
    s3: "S3Client",
    dynamodb: "DynamoDBClient",
    observability: Observability,
    clock: Callable[[], float],
    *,
    s3_without_retries: "S3Client",
    sleep: Callable[[float], None] = time.sleep,
    new_image_id: Callable[[], str] = names.new_image_id,
) -> Api:
    """Assemble the upload API. `clock` gives epoch seconds. `s3_without_retries` sends a call once."""
    originals = Originals(s3=s3, bucket=settings.uploads_bucket, without_retries=s3_without_retries)
    # It ends no record; how long they are kept is a matter for those who write them.
    records = Records(dynamodb=dynamodb, table=settings.records_table, clock=clock, retention_days=0)
    items = ItemTable(dynamodb=dynamodb, table=settings.records_table, clock=clock)
    return Api(
        uploads=Uploads(
            settings=settings,
            originals=originals,
            records=records,
            sleep=sleep,
            new_image_id=new_image_id,
        ),
        images=Images(
            originals=originals,
            records=records,
            appeals=Appeals(items=items, days=settings.appeal_days, clock=clock),
            s3=s3,
            renditions=settings.renditions_bucket,
            clock=clock,
            address_of=_addresses(settings.cdn_address) if settings.cdn_address else None,
        ),
        observability=observability,
        cors_origins=settings.cors_origins,
        clock=clock,
    )


def _addresses(cdn_address: str) -> Callable[[str], str]:
    from media_pipeline.edge import address_at  # part of a cold start only where it is needed

    return partial(address_at, cdn_address)
