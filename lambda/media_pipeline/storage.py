"""The three buckets as the pipeline uses them: originals in, renditions out, quarantine aside."""

import base64
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from media_pipeline.errors import FailedError, Reason, TransientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY_BYTES_LIMIT = 1024  # S3: an object key is at most 1,024 bytes of UTF-8
DELETE_BATCH = 1000  # S3: DeleteObjects takes at most 1,000 keys
IMMUTABLE = "public, max-age=31536000, immutable"  # RFC 8246: a rendition's key changes with its bytes
_GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion"})


class OriginalGoneError(FailedError):
    """The object version is not in the uploads bucket any more."""

    def __init__(self, key: str, version: str) -> None:
        detail = f"version {version} of {key} is not in the uploads bucket any more"
        super().__init__(Reason.ORIGINAL_GONE, detail)


class Original(Protocol):
    """An open object version: its length in bytes is known before its body is read."""

    length: int

    def read(self, amount: int | None = None) -> bytes:
        """Read up to `amount` bytes, or the rest."""
        ...


class Storage:
    """All reads and writes of objects."""

    def __init__(self, *, s3: "S3Client", uploads: str, renditions: str, quarantine: str) -> None:
        self._s3 = s3
        self._uploads = uploads
        self._renditions = renditions
        self._quarantine = quarantine

    def open(self, key: str, *, version_id: str | None, etag: str | None) -> AbstractContextManager[Original]:
        """Open exactly that version (by its id, else only if the ETag still matches); nothing is read yet.

        Raises OriginalGoneError. A body that breaks off while it is read is a TransientError.
        """
        which: dict[str, Any] = {}
        if version_id:
            which["VersionId"] = version_id
        elif etag:
            which["IfMatch"] = etag
        try:
            answer = self._s3.get_object(Bucket=self._uploads, Key=key, **which)
        except ClientError as error:
            # 412: the key holds another object by now, so this one is as gone as with a 404.
            if error.response["Error"]["Code"] in _GONE | {"412", "PreconditionFailed"}:
                raise OriginalGoneError(key, version_id or etag or "null") from error
            raise
        return _OpenObject(answer)

    def put_rendition(
        self, key: str, data: bytes | BinaryIO, *, content_type: str, facts: Mapping[str, str]
    ) -> None:
        """Put one rendition under its immutable key; `facts` become its metadata and its tags."""
        self._s3.put_object(
            Bucket=self._renditions,
            Key=key,
            Body=data,
            ContentType=content_type,
            CacheControl=IMMUTABLE,
            Metadata=dict(facts),
            Tagging=urlencode(facts),
        )

    def remove_renditions(self, keys: Iterable[str]) -> None:
        """Remove renditions by their keys; those that are gone already are no error."""
        wanted = sorted(set(keys))
        for start in range(0, len(wanted), DELETE_BATCH):
            batch = wanted[start : start + DELETE_BATCH]
            answer = self._s3.delete_objects(
                Bucket=self._renditions, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
            )
            if errors := answer.get("Errors"):  # DeleteObjects answers 200 even where it refused
                first = errors[0]
                raise TransientError(
                    f"{len(errors)} of {len(batch)} renditions could not be removed;"
                    f" first {first.get('Key')}: {first.get('Code')}"
                )

    def quarantine(
        self, key: str, *, version_id: str | None, etag: str | None, sha256: str, facts: Mapping[str, str]
    ) -> None:
        """Move one object version to quarantine: copy, verify the copy, then delete that version.

        Each step can be repeated; a verified copy without an original counts as moved.
        Raises OriginalGoneError where there is neither.
        """
        target = quarantine_key(key, version_id or etag or "null")
        if not self._is_quarantined(target, sha256):
            try:
                self._copy_to_quarantine(key, target, version_id, etag, facts)
            except OriginalGoneError:
                # Moved since the look above, by an invocation that was thought dead: then it is there now.
                if not self._is_quarantined(target, sha256):
                    raise
                return
            if not self._is_quarantined(target, sha256):
                raise TransientError(f"the copy of {key} in quarantine has other bytes than the original")
        if version_id:
            self._s3.delete_object(Bucket=self._uploads, Key=key, VersionId=version_id)
        else:
            self._s3.delete_object(Bucket=self._uploads, Key=key)

    def _copy_to_quarantine(
        self, key: str, target: str, version_id: str | None, etag: str | None, facts: Mapping[str, str]
    ) -> None:
        source: dict[str, Any] = {"Bucket": self._uploads, "Key": key}
        if version_id:
            source["VersionId"] = version_id
        condition: dict[str, Any] = {} if version_id or not etag else {"CopySourceIfMatch": etag}
        try:
            self._s3.copy_object(
                Bucket=self._quarantine,
                Key=target,
                CopySource=cast(Any, source),
                ChecksumAlgorithm="SHA256",
                TaggingDirective="REPLACE",  # the uploader's tags stay behind: copying them takes a right more
                Tagging=urlencode(facts),
                **condition,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE | {"412", "PreconditionFailed"}:
                raise OriginalGoneError(key, version_id or etag or "null") from error
            raise

    def _is_quarantined(self, target: str, sha256: str) -> bool:
        try:
            head = self._s3.head_object(Bucket=self._quarantine, Key=target, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return False
            raise
        return head.get("ChecksumSHA256") == base64.b64encode(bytes.fromhex(sha256)).decode()


class _OpenObject:
    """An S3 answer whose body is read in parts, and dropped unread where it is not wanted."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._body = answer["Body"]
        self.length: int = answer["ContentLength"]

    def __enter__(self) -> "_OpenObject":
        return self

    def __exit__(self, *_: object) -> None:
        self._body.close()

    def read(self, amount: int | None = None) -> bytes:
        data: bytes = self._body.read(amount)
        return data


def rendition_key(key: str, version: str, name: str, sha256: str, extension: str) -> str:
    """`{object key}/{version}/{size}-{first 8 hex of the bytes' SHA-256}.{ext}`: new bytes, new key."""
    return f"{key}/{version}/{name}-{sha256[:8]}.{extension}"


def quarantine_key(key: str, version: str) -> str:
    """Where a withheld original is kept."""
    return f"{key}/{version}"
