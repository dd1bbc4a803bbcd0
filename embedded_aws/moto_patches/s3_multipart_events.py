"""A multipart upload sends one event, when it is completed.

AWS: s3:ObjectCreated:CompleteMultipartUpload, and no ObjectCreated:Put. (S3 User Guide, "Supported event types".)
moto: sends both.
"""

from typing import Any

from embedded_aws.moto_replacement import replace
from embedded_aws.s3.events import muted


def apply() -> None:
    """Send the event of the completion only."""
    from moto.s3 import notifications
    from moto.s3.models import S3Backend

    def complete_multipart_upload(self: Any, bucket_name: str, multipart_id: str, body: Any) -> Any:
        with muted():
            key = original(self, bucket_name, multipart_id, body)
        if key is not None:
            event = notifications.S3NotificationEvent.OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD_EVENT
            notifications.send_event(self.account_id, event, self.get_bucket(bucket_name), key)
        return key

    original = replace(S3Backend, "complete_multipart_upload", complete_multipart_upload)
