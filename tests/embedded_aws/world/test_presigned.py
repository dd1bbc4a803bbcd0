"""Presigned links and forms do what their signer allowed, in time, and nothing else; CORS is as configured."""

import base64
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.world import Credentials, World

from .samples import TRUST

BUCKET = "uploads"
PHOTO = b"\xff\xd8\xff" * 1_000
ORIGIN = "https://shop.example"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as opened:
        s3, sqs, iam = (opened.client(name) for name in ("s3", "sqs", "iam"))
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": opened.region})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        rule = {
            "AllowedMethods": ["POST"],
            "AllowedOrigins": ["https://*.example"],
            "AllowedHeaders": ["x-amz-*", "Content-Type"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 60,
        }
        s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})
        arn = f"arn:aws:sqs:{opened.region}:{opened.account_id}:events"
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        sqs.create_queue(QueueName="events", Attributes={"Policy": policy})
        notification = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [notification]}
        )
        iam.create_role(RoleName="signer", AssumeRolePolicyDocument=json.dumps(TRUST))
        objects = {
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:GetObject"],
            "Resource": f"arn:aws:s3:::{BUCKET}/api/*",
        }
        listing = {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": f"arn:aws:s3:::{BUCKET}",
            "Condition": {"StringLike": {"s3:prefix": "api/*"}},
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [objects, listing]})
        iam.put_role_policy(RoleName="signer", PolicyName="inline", PolicyDocument=document)
        yield opened


def sdk(world: World, credentials: Credentials, version: str = "s3v4") -> Any:
    session: Any = boto3.session.Session()
    return session.client(
        "s3",
        region_name=world.region,
        endpoint_url=world.endpoint_url,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
        config=Config(signature_version=version, s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="module")
def signer(world: World) -> Any:
    role = world.client("iam").get_role(RoleName="signer")["Role"]["Arn"]
    return sdk(world, world.assume_role(role))


@pytest.fixture(autouse=True)
def empty(world: World) -> None:
    s3 = world.client("s3")
    found = s3.list_object_versions(Bucket=BUCKET).get("Versions", [])
    for version in found:
        s3.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])


def stored(world: World) -> list[str]:
    versions = world.client("s3").list_object_versions(Bucket=BUCKET).get("Versions", [])
    return [version["Key"] for version in versions]


def form(signer: Any, key: str = "api/x", seconds: int = 60) -> dict[str, Any]:
    made: dict[str, Any] = signer.generate_presigned_post(
        BUCKET,
        key,
        Fields={"Content-Type": "image/jpeg"},
        Conditions=[{"Content-Type": "image/jpeg"}, ["content-length-range", 1, len(PHOTO)]],
        ExpiresIn=seconds,
    )
    return made


def post(
    made: dict[str, Any], data: bytes = PHOTO, *, url: str = "", origin: str | None = None, **changed: Any
) -> urllib3.BaseHTTPResponse:
    fields = {**made["fields"], **{name.replace("_", "-"): value for name, value in changed.items()}}
    return urllib3.request(
        "POST",
        url or made["url"],
        fields={**fields, "file": ("photo.jpg", data, "image/jpeg")},
        headers={"Origin": origin} if origin else {},
        retries=False,
    )


def test_a_form_stores_its_file_under_its_key_and_sends_a_post_event(world: World, signer: Any) -> None:
    answer = post(form(signer), x_ignore_me="1")
    assert answer.status == 204
    found = world.client("s3").get_object(Bucket=BUCKET, Key="api/x")
    assert (found["Body"].read(), found["ContentType"]) == (PHOTO, "image/jpeg")
    assert found["VersionId"] == answer.headers["x-amz-version-id"]
    sqs = world.client("sqs")
    messages = sqs.receive_message(
        QueueUrl=sqs.get_queue_url(QueueName="events")["QueueUrl"], MaxNumberOfMessages=10
    )
    records = [
        record
        for message in messages["Messages"]
        for record in json.loads(message["Body"]).get("Records", [])
    ]
    assert [record["eventName"] for record in records] == ["ObjectCreated:Post"]


