"""One Idempotency-Key, one stored object: however often, however late, however many at once."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from media_pipeline.api.originals import Originals, Put
from media_pipeline.api.problems import Problem, problem_of
from media_pipeline.api.uploads import Picture, Uploads
from media_pipeline.bootstrap import clients
from media_pipeline.records.table import Records
from tests.unit.api.conftest import JPEG, NOW, SETTINGS, UploadApi

OTHER = JPEG + b"other"


def uploads(upload_api: UploadApi, **changes: Any) -> Uploads:
    records = Records(dynamodb=upload_api.dynamodb, table="records", clock=lambda: NOW, retention_days=0)
    originals = changes.pop("originals", originals_of(upload_api))
    return Uploads(settings=SETTINGS, originals=originals, records=records, **changes)


def originals_of(upload_api: UploadApi) -> Originals:
    return Originals(s3=upload_api.s3, bucket="uploads", without_retries=upload_api.s3)


def picture(data: bytes = JPEG, key: str | None = "k", client: str = "key-1") -> Picture:
    return Picture(data=data, file_name=None, api_key_id=client, idempotency_key=key)


def expire(upload_api: UploadApi) -> None:
    for version in upload_api.versions():
        upload_api.s3.delete_object(Bucket="uploads", Key=version["Key"], VersionId=version["VersionId"])


def test_same_header_and_bytes_give_the_same_answer_and_store_once(upload_api: UploadApi) -> None:
    first, second = upload_api.upload(Idempotency_Key="k"), upload_api.upload(Idempotency_Key="k")
    assert (first.status, second.status) == (202, 202)
    assert first.json == second.json
    assert len(upload_api.versions()) == 1


def test_same_header_with_other_bytes_is_409_and_the_first_ones_stay(upload_api: UploadApi) -> None:
    image_id = upload_api.upload(Idempotency_Key="k").json["image_id"]
    assert upload_api.upload(OTHER, Idempotency_Key="k").status == 409
    assert upload_api.s3.get_object(Bucket="uploads", Key=f"api/{image_id}")["Body"].read() == JPEG
    assert len(upload_api.versions()) == 1


def test_fifty_at_once_store_one_object(upload_api: UploadApi, monkeypatch: pytest.MonkeyPatch) -> None:
    real, one_at_a_time = upload_api.s3.put_object, Lock()

    def put(**request: Any) -> Any:
        with one_at_a_time:  # S3 looks and puts in one; moto could be interrupted between the two
            return real(**request)

    monkeypatch.setattr(upload_api.s3, "put_object", put)
    service = uploads(upload_api)
    with ThreadPoolExecutor(16) as pool:
        ids = {image_id for image_id, _ in pool.map(lambda _: service.store(picture()), range(50))}
    assert len(ids) == 1
    assert len(upload_api.versions()) == 1


def test_same_header_of_two_clients_is_two_uploads(upload_api: UploadApi) -> None:
    service = uploads(upload_api)
    ids = {service.store(picture(client=client))[0] for client in ("key-1", "key-2")}
    assert len(ids) == 2


def test_original_that_was_moved_or_has_expired_is_not_stored_again(upload_api: UploadApi) -> None:
    image_id = upload_api.upload(Idempotency_Key="k").json["image_id"]
    upload_api.record(image_id, "BLOCKED", sha256=hashlib.sha256(JPEG).hexdigest())
    expire(upload_api)
    assert upload_api.upload(Idempotency_Key="k").json["image_id"] == image_id
    assert upload_api.upload(OTHER, Idempotency_Key="k").status == 409
    assert not upload_api.versions()


def test_record_of_a_deleted_original_still_answers_by_the_older_ones_bytes(upload_api: UploadApi) -> None:
    image_id = upload_api.upload(Idempotency_Key="k").json["image_id"]
    upload_api.record(image_id, "PUBLISHED", 1, sha256=hashlib.sha256(JPEG).hexdigest())
    upload_api.record(image_id, "DELETED", 2, delete_marker=True)
    expire(upload_api)
    assert upload_api.upload(Idempotency_Key="k").status == 202
    assert upload_api.upload(OTHER, Idempotency_Key="k").status == 409
    assert not upload_api.versions()


def test_original_still_there_tells_while_its_record_does_not_know_the_bytes_yet(
    upload_api: UploadApi,
) -> None:
    image_id = upload_api.upload(Idempotency_Key="k").json["image_id"]
    upload_api.record(image_id, "PROCESSING", etag="0" * 32)
    assert upload_api.upload(Idempotency_Key="k").status == 202
    assert upload_api.upload(OTHER, Idempotency_Key="k").status == 409
    assert len(upload_api.versions()) == 1


def test_record_without_bytes_of_a_lost_original_tells_by_its_etag(upload_api: UploadApi) -> None:
    image_id = upload_api.upload(Idempotency_Key="k").json["image_id"]
    upload_api.record(
        image_id, "FAILED", reason="original_gone", etag=hashlib.md5(JPEG, usedforsecurity=False).hexdigest()
    )
    expire(upload_api)
    assert upload_api.upload(Idempotency_Key="k").status == 202
    assert upload_api.upload(OTHER, Idempotency_Key="k").status == 409
    assert not upload_api.versions()


def test_etag_says_nothing_about_the_bytes_where_they_are_encrypted_with_a_kms_key(
    upload_api: UploadApi,
) -> None:
    upload_api.with_settings(etags_are_md5=False)
    image_id = upload_api.upload(Idempotency_Key="k").json["image_id"]
    upload_api.record(image_id, "FAILED", reason="original_gone", etag="0123456789abcdef" * 2)
    expire(upload_api)
    assert upload_api.upload(Idempotency_Key="k").status == 202
    assert not upload_api.versions()


def test_etag_of_a_delete_marker_is_not_that_of_the_upload(upload_api: UploadApi) -> None:
    image_id = upload_api.upload(Idempotency_Key="k").json["image_id"]
    upload_api.record(image_id, "DELETED", delete_marker=True, etag="d41d8cd98f00b204e9800998ecf8427e")
    expire(upload_api)
    assert upload_api.upload(Idempotency_Key="k").status == 202


def test_object_that_came_another_way_under_the_same_key_is_no_upload_of_these_bytes(
    upload_api: UploadApi,
) -> None:
    image_id = upload_api.upload(Idempotency_Key="k").json["image_id"]
    expire(upload_api)
    # No SHA-256 beside it: not put by this API.
    upload_api.s3.put_object(Bucket="uploads", Key=f"api/{image_id}", Body=b"x", ChecksumAlgorithm="CRC32")
    assert upload_api.upload(Idempotency_Key="k").status == 409


@pytest.mark.parametrize("wrong", ["", " ", "a b", "ä", "x" * 256, "a\tb"])
def test_malformed_idempotency_key_is_400_and_stores_nothing(upload_api: UploadApi, wrong: str) -> None:
    assert upload_api.upload(Idempotency_Key=wrong).status == 400
    assert not upload_api.versions()


def test_two_idempotency_keys_in_one_request_are_400(upload_api: UploadApi) -> None:
    headers = {"Idempotency-Key": ["a", "b"]}
    assert upload_api.post("/v1/images/upload", JPEG, multiValueHeaders=headers).status == 400


def test_put_whose_answer_was_lost_counts_as_stored(
    upload_api: UploadApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = upload_api.s3.put_object

    def put_twice(**request: Any) -> Any:  # as the SDK does after a connection that broke off
        real(**request)
        return real(**request)

    monkeypatch.setattr(upload_api.s3, "put_object", put_twice)
    assert upload_api.upload().status == 202
    assert len(upload_api.versions()) == 1


def test_put_that_met_another_one_under_way_is_tried_again(
    upload_api: UploadApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = upload_api.s3.put_object
    calls: list[Any] = []
    pauses: list[float] = []

    def put(**request: Any) -> Any:
        calls.append(request)
        if len(calls) < 3:
            raise refusal("ConditionalRequestConflict", 409, "PutObject")
        return real(**request)

    monkeypatch.setattr(upload_api.s3, "put_object", put)
    uploads(upload_api, sleep=pauses.append).store(picture())
    assert len(calls) == 3
    assert len(upload_api.versions()) == 1
    assert pauses[0] == 0
    assert all(0 < pause < 1 for pause in pauses[1:])


def test_put_that_is_never_settled_is_503_and_tried_within_the_functions_time(upload_api: UploadApi) -> None:
    class Busy(Originals):
        def put_once(self, *_: Any, **__: Any) -> Put:
            return Put.BUSY

    pauses: list[float] = []
    with pytest.raises(Problem) as caught:
        uploads(
            upload_api,
            originals=Busy(s3=upload_api.s3, bucket="uploads", without_retries=upload_api.s3),
            sleep=pauses.append,
        ).store(picture())
    assert caught.value.status == 503
    assert sum(pauses) < 5


def test_original_moved_between_put_and_look_is_known_by_its_record(upload_api: UploadApi) -> None:
    class Moving(Originals):
        def put_once(self, key: str, *arguments: Any, **named: Any) -> Put:
            super().put_once(key, *arguments, **named)  # another request with this Idempotency-Key was faster
            put = super().put_once(key, *arguments, **named)
            move_to_quarantine(upload_api, key)
            return put

    originals = Moving(s3=upload_api.s3, bucket="uploads", without_retries=upload_api.s3)
    uploads(upload_api, originals=originals, sleep=lambda _: None).store(picture())
    assert not upload_api.versions()


def move_to_quarantine(upload_api: UploadApi, key: str) -> None:
    upload_api.record(key.removeprefix("api/"), "BLOCKED", sha256=hashlib.sha256(JPEG).hexdigest())
    expire(upload_api)


@pytest.mark.parametrize("idempotency_key", ["k", None])
def test_put_whose_answer_was_lost_and_whose_object_was_quarantined_is_not_sent_again(
    upload_api: UploadApi, idempotency_key: str | None
) -> None:
    once = clients.signing_s3(29, attempts=1)
    sent: list[str] = []

    def lose(request: Any, **_: Any) -> Any:
        sent.append(request.url)
        stored = upload_api.s3.put_object(Bucket="uploads", Key=key_of(request.url), Body=JPEG)
        assert stored["VersionId"]
        move_to_quarantine(upload_api, key_of(request.url))
        raise ReadTimeoutError(endpoint_url=request.url)

    once.meta.events.register_first("before-send.s3.PutObject", lose)
    originals = Originals(s3=upload_api.s3, bucket="uploads", without_retries=once)
    uploads(upload_api, originals=originals, sleep=lambda _: None).store(picture(key=idempotency_key))
    assert len(sent) == 1, "the SDK or the API sent it again"
    assert not upload_api.versions()


def test_put_that_s3_never_answers_is_503_after_three_tries(upload_api: UploadApi) -> None:
    sent: list[str] = []

    def lose(request: Any, **_: Any) -> Any:
        sent.append(request.url)
        raise ReadTimeoutError(endpoint_url=request.url)

    once = clients.signing_s3(29, attempts=1)
    once.meta.events.register_first("before-send.s3.PutObject", lose)
    originals = Originals(s3=upload_api.s3, bucket="uploads", without_retries=once)
    with pytest.raises(ReadTimeoutError) as caught:
        uploads(upload_api, originals=originals, sleep=lambda _: None).store(picture(key=None))
    assert problem_of(caught.value).status == 503
    assert len(sent) == 3


def key_of(url: str) -> str:
    return url.split("/", 3)[3].split("?")[0]


def test_missing_object_that_a_head_may_not_tell_is_found_missing_by_listing(
    upload_api: UploadApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    originals = originals_of(upload_api)
    upload_api.s3.put_object(Bucket="uploads", Key="api/there", Body=b"x")

    def forbidden(**_: Any) -> Any:
        raise refusal("403", 403, "HeadObject")

    monkeypatch.setattr(upload_api.s3, "head_object", forbidden)
    assert originals.sha256("api/missing") is None
    assert originals.sha256("api/ther") is None  # a key that only begins alike
    with pytest.raises(ClientError):  # it is there: then the right to read it is missing
        originals.sha256("api/there")


def refusal(code: str, status: int, operation: str) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "secret"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation)
