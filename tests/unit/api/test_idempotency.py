"""One Idempotency-Key, one stored object: however often, however late, however many at once."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import pytest
from botocore.exceptions import ClientError

from media_pipeline.api.originals import Originals, Put
from media_pipeline.api.problems import Problem
from media_pipeline.api.uploads import Picture, Uploads
from media_pipeline.records.table import Records
from tests.unit.api.conftest import JPEG, NOW, SETTINGS, Door

OTHER = JPEG + b"other"


def uploads(door: Door, **changes: Any) -> Uploads:
    records = Records(dynamodb=door.dynamodb, table="records", clock=lambda: NOW, retention_days=0)
    originals = changes.pop("originals", Originals(s3=door.s3, bucket="uploads"))
    return Uploads(settings=SETTINGS, originals=originals, records=records, **changes)


def picture(data: bytes = JPEG, key: str | None = "k", client: str = "key-1") -> Picture:
    return Picture(data=data, file_name=None, api_key_id=client, idempotency_key=key)


def expire(door: Door) -> None:
    for version in door.versions():
        door.s3.delete_object(Bucket="uploads", Key=version["Key"], VersionId=version["VersionId"])


def test_same_header_and_bytes_give_the_same_answer_and_store_once(door: Door) -> None:
    first, second = door.upload(Idempotency_Key="k"), door.upload(Idempotency_Key="k")
    assert (first.status, second.status) == (202, 202)
    assert first.json == second.json
    assert len(door.versions()) == 1


def test_same_header_with_other_bytes_is_409_and_the_first_ones_stay(door: Door) -> None:
    image_id = door.upload(Idempotency_Key="k").json["image_id"]
    assert door.upload(OTHER, Idempotency_Key="k").status == 409
    assert door.s3.get_object(Bucket="uploads", Key=f"api/{image_id}")["Body"].read() == JPEG
    assert len(door.versions()) == 1


def test_fifty_at_once_store_one_object(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    real, one_at_a_time = door.s3.put_object, Lock()

    def put(**request: Any) -> Any:
        with one_at_a_time:  # S3 looks and puts in one; moto could be interrupted between the two
            return real(**request)

    monkeypatch.setattr(door.s3, "put_object", put)
    service = uploads(door)
    with ThreadPoolExecutor(16) as pool:
        ids = {image_id for image_id, _ in pool.map(lambda _: service.store(picture()), range(50))}
    assert len(ids) == 1
    assert len(door.versions()) == 1


def test_same_header_of_two_clients_is_two_uploads(door: Door) -> None:
    service = uploads(door)
    ids = {service.store(picture(client=client))[0] for client in ("key-1", "key-2")}
    assert len(ids) == 2


def test_original_that_was_moved_or_has_expired_is_not_stored_again(door: Door) -> None:
    image_id = door.upload(Idempotency_Key="k").json["image_id"]
    door.record(image_id, "BLOCKED", sha256=hashlib.sha256(JPEG).hexdigest())
    expire(door)
    assert door.upload(Idempotency_Key="k").json["image_id"] == image_id
    assert door.upload(OTHER, Idempotency_Key="k").status == 409
    assert not door.versions()


def test_record_of_a_deleted_original_still_answers_by_the_older_ones_bytes(door: Door) -> None:
    image_id = door.upload(Idempotency_Key="k").json["image_id"]
    door.record(image_id, "PUBLISHED", 1, sha256=hashlib.sha256(JPEG).hexdigest())
    door.record(image_id, "DELETED", 2, delete_marker=True)
    expire(door)
    assert door.upload(Idempotency_Key="k").status == 202
    assert door.upload(OTHER, Idempotency_Key="k").status == 409
    assert not door.versions()


def test_original_still_there_tells_while_its_record_does_not_know_the_bytes_yet(door: Door) -> None:
    image_id = door.upload(Idempotency_Key="k").json["image_id"]
    door.record(image_id, "PROCESSING", etag="0" * 32)
    assert door.upload(Idempotency_Key="k").status == 202
    assert door.upload(OTHER, Idempotency_Key="k").status == 409
    assert len(door.versions()) == 1


def test_record_without_bytes_of_a_lost_original_tells_by_its_etag(door: Door) -> None:
    image_id = door.upload(Idempotency_Key="k").json["image_id"]
    door.record(
        image_id, "FAILED", reason="original_gone", etag=hashlib.md5(JPEG, usedforsecurity=False).hexdigest()
    )
    expire(door)
    assert door.upload(Idempotency_Key="k").status == 202
    assert door.upload(OTHER, Idempotency_Key="k").status == 409
    assert not door.versions()


def test_object_that_came_another_way_under_the_same_key_is_no_upload_of_these_bytes(door: Door) -> None:
    image_id = door.upload(Idempotency_Key="k").json["image_id"]
    expire(door)
    # No SHA-256 beside it: not put by this API.
    door.s3.put_object(Bucket="uploads", Key=f"api/{image_id}", Body=b"x", ChecksumAlgorithm="CRC32")
    assert door.upload(Idempotency_Key="k").status == 409


@pytest.mark.parametrize("wrong", ["", " ", "a b", "ä", "x" * 256, "a\tb"])
def test_malformed_idempotency_key_is_400_and_stores_nothing(door: Door, wrong: str) -> None:
    assert door.upload(Idempotency_Key=wrong).status == 400
    assert not door.versions()


def test_two_idempotency_keys_in_one_request_are_400(door: Door) -> None:
    headers = {"Idempotency-Key": ["a", "b"]}
    assert door.post("/v1/images/upload", JPEG, multiValueHeaders=headers).status == 400


def test_put_whose_answer_was_lost_counts_as_stored(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    real = door.s3.put_object

    def put_twice(**request: Any) -> Any:  # as the SDK does after a connection that broke off
        real(**request)
        return real(**request)

    monkeypatch.setattr(door.s3, "put_object", put_twice)
    assert door.upload().status == 202
    assert len(door.versions()) == 1


def test_put_that_met_another_one_under_way_is_tried_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = door.s3.put_object
    calls: list[Any] = []
    pauses: list[float] = []

    def put(**request: Any) -> Any:
        calls.append(request)
        if len(calls) < 3:
            raise refusal("ConditionalRequestConflict", 409, "PutObject")
        return real(**request)

    monkeypatch.setattr(door.s3, "put_object", put)
    uploads(door, sleep=pauses.append).store(picture())
    assert len(calls) == 3
    assert len(door.versions()) == 1
    assert pauses[0] == 0
    assert all(0 < pause < 1 for pause in pauses[1:])


def test_put_that_is_never_settled_is_503_and_tried_within_the_functions_time(door: Door) -> None:
    class Busy(Originals):
        def put_once(self, *_: Any, **__: Any) -> Put:
            return Put.BUSY

    pauses: list[float] = []
    with pytest.raises(Problem) as caught:
        uploads(door, originals=Busy(s3=door.s3, bucket="uploads"), sleep=pauses.append).store(picture())
    assert caught.value.status == 503
    assert sum(pauses) < 5


def test_original_moved_between_put_and_look_is_known_by_its_record(door: Door) -> None:
    image_id = door.upload(Idempotency_Key="k").json["image_id"]

    class Moving(Originals):
        def put_once(self, *arguments: Any, **named: Any) -> Put:
            put = super().put_once(*arguments, **named)
            door.record(image_id, "BLOCKED", sha256=hashlib.sha256(JPEG).hexdigest())
            expire(door)
            return put

    service = uploads(door, originals=Moving(s3=door.s3, bucket="uploads"), sleep=lambda _: None)
    assert service.store(picture())[0] == image_id
    assert not door.versions()


def test_missing_object_that_a_head_may_not_tell_is_found_missing_by_listing(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    originals = Originals(s3=door.s3, bucket="uploads")
    door.s3.put_object(Bucket="uploads", Key="api/there", Body=b"x")

    def forbidden(**_: Any) -> Any:
        raise refusal("403", 403, "HeadObject")

    monkeypatch.setattr(door.s3, "head_object", forbidden)
    assert originals.sha256("api/missing") is None
    assert originals.sha256("api/ther") is None  # a key that only begins alike
    with pytest.raises(ClientError):  # it is there: then the right to read it is missing
        originals.sha256("api/there")


def refusal(code: str, status: int, operation: str) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "secret"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)
