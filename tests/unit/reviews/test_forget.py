"""Forgetting a key: what is held refuses, an unknown key is an error, and nothing is removed without evidence."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from media_pipeline.records.answer_cache import PARTITIONS, SORT_KEY
from operations.__main__ import main
from operations.forget import KEPT_FIELDS, Forget
from tests.fixtures.storage import REGION
from tests.unit.reviews.conftest import ANNA, NOW, Stack


def forget(outputs: Path, key: str, *more: str) -> int:
    return main(["forget", key, "--case", "7", "--stack", "test", "--outputs", str(outputs), *more])


def put(stack: Stack, key: str) -> None:
    stack.s3.put_object(Bucket="uploads", Key=key, Body=b"x")


def test_what_a_person_escalated_is_held(
    stack: Stack, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stack, "a.jpg")
    record = stack.put("a.jpg", hold={"person": ANNA, "at": "2026-11-28T00:00:00.000Z"})
    assert forget(outputs, "a.jpg") == 1
    assert "is held" in capsys.readouterr().err
    assert stack.read(record) == record
    assert stack.evidence() == {}
    assert len(stack.s3.list_object_versions(Bucket="uploads")["Versions"]) == 1


def test_unknown_key_is_an_error(outputs: Path, stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    put(stack, "a.jpg/longer")
    assert forget(outputs, "a.jpg") == 1
    assert "holds nothing of" in capsys.readouterr().err


def test_dry_run_counts_and_removes_nothing(
    stack: Stack, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stack, "a.jpg")
    stack.put("a.jpg", "PUBLISHED")
    assert forget(outputs, "a.jpg", "--dry-run") == 0
    said = capsys.readouterr().out
    assert "1  records" in said
    assert "1  versions and delete markers in uploads" in said
    assert stack.evidence() == {}
    assert len(stack.s3.list_object_versions(Bucket="uploads")["Versions"]) == 1


def test_evidence_comes_first(stack: Stack, outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(stack, "a.jpg")
    stack.put("a.jpg", "PUBLISHED")

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("the logs bucket cannot be reached")

    monkeypatch.setattr(Forget, "keep_evidence", refuse)
    with pytest.raises(OSError, match="logs bucket"):
        forget(outputs, "a.jpg")
    assert "DeleteMarkers" not in stack.s3.list_object_versions(Bucket="uploads")


def test_functions_that_are_not_done_make_the_exit_code_1_and_records_stay(
    stack: Stack, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stack, "a.jpg")
    record = stack.put("a.jpg", "PUBLISHED")
    assert forget(outputs, "a.jpg", "--wait", "1") == 1
    assert "run the command again" in capsys.readouterr().out
    assert stack.read(record) == record
    assert len(stack.evidence()) == 1


def forgetting(stack: Stack) -> Forget:
    return Forget(
        places=stack.places, renditions="renditions", dynamodb=stack.dynamodb, s3=stack.s3, clock=lambda: NOW
    )


def test_versions_are_deleted_before_the_markers_that_hide_them(stack: Stack) -> None:
    for _ in range(2):
        put(stack, "a.jpg")
        stack.s3.delete_object(Bucket="uploads", Key="a.jpg")
    put(stack, "a.jpg/longer")
    held = stack.s3.list_object_versions(Bucket="uploads", Prefix="a.jpg")
    versions = {each["VersionId"] for each in held["Versions"] if each["Key"] == "a.jpg"}
    markers = {each["VersionId"] for each in held["DeleteMarkers"]}
    deleted: list[str] = []
    stack.s3.meta.events.register(
        "provide-client-params.s3.DeleteObject", lambda params, **_: deleted.append(params["VersionId"])
    )
    forgetting(stack).delete_versions("a.jpg", seconds=0)
    assert (set(deleted[:2]), set(deleted[2:])) == (versions, markers), "else a version would come back"
    assert [each["Key"] for each in stack.s3.list_object_versions(Bucket="uploads")["Versions"]] == [
        "a.jpg/longer"
    ]


def test_answers_about_the_key_go_also_those_of_an_attempt_that_was_cut_off(stack: Stack) -> None:
    verdict, cut_off, other = ("cd" * 32, "ef" * 32, "12" * 32)
    for digest in (verdict, cut_off, other):
        answer = {"object_key": {"S": PARTITIONS + digest}, "sequencer": {"S": SORT_KEY}}
        stack.dynamodb.put_item(TableName="records", Item=answer)
    record = stack.put("a.jpg", "DELETED", answers={"pictures": [{"sha256": cut_off, "labels": []}]})
    assert record.moderation
    assert [picture.sha256 for picture in record.moderation.pictures] == [verdict]
    forgetting(stack).empty_records("a.jpg")
    kept = stack.dynamodb.scan(TableName="records")["Items"]
    assert {each["object_key"]["S"] for each in kept} == {"a.jpg", PARTITIONS + other}
    assert set(stack.read(record).attributes) <= KEPT_FIELDS


def test_renditions_of_a_longer_key_are_none_of_this_one(stack: Stack) -> None:
    stack.s3.create_bucket(Bucket="renditions", CreateBucketConfiguration={"LocationConstraint": REGION})
    for name in ("a.jpg/v1/large.webp", "a.jpg/longer/v1/large.webp", "a.jpg.png/v1/large.webp"):
        stack.s3.put_object(Bucket="renditions", Key=name, Body=b"x")
    assert forgetting(stack).left("a.jpg")["renditions"] == 1


def test_what_remains_in_a_locked_log_of_accesses_is_said_with_its_date(stack: Stack) -> None:
    rule = {"ID": "expire", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 400}}
    stack.s3.create_bucket(Bucket="trail", CreateBucketConfiguration={"LocationConstraint": REGION})
    stack.s3.put_bucket_lifecycle_configuration(Bucket="trail", LifecycleConfiguration={"Rules": [rule]})

    def remains(trail: str | None) -> dict[str, str]:
        clients: Any = {"dynamodb": None, "s3": stack.s3}
        found = Forget(
            places=stack.places, renditions="renditions", trail=trail, clock=lambda: 0.0, **clients
        )
        return {each.what: each.until for each in found.remains()}

    (what,) = remains("trail").keys() - remains(None).keys()
    assert remains("trail")[what] == "1971-02-05"
    assert "CloudTrail" in what


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchLifecycleConfiguration"])
def test_what_may_not_be_read_of_logs_is_not_said_to_be_kept_for_ever(stack: Stack, code: str) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetBucketLifecycleConfiguration")

    clients: Any = {"dynamodb": None, "s3": type("S3", (), {"get_bucket_lifecycle_configuration": refuse})}
    found = Forget(places=stack.places, renditions="renditions", trail="trail", clock=lambda: 0.0, **clients)
    until = {each.what: each.until for each in found.remains()}
    logs, trail = (
        next(until[what] for what in until if name in what) for name in ("access logs", "CloudTrail")
    )
    assert ("for ever" in logs) == (code != "AccessDenied")
    assert ("s3:GetLifecycleConfiguration on trail was refused" in trail) == (code == "AccessDenied")


@pytest.mark.parametrize(("what", "until"), [("X-Ray", "1970-01-31"), ("multipart uploads", "1970-01-03")])
def test_what_services_remove_by_themselves_is_said_with_its_date(
    stack: Stack, what: str, until: str
) -> None:
    clients: Any = {"dynamodb": None, "s3": stack.s3}
    found = Forget(places=stack.places, renditions="renditions", clock=lambda: 0.0, **clients)
    assert [each.until for each in found.remains() if what in each.what] == [until]
