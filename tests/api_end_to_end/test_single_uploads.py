"""Who may write where, and how often: repeated posts of a form, the API's prefix, unreadable objects."""

import base64
import hashlib
import io
import json
import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from embedded_aws.world import Credentials
from tests.api_end_to_end.served_stack import ServedStack, key_of, photo

KMS_KEY = "arn:aws:kms:eu-central-1:999999999999:key/11111111-2222-3333-4444-555555555555"
LAMBDA_MAY_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


@pytest.fixture(scope="module")
def uploader(stack: ServedStack) -> Iterator[Any]:
    """Yield an S3 client of an application that has only the policy may_upload."""
    name = f"uploader-{uuid4().hex[:6]}"
    iam = stack.world.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(LAMBDA_MAY_ASSUME))["Role"][
        "Arn"
    ]
    policy = stack.outputs["may_upload_policy_arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    keys = stack.world.client("sts").assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
    credentials = Credentials(
        access_key_id=keys["AccessKeyId"],
        secret_access_key=keys["SecretAccessKey"],
        session_token=keys["SessionToken"],
    )
    yield stack.world.client("s3", credentials)
    iam.detach_role_policy(RoleName=name, PolicyArn=policy)
    iam.delete_role(RoleName=name)


def refused(call: Any, **parameters: Any) -> bool:
    try:
        call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDenied":
            return True
        raise
    return False


def of_key(stack: ServedStack, key: str, count: int) -> list[dict[str, Any]]:
    """Wait until all versions of a key have a record; return the records, oldest upload first."""
    records = [record for record in stack.wait_for_outcomes([key]) if record["object_key"] == key]
    while len(records) < count:
        records = [record for record in stack.wait_for_outcomes([key]) if record["object_key"] == key]
    return sorted(records, key=lambda record: str(record["sequencer"]))


def test_five_posts_of_one_form_are_one_upload(stack: ServedStack) -> None:
    photos = [photo(f"{uuid4()}") for _ in range(5)]
    form = stack.form(max(photos, key=len))
    assert [stack.post_form(form, data) for data in photos] == [204] * 5
    records = of_key(stack, key_of(form), 5)
    assert [record["status"] for record in records] == ["PUBLISHED", *["REJECTED"] * 4]
    assert {record.get("reason") for record in records[1:]} == {"already_uploaded"}
    assert records[0]["sha256"] == hashlib.sha256(photos[0]).hexdigest()
    image = stack.request("GET", form["status_url"]).json
    assert (image["status"], len(image["renditions"])) == ("PUBLISHED", 1)
    assert stack.get_bytes(image["renditions"][0]["url"])[0] == 200


def test_a_published_picture_stays_what_it_is_after_a_later_post(stack: ServedStack) -> None:
    first = photo(f"{uuid4()}")
    form = stack.form(first.ljust(len(first) + 100))
    assert stack.post_form(form, first) == 204
    of_key(stack, key_of(form), 1)
    before = stack.request("GET", form["status_url"]).json
    assert stack.post_form(form, photo(f"{uuid4()}")) == 204
    of_key(stack, key_of(form), 2)
    after = stack.request("GET", form["status_url"]).json
    for image in (before, after):
        for rendition in image["renditions"]:
            rendition["url"] = rendition["url"].partition("?")[0]  # the signature changes
    assert after == before


def test_an_uploader_writes_anywhere_but_under_the_apis_prefix(stack: ServedStack, uploader: Any) -> None:
    image_id = stack.upload(photo(f"{uuid4()}"), Idempotency_Key=f"{uuid4()}").json["image_id"]
    for key in (f"api/{image_id}", "api/new", "api/", "api/../x"):
        assert refused(uploader.put_object, Bucket=stack.uploads, Key=key, Body=photo())
        assert refused(uploader.create_multipart_upload, Bucket=stack.uploads, Key=key)
    key = f"shop/{uuid4()}.jpg"
    assert not refused(uploader.put_object, Bucket=stack.uploads, Key=key, Body=photo(key))
    assert [record["status"] for record in of_key(stack, key, 1)] == ["PUBLISHED"]


def test_not_even_the_administrator_writes_under_the_apis_prefix(stack: ServedStack) -> None:
    assert refused(stack.s3.put_object, Bucket=stack.uploads, Key="api/mine", Body=photo())


@pytest.mark.parametrize(
    "how",
    [
        {"StorageClass": "GLACIER"},
        {"StorageClass": "DEEP_ARCHIVE"},
        {"StorageClass": "STANDARD_IA"},
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": os.urandom(32)},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KMS_KEY},
    ],
    ids=["GLACIER", "DEEP_ARCHIVE", "STANDARD_IA", "SSE-C", "KMS"],
)
def test_uploads_that_the_functions_could_not_read_are_refused(
    stack: ServedStack, uploader: Any, how: dict[str, Any]
) -> None:
    before = stack.versions()
    assert refused(uploader.put_object, Bucket=stack.uploads, Key="odd.jpg", Body=photo(), **how)
    assert refused(uploader.create_multipart_upload, Bucket=stack.uploads, Key="odd.jpg", **how)
    assert stack.versions() == before


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"StorageClass": "STANDARD"}, id="STANDARD", marks=pytest.mark.long),
        pytest.param({"StorageClass": "INTELLIGENT_TIERING"}, id="INTELLIGENT_TIERING"),
        pytest.param({"ServerSideEncryption": "AES256"}, id="SSE-S3", marks=pytest.mark.long),
    ],
)
def test_uploads_that_the_functions_can_read_are_published(
    stack: ServedStack, uploader: Any, how: dict[str, Any]
) -> None:
    key = f"shop/{uuid4()}.jpg"
    uploader.put_object(Bucket=stack.uploads, Key=key, Body=photo(key), **how)
    assert [record["status"] for record in of_key(stack, key, 1)] == ["PUBLISHED"]


