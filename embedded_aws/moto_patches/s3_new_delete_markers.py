"""Deleting a key that never existed from a versioned bucket creates a delete marker.

AWS: a simple DELETE inserts a marker, whether there is an object or not. (S3 User Guide, "Deleting object versions".)
moto: answers success and creates nothing.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Mark an empty object where there is none."""
    from moto.s3.models import FakeDeleteMarker, FakeKey, S3Backend

    def set_delete_marker(self: Any, bucket_name: str, key_name: str) -> Any:
        bucket = self.get_bucket(bucket_name)
        versions = bucket.keys.getlist(key_name, [])
        marked = versions[-1] if versions else FakeKey(key_name, b"", self.account_id, self.region_name)
        marker = FakeDeleteMarker(key=marked)
        bucket.keys[key_name] = marker
        return marker

    replace(S3Backend, "_set_delete_marker", set_delete_marker)
