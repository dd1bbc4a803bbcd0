"""Takedowns: all identical copies, evidence before any effect, and an end that was looked at."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.records.record import Record
from media_pipeline.reviews.waiting import HISTORY
from operations import takedown as module
from operations.__main__ import main
from operations.takedown import Takedown, Target
from tests.unit.reviews.conftest import SHA256, Stack

OTHER = "cd" * 32
KEYS = 1_000
Run = Callable[..., tuple[int, str, str]]


def carried_out(stack: Stack) -> None:
    """Do what the stack's functions do with the messages: end the version, without renditions."""
    while bodies := stack.messages():
        for body in bodies:
            (event,) = json.loads(body)["Records"]
            described = event["s3"]["object"]
            key = {"object_key": {"S": described["key"]}, "sequencer": {"S": described["sequencer"]}}
            for name in listed(stack, f"{described['key']}/"):
                stack.s3.delete_object(Bucket="renditions", Key=name)
            stack.dynamodb.update_item(
                TableName="records",
                Key=key,
                UpdateExpression="SET #s = :s, reason = :r, carried_out = :c, original = :o",
                ExpressionAttributeNames={"#s": "status"},
                ExpressionAttributeValues={
                    ":s": {"S": "BLOCKED"},
                    ":r": {"S": "taken_down"},
                    ":c": {"S": event["decision"]["id"]},
                    ":o": {"S": "quarantine"},
                },
            )


def listed(stack: Stack, prefix: str = "", bucket: str = "renditions") -> list[str]:
    return [
        each["Key"] for each in stack.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
    ]