def test_an_id_is_nothing_that_who_knows_the_api_keys_id_can_compute(stack: ServedStack) -> None:
    idempotency_key = f"{uuid4()}"
    image_id = stack.upload(photo(f"{uuid4()}"), Idempotency_Key=idempotency_key).json["image_id"]
    for api_key in stack.gateway.get_api_keys()["items"]:
        text = f"{len(api_key['id'])}:{api_key['id']}\0{idempotency_key}"
        guess = base64.b32encode(hashlib.sha256(text.encode()).digest()[:20]).decode().lower()
        assert guess != image_id


def test_the_key_that_ids_are_derived_from_opens_nothing(stack: ServedStack) -> None:
    shown = stack.gateway.get_api_keys(includeValues=True)["items"]
    (secret,) = (key["value"] for key in shown if "upload-ids" in key["name"])
    assert stack.request("GET", f"/v1/images/{'a' * 32}", key=secret).status == 403


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/images/upload", "POST"),
        ("DELETE", "/v1/uploads", "POST"),
        ("GET", "/v1/uploads", "POST"),
        ("HEAD", f"/v1/images/{'a' * 32}", "GET, DELETE"),
        ("PATCH", f"/v1/images/{'a' * 32}", "GET, DELETE"),
    ],
)
def test_another_method_of_a_route_is_405_and_needs_a_key_like_the_route(
    stack: ServedStack, method: str, path: str, allowed: str
) -> None:
    response = stack.request(method, path, b"x" if method in ("PUT", "PATCH") else None)
    assert (response.status, response.headers["allow"]) == (405, allowed)
    assert stack.request(method, path, key=None).status == 403
    assert stack.request(method, "/v1/nowhere").status == 404


def test_pictures_in_forms_and_in_base64_are_told_how_to_be_sent(stack: ServedStack) -> None:
    body, content_type = io.BytesIO(), "multipart/form-data; boundary=b"
    body.write(b'--b\r\nContent-Disposition: form-data; name="file"; filename="p.jpg"\r\n\r\n')
    body.write(photo() + b"\r\n--b--\r\n")
    response = stack.upload(body.getvalue(), Content_Type=content_type)
    assert (response.status, "multipart/form-data" in response.json["detail"]) == (415, True)
    response = stack.upload(base64.b64encode(photo()), Content_Type="text/plain")
    assert (response.status, "Base64" in response.json["detail"]) == (415, True)
