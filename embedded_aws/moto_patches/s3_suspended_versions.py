"""Deleting one version in a bucket whose versioning was suspended leaves the others.

AWS: "only that specific version of an object is deleted". (S3 User Guide, "Deleting objects from versioning-suspended
buckets".)
moto: removes every version of the key.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Delete as in a versioned bucket, where moto knows how."""
    from moto.s3.models import S3Backend

    def delete_object(
        self: Any, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
    ) -> Any:
        bucket = self.get_bucket(bucket_name)
        if version_id is None or bucket.versioning_status != "Suspended":
            return original(self, bucket_name, key_name, version_id, bypass)
        bucket.versioning_status = "Enabled"
        try:
            return original(self, bucket_name, key_name, version_id, bypass)
        finally:
            bucket.versioning_status = "Suspended"

    original = replace(S3Backend, "delete_object", delete_object)
