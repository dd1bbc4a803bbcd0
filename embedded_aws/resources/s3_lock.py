"""Object Lock: for how long nobody may change new objects of a bucket."""

from collections.abc import Mapping
from typing import Any, ClassVar

from embedded_aws.resources.base import Inputs, State, capitalised
from embedded_aws.resources.s3_settings import BucketSetting


class BucketObjectLockConfiguration(BucketSetting):
    """The default retention of new objects, in days or years."""

    type_name = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
    resource = "s3.BucketObjectLockConfiguration"
    _retention = ("mode", "days", "years")
    carries = frozenset(
        {"bucket", "objectLockEnabled", *(f"rule.defaultRetention.{name}" for name in _retention)}
    )
    defaults: ClassVar[Mapping[str, Any]] = {"objectLockEnabled": "Enabled"}

    def put(self, inputs: Inputs) -> None:
        """Put it: objects that are there keep theirs."""
        retention = inputs.get("rule", {}).get("defaultRetention")
        rule = {"Rule": {"DefaultRetention": capitalised(retention)}} if retention else {}
        self._configure(inputs["bucket"], rule)

    def get(self, bucket: str) -> State | None:
        """Return the retention."""
        found = self.s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
        retention = found.get("Rule", {}).get("DefaultRetention")
        if retention is None:
            return None
        given = {name: retention.get(name.capitalize()) for name in self._retention}
        shown = {name: value for name, value in given.items() if value}
        return {"objectLockEnabled": "Enabled", "rule": {"defaultRetention": shown}}

    def remove(self, bucket: str) -> None:
        """Lock new objects no more: the bucket's ability to lock stays."""
        self._configure(bucket, {})

    def _configure(self, bucket: str, rule: Mapping[str, Any]) -> None:
        self.s3.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", **rule}
        )
