"""Pictures that arrive in something else: the response names the mistake and the line that does it right."""

import base64
import bz2
import gzip
import io
import json
import lzma
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from urllib.parse import quote_from_bytes, urlencode

import pytest
import urllib3
from PIL import Image

from tests.unit.api.conftest import JPEG, MP4, UploadApi

RIGHT = "--data-binary @photo.jpg"


def picture(kind: str) -> bytes:
    data = io.BytesIO()
    Image.radial_gradient("L").resize((64, 48)).convert("RGB").save(data, kind)
    return data.getvalue()


PNG = picture("PNG")


def form(data: bytes, **more: str) -> tuple[bytes, str]:
    """Encode as browsers and curl do."""
    fields: dict[str, object] = {**more, "file": ("photo.jpg", data, "image/jpeg")}
    return urllib3.encode_multipart_formdata(fields)  # type: ignore[arg-type]


def refusal(upload_api: UploadApi, data: bytes, **headers: str) -> str:
    response = upload_api.upload(data, **headers)
    assert response.status == 415
    assert response.text.isascii()
    assert not upload_api.versions()
    detail: str = response.json["detail"]
    return detail


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "undeclared"])
@pytest.mark.parametrize("more", [{}, {"title": "a form with two fields"}], ids=["file", "field and file"])
def test_form_is_named(upload_api: UploadApi, declared: bool, more: dict[str, str]) -> None:
    body, content_type = form(PNG, **more)
    detail = refusal(upload_api, body, Content_Type=content_type if declared else "image/png")
    assert "multipart/form-data" in detail
    assert RIGHT in detail


def test_mixed_multipart_message_is_named(upload_api: UploadApi) -> None:
    message = MIMEMultipart()
    message.attach(MIMEImage(PNG))
    assert "multipart" in refusal(upload_api, message.as_bytes(), Content_Type="multipart/mixed; boundary=x")


@pytest.mark.parametrize("data", [JPEG, PNG, picture("WEBP"), picture("GIF"), MP4])
@pytest.mark.parametrize(
    "encode",
    [
        base64.b64encode,
        base64.encodebytes,
        base64.urlsafe_b64encode,
        lambda data: base64.b64encode(data).rstrip(b"="),
        lambda data: b'"' + base64.b64encode(data) + b'"\n',
        lambda data: b"\n\n " + base64.b64encode(data).replace(b"A", b"A\r\n"),
    ],
    ids=["plain", "lines", "URL-safe", "unpadded", "quoted", "broken lines"],
)
def test_base64_is_named_with_what_it_holds(upload_api: UploadApi, data: bytes, encode: object) -> None:
    detail = refusal(upload_api, encode(data), Content_Type="text/plain")  # type: ignore[operator]
    assert "Base64" in detail
    assert "base64 -d" in detail
    assert "--data-binary @-" in detail


@pytest.mark.parametrize("start", ["data:image/png;base64,", "DATA:image/png;base64,", '"data:;base64,'])
def test_data_url_is_named(upload_api: UploadApi, start: str) -> None:
    detail = refusal(upload_api, start.encode() + base64.b64encode(PNG))
    assert "data URL" in detail
    assert "fetch(" in detail


@pytest.mark.parametrize(
    ("compress", "name"), [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")]
)
def test_compressed_body_is_named(upload_api: UploadApi, compress: object, name: str) -> None:
    detail = refusal(upload_api, compress(PNG))  # type: ignore[operator]
    assert name in detail
    assert RIGHT in detail


def test_declared_compression_is_named_even_if_nothing_in_the_bytes_shows_it(upload_api: UploadApi) -> None:
    assert "(br)" in refusal(upload_api, b"\x8b\x05\x80not brotli", Content_Encoding="br")
    assert "(Content-Encoding)" in refusal(upload_api, b"\x8b\x05\x80", Content_Encoding="\u202e, br")


def test_json_and_urlencoded_fields_are_named(upload_api: UploadApi) -> None:
    assert "JSON" in refusal(upload_api, json.dumps({"image": base64.b64encode(PNG).decode()}).encode())
    detail = refusal(
        upload_api, urlencode({"file": PNG[:40]}).encode(), Content_Type="application/x-www-form-urlencoded"
    )
    assert "application/x-www-form-urlencoded" in detail


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"hello world, this is a text of words",
        b"abcdefghijklmnopqrstuvwxyz012345",  # letters of Base64, but of nothing
        quote_from_bytes(PNG).encode(),
        b"-- a comment\nselect 1",
        b"%PDF-1.7",
        bytes(range(256)),
    ],
)
def test_what_is_not_wrapped_is_answered_by_what_it_is(upload_api: UploadApi, data: bytes) -> None:
    detail = refusal(upload_api, data)
    assert "not a picture that can be processed" in detail


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_picture_is_a_picture_whatever_its_headers_say(upload_api: UploadApi, encoding: str) -> None:
    assert upload_api.upload(PNG, Content_Encoding=encoding, Content_Type="multipart/form-data").status == 202