@pytest.fixture
def run(
    stack: Stack, outputs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Return what runs a command while the stack's functions do their part."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)

    def call(*arguments: str, works: bool = True) -> tuple[int, str, str]:
        with monkeypatch.context() as patched:
            if works:
                waited = Takedown.wait

                def wait(self: Takedown, *asked: Any, **how: Any) -> Any:
                    carried_out(stack)
                    return waited(self, *asked, **how)

                patched.setattr(Takedown, "wait", wait)
            code = main([*arguments, "--stack", "test", "--outputs", str(outputs)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def published(stack: Stack, key: str, **changed: Any) -> Record:
    return stack.put(key, "PUBLISHED", **changed)


def test_all_identical_copies_are_taken_down_and_nothing_else(stack: Stack, run: Run, tmp_path: Path) -> None:
    for key in ("a.jpg", "elsewhere/b.jpg"):
        record = published(stack, key)
        stack.s3.put_object(Bucket="renditions", Key=f"{key}/{record.version}/x.jpeg", Body=b"x")
    stack.put("waiting.jpg", "REVIEW")
    other = published(stack, "other.jpg", sha256=OTHER)
    evidence = tmp_path / "evidence.json"
    code, said, _ = run(
        "takedown",
        *(
            "--key",
            "a.jpg",
            "--reason",
            "notice",
            "--case",
            "NCII-7",
            "--received",
            "2026-11-28T00:00:00+01:00",
        ),
        *("--person", "Ada", "--evidence", str(evidence)),
    )
    assert code == 0, said
    assert "3 versions taken down in " in said
    assert listed(stack) == []
    assert stack.read(other) == other
    document = json.loads(evidence.read_text())
    assert {each["object_key"] for each in document["versions"]} == {
        "a.jpg",
        "elsewhere/b.jpg",
        "waiting.jpg",
    }
    assert all(each["removed_at"] and each["sha256"] == SHA256 for each in document["versions"])
    assert (document["case"], document["on_behalf_of"], document["sha256"]) == ("NCII-7", "Ada", [SHA256])
    assert document["person"].startswith("arn:aws:")
    assert document["hours_since_received"] > 0
    kept = stack.evidence()
    assert {each["decision"] for each in document["versions"]} == {each["id"] for each in kept.values()}
    assert all(each["case"]["number"] == "NCII-7" for each in kept.values())


def test_evidence_is_written_before_the_record_changes(stack: Stack) -> None:
    record = published(stack, "a.jpg")

    def refuse(**_: Any) -> None:
        raise ConnectionError("the logs bucket cannot be reached")

    broken = type("S3", (), {"put_object": staticmethod(refuse)})()
    takedown = Takedown(
        dynamodb=stack.dynamodb,
        s3=stack.s3,
        table="records",
        renditions="renditions",
        decisions=stack.decisions(s3=broken),
    )
    with pytest.raises(ConnectionError):
        takedown.withdraw(record, person="arn:aws:iam::1:user/a", reason="r", case={})
    assert stack.read(record) == record
    assert stack.messages() == []


def test_dry_run_lists_and_changes_nothing(stack: Stack, run: Run) -> None:
    record = published(stack, "a.jpg")
    stack.put("blocked.jpg", "BLOCKED")
    stack.put("working.jpg", "PROCESSING")
    stack.put("failed.jpg", "FAILED")
    code, said, _ = run("takedown", "--sha256", SHA256.upper(), "--reason", "r", "--dry-run")
    assert code == 0
    assert "would be taken down  PUBLISHED" in said
    assert "withheld already     BLOCKED" in said
    assert "still open           PROCESSING" in said
    assert "failed, unpublished  FAILED" in said
    assert "1 version would be taken down." in said
    assert stack.read(record) == record
    assert stack.evidence() == {}


@pytest.mark.long
def test_what_the_functions_did_not_get_to_is_said_and_the_exit_code_is_1(stack: Stack, run: Run) -> None:
    published(stack, "a.jpg")
    code, said, _ = run("takedown", "--key", "a.jpg", "--reason", "r", "--wait", "1", works=False)
    assert code == 1
    assert "NOT removed yet" in said
    assert "not taken down yet: run the command again" in said


def test_copy_that_is_processed_during_the_first_sweep_is_found_by_a_later_one(
    stack: Stack, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(stack, "a.jpg")
    find, late = Takedown.find, ["late.jpg"]

    def find_and_upload(self: Takedown, digests: frozenset[str]) -> Any:
        found = find(self, digests)
        if late:
            published(stack, late.pop())
        return found

    monkeypatch.setattr(Takedown, "find", find_and_upload)
    code, said, _ = run("takedown", "--key", "a.jpg", "--reason", "r")
    assert code == 0
    assert "2 versions taken down" in said


def test_pending_approval_does_not_keep_what_is_taken_down(stack: Stack, run: Run) -> None:
    record = stack.put("a.jpg")
    stack.decisions().ask(record, stack.approve, "arn:aws:iam::1:user/b")
    assert run("takedown", "--key", "a.jpg", "--reason", "r")[0] == 0
    assert stack.read(record).is_withdrawn


@pytest.mark.parametrize("what", [("--key", "no such.jpg"), ("--id", "a" * 32)])
def test_unknown_key_is_an_error_that_says_so(run: Run, what: tuple[str, str]) -> None:
    code, _, error = run("takedown", *what, "--reason", "r")
    assert code == 1
    assert "there is no record of" in error


@pytest.mark.long
def test_identical_copies_under_a_thousand_keys_are_all_found(stack: Stack) -> None:
    for number in range(KEYS):
        published(stack, f"copy-{number}.jpg")
    for number in range(50):
        published(stack, f"other-{number}.jpg", sha256=OTHER)
    takedown = stack.takedown()
    begun = time.monotonic()
    found = takedown.find(takedown.digests(Target(key="copy-0.jpg")))
    seconds = time.monotonic() - begun
    assert {record.object_key for record in found.to_withdraw} == {f"copy-{n}.jpg" for n in range(KEYS)}
    print(f"{KEYS} copies found in {seconds:.2f} s")


def test_restore_asks_for_the_version_that_was_taken_down(stack: Stack, run: Run) -> None:
    record = published(stack, "a.jpg")
    assert run("takedown", "--key", "a.jpg", "--reason", "r")[0] == 0
    code, _, error = run("restore", "a.jpg", "--reason", "mistaken")
    assert (code, "has expired" in error) == (1, True)
    stack.s3.put_object(Bucket="quarantine", Key=f"a.jpg/{record.version}", Body=b"x")
    code, said, _ = run("restore", "a.jpg", "--reason", "mistaken", "--case", "NCII-7")
    assert code == 0, said
    decision = stack.read(record).decision
    assert decision is not None
    assert (decision.action.value, decision.reason) == ("restore", "mistaken")


def test_restore_finds_what_was_taken_down_below_many_newer_versions(stack: Stack, run: Run) -> None:
    record = stack.put("a.jpg", "BLOCKED", reason="taken_down", original="quarantine")
    stack.s3.put_object(Bucket="quarantine", Key=f"a.jpg/{record.version}", Body=b"x")
    for _ in range(HISTORY):
        stack.put("a.jpg", "REJECTED")
    assert run("restore", "a.jpg", "--reason", "mistaken", works=False)[0] == 0
    assert stack.read(record).pending_decision


def test_restore_of_what_was_not_taken_down_is_an_error(stack: Stack, run: Run) -> None:
    published(stack, "a.jpg")
    code, _, error = run("restore", "a.jpg", "--reason", "r")
    assert code == 1
    assert "no version of 'a.jpg' was taken down" in error
    assert stack.evidence() == {}
