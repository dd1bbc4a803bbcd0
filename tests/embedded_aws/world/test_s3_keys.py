"""S3 of the embedded AWS: keys as odd as files are called, and listings that survive what is done between pages."""

import pytest

from embedded_aws.resources import s3 as buckets
from embedded_aws.world import World


@pytest.fixture
def versioned(world: World, bucket: str) -> str:
    world.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


@pytest.mark.parametrize(
    "key",
    ["a\nb.jpg", "a\rb.jpg", "a\x01b.jpg", "a\ufffeb.jpg", "a%0Ab+c d?e#f&g.jpg", "ü/🎉 .jpg", "a//b", "-rf"],
)
def test_a_key_with_unusual_characters_can_be_written_read_listed_and_deleted(
    world: World, versioned: str, key: str
) -> None:
    s3 = world.client("s3")
    version = s3.put_object(Bucket=versioned, Key=key, Body=b"x")["VersionId"]
    assert s3.get_object(Bucket=versioned, Key=key)["Body"].read() == b"x"
    listed = s3.list_object_versions(Bucket=versioned)["Versions"]
    assert [(entry["Key"], entry["VersionId"]) for entry in listed] == [(key, version)]
    buckets.empty_bucket(s3, versioned)
    assert "Versions" not in s3.list_object_versions(Bucket=versioned)


def test_a_bucket_of_several_pages_is_emptied_to_the_last_version(
    world: World, versioned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "_DELETE_BATCH", 3)
    s3 = world.client("s3")
    for key in ("a", "b", "b", "b", "b", "c", "d", "e"):
        s3.put_object(Bucket=versioned, Key=key, Body=b"x")
    s3.delete_object(Bucket=versioned, Key="b")
    buckets.empty_bucket(s3, versioned)
    s3.delete_bucket(Bucket=versioned)  # refused while anything is left


def test_pages_of_versions_go_through_all_of_them_once_the_newest_first(world: World, versioned: str) -> None:
    s3 = world.client("s3")
    made = [
        (key, s3.put_object(Bucket=versioned, Key=key, Body=b"x")["VersionId"])
        for key in ("b", "a", "b", "ab")
    ]
    marker = s3.delete_object(Bucket=versioned, Key="a")["VersionId"]
    pages = list(
        s3.get_paginator("list_object_versions").paginate(Bucket=versioned, PaginationConfig={"PageSize": 2})
    )
    versions = [entry for page in pages for entry in page.get("Versions", [])]
    assert [(entry["Key"], entry["VersionId"]) for entry in versions] == [made[1], made[3], made[2], made[0]]
    assert [entry["IsLatest"] for entry in versions] == [False, True, True, False]
    markers = [entry for page in pages for entry in page.get("DeleteMarkers", [])]
    assert [(entry["Key"], entry["VersionId"], entry["IsLatest"]) for entry in markers] == [
        ("a", marker, True)
    ]
    assert len(pages) == 3