def test_a_form_can_ask_for_another_answer(world: World, signer: Any) -> None:
    made = signer.generate_presigned_post(
        BUCKET,
        "api/x",
        Fields={"success_action_status": "201"},
        Conditions=[["eq", "$success_action_status", "201"]],
    )
    answer = post(made)
    assert answer.status == 201
    assert b"<Key>api/x</Key>" in answer.data
    assert stored(world) == ["api/x"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"key": "api/y"}, b"Policy Condition failed"),
        ({"key": "api/../x"}, b"Policy Condition failed"),
        ({"Content_Type": "text/html"}, b"Policy Condition failed"),
        ({"x_amz_meta_name": "x"}, b"Extra input fields: x-amz-meta-name"),
        ({"x_amz_signature": "0" * 64}, b"SignatureDoesNotMatch"),
        ({"x_amz_security_token": "another"}, b"InvalidToken"),
        ({"x_amz_credential": "AKIAUNKNOWN/20260101/eu-central-1/s3/aws4_request"}, b"InvalidAccessKeyId"),
        ({"x_amz_algorithm": "AWS4-HMAC-SHA1"}, b"InvalidRequest"),
        ({"policy": base64.b64encode(b"{}").decode()}, b"SignatureDoesNotMatch"),
    ],
)
def test_a_form_that_was_changed_stores_nothing(
    world: World, signer: Any, changed: dict[str, Any], code: bytes
) -> None:
    answer = post(form(signer), **changed)
    assert answer.status in (400, 403)
    assert code in answer.data
    assert stored(world) == []


@pytest.mark.parametrize(
    ("size", "code"),
    [(len(PHOTO) + 1, b"EntityTooLarge"), (0, b"EntityTooSmall"), (5_000_000, b"EntityTooLarge")],
)
def test_a_file_of_another_length_than_allowed_is_not_stored(
    world: World, signer: Any, size: int, code: bytes
) -> None:
    answer = post(form(signer), b"x" * size)
    assert (answer.status, code in answer.data) == (400, True)
    assert stored(world) == []


def test_a_form_ends_with_its_time(world: World, signer: Any) -> None:
    answer = post(form(signer, seconds=-1))
    assert (answer.status, b"Policy expired" in answer.data) == (403, True)
    assert stored(world) == []


def test_a_form_for_one_bucket_is_refused_by_another(world: World, signer: Any) -> None:
    world.client("s3").create_bucket(
        Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": world.region}
    )
    answer = post(form(signer), url=f"{world.endpoint_url}/elsewhere")
    assert (answer.status, b"bucket" in answer.data) == (403, True)
    assert "Contents" not in world.client("s3").list_objects_v2(Bucket="elsewhere")


def test_a_form_signed_without_the_permission_is_refused(world: World, signer: Any) -> None:
    answer = post(form(signer, key="other/x"))
    assert (answer.status, b"not authorized to perform: s3:PutObject" in answer.data) == (403, True)
    assert stored(world) == []


def test_a_form_without_a_policy_is_anonymous(world: World) -> None:
    answer = post({"url": f"{world.endpoint_url}/{BUCKET}", "fields": {"key": "api/x"}})
    assert (answer.status, b"AccessDenied" in answer.data) == (403, True)
    assert stored(world) == []


def link(signer: Any, **more: Any) -> str:
    url: str = signer.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "api/x"}, **more)
    return url


def get(url: str, method: str = "GET") -> tuple[int, bytes]:
    answer = urllib3.request(method, url, retries=False)
    return answer.status, answer.data


