"""Forms for larger files: what they are bound to, and for whom there is none."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest

from media_pipeline.api.originals import Originals
from media_pipeline.api.uploads import IMAGE_TYPES, VIDEO_TYPES
from media_pipeline.bootstrap import clients
from media_pipeline.images.sniffing import _PREFIXES
from tests.unit.api.conftest import SETTINGS, UploadApi, document

LARGE = {"content_type": "image/jpeg", "bytes": 10_485_760}


def policy(fields: dict[str, str]) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(base64.b64decode(fields["policy"]))
    return parsed


def test_form_is_bound_to_its_key_its_type_its_length_and_minutes(upload_api: UploadApi) -> None:
    response = upload_api.form(**LARGE)
    assert response.status == 201
    fields = response.json["fields"]
    assert fields["key"] == f"api/{response.json['image_id']}"
    assert fields["Content-Type"] == "image/jpeg"
    signed = policy(fields)
    for condition in (
        {"bucket": "uploads"},
        {"key": fields["key"]},
        {"Content-Type": "image/jpeg"},
        ["content-length-range", 1, 10_485_760],
    ):
        assert condition in signed["conditions"]
    left = datetime.fromisoformat(signed["expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=5) < left <= timedelta(minutes=15)
    assert response.headers["Location"] == response.json["status_url"]
    assert response.json["expires_at"] == "2027-01-15T08:15:00.000Z"


def test_every_field_of_a_form_is_signed(upload_api: UploadApi) -> None:
    fields = upload_api.form(**LARGE, file_name="../grün.jpg").json["fields"]
    assert fields["x-amz-meta-file-name"] == "gr%C3%BCn.jpg"
    named = {
        name
        for condition in policy(fields)["conditions"]
        if isinstance(condition, dict)
        for name in condition
    }
    assert set(fields) - {"policy", "x-amz-signature"} <= named


def test_every_form_is_another_upload_and_stores_nothing_by_itself(upload_api: UploadApi) -> None:
    first, second = upload_api.form(**LARGE).json, upload_api.form(**LARGE).json
    assert first["image_id"] != second["image_id"]
    assert not upload_api.versions()
    assert upload_api.image(first["image_id"]).status == 404


@pytest.mark.parametrize(
    ("content_type", "limit"), [("image/png", SETTINGS.image_bytes), ("video/mp4", SETTINGS.video_bytes)]
)
def test_limit_of_the_stack_is_the_limit_of_a_form(
    upload_api: UploadApi, content_type: str, limit: int
) -> None:
    assert upload_api.form(content_type=content_type, bytes=limit).status == 201
    response = upload_api.form(content_type=content_type, bytes=limit + 1)
    assert response.status == 413
    assert f"{limit:,}" in response.json["detail"]


def test_videos_are_415_where_the_stack_takes_none(upload_api: UploadApi) -> None:
    upload_api.with_settings(video_bytes=None)
    response = upload_api.form(content_type="video/mp4", bytes=1)
    assert response.status == 415
    assert "video/webm" not in response.json["detail"]


@pytest.mark.parametrize(
    "content_type", ["image/svg+xml", "text/html", "image/*", "IMAGE/JPEG", "", "\u202e\n"]
)
def test_other_types_are_415_and_repeated_in_ascii(upload_api: UploadApi, content_type: str) -> None:
    response = upload_api.form(content_type=content_type, bytes=1)
    assert response.status == 415
    assert response.json["detail"].isascii()
    assert response.json["detail"].isprintable()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b'"text"',
        b"[" * 100_000,
        b'{"content_type": "image/jpeg"}',
        b'{"bytes": 1}',
        b'{"content_type": 1, "bytes": 1}',
        b'{"content_type": "image/jpeg", "bytes": 0}',
        b'{"content_type": "image/jpeg", "bytes": -1}',
        b'{"content_type": "image/jpeg", "bytes": 1.5}',
        b'{"content_type": "image/jpeg", "bytes": 1e999}',
        b'{"content_type": "image/jpeg", "bytes": NaN}',
        b'{"content_type": "image/jpeg", "bytes": true}',
        b'{"content_type": "image/jpeg", "bytes": "1"}',
        b'{"content_type": "image/jpeg", "bytes": ' + b"9" * 5000 + b"}",
        b'{"content_type": "image/jpeg", "bytes": 1, "key": "api/mine"}',
        b'{"content_type": "image/jpeg", "bytes": 1, "\\u202e": 1}',
        b'{"content_type": "image/jpeg", "bytes": 1, "file_name": ""}',
        b'{"content_type": "image/jpeg", "bytes": 1, "file_name": null}',
    ],
)
def test_malformed_request_for_a_form_is_400(upload_api: UploadApi, body: bytes) -> None:
    response = upload_api.post("/v1/uploads", body)
    assert response.status == 400
    assert response.text.isascii()


def test_whole_number_with_a_fraction_of_zero_is_a_whole_number(upload_api: UploadApi) -> None:
    response = upload_api.post("/v1/uploads", b'{"content_type": "image/jpeg", "bytes": 5.0}')
    assert ["content-length-range", 1, 5] in policy(response.json["fields"])["conditions"]


def test_half_a_character_in_a_name_does_no_harm(upload_api: UploadApi) -> None:
    response = upload_api.post(
        "/v1/uploads", b'{"content_type": "image/jpeg", "bytes": 1, "file_name": "a\\ud800.jpg"}'
    )
    assert response.json["fields"]["x-amz-meta-file-name"] == "a.jpg"


def test_request_for_a_form_may_come_as_text(upload_api: UploadApi) -> None:
    assert (
        upload_api.request("POST", "/v1/uploads", body=json.dumps(LARGE), isBase64Encoded=False).status == 201
    )


def test_document_lists_exactly_the_types_that_are_taken() -> None:
    assert set(document()["components"]["schemas"]["UploadType"]["enum"]) == IMAGE_TYPES | VIDEO_TYPES


@pytest.mark.parametrize(
    ("asked", "signed"),
    [
        ("image/heif", "image/heif"),
        ("image/jpg", "image/jpg"),
        ("video/x-m4v", "video/x-m4v"),
        ("image/pjpeg", "image/pjpeg"),
        ("image/x-png", "image/x-png"),
        ("image/heic-sequence", "image/heic-sequence"),
        ("video/matroska;codecs=avc1", "video/matroska"),
        ("image/jpeg; charset=binary", "image/jpeg"),
        ("video/webm;codecs=vp9,opus", "video/webm"),
        ('video/mp4 ; codecs="avc1.42E01E, mp4a.40.2"', "video/mp4"),
        ("image/png;", "image/png"),
    ],
)
def test_types_as_browsers_and_clients_write_them_are_taken(
    upload_api: UploadApi, asked: str, signed: str
) -> None:
    response = upload_api.form(content_type=asked, bytes=1000)
    assert response.status == 201
    assert response.json["fields"]["Content-Type"] == signed
    assert {"Content-Type": signed} in policy(response.json["fields"])["conditions"]


@pytest.mark.parametrize(
    "asked",
    [
        "image/jpeg\r\nX-Evil: 1",
        "image/jpeg;\r\nX-Evil: 1",
        "image/jpeg; a=ä",
        "image/jpeg, text/html",
        "image/jpeg;" + "x" * 250,
        "text/html; a=image/jpeg",
        ";image/jpeg",
    ],
)
def test_what_only_looks_like_a_type_is_415(upload_api: UploadApi, asked: str) -> None:
    response = upload_api.form(content_type=asked, bytes=1000)
    assert response.status == 415
    assert response.text.isascii()


def test_documented_pattern_takes_exactly_the_types_with_parameters_that_the_function_takes() -> None:
    pattern = re.compile(document()["components"]["schemas"]["UploadTypeWithParameters"]["pattern"])
    for content_type in IMAGE_TYPES | VIDEO_TYPES:
        assert pattern.search(f"{content_type}; a=b")
        assert not pattern.search(content_type)
        assert not pattern.search(f"x-{content_type}; a=b")
    assert not pattern.search("image/svg+xml; a=b")


def test_every_picture_that_can_be_told_by_its_first_bytes_has_a_form() -> None:
    assert {kind.content_type for _, kind in _PREFIXES if kind.family == "image"} <= IMAGE_TYPES
    assert {kind.content_type for _, kind in _PREFIXES if kind.family == "video"} <= VIDEO_TYPES


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (None, "https://uploads.s3.{region}.amazonaws.com/"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/uploads"),
    ],
)
def test_links_and_forms_name_the_regional_host_or_the_embedded_endpoints_path(
    monkeypatch: pytest.MonkeyPatch, region: str, endpoint: str | None, expected: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    session = botocore.session.get_session()
    monkeypatch.setattr(clients, "_session", lambda: session)
    s3 = clients.signing_s3(29)
    form = Originals(s3=s3, bucket="uploads", without_retries=s3).form(
        "api/x", content_type="image/jpeg", length=1, file_name=None, seconds=60
    )
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "uploads", "Key": "api/x"}, ExpiresIn=60)
    assert form.url == expected.format(region=region)
    assert link.startswith(expected.format(region=region).rstrip("/") + "/api/x?")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link
    assert form.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert form.fields["x-amz-security-token"] == "token"


@pytest.mark.parametrize(
    "wish", [LARGE | {"größe" * 1_000: 1}, LARGE | {"content_type": "bild/größe" * 1_000}]
)
def test_an_answer_repeats_only_the_beginning_of_a_wrong_value_and_in_ascii(
    upload_api: UploadApi, wish: dict[str, Any]
) -> None:
    response = upload_api.form(**wish)
    detail = response.json["detail"]
    assert response.status in (400, 415)
    assert r"gr\xf6\xdfe" in detail
    assert "..." in detail
    assert len(detail) < 1_000
