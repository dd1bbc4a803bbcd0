"""Writes down what an operator did about a stack, in the logs bucket, before it takes effect."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from media_pipeline.records.decisions import decision_id
from media_pipeline.records.record import iso_time
from media_pipeline.reviews.evidence import put_evidence

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def keep_evidence(
    s3: "S3Client",
    logs_bucket: str,
    *,
    stack: str,
    action: str,
    person: str,
    now: float,
    facts: Mapping[str, Any],
) -> str:
    """Put one object with `facts`, who did what and when, and return its key; `now` is in epoch seconds.

    Nothing can be written over it: the bucket refuses that. Raises what boto3 raises.
    """
    number = decision_id(now)
    document = {
        "id": number,
        "action": action,
        "person": person,
        "at": iso_time(now),
        "stack": stack,
        **facts,
    }
    return put_evidence(s3, logs_bucket, document)
