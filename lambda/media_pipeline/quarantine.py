"""What the quarantine bucket holds of an object key: a copy of each withheld version, and pictures for reviewers.

The copy of a version is `{object key}/{version}`, its pictures are `{object key}/{version}.review/{number}.jpg`: what
lies deeper belongs to longer object keys.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from media_pipeline.removals import remove_objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import TagTypeDef

REVIEW_SUFFIX = ".review/"
_GONE = frozenset({"404", "NoSuchKey"})
_REVIEW_PICTURE = re.compile("[0-9]+\\.jpg")


class Quarantine:
    """Finds and removes what was moved to quarantine, and puts pictures of it there."""

    def __init__(self, *, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def versions_of(self, key: str) -> set[str]:
        """List the versions of an object key of which something is in quarantine, whatever their records say."""
        prefix = f"{key}/"
        found: set[str] = set()
        for page in self._pages(prefix):
            found |= {entry["Key"].removeprefix(prefix) for entry in page.get("Contents", ())}
            for entry in page.get("CommonPrefixes", ()):
                name = entry["Prefix"].removeprefix(prefix)
                if name.endswith(REVIEW_SUFFIX):
                    found.add(name.removesuffix(REVIEW_SUFFIX))
        return found

    def remove_version(self, key: str, version: str) -> None:
        """Remove the copy of one version for good, and its pictures; nothing is missing where there is none.

        Raises TransientError where S3 refused to.
        """
        self.remove(self.keys_of(key, version))

    def keys_of(self, key: str, version: str) -> set[str]:
        """Return the keys of one version's copy, whether or not it is there, and of its pictures."""
        copy = quarantine_key(key, version)
        return {copy, *self._pictures(copy)}

    def remove(self, keys: Iterable[str]) -> None:
        """Remove copies and pictures by their keys; one that is not there is not an error.

        Raises TransientError where S3 refused to.
        """
        remove_objects(self._s3, self._bucket, keys, what="objects in quarantine")

    def remove_pictures(self, key: str, version: str) -> None:
        """Remove the pictures of one version alone, which an attempt may have put that was then cut off.

        Raises TransientError where S3 refused to.
        """
        self.remove(self.pictures_of(key, version))

    def pictures_of(self, key: str, version: str) -> set[str]:
        """Return the keys of the pictures of one version."""
        return set(self._pictures(quarantine_key(key, version)))

    def put_picture(
        self, key: str, data: bytes, *, facts: Mapping[str, str], metadata: Mapping[str, str]
    ) -> None:
        """Put a judged picture beside the place of its original in quarantine; `facts` become its tags."""
        self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=data,
            ContentType="image/jpeg",
            CacheControl="no-store",
            Metadata=dict(metadata),
            Tagging=urlencode(facts),
        )

    def tag_version(self, key: str, version: str, facts: Mapping[str, str]) -> bool:
        """Replace the tags of one version's copy and of its pictures; return whether quarantine holds the copy."""
        copy = quarantine_key(key, version)
        is_there = self._tag(copy, facts)
        for picture in self._pictures(copy):
            self._tag(picture, facts)
        return is_there

    def _tag(self, key: str, facts: Mapping[str, str]) -> bool:
        tags: list[TagTypeDef] = [{"Key": name, "Value": value} for name, value in facts.items()]
        try:
            self._s3.put_object_tagging(Bucket=self._bucket, Key=key, Tagging={"TagSet": tags})
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            return False
        return True

    def _pictures(self, copy: str) -> Iterator[str]:
        prefix = f"{copy}{REVIEW_SUFFIX}"
        for page in self._pages(prefix):
            for entry in page.get("Contents", ()):
                # The copy of a longer object key, which ends in ".review", has a version as its name.
                if _REVIEW_PICTURE.fullmatch(entry["Key"].removeprefix(prefix)):
                    yield entry["Key"]

    def _pages(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter="/"
        )
        yield from cast(Iterator[Mapping[str, Any]], pages)


def quarantine_key(key: str, version: str) -> str:
    """Return the key under which the quarantine bucket keeps one version of an upload."""
    return f"{key}/{version}"


def review_key(key: str, version: str, number: int) -> str:
    """Return the key in quarantine of the judged picture with this number, from 1, of one version of an upload."""
    return f"{quarantine_key(key, version)}{REVIEW_SUFFIX}{number}.jpg"
