"""The three buckets of the pipeline: uploads (originals), renditions, and quarantine."""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, cast
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from media_pipeline.errors import FailedError, Reason, RejectedError, TransientError
from media_pipeline.events import NULL_VERSION, identity
from media_pipeline.quarantine import Quarantine, quarantine_key
from media_pipeline.removals import remove_objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from media_pipeline.edge import Edge

KEY_BYTES_LIMIT = 1024  # S3: an object key is at most 1,024 bytes of UTF-8
LARGE_COPY_BYTES = 256 * 1024**2
"""From this size on a copy may take longer than other calls wait for an answer."""
IMMUTABLE = "public, max-age=31536000, immutable"  # RFC 8246: a rendition's key changes with its bytes
_GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion"})
_SUPERSEDED = frozenset({"412", "PreconditionFailed"})  # the key holds another object by now
_UNREADABLE: Mapping[str, str] = {
    # S3's error codes of GetObject that no retry changes ("Error responses", Amazon S3 API Reference).
    "InvalidObjectState": "it is in an archive storage class; upload it again in STANDARD or INTELLIGENT_TIERING",
    "InvalidRequest": "it is encrypted with a key that only its uploader has (SSE-C); upload it again without",
}
_DENIED = ("AccessDenied", "KMS.")
"""How the codes of GetObject begin where the role, a policy or the object's KMS key forbids it.

Without kms:Decrypt, or with a key of another account, it is AccessDenied; with a disabled or deleted key
`KMS.DisabledException`, `KMS.NotFoundException` or `KMS.KMSInvalidStateException`. An operator can change all of it.
"""


class OriginalGoneError(FailedError):
    """The object version is not in its bucket any more, which is that of the uploads unless `bucket` names another.

    `may_appear`: S3 did not find it, as it answers also for a new version that is not visible yet.
    `replaced`: another upload took the version's id, "null", over.
    """

    def __init__(
        self,
        key: str,
        version: str,
        *,
        may_appear: bool = False,
        replaced: bool = False,
        bucket: str = "uploads",
    ) -> None:
        detail = f"version {version} of {key} is not in the {bucket} bucket any more"
        super().__init__(Reason.ORIGINAL_GONE, detail)
        self.may_appear = may_appear
        self.replaced = replaced


class Buckets(NamedTuple):
    """The names of the buckets that the workers use, each from the variable `<FIELD>_BUCKET`."""

    uploads: str
    quarantine: str
    renditions: str


class CurrentVersion(NamedTuple):
    """The version of a key that a read without a version id gets."""

    version_id: str
    etag: str
    modified: float
    """When it was stored, in epoch seconds; S3 gives whole seconds."""


class Original(Protocol):
    """An open object version: its length in bytes is known before its body is read."""

    length: int
    modified: float
    """When the version was stored, in epoch seconds."""

    def read(self, amount: int | None = None) -> bytes:
        """Read up to `amount` bytes, or the rest."""
        ...


