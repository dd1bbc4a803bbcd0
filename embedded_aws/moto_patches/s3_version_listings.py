"""ListObjectVersions goes on where it stopped, and can list every key.

AWS: a listing starts after `KeyMarker` and `VersionIdMarker`, whether these still exist or not, and `EncodingType:
url` encodes the keys that XML cannot carry. (S3 API Reference, "ListObjectVersions".)
moto: looks for the marker itself, so that a page whose objects were deleted has no successor, and does not know the
encoding; it also copies the whole bucket, contents and all, for each page.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from embedded_aws.moto_replacement import replace

_MAX_KEYS = 1000


@dataclass(frozen=True)
class _Entry:
    """One version or delete marker of a key."""

    stored: Any
    is_latest: bool

    @property
    def key(self) -> str:
        return str(self.stored.name)

    @property
    def version(self) -> str:
        return str(self.stored.version_id or "null")


def apply() -> None:
    """Replace the listing, except with a delimiter, for which moto's own stays."""
    from moto.core.responses import ActionResult
    from moto.s3.models import FakeKey
    from moto.s3.responses import S3Response

    def list_object_versions(self: Any) -> Any:
        asked = {name: values[0] for name, values in self.querystring.items()}
        if asked.get("delimiter"):
            return original(self)
        bucket = self.backend.get_bucket(self.bucket_name)
        most = min(int(asked.get("max-keys", _MAX_KEYS)), _MAX_KEYS)
        marker, version_marker = asked.get("key-marker", ""), asked.get("version-id-marker", "")
        prefix = asked.get("prefix", "")
        found = list(_after(bucket, prefix, marker, version_marker))
        page, is_truncated = found[:most], 0 < most < len(found)
        encoded = quote if asked.get("encoding-type") == "url" else str
        result: dict[str, Any] = {
            "Name": bucket.name,
            "Prefix": encoded(prefix),
            "KeyMarker": encoded(marker),
            "VersionIdMarker": version_marker,
            "MaxKeys": most,
            "IsTruncated": is_truncated,
            "Versions": [
                {
                    **_described(entry, encoded(entry.key)),
                    "ETag": entry.stored.etag,
                    "Size": entry.stored.size,
                    "StorageClass": entry.stored.storage_class,
                }
                for entry in page
                if isinstance(entry.stored, FakeKey)
            ],
            "DeleteMarkers": [
                _described(entry, encoded(entry.key))
                for entry in page
                if not isinstance(entry.stored, FakeKey)
            ],
        }
        if "encoding-type" in asked:
            result["EncodingType"] = asked["encoding-type"]
        if is_truncated:
            result["NextKeyMarker"] = encoded(page[-1].key)
            result["NextVersionIdMarker"] = page[-1].version
        self.data["Action"] = "ListObjectVersions"
        return self.serialized(ActionResult(result))

    original = replace(S3Response, "list_object_versions", list_object_versions)


def _described(entry: _Entry, key: str) -> dict[str, Any]:
    return {
        "Key": key,
        "VersionId": entry.version,
        "IsLatest": entry.is_latest,
        "LastModified": entry.stored.last_modified_ISO8601,
    }


def _after(bucket: Any, prefix: str, marker: str, version_marker: str) -> Iterator[_Entry]:
    """Yield what comes after the marker: keys by code points (so by their UTF-8), of each the newest first."""
    wanted = (item for item in bucket.keys.iterlists() if item[0].startswith(prefix) and item[0] >= marker)
    for key, versions in sorted(wanted, key=lambda item: str(item[0])):
        entries = [_Entry(stored, stored is versions[-1]) for stored in reversed(versions)]
        if key == marker:
            names = [entry.version for entry in entries]
            if not version_marker:
                continue
            entries = entries[names.index(version_marker) + 1 :] if version_marker in names else entries
        yield from entries
