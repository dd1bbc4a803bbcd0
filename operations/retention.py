"""How long a stack's buckets keep originals, by their lifecycle rules."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from operations.ages import epoch
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DAY: Final = 86_400.0


class Retention:
    """After how many days originals are gone for certain; None where a bucket keeps them. `now` in epoch seconds."""

    def __init__(self, *, uploads: int | None, quarantine: int | None, now: float) -> None:
        self._days = {False: uploads, True: quarantine}
        self._now = now

    @classmethod
    def read(cls, s3: "S3Client", outputs: StackOutputs, now: float) -> "Retention":
        """Read the lifecycle rules of the buckets."""
        quarantine = outputs.named.get("quarantine_bucket")
        return cls(
            uploads=gone_after_days(s3, outputs.uploads_bucket),
            quarantine=gone_after_days(s3, quarantine) if quarantine else None,
            now=now,
        )

    def is_over(self, record: Mapping[str, Any]) -> bool:
        """Return whether a record's original has expired."""
        is_moved = record.get("original") == "quarantine"
        days = self._days[is_moved]
        since = record.get("finished_at") if is_moved else record.get("created_at")
        return days is not None and since is not None and self._now - epoch(since) > days * _DAY


def gone_after_days(s3: "S3Client", bucket: str) -> int | None:
    """Return after how many days a bucket's lifecycle has deleted every byte of an object; None where it keeps them."""
    try:
        rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
            return None
        raise
    # In a bucket with versions, it becomes a noncurrent one first.
    days = (
        rule["Expiration"]["Days"] + rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays", 0)
        for rule in rules
        if rule.get("Expiration", {}).get("Days")
    )
    return min(days, default=None)
