"""Reads and deletes of objects, over moto; what moto does not refuse is answered as S3 answers it."""

import unicodedata
import xml.etree.ElementTree as ElementTree

import pytest
from botocore.stub import Stubber

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.storage import OriginalGoneError, Storage
from tests.fixtures.moto_stack import MotoStack
from tests.fixtures.storage import BUCKETS


@pytest.fixture
def storage(stack: MotoStack) -> Storage:
    return Storage(s3=stack.clients.s3, buckets=BUCKETS)


def _one_of_each_class() -> frozenset[str]:
    """Return a character for each Unicode category, the ends of XML's ranges, and the ones that parsers change."""
    of_category = {unicodedata.category(chr(point)): chr(point) for point in range(0x10FFFF, -1, -1)}
    del of_category["Cs"]  # surrogates: UTF-8 has none, so no key has
    controls = [*range(0x20), 0x7F, 0x80, 0x85, 0x9F]
    spaces = [0x20, 0xA0, 0xAD, 0x2028, 0x2029, 0x202E, 0xFEFF]
    ends_of_ranges = [0x7E, 0xD7FF, 0xE000, 0xFDD0, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0x10FFFF]
    of_interest = map(chr, (*controls, *spaces, *ends_of_ranges))
    return frozenset({*of_category.values(), *of_interest, *"&<>\"'%+?#;=aÄ日\U0001f600"})


CHARACTERS = _one_of_each_class()


@pytest.mark.parametrize("key", ["{}a.jpg", "a{}b.jpg", "a.jpg{}"], ids=["first", "inside", "last"])
def test_renditions_are_deleted_whatever_characters_their_keys_have(
    stack: MotoStack, storage: Storage, key: str
) -> None:
    odd = {key.format(character) for character in CHARACTERS}
    for each in (*odd, "kept.jpg"):
        stack.clients.s3.put_object(Bucket="renditions", Key=each, Body=b"x")
    storage.remove_renditions([*odd, "never-there.jpg"])
    assert stack.keys("renditions") == {"kept.jpg"}


def test_a_deletion_of_many_is_a_document_that_has_the_keys_it_was_given(
    stack: MotoStack, storage: Storage
) -> None:
    sent: list[bytes] = []
    events, name = stack.clients.s3.meta.events, "before-send.s3.DeleteObjects"
    events.register_last(name, lambda request, **_: sent.append(request.body), unique_id="sent")
    try:
        wanted = {f"a{character}b" for character in CHARACTERS}
        storage.remove_renditions(wanted)
    finally:
        events.unregister(name, unique_id="sent")
    (body,) = sent
    document = ElementTree.fromstring(body)  # noqa: S314 - our own
    found = {node.text for node in document.iter() if node.tag.endswith("Key")}
    assert found <= wanted
    assert found >= {f"a{sign}b" for sign in "aÄ&<日\U0001f600"}


def test_more_keys_than_one_call_takes_are_all_deleted(stack: MotoStack, storage: Storage) -> None:
    keys = {f"{number}.jpg" for number in range(1003)}
    for key in list(keys)[:5]:
        stack.clients.s3.put_object(Bucket="renditions", Key=key, Body=b"x")
    storage.remove_renditions(keys)
    assert stack.keys("renditions") == set()


@pytest.mark.parametrize(
    ("code", "status"),
    [("InvalidObjectState", 403), ("InvalidRequest", 400)],
    ids=["archived", "SSE-C"],
)
def test_object_whose_bytes_s3_never_gives_out_is_rejected(
    stack: MotoStack, storage: Storage, code: str, status: int
) -> None:
    with Stubber(stack.clients.s3) as s3:
        s3.add_client_error("get_object", code, http_status_code=status)
        with pytest.raises(RejectedError) as caught:
            storage.open("a.jpg", version_id="v1", etag=None)
    assert caught.value.reason is Reason.UNREADABLE


def test_archived_object_is_rejected(stack: MotoStack, storage: Storage) -> None:
    version = stack.clients.s3.put_object(
        Bucket="uploads", Key="a.jpg", Body=b"x", StorageClass="DEEP_ARCHIVE"
    )["VersionId"]
    with pytest.raises(RejectedError, match="archive") as caught:
        storage.open("a.jpg", version_id=version, etag=None)
    assert caught.value.reason is Reason.UNREADABLE


def test_object_that_was_replaced_or_deleted_is_gone(stack: MotoStack, storage: Storage) -> None:
    first = stack.upload("a.jpg", b"1")["s3"]["object"]
    stack.upload("a.jpg", b"2")
    with pytest.raises(OriginalGoneError):
        storage.open("a.jpg", version_id=None, etag=first["eTag"])
    with pytest.raises(OriginalGoneError):
        storage.open("none.jpg", version_id=first["versionId"], etag=None)


def test_only_versions_from_before_count_as_earlier_uploads(stack: MotoStack, storage: Storage) -> None:
    versions = [stack.upload("api/a", str(number).encode())["s3"]["object"]["versionId"] for number in (1, 2)]
    stack.clients.s3.delete_object(Bucket="uploads", Key="api/a")
    versions.append(stack.upload("api/a", b"3")["s3"]["object"]["versionId"])
    stack.upload("api/ab", b"longer")
    found = [storage.has_earlier_upload("api/a", version_id=version) for version in versions]
    assert found == [False, True, True]


def test_longer_keys_deleted_versions_and_delete_markers_are_not_earlier_uploads(
    stack: MotoStack, storage: Storage
) -> None:
    gone = stack.upload("api/a", b"1")["s3"]["object"]["versionId"]
    stack.upload("api/a0", b"longer")
    stack.clients.s3.delete_object(Bucket="uploads", Key="api/a", VersionId=gone)
    stack.clients.s3.delete_object(Bucket="uploads", Key="api/a")
    only = stack.upload("api/a", b"2")["s3"]["object"]["versionId"]
    assert not storage.has_earlier_upload("api/a", version_id=only)
    assert not storage.has_earlier_upload("api/a", version_id=gone)