class Storage:
    """All reads and writes of objects by the workers.

    `large_copies` gives a client that waits long for an answer. `edge` is the distribution that readers get renditions
    from; None where they get them from the bucket.
    """

    def __init__(
        self,
        *,
        s3: "S3Client",
        buckets: Buckets,
        large_copies: "Callable[[], S3Client] | None" = None,
        edge: "Edge | None" = None,
    ) -> None:
        self._s3 = s3
        self._edge = edge
        self._large_copies = large_copies or (lambda: s3)
        self._uploads = buckets.uploads
        self._renditions = buckets.renditions
        self._quarantine = buckets.quarantine
        self.quarantined = Quarantine(s3=s3, bucket=buckets.quarantine)

    def open(self, key: str, *, version_id: str | None, etag: str | None) -> AbstractContextManager[Original]:
        """Open exactly that version, by its id and only if the ETag still matches, without reading its body.

        Raises OriginalGoneError where the version was deleted or replaced, RejectedError (`unreadable`) where S3
        has it but never gives its bytes out, TransientError where it denies them until an operator allows it.
        """
        # By both: the version id "null" is one that a later put takes over.
        condition: dict[str, Any] = {"IfMatch": etag} if etag else {}
        try:
            answer = self._s3.get_object(
                Bucket=self._uploads, Key=key, VersionId=version_id or NULL_VERSION, **condition
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _GONE | _SUPERSEDED:
                raise OriginalGoneError(
                    key,
                    identity(version_id, etag),
                    may_appear=code in _GONE,
                    replaced=code in _SUPERSEDED,
                ) from error
            if code in _UNREADABLE:
                raise RejectedError(
                    Reason.UNREADABLE, f"S3 does not give its bytes out: {_UNREADABLE[code]}"
                ) from error
            if code.startswith(_DENIED):
                raise TransientError(
                    f"S3 does not let this function read the upload ({error}). If it is encrypted with a KMS key of its"
                    " uploader, have it uploaded again without, or allow the function's role kms:Decrypt in a policy of"
                    " its own and in the key's, and enable the key; otherwise look for what denies s3:GetObjectVersion"
                    " (docs/operator/alarms.md, handed-back-age)"
                ) from error
            raise
        return _OpenObject(answer)

    def open_quarantined(self, key: str, version: str) -> AbstractContextManager[Original]:
        """Open the copy of one version in quarantine, without reading its body.

        Raises OriginalGoneError where it has expired.
        """
        try:
            answer = self._s3.get_object(Bucket=self._quarantine, Key=quarantine_key(key, version))
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise OriginalGoneError(key, version, bucket="quarantine") from error
            raise
        return _OpenObject(answer)

    def has_earlier_upload(self, key: str, *, version_id: str | None) -> bool:
        """Return whether the uploads bucket holds a version of `key` from before this one.

        S3 lists the versions of one key from the newest to the oldest (ListObjectVersions). Delete markers are not
        uploads. False where this version is not in the bucket any more.
        """
        wanted = version_id or NULL_VERSION
        versions = iter(self._versions(key))
        found = any(version["VersionId"] == wanted for version in versions)
        return found and next(versions, None) is not None

    def has_uploaded_bytes(self, key: str) -> bool:
        """Return whether the uploads bucket holds a version of `key` that is not empty, hidden or not."""
        return any(version["Size"] for version in self._versions(key))

    def _versions(self, key: str) -> Iterator[Mapping[str, Any]]:
        """List the versions of one key, from the newest to the oldest, without delete markers."""
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self._uploads, Prefix=key):
            for version in page.get("Versions", ()):
                if version["Key"] != key:  # a longer key: S3 sorts it behind all versions of this one
                    return
                yield version

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

    def renditions_of_version(self, key: str, version: str) -> set[str]:
        """List the keys of one version's renditions, whatever its record says."""
        return {found["Key"] for found in self._listed(f"{key}/{version}/", "Contents")}

    def renditions_of(self, key: str) -> dict[str, set[str]]:
        """List the keys of all renditions of an object key, by version.

        A rendition's key is `{object key}/{version}/{name}`: what lies deeper belongs to longer object keys.
        """
        versions = (found["Prefix"] for found in self._listed(f"{key}/", "CommonPrefixes"))
        names = (prefix.removeprefix(f"{key}/").removesuffix("/") for prefix in versions)
        return {version: self.renditions_of_version(key, version) for version in names}

    def _listed(self, prefix: str, what: str) -> Iterator[Mapping[str, Any]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._renditions, Prefix=prefix, Delimiter="/"
        )
        for page in pages:
            yield from cast(Iterable[Mapping[str, Any]], page.get(what, ()))

    @property
    def has_edge(self) -> bool:
        """Whether readers get renditions from a distribution, which has to forget what is removed."""
        return self._edge is not None

    def remove_renditions(self, keys: Iterable[str], *, folder: str | None = None) -> None:
        """Delete renditions by their keys, and have the distribution forget them, also those that were gone already.

        With a `folder`, which holds all of them, the distribution forgets what it keeps there also without any key.
        A key that holds no object is not an error: an earlier attempt may have deleted it, and then been cut off.
        Raises TransientError where S3 refused to delete one of them, or CloudFront to forget them.
        """
        removed = frozenset(keys)
        remove_objects(self._s3, self._renditions, removed, what="renditions")
        if self._edge is not None:
            # In this order: what is still in the bucket would be fetched again.
            self._edge.forget(removed, folder=folder)

    def address_of(self, key: str) -> str | None:
        """Return the address of a rendition at the distribution; None where the stack has none."""
        return self._edge.address_of(key) if self._edge is not None else None

    def quarantine(
        self,
        key: str,
        *,
        version_id: str | None,
        etag: str | None,
        sha256: str,
        facts: Mapping[str, str],
        size: int = 0,
    ) -> None:
        """Move one object version to quarantine: copy it, verify the copy, then delete that version.

        `sha256` is that of the original, in hexadecimal, `size` its bytes; `facts` become the copy's tags. Each step
        can be repeated; a verified copy without an original counts as moved. Raises OriginalGoneError where there is
        neither.
        """
        target = quarantine_key(key, identity(version_id, etag))
        if not self._is_quarantined(target, sha256):
            try:
                self._copy_to_quarantine(key, target, version_id, etag, facts, size)
            except OriginalGoneError:
                # An invocation that was believed dead may have moved it since the check above.
                if not self._is_quarantined(target, sha256):
                    raise
                return
            if not self._is_quarantined(target, sha256):
                raise TransientError(f"the copy of {key} in quarantine does not have the original's bytes")
        self._delete_original(key, version_id or NULL_VERSION, etag)

    def _delete_original(self, key: str, version_id: str, etag: str | None) -> None:
        # Always by version: without one, a versioned bucket would keep the bytes and hide them.
        if version_id != NULL_VERSION or not etag:
            self._s3.delete_object(Bucket=self._uploads, Key=key, VersionId=version_id)
            return
        # A later put may have taken the id over: then this original is gone already, and that one must stay.
        if not self.exists(key, version_id, etag):
            return
        try:
            self._s3.delete_object(Bucket=self._uploads, Key=key, VersionId=version_id, IfMatch=etag)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE | _SUPERSEDED:
                raise

    def exists(self, key: str, version_id: str | None, etag: str | None) -> bool:
        """Return whether the uploads bucket holds exactly that version."""
        wanted = version_id or NULL_VERSION
        return any(
            version["VersionId"] == wanted and etag in (None, version["ETag"].strip('"'))
            for version in self._versions(key)
        )

    def is_replaced_by_marker(self, key: str) -> bool:
        """Return whether a delete marker has the id "null": it deleted the null version whose place it took."""
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self._uploads, Prefix=key):
            for marker in page.get("DeleteMarkers", ()):
                if marker["Key"] != key:  # a longer key: S3 sorts it behind all markers of this one
                    return False
                if marker["VersionId"] == NULL_VERSION:
                    return True
        return False

    def current(self, key: str) -> "CurrentVersion | None":
        """Return the key's current version; None where it holds none, or a delete marker hides it."""
        newest = next(iter(self._versions(key)), None)
        if newest is None or not newest["IsLatest"]:
            return None
        modified = newest["LastModified"].timestamp()
        return CurrentVersion(newest["VersionId"], newest["ETag"].strip('"'), modified)

    def is_current(self, key: str, version_id: str | None, etag: str | None) -> bool:
        """Return whether nothing newer, neither a version nor a delete marker, hides that version."""
        current = self.current(key)
        if current is None or current.version_id != (version_id or NULL_VERSION):
            return False
        return etag in (None, current.etag)

    def _copy_to_quarantine(
        self,
        key: str,
        target: str,
        version_id: str | None,
        etag: str | None,
        facts: Mapping[str, str],
        size: int,
    ) -> None:
        source = {"Bucket": self._uploads, "Key": key, "VersionId": version_id or NULL_VERSION}
        condition: dict[str, Any] = {"CopySourceIfMatch": etag} if etag else {}
        # Not in parts: S3 has a SHA-256 of the whole object only of copies that CopyObject made.
        s3 = self._large_copies() if size >= LARGE_COPY_BYTES else self._s3
        try:
            s3.copy_object(
                Bucket=self._quarantine,
                Key=target,
                CopySource=cast(Any, source),
                ChecksumAlgorithm="SHA256",
                TaggingDirective="REPLACE",  # copying the uploader's tags would need one more permission
                Tagging=urlencode(facts),
                **condition,
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _GONE | _SUPERSEDED:
                raise OriginalGoneError(
                    key,
                    identity(version_id, etag),
                    may_appear=code in _GONE,
                    replaced=code in _SUPERSEDED,
                ) from error
            raise

    def has_verified_copy(self, key: str, version: str, sha256: str) -> bool:
        """Return whether quarantine holds a copy of that version with these bytes, as a move to it leaves behind."""
        return self._is_quarantined(quarantine_key(key, version), sha256)

    def _is_quarantined(self, target: str, sha256: str) -> bool:
        try:
            head = self._s3.head_object(Bucket=self._quarantine, Key=target, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return False
            raise
        return head.get("ChecksumSHA256") == base64.b64encode(bytes.fromhex(sha256)).decode()


class _OpenObject:
    """An answer of GetObject, whose body is read in parts and closed at the end, also where it was not read."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._body = answer["Body"]
        self.length: int = answer["ContentLength"]
        self.modified: float = answer["LastModified"].timestamp()

    def __enter__(self) -> "_OpenObject":
        return self

    def __exit__(self, *_: object) -> None:
        self._body.close()

    def read(self, amount: int | None = None) -> bytes:
        data: bytes = self._body.read(amount)
        return data


def rendition_key(key: str, version: str, name: str, sha256: str, extension: str) -> str:
    """Return `{object key}/{version}/{name}-{first 8 hex digits of the SHA-256}.{extension}`.

    The key changes with the bytes, so a rendition can be cached for ever.
    """
    return f"{key}/{version}/{name}-{sha256[:8]}.{extension}"
