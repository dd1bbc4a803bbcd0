"""Reads and deletes of objects, over moto; what moto does not refuse is answered as S3 answers it."""

import base64
import hashlib
import threading
import time
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.stub import Stubber

from media_pipeline.bootstrap.clients import Clients
from media_pipeline.errors import Reason, RejectedError, TransientError
from media_pipeline.invocation import CALL_SHARE
from media_pipeline.storage import LARGE_COPY_BYTES, OriginalGoneError, Storage
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


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", 403),
        ("KMS.DisabledException", 400),
        ("KMS.NotFoundException", 400),
        ("KMS.KMSInvalidStateException", 400),
    ],
)
def test_object_that_an_operator_can_make_readable_comes_back_and_names_the_way(
    stack: MotoStack, storage: Storage, code: str, status: int
) -> None:
    with Stubber(stack.clients.s3) as s3:
        s3.add_client_error("get_object", code, http_status_code=status)
        with pytest.raises(TransientError, match=f"{code}.*kms:Decrypt"):
            storage.open("a.jpg", version_id="v1", etag=None)


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


TIMEOUT = 15.0  # of the function: its clients wait 1 s for an answer, and 3.25 s for that of a large copy
COPY_SECONDS = 1.5
CONTENT = b"a film"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class SlowlyCopyingS3(BaseHTTPRequestHandler):
    """S3 as far as a move to quarantine needs it; a copy is answered after COPY_SECONDS."""

    protocol_version = "HTTP/1.1"
    requests: list[tuple[str, Mapping[str, str]]]

    def do_HEAD(self) -> None:
        copied = any(method == "PUT" for method, _ in self.requests)
        checksum = base64.b64encode(bytes.fromhex(SHA256)).decode()
        self._answer(200 if copied else 404, b"", {"x-amz-checksum-sha256": checksum} if copied else {})

    def do_PUT(self) -> None:
        time.sleep(COPY_SECONDS)
        self._answer(200, b"<CopyObjectResult><ETag>e</ETag></CopyObjectResult>", {})

    def do_DELETE(self) -> None:
        self._answer(204, b"", {})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.requests.append((self.command, dict(self.headers)))
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Clients, list[tuple[str, Mapping[str, str]]]]]:
    handler: Any = type("Handler", (SlowlyCopyingS3,), {"requests": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "k",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }.items():
            monkeypatch.setenv(name, value)
        yield Clients.create(TIMEOUT), handler.requests
        server.shutdown()


def move(clients: Clients, size: int) -> None:
    storage = Storage(s3=clients.s3, buckets=BUCKETS, large_copies=clients.large_copies)
    facts = {"status": "BLOCKED"}
    storage.quarantine("film.mp4", version_id="v1", etag="e1", sha256=SHA256, facts=facts, size=size)


def test_a_large_original_is_copied_once_though_the_copy_takes_longer_than_other_calls(slow: Any) -> None:
    clients, requests = slow
    move(clients, LARGE_COPY_BYTES)
    assert [method for method, _ in requests] == ["HEAD", "PUT", "HEAD", "DELETE"]
    sent = {name.lower(): value for name, value in requests[1][1].items()}
    assert sent["x-amz-copy-source"].endswith("/film.mp4?versionId=v1")
    assert sent["x-amz-copy-source-if-match"] == "e1"


def test_a_small_originals_copy_is_not_waited_for_that_long(stack: MotoStack) -> None:
    put = stack.clients.s3.put_object(Bucket="uploads", Key="a.jpg", Body=CONTENT)
    storage = Storage(s3=stack.clients.s3, buckets=BUCKETS, large_copies=lambda: pytest.fail("was asked for"))
    version = {"version_id": put["VersionId"], "etag": put["ETag"], "sha256": SHA256}
    storage.quarantine("a.jpg", **version, facts={"status": "BLOCKED"}, size=LARGE_COPY_BYTES - 1)
    assert stack.keys("quarantine") == {f"a.jpg/{put['VersionId']}"}


@pytest.mark.parametrize("timeout", [15.0, 60.0, 240.0])
def test_a_large_copy_takes_no_more_of_the_functions_time_than_any_call_may(
    monkeypatch: pytest.MonkeyPatch, timeout: float
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    config: Any = Clients.create(timeout).large_copies().meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert config.connect_timeout + config.read_timeout <= CALL_SHARE * timeout
    assert config.read_timeout >= 3 * max(timeout / 20, 1.0), "longer than that of other calls"
