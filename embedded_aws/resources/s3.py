"""S3 buckets themselves; everything about them that the SDK splits off is in `s3_settings`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from embedded_aws.resources.base import (
    AutoName,
    Aws,
    Handler,
    Inputs,
    State,
    as_tag_list,
    completing,
    from_tag_list,
    pages,
)

_DELETE_BATCH = 1000  # objects per DeleteObjects
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # so that DeleteObjects cannot name it


class Bucket(Handler):
    """A bucket; the id is its name."""

    type_name = "aws:s3/bucket:Bucket"
    resource = "s3.Bucket"
    service = "s3"
    carries = frozenset({"bucket", "forceDestroy", "objectLockEnabled", "tags.*"})
    replaces = frozenset({"bucket", "objectLockEnabled"})
    autoname = AutoName(input="bucket", max_length=63, lower=True)
    defaults: ClassVar[Mapping[str, Any]] = {"forceDestroy": False, "objectLockEnabled": False}

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all buckets."""
        for bucket in pages(aws, "s3", "list_buckets", "Buckets"):
            yield f"arn:aws:s3:::{bucket['Name']}"

    def create(self, inputs: Inputs) -> str:
        """Create the bucket in the world's region."""
        s3 = self.aws.client("s3")
        place = {} if self.aws.region == "us-east-1" else {"LocationConstraint": self.aws.region}
        configuration = {"CreateBucketConfiguration": place} if place else {}
        lock = {"ObjectLockEnabledForBucket": True} if inputs["objectLockEnabled"] else {}
        s3.create_bucket(Bucket=inputs["bucket"], **configuration, **lock)
        with completing(inputs["bucket"]):
            self._tag(inputs["bucket"], inputs["tagsAll"])
        return str(inputs["bucket"])

    def read(self, id_: str) -> State | None:
        """Return names, ARN and tags."""
        s3 = self.aws.client("s3")
        try:
            s3.head_bucket(Bucket=id_)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
                return None
            raise
        try:
            tags = from_tag_list(s3.get_bucket_tagging(Bucket=id_)["TagSet"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchTagSet":
                raise
            tags = {}
        return {
            "bucket": id_,
            "arn": f"arn:aws:s3:::{id_}",
            "bucketDomainName": f"{id_}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{id_}.s3.{self.aws.region}.amazonaws.com",
            "bucketRegion": self.aws.region,
            "region": self.aws.region,
            "tagsAll": tags,
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update the tags; `forceDestroy` is kept in the state alone."""
        if old.get("tagsAll") != new.get("tagsAll"):
            self._tag(id_, new["tagsAll"])

    def delete(self, id_: str, state: State) -> None:
        """Delete the bucket. With `forceDestroy`, versions and uploads go first; else AWS answers BucketNotEmpty."""
        s3 = self.aws.client("s3")
        try:
            if state.get("forceDestroy"):
                empty_bucket(s3, id_)
            s3.delete_bucket(Bucket=id_)
        except s3.exceptions.NoSuchBucket:
            return

    def _tag(self, bucket: str, tags: Mapping[str, str]) -> None:
        s3 = self.aws.client("s3")
        if tags:
            s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": as_tag_list(tags)})
        else:
            s3.delete_bucket_tagging(Bucket=bucket)


def empty_bucket(s3: Any, bucket: str) -> None:
    """Delete every object version, delete marker and unfinished upload of a bucket."""
    for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, MaxKeys=_DELETE_BATCH):
        found = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        for version in found:
            if _NOT_IN_XML.search(version["Key"]):
                s3.delete_object(Bucket=bucket, **version)
        batch = [version for version in found if not _NOT_IN_XML.search(version["Key"])]
        if batch:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
