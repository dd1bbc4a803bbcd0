"""Forgetting a key: what is held refuses, an unknown key is an error, and nothing is removed without evidence."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from operations.__main__ import main
from operations.forget import Forget
from tests.fixtures.storage import REGION
from tests.unit.reviews.conftest import ANNA, Stack


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


def test_traces_name_the_key_for_thirty_days(stack: Stack) -> None:
    clients: Any = {"dynamodb": None, "s3": stack.s3}
    found = Forget(places=stack.places, renditions="renditions", clock=lambda: 0.0, **clients)
    assert [each.until for each in found.remains() if "X-Ray" in each.what] == ["1970-01-31"]
