"""Every permission of every function is used in a run of the whole stack, or listed here with its reason."""

import fnmatch
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus
from uuid import uuid4

import pytest
from PIL import Image

from components import function_specs
from components.rules import KeyArn
from embedded_aws.access.actions import Need
from local.demo.filming import Film, film
from media_pipeline.records.decisions import Action
from tests.api_end_to_end.served_stack import ServedStack, card, key_of, photo, serve_stack

# Those of a function with a schedule are held by tests/local/deployed/test_scheduled_reconcile.py. Those of review-api
# are a reviewer's own: tests/local/test_reviewer_rights.py.
FUNCTIONS = tuple(
    spec.name.replace("-", "_")
    for spec in function_specs.FUNCTIONS
    if spec.schedule is None and spec is not function_specs.REVIEW_API
)
UNUSED: Mapping[tuple[str, str, str], str] = {
    # (function, action, end of the resource's ARN, with wildcards): why it is granted all the same
    ("*", "xray:*", "*"): "tracing is off in this run, and its daemon is not part of the embedded AWS",
    (
        "*",
        "sqs:SendMessage",
        "*-dead-letters-*",
    ): "Lambda uses it for an announcement that could not be logged",
    (
        "log_notification",
        "kms:*",
        "*",
    ): "Lambda uses it for an announcement that could not be logged",
    (
        "process_*",
        "dynamodb:DeleteItem",
        "*",
    ): "only for a version whose event without a sequencer came first",
    ("process_video", "s3:ListBucket", "renditions*"): "only for renditions whose record has expired",
    ("dead_letters", "sqs:ChangeMessageVisibility", "*"): "only when handling a dead letter fails",
    (
        "process_video",
        "s3:DeleteObject",
        "quarantine*",
    ): "only for a withheld video whose key was deleted while it was moved",
    (
        "dead_letters",
        "s3:GetObject",
        "quarantine*",
    ): "only for a version that was deleted while it was moved to quarantine",
    ("process_video", "s3:DeleteObject", "renditions*"): "only when an attempt was cut off after its verdict",
}
PATIENCE = 90.0  # seconds for one step of the run


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStack]:
    """A stack of its own: what other tests did must not count as used. It has a KMS key, whose grants are held, too."""
    key = {"encryption.keyArn": KeyArn.EXAMPLE}
    with serve_stack(tmp_path_factory.mktemp("least-privilege"), key) as served:
        _use_everything(served, tmp_path_factory.mktemp("videos"))
        yield served


def _use_everything(stack: ServedStack, folder: Path) -> None:
    """Have each function do all that it does for the objects, messages and requests of ordinary days."""
    outputs, s3, sqs = stack.outputs, stack.s3, stack.world.client("sqs")
    uploads = stack.uploads
    for key, data in {
        "published.jpg": photo("published"),
        "blocked.jpg": card(Weapons=99),
        "corrupt.jpg": photo("corrupt")[:300],
        "film.mp4": _video(folder / "film.mp4", photo("film")),
        "blocked.mp4": _video(folder / "blocked.mp4", card(Weapons=99)),
        "folder/": b"",
    }.items():
        s3.put_object(Bucket=uploads, Key=key, Body=data)
    stack.wait_for_outcomes(["published.jpg", "blocked.jpg", "corrupt.jpg", "film.mp4", "blocked.mp4"])
    assert stack.status("film.mp4") == "PUBLISHED"
    assert stack.status("blocked.mp4") == "BLOCKED"

    _approve(stack, "held.jpg", card(Violence=60))
    _approve(stack, "held.mp4", _video(folder / "held.mp4", card(Violence=60)))

    picture, idempotency_key = photo(f"{uuid4()}"), f"{uuid4()}"
    for _ in range(2):  # the second time finds the first
        answer = stack.upload(picture, Idempotency_Key=idempotency_key)
    form = stack.form(picture)
    assert stack.request("GET", form["status_url"]).status == 404  # it has not arrived
    for _ in range(2):
        assert stack.post_form(form, picture) == 204
    by_form = _video(folder / "form.mp4", photo("form"))
    form_of_video = stack.form(by_form, "video/mp4")
    assert stack.post_form(form_of_video, by_form) == 204
    keys = [f"api/{each['image_id']}" for each in (answer.json, form, form_of_video)]
    stack.wait_for_outcomes(keys)
    image = stack.request("GET", answer.json["status_url"]).json
    assert stack.get_bytes(image["renditions"][0]["url"])[0] == 200
    assert stack.request("DELETE", form["status_url"]).status == 202
    blocked = stack.upload(card(Weapons=99, Violence=98))
    stack.wait_for_outcomes([key_of(blocked)])
    assert stack.appeal(blocked.json, "my own painting").status == 202

    for queue in ("images_queue_url", "videos_queue_url"):
        sqs.send_message(QueueUrl=outputs[queue], MessageBody="handed back until it is a dead letter")
    for name, queue in (("images", "images_dead_letters_url"), ("videos", "videos_dead_letters_url")):
        sqs.send_message(QueueUrl=outputs[queue], MessageBody=_event(stack, f"given-up-{name}", "lost"))
    stack.wait_for_outcomes(["given-up-images", "given-up-videos"])

    s3.delete_object(Bucket=uploads, Key="published.jpg")
    s3.delete_object(Bucket=uploads, Key="blocked.jpg")
    marker = s3.delete_object(Bucket=uploads, Key="folder/")["VersionId"]
    deleted = "ObjectRemoved:DeleteMarkerCreated"
    # as if the queue had given up on them
    for key, version in (("film.mp4", "marker"), ("blocked.mp4", "marker"), ("folder/", marker)):
        sqs.send_message(
            QueueUrl=outputs["images_dead_letters_url"], MessageBody=_event(stack, key, version, deleted)
        )
    for key in ("published.jpg", "blocked.jpg", "film.mp4", "blocked.mp4"):
        _wait(lambda key=key: stack.status(key) == "DELETED")  # type: ignore[misc]
    stack.wait_for_outcomes()
    for name, queue in (("images", "images_queue_url"), ("videos", "videos_queue_url")):
        sqs.send_message(QueueUrl=outputs[queue], MessageBody=_event(stack, f"lost-{name}.jpg", "lost"))
        _wait(partial(_is_handed_back, stack, f"lost-{name}.jpg"))


