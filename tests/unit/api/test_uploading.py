"""Pictures as a request's body: what is stored, what is answered, what is refused."""

import base64
import json
from typing import Any

import pytest

from media_pipeline.settings.api import BODY_BYTES
from tests.unit.api.conftest import JPEG, MP4, UploadApi, document


def test_picture_is_stored_under_its_id_as_it_was_sent(upload_api: UploadApi) -> None:
    response = upload_api.upload()
    assert response.status == 202
    image_id = response.json["image_id"]
    stored = upload_api.s3.get_object(Bucket="uploads", Key=f"api/{image_id}")
    assert stored["Body"].read() == JPEG
    assert stored["ContentType"] == "image/jpeg"
    assert response.json["status_url"] == f"https://api.example.com/dev/v1/images/{image_id}"
    assert response.headers["Location"] == response.json["status_url"]


def test_each_upload_without_idempotency_key_is_another_one(upload_api: UploadApi) -> None:
    assert upload_api.upload().json["image_id"] != upload_api.upload().json["image_id"]
    assert len(upload_api.versions()) == 2


@pytest.mark.parametrize("declared", ["text/plain", "application/x-www-form-urlencoded", "image/gif", ""])
def test_type_is_told_from_the_bytes_whatever_was_declared(upload_api: UploadApi, declared: str) -> None:
    response = upload_api.upload(Content_Type=declared)
    assert response.status == 202
    assert (
        upload_api.s3.head_object(Bucket="uploads", Key=f"api/{response.json['image_id']}")["ContentType"]
        == "image/jpeg"
    )


def test_empty_body_is_400_and_nothing_is_stored(upload_api: UploadApi) -> None:
    response = upload_api.upload(b"")
    assert (response.status, response.json["title"]) == (400, "Bad Request")
    assert response.json["request_id"] == "request-1"
    assert not upload_api.versions()


def test_body_of_the_very_limit_is_taken_and_one_byte_more_is_413_with_the_way_out(
    upload_api: UploadApi,
) -> None:
    assert upload_api.upload(JPEG.ljust(BODY_BYTES, b"\0")).status == 202
    response = upload_api.upload(JPEG.ljust(BODY_BYTES + 1, b"\0"))
    assert response.status == 413
    assert "4,694,016" in response.json["detail"]
    assert "/v1/uploads" in response.json["detail"]
    assert len(upload_api.versions()) == 1


def test_body_of_the_limit_fits_into_a_lambda_event_with_all_headers_a_gateway_takes() -> None:
    headers_twice_with_quotes = 2 * (10_240 + 2_048)
    assert -(-BODY_BYTES // 3) * 4 + headers_twice_with_quotes + 4_096 <= 6 * 1024 * 1024


def test_limit_is_documented_as_it_is() -> None:
    schemas = document()["components"]["schemas"]
    assert schemas["Picture"]["maxLength"] == BODY_BYTES
    example = document()["components"]["responses"]["ContentTooLarge"]["content"]["application/problem+json"]
    assert f"{BODY_BYTES:,}" in example["example"]["detail"]


def test_gateway_says_of_a_long_body_what_the_function_says(upload_api: UploadApi) -> None:
    responses = document()["components"]["responses"]
    example = responses["ContentTooLarge"]["content"]["application/problem+json"]["example"]
    assert upload_api.upload(JPEG.ljust(BODY_BYTES + 1, b"\0")).json["detail"] == example["detail"]


def test_lower_limit_of_the_stack_counts_and_sends_nobody_to_a_form_that_is_no_larger(
    upload_api: UploadApi,
) -> None:
    upload_api.with_settings(image_bytes=1000)
    response = upload_api.upload(JPEG.ljust(1001, b"\0"))
    assert response.status == 413
    assert "1,000" in response.json["detail"]
    assert "/v1/uploads" not in response.json["detail"]


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"\x00\x01\x02", "application/octet-stream"),
        (b"hello", "text/plain"),
    ],
)
def test_what_is_no_picture_is_415_whatever_was_declared(
    upload_api: UploadApi, data: bytes, named: str
) -> None:
    response = upload_api.upload(data)
    assert response.status == 415
    assert named in response.json["detail"]
    assert not upload_api.versions()


def test_video_is_sent_to_a_form_where_videos_are_taken(upload_api: UploadApi) -> None:
    assert "/v1/uploads" in upload_api.upload(MP4).json["detail"]
    upload_api.with_settings(video_bytes=None)
    response = upload_api.upload(MP4)
    assert response.status == 415
    assert "/v1/uploads" not in response.json["detail"]


def test_body_that_the_gateway_changed_is_answered_with_how_to_send_it(upload_api: UploadApi) -> None:
    text = JPEG.decode(errors="replace")
    response = upload_api.request("POST", "/v1/images/upload", body=text, isBase64Encoded=False)
    assert response.status == 415
    assert "application/octet-stream" in response.json["detail"]


