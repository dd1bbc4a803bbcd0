"""Each removal sends one event of its kind: of an object, of a version, or of a delete marker that was created.

AWS: s3:ObjectRemoved:Delete when an object or a version is permanently deleted, s3:ObjectRemoved:DeleteMarkerCreated
when a versioned object is marked. (S3 User Guide, "Supported event types".)
moto: sends nothing for delete markers, nor for one version among others.
"""

from typing import Any

from embedded_aws.moto_replacement import replace
from embedded_aws.s3.events import muted


def apply() -> None:
    """Compare the versions before and after."""
    from moto.s3 import notifications
    from moto.s3.models import S3Backend

    Event = notifications.S3NotificationEvent  # noqa: N806 - a class

    def delete_object(
        self: Any, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
    ) -> Any:
        bucket = self.get_bucket(bucket_name)
        before = list(bucket.keys.getlist(key_name, []))
        with muted():
            result = original(self, bucket_name, key_name, version_id, bypass)
        after = list(bucket.keys.getlist(key_name, []))
        if bucket.is_versioned and version_id is None:
            event = Event.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT
            notifications.send_event(self.account_id, event, bucket, after[-1])
            return result
        for version in before:
            if not any(version is kept for kept in after):
                event = Event.OBJECT_REMOVED_DELETE_EVENT
                notifications.send_event(self.account_id, event, bucket, version)
        return result

    original = replace(S3Backend, "delete_object", delete_object)
