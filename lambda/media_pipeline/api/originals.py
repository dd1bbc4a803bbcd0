"""The API's own prefix of the uploads bucket: conditional puts, look-ups, and presigned forms."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VERSIONS_LISTED = 100
"""Of one key, which takes one upload: S3 lists its newest versions first, and longer keys after all of them."""
FILE_NAME = "file-name"  # the metadata that holds a file's name, percent-encoded


class Put(Enum):
    """The result of a conditional put."""

    STORED = auto()
    TAKEN = auto()  # the key holds an object already
    BUSY = auto()  # another put of the same key was under way, and it is not known yet which of them succeeds


@dataclass(frozen=True)
class Form:
    """The URL and the fields with which a browser or curl posts a file."""

    url: str
    fields: Mapping[str, str]


class Originals:
    """Reads and writes of uploaded originals, by the object's key."""

    def __init__(self, *, s3: "S3Client", bucket: str, without_retries: "S3Client") -> None:
        """`without_retries` is a client that sends a call once, for puts."""
        self._s3 = s3
        self._bucket = bucket
        self._put_client = without_retries

    def put_once(self, key: str, data: bytes, *, content_type: str, file_name: str | None) -> Put:
        """Put the object unless its key holds one. S3 verifies the SHA-256 and keeps it with the object.

        It is sent once. If the answer was lost, the object may be stored, and moved to quarantine by the time of a
        second try, which would store it again: look before that. Raises ClientError, BotoCoreError.
        """
        try:
            self._put_client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ContentType=content_type,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
                Metadata={FILE_NAME: file_name} if file_name else {},
                IfNoneMatch="*",
            )
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == HTTPStatus.PRECONDITION_FAILED:
                return Put.TAKEN
            if status == HTTPStatus.CONFLICT:  # ConditionalRequestConflict
                return Put.BUSY
            raise
        return Put.STORED

    def sha256(self, key: str) -> str | None:
        """Return the SHA-256 (hexadecimal) of the key's object; "" where S3 has none, None where there is no object."""
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            # A missing object gives 403, too, where listing is allowed under a prefix only.
            if status not in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN) or self.length(key) is not None:
                raise
            return None
        return base64.b64decode(head.get("ChecksumSHA256", "")).hex()

    def length(self, key: str) -> int | None:
        """Return the length in bytes of the key's current object; None without an object.

        It lists, since HEAD cannot tell missing from forbidden where listing is allowed under a prefix only.
        """
        answer = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return next((item["Size"] for item in answer.get("Contents", ()) if item["Key"] == key), None)

    def delete(self, key: str) -> bool:
        """Hide all versions of the key by a delete marker, whose event the pipeline carries out.

        Do nothing where a marker is there already. Return whether the bucket holds anything under the key; where it
        does not, the upload may still have been moved to quarantine: call `mark_deleted` then.
        """
        answer = self._s3.list_object_versions(Bucket=self._bucket, Prefix=key, MaxKeys=VERSIONS_LISTED)
        if any(marker["IsLatest"] for marker in answer.get("DeleteMarkers", ()) if marker["Key"] == key):
            return True
        if not any(version["Key"] == key for version in answer.get("Versions", ())):
            return False
        self.mark_deleted(key)
        return True

    def mark_deleted(self, key: str) -> None:
        """Put a delete marker for the key, whatever the bucket holds under it."""
        self._s3.delete_object(Bucket=self._bucket, Key=key)

    def form(self, key: str, *, content_type: str, length: int, file_name: str | None, seconds: int) -> Form:
        """Sign a form that takes this key, this type and 1 to `length` bytes, for so many seconds.

        Until then it can be posted more than once: S3 has no condition against that for forms, so the pipeline
        processes the first upload of each key only.
        """
        fields = {"Content-Type": content_type}
        if file_name:
            fields[f"x-amz-meta-{FILE_NAME}"] = file_name
        conditions: list[Any] = [{name: value} for name, value in fields.items()]
        answer = self._s3.generate_presigned_post(
            self._bucket,
            key,
            Fields=fields,
            Conditions=[*conditions, ["content-length-range", 1, length]],
            ExpiresIn=seconds,
        )
        return Form(answer["url"], answer["fields"])