def test_body_with_broken_base64_is_400(upload_api: UploadApi) -> None:
    assert upload_api.request("POST", "/v1/images/upload", body="%%%", isBase64Encoded=True).status == 400


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ({"X-File-Name": "gr%C3%BCn.jpg"}, "gr%C3%BCn.jpg"),
        ({"X-File-Name": "gr\u00c3\u00bcn.jpg"}, "gr%C3%BCn.jpg"),  # UTF-8 read as Latin-1 on its way
        ({"X-File-Name": "../../etc/passwd"}, "passwd"),
        ({"X-File-Name": "..\\..\\boot.ini"}, "boot.ini"),
        ({"X-File-Name": "a%0D%0AX-Evil: 1"}, "aX-Evil%3A%201"),
        ({"X-File-Name": "%E2%80%AEgpj.exe"}, "gpj.exe"),
        ({"X-File-Name": "%2e%2e"}, None),
        ({"Content-Disposition": 'attachment; filename="photo.jpg"'}, "photo.jpg"),
        ({"Content-Disposition": "attachment; filename*=UTF-8''gr%C3%BCn.jpg"}, "gr%C3%BCn.jpg"),
        ({"Content-Disposition": "inline"}, None),
        ({}, None),
    ],
)
def test_file_name_is_kept_as_escaped_metadata_and_never_as_key(
    upload_api: UploadApi, header: dict[str, str], kept: str | None
) -> None:
    image_id = upload_api.post("/v1/images/upload", JPEG, header).json["image_id"]
    assert [version["Key"] for version in upload_api.versions()] == [f"api/{image_id}"]
    metadata = upload_api.s3.head_object(Bucket="uploads", Key=f"api/{image_id}")["Metadata"]
    assert metadata.get("file-name") == kept


def test_file_name_reaches_the_log_line_in_ascii_only(
    upload_api: UploadApi, capsys: pytest.CaptureFixture[str]
) -> None:
    upload_api.upload(X_File_Name="%E2%80%AE" + "gr%C3%BCn%0A%7F.jpg")
    printed = capsys.readouterr().out
    assert printed.isascii()
    (line,) = (json.loads(line) for line in printed.splitlines() if "upload accepted" in line)
    assert line["file_name"] == "gr\u00fcn.jpg"
    assert "object_key" not in line


def test_accepted_and_refused_uploads_are_counted(
    upload_api: UploadApi, service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    upload_api.upload()
    upload_api.upload(b"hello")
    upload_api.image("a" * 32)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = [line for line in lines if "_aws" in line]
    assert [line["UploadsAccepted"] for line in metrics if "UploadsAccepted" in line] == [[1.0]]
    (refused,) = (line for line in metrics if "UploadsRefused" in line)
    assert (refused["status"], refused["service"]) == ("415", service)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/images/upload"), ("POST", "/v1/uploads"), ("GET", "/v1/images/" + "a" * 32)],
)
def test_request_that_no_key_belongs_to_is_403_and_stores_nothing(
    upload_api: UploadApi, method: str, path: str
) -> None:
    context: Any = {"path": f"/dev{path}", "requestId": "request-1", "identity": {"apiKeyId": None}}
    response = upload_api.request(method, path, JPEG, requestContext=context)
    assert response.status == 403
    assert not upload_api.versions()


@pytest.mark.parametrize(
    ("before", "path", "headers", "url"),
    [
        ("/dev", "/v1/images/upload", {}, "https://api.example.com/dev/v1/images/"),
        ("", "/v1/images/upload", {}, "https://api.example.com/v1/images/"),
        ("", "/media/v1/images/upload", {}, "https://api.example.com/media/v1/images/"),
        (
            "/dev",
            "/v1/images/upload",
            {"Host": "127.0.0.1:8080", "X-Forwarded-Proto": "http"},
            "http://127.0.0.1:8080/dev/v1/images/",
        ),
        ("/dev", "/v1/images/upload", {"Host": "[::1]:8080"}, "https://[::1]:8080/dev/v1/images/"),
        (
            "/dev",
            "/v1/images/upload",
            {"Host": "a/../evil"},
            "https://abc.execute-api.eu-west-1.amazonaws.com/dev/v1/images/",
        ),
        (
            "/dev",
            "/v1/images/upload",
            {"X-Forwarded-Proto": "javascript"},
            "https://api.example.com/dev/v1/images/",
        ),
    ],
)
def test_status_url_is_where_the_client_reached_the_api(
    upload_api: UploadApi, before: str, path: str, headers: dict[str, str], url: str
) -> None:
    response = upload_api.request("POST", path, JPEG, headers, before=before)
    assert response.json["status_url"] == url + response.json["image_id"]


def test_headers_are_read_whatever_their_case(upload_api: UploadApi) -> None:
    image_id = upload_api.upload(x_file_name="a.jpg", IDEMPOTENCY_KEY="k").json["image_id"]
    assert upload_api.upload(idempotency_key="k").json["image_id"] == image_id


def test_event_without_multi_value_headers_is_understood(upload_api: UploadApi) -> None:
    response = upload_api.request(
        "POST",
        "/v1/images/upload",
        headers={"Idempotency-Key": "k"},
        multiValueHeaders=None,
        body=base64.b64encode(JPEG).decode(),
        isBase64Encoded=True,
    )
    assert response.status == 202
    assert upload_api.upload(Idempotency_Key="k").json["image_id"] == response.json["image_id"]
