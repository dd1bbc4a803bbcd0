"""Patches for what moto does not know about versions: null versions, conditions on them, pages.

For one simulated stack only: they are undone at its end. What the embedded AWS has a patch for is taken from there.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, unquote, urlparse

from moto.dynamodb.models.table import Table
from moto.s3 import models, responses
from moto.s3.exceptions import PreconditionFailed

from embedded_aws.moto_patches import s3_new_delete_markers, s3_version_listings
from tests.fixtures import moto_speedups

VERSIONS_PER_PAGE = 2  # of ListObjectVersions: most keys have more, so pages are read
ITEMS_PER_PAGE = 3  # of Query: DynamoDB ends a page at 1 MB, which is three records of the largest size
NULL = "null"

_backend, _response = models.S3Backend, responses.S3Response
_put, _delete, _mark = _backend.put_object, _backend.delete_object, _backend._set_delete_marker
_answer_delete, _answer_copy = _response.delete_object, _response.copy_object


def fit_versions() -> Iterator[AbstractContextManager[Any]]:
    """Yield the patches, to be entered in this order."""

    # Patches of the embedded AWS replace for good: entered here, their targets are restored at the end.
    yield mock.patch.object(_backend, "_set_delete_marker", _mark)
    yield mock.patch.object(_response, "list_object_versions", _response.list_object_versions)
    s3_new_delete_markers.apply()
    s3_version_listings.apply()
    yield mock.patch.object(s3_version_listings, "_MAX_KEYS", VERSIONS_PER_PAGE)
    yield mock.patch.object(Table, "query", _query_page)
    yield mock.patch.object(_backend, "put_object", _put_null_version)
    yield mock.patch.object(_backend, "delete_object", _delete_from_suspended)
    yield mock.patch.object(_response, "delete_object", _delete_if_match)
    yield mock.patch.object(_response, "copy_object", _copy_if_match)


def _query_page(
    self: Table, hash_key: Any, comparison: Any, objects: Any, limit: int | None, *args: Any, **kwargs: Any
) -> Any:
    """Read one page of a query."""
    most = min(limit or ITEMS_PER_PAGE, ITEMS_PER_PAGE)
    return moto_speedups.query(self, hash_key, comparison, objects, most, *args, **kwargs)


def _others(bucket: Any, key: str) -> list[Any]:
    """Take all versions of a key out of the bucket; return those that are not its null version, which is gone."""
    there = dict.pop(bucket.keys, key, [])
    for version in there:
        if version.version_id == NULL and hasattr(version, "dispose"):
            version.dispose()
    return [version for version in there if version.version_id != NULL]


def _put_null_version(self: Any, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> Any:
    """Put an object. While versioning is suspended, only the null version is overwritten; moto removes all others."""
    bucket = self.get_bucket(bucket_name)
    if bucket.versioning_status != "Suspended":
        return _put(self, bucket_name, key_name, *args, **kwargs)
    others = _others(bucket, key_name)
    made = _put(self, bucket_name, key_name, *args, **kwargs)
    dict.__setitem__(bucket.keys, key_name, [*others, made])
    return made


def _delete_from_suspended(
    self: Any, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
) -> Any:
    """Delete an object or a version. While versioning is suspended, moto removes everything of the key.

    S3 User Guide, "Deleting objects from versioning-suspended buckets": a null marker takes the null version's place.
    """
    bucket = self.get_bucket(bucket_name)
    if bucket.versioning_status != "Suspended":
        return _delete(self, bucket_name, key_name, version_id, bypass)
    if version_id is None:
        others = _others(bucket, key_name)
        marker = self._set_delete_marker(bucket_name, key_name)
        marker._version_id = NULL
        dict.__setitem__(bucket.keys, key_name, [*others, marker])
        return True, {"version-id": NULL, "delete-marker": "true"}
    bucket.versioning_status = "Enabled"
    try:
        return _delete(self, bucket_name, key_name, version_id, bypass)
    finally:
        bucket.versioning_status = "Suspended"


def _delete_if_match(self: Any) -> Any:
    """Answer DeleteObject. moto compares `If-Match` with the current version instead of the named one."""
    expected = self.headers.get("If-Match")
    version = self._get_param("versionId")
    if not expected or not version:
        return _answer_delete(self)
    found = self.backend.get_object(self.bucket_name, self.parse_key_name(), version_id=version)
    if found is None or found.etag.strip('"') != expected.strip('"'):
        raise PreconditionFailed("If-Match")
    headers = {name: value for name, value in self.headers.items() if name.lower() != "if-match"}
    with mock.patch.object(self, "headers", headers):
        return _answer_delete(self)


def _copy_if_match(self: Any) -> Any:
    """Answer CopyObject. moto ignores `x-amz-copy-source-if-match`."""
    expected = self.headers.get("x-amz-copy-source-if-match")
    if expected:
        source = self.headers["x-amz-copy-source"]
        parsed = urlparse(source.decode() if isinstance(source, bytes) else source)
        bucket, key = unquote(parsed.path).lstrip("/").split("/", 1)
        version = parse_qs(parsed.query).get("versionId", [None])[0]
        found = self.backend.get_object(bucket, key, version_id=version)
        if found is not None and found.etag.strip('"') != expected.strip('"'):
            raise PreconditionFailed("x-amz-copy-source-If-Match")
    return _answer_copy(self)
