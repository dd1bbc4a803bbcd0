"""Withdrawing an upload: 202 however often, 404 for what is not there, and one delete marker of its own key."""

import hashlib

import pytest

from tests.unit.api.conftest import JPEG, UploadApi
from tests.unit.api.test_status import ID

KEY = f"api/{ID}"


def withdraw(api: UploadApi, image_id: str = ID) -> int:
    return api.request("DELETE", f"/v1/images/{image_id}").status


def markers(api: UploadApi) -> list[str]:
    listed = api.s3.list_object_versions(Bucket="uploads").get("DeleteMarkers", [])
    return [marker["Key"] for marker in listed]


def put(api: UploadApi, key: str = KEY) -> None:
    api.s3.put_object(Bucket="uploads", Key=key, Body=b"x")


def test_withdrawn_upload_is_hidden_and_its_status_stays_readable(upload_api: UploadApi) -> None:
    put(upload_api)
    response = upload_api.request("DELETE", f"/v1/images/{ID}")
    assert response.status == 202
    assert response.json["image_id"] == ID
    assert response.headers["Location"] == response.json["status_url"]
    assert response.json["status_url"].endswith(f"/dev/v1/images/{ID}")
    assert markers(upload_api) == [KEY]


def test_withdrawn_again_the_answer_is_the_same_and_nothing_is_deleted_twice(upload_api: UploadApi) -> None:
    put(upload_api)
    assert [withdraw(upload_api) for _ in range(3)] == [202, 202, 202]
    assert markers(upload_api) == [KEY]


@pytest.mark.parametrize("status", ["BLOCKED", "REVIEW", "PROCESSING", "PUBLISHED"])
def test_what_is_not_in_the_bucket_any_more_is_withdrawn_by_its_record(
    upload_api: UploadApi, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    marked: list[str] = []
    # moto puts no delete marker where a key has no version; S3 does.
    monkeypatch.setattr(upload_api.s3, "delete_object", lambda **request: marked.append(request["Key"]))
    upload_api.record(ID, status)
    assert withdraw(upload_api) == 202
    assert marked == [KEY]


def test_what_was_deleted_and_has_left_the_bucket_needs_no_other_marker(
    upload_api: UploadApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_api.record(ID, "DELETED", delete_marker=True)
    monkeypatch.setattr(upload_api.s3, "delete_object", None)
    assert withdraw(upload_api) == 202


def test_what_came_back_by_an_undelete_can_be_withdrawn_again(upload_api: UploadApi) -> None:
    put(upload_api)
    assert withdraw(upload_api) == 202
    (marker,) = upload_api.s3.list_object_versions(Bucket="uploads")["DeleteMarkers"]
    upload_api.s3.delete_object(Bucket="uploads", Key=KEY, VersionId=marker["VersionId"])
    upload_api.record(ID, "DELETED", sequencer=2, delete_marker=True, undone=True)
    assert withdraw(upload_api) == 202
    assert markers(upload_api) == [KEY]


def test_what_was_withheld_after_an_undelete_can_be_withdrawn_again(
    upload_api: UploadApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_api.record(ID, "BLOCKED")
    upload_api.record(ID, "DELETED", sequencer=2, delete_marker=True, undone=True)
    marked: list[str] = []
    monkeypatch.setattr(upload_api.s3, "delete_object", lambda **request: marked.append(request["Key"]))
    assert withdraw(upload_api) == 202
    assert marked == [KEY], "its marker was removed: the answer must not promise what nobody does"


def test_unknown_upload_is_404_and_leaves_no_marker(upload_api: UploadApi) -> None:
    put(upload_api, f"{KEY}/longer")
    assert withdraw(upload_api) == 404
    assert markers(upload_api) == []


@pytest.mark.parametrize("odd", ["upload", "K" * 32, "a" * 33, "%2e%2e%2f", "..", "a" * 31 + "\n", "é" * 32])
def test_an_invalid_id_is_404_without_a_call_to_aws(
    upload_api: UploadApi, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    monkeypatch.setattr(upload_api.s3, "list_object_versions", None)
    assert withdraw(upload_api, odd) == 404


def test_what_was_withdrawn_is_not_stored_again_with_its_idempotency_key(upload_api: UploadApi) -> None:
    image_id = upload_api.upload(Idempotency_Key="x").json["image_id"]
    digest = hashlib.sha256(JPEG).hexdigest()
    upload_api.record(image_id, "PUBLISHED", sequencer=1, sha256=digest)
    assert withdraw(upload_api, image_id) == 202
    upload_api.record(image_id, "DELETED", sequencer=2, delete_marker=True)
    again = upload_api.upload(Idempotency_Key="x")
    assert (again.status, again.json["image_id"]) == (202, image_id)
    assert len(upload_api.s3.list_object_versions(Bucket="uploads")["Versions"]) == 1
