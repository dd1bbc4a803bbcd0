"""Pictures as a request's body: what is stored, what is answered, what is refused."""

import base64
import json
from typing import Any

import pytest

from media_pipeline.settings.api import BODY_BYTES
from tests.unit.api.conftest import JPEG, MP4, Door, document


def test_picture_is_stored_under_its_id_as_it_was_sent(door: Door) -> None:
    answer = door.upload()
    assert answer.status == 202
    image_id = answer.json["image_id"]
    stored = door.s3.get_object(Bucket="uploads", Key=f"api/{image_id}")
    assert stored["Body"].read() == JPEG
    assert stored["ContentType"] == "image/jpeg"
    assert answer.json["status_url"] == f"https://api.example.com/dev/v1/images/{image_id}"
    assert answer.headers["Location"] == answer.json["status_url"]


def test_each_upload_without_idempotency_key_is_another_one(door: Door) -> None:
    assert door.upload().json["image_id"] != door.upload().json["image_id"]
    assert len(door.versions()) == 2


@pytest.mark.parametrize("declared", ["text/plain", "application/x-www-form-urlencoded", "image/gif", ""])
def test_type_is_told_from_the_bytes_whatever_was_declared(door: Door, declared: str) -> None:
    answer = door.upload(Content_Type=declared)
    assert answer.status == 202
    assert (
        door.s3.head_object(Bucket="uploads", Key=f"api/{answer.json['image_id']}")["ContentType"]
        == "image/jpeg"
    )


def test_empty_body_is_400_and_nothing_is_stored(door: Door) -> None:
    answer = door.upload(b"")
    assert (answer.status, answer.json["title"]) == (400, "Bad Request")
    assert answer.json["request_id"] == "request-1"
    assert not door.versions()


def test_body_of_the_very_limit_is_taken_and_one_byte_more_is_413_with_the_way_out(door: Door) -> None:
    assert door.upload(JPEG.ljust(BODY_BYTES, b"\0")).status == 202
    answer = door.upload(JPEG.ljust(BODY_BYTES + 1, b"\0"))
    assert answer.status == 413
    assert "4,694,016" in answer.json["detail"]
    assert "/v1/uploads" in answer.json["detail"]
    assert len(door.versions()) == 1


def test_body_of_the_limit_fits_into_a_lambda_event_with_all_headers_a_gateway_takes() -> None:
    headers_twice_with_quotes = 2 * (10_240 + 2_048)
    assert -(-BODY_BYTES // 3) * 4 + headers_twice_with_quotes + 4_096 <= 6 * 1024 * 1024


def test_limit_is_documented_as_it_is() -> None:
    schemas = document()["components"]["schemas"]
    assert schemas["Picture"]["maxLength"] == BODY_BYTES
    example = document()["components"]["responses"]["ContentTooLarge"]["content"]["application/problem+json"]
    assert f"{BODY_BYTES:,}" in example["example"]["detail"]


def test_gateway_says_of_a_long_body_what_the_function_says(door: Door) -> None:
    responses = document()["components"]["responses"]
    example = responses["ContentTooLarge"]["content"]["application/problem+json"]["example"]
    assert door.upload(JPEG.ljust(BODY_BYTES + 1, b"\0")).json["detail"] == example["detail"]


def test_lower_limit_of_the_stack_counts_and_sends_nobody_to_a_form_that_is_no_larger(door: Door) -> None:
    door.with_settings(image_bytes=1000)
    answer = door.upload(JPEG.ljust(1001, b"\0"))
    assert answer.status == 413
    assert "1,000" in answer.json["detail"]
    assert "/v1/uploads" not in answer.json["detail"]


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"\x00\x01\x02", "application/octet-stream"),
        (b"hello", "text/plain"),
    ],
)
def test_what_is_no_picture_is_415_whatever_was_declared(door: Door, data: bytes, named: str) -> None:
    answer = door.upload(data)
    assert answer.status == 415
    assert named in answer.json["detail"]
    assert not door.versions()


def test_video_is_sent_to_a_form_where_videos_are_taken(door: Door) -> None:
    assert "/v1/uploads" in door.upload(MP4).json["detail"]
    door.with_settings(video_bytes=None)
    answer = door.upload(MP4)
    assert answer.status == 415
    assert "/v1/uploads" not in answer.json["detail"]


def test_body_that_the_gateway_spoilt_is_told_how_to_be_sent(door: Door) -> None:
    text = JPEG.decode(errors="replace")
    answer = door.ask("POST", "/v1/images/upload", body=text, isBase64Encoded=False)
    assert answer.status == 415
    assert "application/octet-stream" in answer.json["detail"]


def test_body_with_broken_base64_is_400(door: Door) -> None:
    assert door.ask("POST", "/v1/images/upload", body="%%%", isBase64Encoded=True).status == 400


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
    door: Door, header: dict[str, str], kept: str | None
) -> None:
    image_id = door.post("/v1/images/upload", JPEG, header).json["image_id"]
    assert [version["Key"] for version in door.versions()] == [f"api/{image_id}"]
    metadata = door.s3.head_object(Bucket="uploads", Key=f"api/{image_id}")["Metadata"]
    assert metadata.get("file-name") == kept


def test_file_name_reaches_the_log_line_in_ascii_only(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    door.upload(X_File_Name="%E2%80%AE" + "gr%C3%BCn%0A%7F.jpg")
    printed = capsys.readouterr().out
    assert printed.isascii()
    (line,) = (json.loads(line) for line in printed.splitlines() if "upload accepted" in line)
    assert line["file_name"] == "gr\u00fcn.jpg"
    assert "object_key" not in line


def test_accepted_and_refused_uploads_are_counted(
    door: Door, service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    door.upload()
    door.upload(b"hello")
    door.image("a" * 32)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = [line for line in lines if "_aws" in line]
    assert [line["UploadsAccepted"] for line in metrics if "UploadsAccepted" in line] == [[1.0]]
    (refused,) = (line for line in metrics if "UploadsRefused" in line)
    assert (refused["status"], refused["service"]) == ("415", service)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/images/upload"), ("POST", "/v1/uploads"), ("GET", "/v1/images/" + "a" * 32)],
)
def test_request_that_no_key_belongs_to_is_403_and_stores_nothing(door: Door, method: str, path: str) -> None:
    context: Any = {"path": f"/dev{path}", "requestId": "request-1", "identity": {"apiKeyId": None}}
    answer = door.ask(method, path, JPEG, requestContext=context)
    assert answer.status == 403
    assert not door.versions()


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
    door: Door, before: str, path: str, headers: dict[str, str], url: str
) -> None:
    answer = door.ask("POST", path, JPEG, headers, before=before)
    assert answer.json["status_url"] == url + answer.json["image_id"]


def test_headers_are_read_whatever_their_case(door: Door) -> None:
    image_id = door.upload(x_file_name="a.jpg", IDEMPOTENCY_KEY="k").json["image_id"]
    assert door.upload(idempotency_key="k").json["image_id"] == image_id


def test_event_without_multi_value_headers_is_understood(door: Door) -> None:
    answer = door.ask(
        "POST",
        "/v1/images/upload",
        headers={"Idempotency-Key": "k"},
        multiValueHeaders=None,
        body=base64.b64encode(JPEG).decode(),
        isBase64Encoded=True,
    )
    assert answer.status == 202
    assert door.upload(Idempotency_Key="k").json["image_id"] == answer.json["image_id"]