def test_a_link_opens_its_object_until_it_expires(
    world: World, signer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.client("s3").put_object(Bucket=BUCKET, Key="api/x", Body=PHOTO)
    url = link(signer, ExpiresIn=60)
    assert get(url) == (200, PHOTO)
    now = time.time()
    monkeypatch.setattr("embedded_aws.access.presigned.time.time", lambda: now + 62)
    status, said = get(url)
    assert (status, b"Request has expired" in said) == (403, True)
    monkeypatch.setattr("embedded_aws.access.presigned.time.time", lambda: now - 3600)
    assert get(url)[0] == 403


def test_a_link_that_was_changed_opens_nothing(world: World, signer: Any) -> None:
    s3 = world.client("s3")
    s3.put_object(Bucket=BUCKET, Key="api/x", Body=PHOTO)
    s3.put_object(Bucket=BUCKET, Key="api/y", Body=b"another's")
    url = link(signer)
    changed = [
        url.replace("/api/x?", "/api/y?"),
        url.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601"),
        f"{url}&versionId=null",
        url.replace("X-Amz-Security-Token=", "X-Amz-Security-Token=x"),
    ]
    for broken in changed:
        assert broken != url
        assert get(broken)[0] in (400, 403), broken
    assert get(url, "DELETE")[0] == 403
    assert sorted(stored(world)) == ["api/x", "api/y"]


def test_a_link_for_longer_than_a_week_is_refused(signer: Any) -> None:
    status, said = get(link(signer, ExpiresIn=604_801))
    assert (status, b"AuthorizationQueryParametersError" in said) == (400, True)


def test_links_of_the_old_kind_are_not_supported(world: World) -> None:
    status, said = get(link(sdk(world, world.admin, version="s3")))
    assert (status, b"AWS4-HMAC-SHA256" in said) == (400, True)


def test_an_administrators_link_is_verified_too(world: World) -> None:
    world.client("s3").put_object(Bucket=BUCKET, Key="api/x", Body=PHOTO)
    url = link(sdk(world, world.admin))
    assert get(url) == (200, PHOTO)
    assert get(url[:-4] + "0000")[0] == 403


def test_of_fifty_conditional_puts_at_once_one_is_stored(world: World, signer: Any) -> None:
    def put(number: int) -> str:
        try:
            signer.put_object(Bucket=BUCKET, Key="api/once", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "stored"

    with ThreadPoolExecutor(50) as clients:
        assert Counter(clients.map(put, range(50))) == {"stored": 1, "PreconditionFailed": 49}
    assert stored(world) == ["api/once"]


def test_a_condition_on_the_prefix_holds_for_listings_and_hides_what_does_not_exist(signer: Any) -> None:
    assert signer.list_objects_v2(Bucket=BUCKET, Prefix="api/x")["KeyCount"] == 0
    for arguments in ({}, {"Prefix": "other/"}):
        with pytest.raises(ClientError, match="AccessDenied"):
            signer.list_objects_v2(Bucket=BUCKET, **arguments)
    with pytest.raises(ClientError, match="403"):
        signer.head_object(Bucket=BUCKET, Key="api/none")


@pytest.mark.parametrize(
    ("origin", "method", "headers", "status"),
    [
        (ORIGIN, "POST", "content-type, x-amz-date", 200),
        (ORIGIN, "POST", "", 200),
        (ORIGIN, "PUT", "", 403),
        (ORIGIN, "POST", "authorization", 403),
        ("https://shop.example.evil", "POST", "", 403),
    ],
)
def test_preflights_are_answered_by_the_buckets_rules(
    world: World, origin: str, method: str, headers: str, status: int
) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    answer = urllib3.request("OPTIONS", f"{world.endpoint_url}/{BUCKET}", headers=asked, retries=False)
    assert answer.status == status
    if status == 200:
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Access-Control-Max-Age"] == "60"
        assert answer.headers.get("Access-Control-Allow-Headers", "") == headers


def test_a_page_may_read_the_answer_to_its_form_where_the_rules_say_so(signer: Any) -> None:
    assert post(form(signer), origin=ORIGIN).headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Origin" not in post(form(signer), origin="https://evil").headers