def _approve(stack: ServedStack, key: str, data: bytes) -> None:
    """Upload what the policy holds back, and have a person approve it."""
    stack.s3.put_object(Bucket=stack.uploads, Key=key, Body=data)
    stack.wait_for_outcomes([key])
    stack.decide(key, Action.APPROVE)
    _wait(lambda: stack.status(key) == "PUBLISHED")


def _is_handed_back(stack: ServedStack, key: str) -> bool:
    """Return whether an attempt ended without an outcome: a missing original is looked for again for 20 minutes."""
    return any(record["attempt"] and "owner" not in record for record in stack.deployed.records(key))


def _video(path: Path, picture: bytes) -> bytes:
    """Encode two seconds of one picture."""
    image = Image.open(io.BytesIO(picture)).convert("RGB").resize((320, 240))
    film(path, [(0.0, image)], Film(rate=4), seconds=2.0)
    return path.read_bytes()


def _event(stack: ServedStack, key: str, version: str, name: str = "ObjectCreated:Put") -> str:
    described = {"key": quote_plus(key), "versionId": version, "sequencer": f"{time.time_ns():016X}"}
    record = {
        "eventName": name,
        "eventSource": "aws:s3",
        "s3": {"bucket": {"name": stack.uploads}, "object": described},
    }
    return json.dumps({"Records": [record]})


def _wait(done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until
        time.sleep(0.2)


def _role(stack: ServedStack, function: str) -> str:
    name = stack.outputs[f"{function}_function"]
    arn: str = stack.world.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    return arn.rpartition("/")[2]


def _is_listed(function: str, need: Need) -> bool:
    return any(
        fnmatch.fnmatchcase(function, of)
        and fnmatch.fnmatchcase(need.action, action)
        and fnmatch.fnmatchcase(need.resource, f"*{resource}")
        for of, action, resource in UNUSED
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_permission_is_used_or_listed_with_its_reason(stack: ServedStack, function: str) -> None:
    unused = stack.world.granted_but_unused(_role(stack, function))
    assert [need for need in unused if not _is_listed(function, need)] == []


def test_every_reason_is_of_a_permission_that_is_granted_and_unused(stack: ServedStack) -> None:
    granted = [
        (function, need)
        for function in FUNCTIONS
        for need in stack.world.granted_but_unused(_role(stack, function))
    ]
    for of, action, resource in UNUSED:
        assert any(
            fnmatch.fnmatchcase(function, of)
            and fnmatch.fnmatchcase(need.action, action)
            and fnmatch.fnmatchcase(need.resource, f"*{resource}")
            for function, need in granted
        ), (of, action, resource)


def test_no_function_asked_for_more_than_it_was_granted(stack: ServedStack) -> None:
    roles = {_role(stack, function) for function in FUNCTIONS}
    assert [access for access in stack.world.access_log.denied if access.role in roles] == []


def test_everything_is_encrypted_with_the_stacks_key(stack: ServedStack) -> None:
    kms, outputs, world = stack.world.client("kms"), stack.outputs, stack.world
    (key,) = (
        entry["KeyArn"]
        for entry in kms.list_keys()["Keys"]
        if kms.describe_key(KeyId=entry["KeyId"])["KeyMetadata"]["Description"] == "key of dev"
    )
    for bucket in ("uploads_bucket", "quarantine_bucket", "renditions_bucket"):
        listed = stack.s3.list_object_versions(Bucket=outputs[bucket])["Versions"]
        assert listed, bucket
        for each in listed:
            version = {"VersionId": each["VersionId"]} if each["VersionId"] != "null" else {}
            head = stack.s3.head_object(Bucket=outputs[bucket], Key=each["Key"], **version)
            assert head["SSEKMSKeyId"] == key, (bucket, each["Key"])
            assert head["BucketKeyEnabled"]
    sqs = world.client("sqs")
    for name in [name for name in outputs if name.endswith(("queue_url", "dead_letters_url"))]:
        shown = sqs.get_queue_attributes(QueueUrl=outputs[name], AttributeNames=["All"])["Attributes"]
        assert shown["KmsMasterKeyId"] == key, name
    table = world.client("dynamodb").describe_table(TableName=outputs["records_table"])["Table"]
    assert table["SSEDescription"]["KMSMasterKeyArn"] == key
    for group in world.client("logs").describe_log_groups()["logGroups"]:
        assert group["kmsKeyId"] == key, group["logGroupName"]
    for topic in world.client("sns").list_topics()["Topics"]:
        shown = world.client("sns").get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
        assert shown["KmsMasterKeyId"] == key, topic


@pytest.mark.long
def test_a_grant_that_nothing_uses_is_noticed(stack: ServedStack) -> None:
    role, iam = _role(stack, "upload_api"), stack.world.client("iam")
    table: str = stack.outputs["records_table"]
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": "dynamodb:PutItem",
        "Resource": f"arn:aws:dynamodb:*:*:table/{table}",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="too-much", PolicyDocument=document)
    try:
        unused = stack.world.granted_but_unused(role)
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="too-much")
    assert [need.action for need in unused if not _is_listed("upload_api", need)] == ["dynamodb:PutItem"]
