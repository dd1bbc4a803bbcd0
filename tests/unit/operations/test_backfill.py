"""Backfills as an operator runs them: what is counted, what is sent, what is left, and how a run goes on."""

import json
import shlex
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from media_pipeline.events import ObjectEvent, ReworkMode, parse_message
from media_pipeline.records.record import iso_time, to_item
from operations.__main__ import main
from operations.reconcile import Reconcile
from operations.sending import Sender, Work
from operations.today import Today
from tests.components.recording import PROJECT
from tests.fixtures.moto_speedups import fast_mock_aws
from tests.fixtures.storage import create_buckets, create_records_table

NOW = time.time()
DAY = 86_400.0


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with fast_mock_aws():
        s3 = boto3.client("s3")
        create_buckets(s3, "uploads", "quarantine", "renditions", "evidence", versioned="uploads")
        create_records_table(boto3.client("dynamodb"))
        file = tmp_path / "outputs.json"
        document = {
            "uploads_bucket": "uploads",
            "quarantine_bucket": "quarantine",
            "renditions_bucket": "renditions",
            "logs_bucket": "evidence",
            "records_table": "records",
            "images_queue_url": boto3.client("sqs").create_queue(QueueName="images")["QueueUrl"],
        }
        file.write_text(json.dumps(document))
        yield file


@pytest.fixture(scope="module")
def today() -> Today:
    return Today.read(PROJECT, "dev")


def put(today: Today, key: str, **attributes: Any) -> None:
    """Put the record of a picture of 3,000 x 2,000 px that was published as it would be now."""
    values = {
        "object_key": key,
        "sequencer": "0A".ljust(32, "0"),
        "status": "PUBLISHED",
        "attempt": 3,
        "version_id": "v1",
        "etag": "e",
        "lease_until": 0,
        "width": 3000,
        "height": 2000,
        "created_at": iso_time(NOW - 60),
        "finished_at": iso_time(NOW - 60),
        "updated_at": iso_time(NOW - 60),
        "pipeline_version": today.pipeline_version,
        "renditions": renditions(today),
        "moderation": moderation(),
        "milliseconds": {"total": 20, "moderate": 5},
        **attributes,
    }
    boto3.client("dynamodb").put_item(TableName="records", Item=to_item(values))


def renditions(today: Today) -> list[dict[str, Any]]:
    return [
        {
            "name": size.name,
            "format": name,
            "width": size.target(3000, 2000).width,
            "height": size.target(3000, 2000).height,
            "bytes": 1,
            "key": f"a/v1/{size.name}.{name}",
        }
        for size in today.sizes
        for name in today.formats
    ]


def moderation(confidence: float = 20.0, **more: Any) -> dict[str, Any]:
    labels = [{"name": "Weapons", "parent": "Violence", "confidence": confidence}]
    return {
        "verdict": "allow",
        "mode": "enforce",
        "reason": None,
        "labels": labels,
        "model_version": "7.0",
        "policy_version": "then",
        "judged": 1,
        "to_judge": 1,
        "asked_from": 1.0,
        "pictures": [{"sha256": "0" * 64, "labels": labels}],
        **more,
    }


def run(outputs: Path, mode: str, *arguments: str) -> int:
    """Run the command beside functions that never take what it sends."""
    command = ["backfill", "--stack", "dev", "--outputs", str(outputs), "--rate", "1000", "--mode", mode]
    return main([*command, "--max-waiting", "1000", *arguments])


def counted(outputs: Path, capsys: pytest.CaptureFixture[str], mode: str, *arguments: str) -> dict[str, Any]:
    assert run(outputs, mode, "--dry-run", "--json", *arguments) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def sent(outputs: Path) -> list[ObjectEvent]:
    url = json.loads(outputs.read_text())["images_queue_url"]
    found = []
    while batch := boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [event for message in batch for event in parse_message(message["Body"])]
    return found


def keys(outputs: Path) -> set[str]:
    return {event.key for event in sent(outputs)}


def without_smallest(today: Today) -> list[dict[str, Any]]:
    smallest = min(each["width"] for each in renditions(today))
    return [each for each in renditions(today) if each["width"] > smallest]


def test_what_has_other_sizes_is_rendered_and_what_is_as_it_would_be_is_not(
    outputs: Path, today: Today
) -> None:
    put(today, "same.jpg")
    put(today, "a size fewer.jpg", renditions=without_smallest(today))
    put(today, "older.jpg", pipeline_version="0.1.0")
    put(today, "blocked.jpg", status="BLOCKED", renditions=[])
    assert run(outputs, "render") == 0
    events = sent(outputs)
    assert {event.key for event in events} == {"a size fewer.jpg", "older.jpg"}
    for event in events:
        assert event.rework is not None
        assert (event.rework.mode, event.rework.attempt) == (ReworkMode.RENDER, 3)
        assert (event.version_id, event.sequencer) == ("v1", "0A".ljust(32, "0"))


def test_all_renders_what_is_as_it_would_be_too(outputs: Path, today: Today) -> None:
    put(today, "same.jpg")
    assert run(outputs, "render", "--all") == 0
    assert keys(outputs) == {"same.jpg"}


def test_dry_run_counts_dollars_and_hours_and_sends_nothing(
    outputs: Path, today: Today, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        put(today, f"{number}.jpg", pipeline_version="0.1.0")
    document = counted(outputs, capsys, "render", "--rate", "0.001")
    assert document["to_send"] == {"rendered anew": 3}
    assert document["hours"] == pytest.approx(3 / 0.001 / 3600, abs=0.001)
    assert document["requests"] == 0
    assert document["dollars"] >= 0
    assert sent(outputs) == []


def test_hours_are_those_of_the_share_of_the_functions(
    outputs: Path, today: Today, capsys: pytest.CaptureFixture[str]
) -> None:
    took = {"total": 7_700_000, "moderate": 500_000}
    put(today, "slow.jpg", pipeline_version="0.1.0", milliseconds=took)
    document = counted(outputs, capsys, "render", "--share", "0.4")
    assert document["hours"] == pytest.approx(2 / (0.4 * today.config.concurrency.image), abs=0.001)
    put(today, "slow.mp4", pipeline_version="0.1.0", milliseconds=took, stage="video")
    document = counted(outputs, capsys, "render", "--share", "0.4")
    assert today.config.concurrency.video is not None
    assert document["hours"] == pytest.approx(2 / (0.4 * today.config.concurrency.video), abs=0.001)


def test_run_waits_until_the_queue_is_empty_unless_it_is_told_otherwise(
    outputs: Path, today: Today, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        put(today, f"{number}.jpg", pipeline_version="0.1.0")

    def sleep(seconds: float) -> None:
        if seconds >= 1.0:  # it holds back
            taken.append(len(sent(outputs)))

    taken: list[int] = []
    monkeypatch.setattr("operations.commands.backfill.Sender", partial(Sender, sleep=sleep))
    command = ["backfill", "--stack", "dev", "--outputs", str(outputs), "--mode", "render"]
    assert main(command) == 0
    assert taken == [1, 1]


def test_expired_originals_come_first(
    outputs: Path, today: Today, capsys: pytest.CaptureFixture[str]
) -> None:
    expire("uploads", 7)
    put(today, "old.jpg", pipeline_version="0.1.0", created_at=iso_time(NOW - 8 * DAY))
    put(today, "new.jpg", pipeline_version="0.1.0")
    assert run(outputs, "render", "--dry-run") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.split()[:4] == ["1", "cannot", "be", "done:"]
    assert "retention.originals" in first
    assert run(outputs, "render") == 0
    assert keys(outputs) == {"new.jpg"}


def test_original_in_quarantine_expires_as_quarantine_does(outputs: Path, today: Today) -> None:
    expire("uploads", 7)
    put(
        today,
        "approved.jpg",
        pipeline_version="0.1.0",
        created_at=iso_time(NOW - 8 * DAY),
        original="quarantine",
    )
    assert run(outputs, "render") == 0
    assert keys(outputs) == {"approved.jpg"}


def test_what_would_be_judged_by_another_picture_is_left_to_ask(
    outputs: Path, today: Today, capsys: pytest.CaptureFixture[str]
) -> None:
    half = [
        {**each, "width": each["width"] // 2, "height": each["height"] // 2} for each in renditions(today)
    ]
    put(today, "larger.jpg", renditions=half)
    put(today, "tried.jpg", rework={"id": "x", "mode": "render", "attempt": 1, "ended": "not_judged"})
    assert counted(outputs, capsys, "render")["left"] == {"not_judged": 2}
    assert run(outputs, "ask") == 0
    assert keys(outputs) == {"larger.jpg", "tried.jpg"}


def test_what_an_earlier_run_could_not_change_is_tried_again_only_where_asked_to(
    outputs: Path, today: Today
) -> None:
    ended = {"id": "x", "mode": "render", "attempt": 1, "ended": "resource_exhausted"}
    put(today, "a.jpg", pipeline_version="0.1.0", rework=ended)
    assert run(outputs, "render") == 0
    assert keys(outputs) == set()
    assert run(outputs, "render", "--again") == 0
    assert keys(outputs) == {"a.jpg"}


def test_only_the_version_that_readers_see_is_sent(outputs: Path, today: Today) -> None:
    old = {"pipeline_version": "0.1.0"}
    put(today, "a.jpg", **old)
    put(today, "a.jpg", **old, sequencer="0B".ljust(32, "0"), version_id="v2")
    put(today, "deleted.jpg", **old)
    put(today, "deleted.jpg", sequencer="0B".ljust(32, "0"), status="DELETED", delete_marker=True)
    put(today, "undeleted.jpg", **old)
    put(
        today,
        "undeleted.jpg",
        sequencer="0B".ljust(32, "0"),
        status="DELETED",
        delete_marker=True,
        undone=True,
    )
    assert run(outputs, "render") == 0
    assert {(event.key, event.version_id) for event in sent(outputs)} == {
        ("a.jpg", "v2"),
        ("undeleted.jpg", "v1"),
    }


def test_decide_sends_what_todays_policy_withholds_with_its_version(
    outputs: Path, today: Today, capsys: pytest.CaptureFixture[str]
) -> None:
    put(today, "harmless.jpg")
    put(today, "weapon.jpg", moderation=moderation(99.0))
    put(today, "unknown.jpg", moderation=moderation(asked_from=99.0))
    put(today, "approved.jpg", moderation=moderation(99.0), decision={"id": "1", "action": "approve"})
    document = counted(outputs, capsys, "decide")
    assert document["to_send"] == {"withheld": 1}
    assert document["left"] == {"unknown": 1, "approved": 1}
    assert run(outputs, "decide") == 0
    (event,) = sent(outputs)
    assert event.key == "weapon.jpg"
    assert event.rework is not None
    assert event.rework.policy_version == today.policy.version


def test_ask_sends_what_is_unknown_and_what_another_model_judged(outputs: Path, today: Today) -> None:
    note = {"object_key": "!answers/model", "sequencer": "!answer", "model_version": "7.0"}
    boto3.client("dynamodb").put_item(TableName="records", Item=to_item(note))
    put(today, "known.jpg")
    put(today, "unknown.jpg", moderation=moderation(asked_from=99.0))
    put(today, "older.jpg", moderation=moderation(model_version="6.1"))
    assert run(outputs, "ask") == 0
    assert {(event.key, bool(event.rework and event.rework.fresh)) for event in sent(outputs)} == {
        ("unknown.jpg", False),
        ("older.jpg", True),
    }


def test_prefix_chooses_keys(outputs: Path, today: Today) -> None:
    for key in ("api/a", "shop/a"):
        put(today, key, pipeline_version="0.1.0")
    assert run(outputs, "render", "--prefix", "shop/") == 0
    assert keys(outputs) == {"shop/a"}


def test_interrupted_run_prints_how_it_goes_on_and_sends_each_once(
    outputs: Path, today: Today, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(6):
        put(today, f"{number}.jpg", pipeline_version="0.1.0")
    real, calls = Sender.send, 0

    def send(self: Sender, body: str, work: Work) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        real(self, body, work)

    monkeypatch.setattr(Sender, "send", send)
    assert run(outputs, "render") == 130
    first = keys(outputs)
    assert len(first) == 2
    monkeypatch.setattr(Sender, "send", real)
    command = shlex.split(capsys.readouterr().err.partition("Continue with: ")[2])
    assert main(command[3:]) == 0
    second = keys(outputs)
    assert len(second) == 4
    assert not first & second


def test_missing_sends_current_uploads_without_a_record(
    outputs: Path, today: Today, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = boto3.client("s3")
    versions = {
        key: s3.put_object(Bucket="uploads", Key=key, Body=b"x")["VersionId"]
        for key in ("known.jpg", "new.jpg", "other/new.jpg", "gone.jpg")
    }
    s3.delete_object(Bucket="uploads", Key="gone.jpg")
    put(today, "known.jpg", version_id=versions["known.jpg"])
    settled = partial(Reconcile, grace=-60.0)
    monkeypatch.setattr("operations.reconcile.Reconcile", settled)
    assert run(outputs, "missing", "--dry-run") == 0
    assert sent(outputs) == []
    assert run(outputs, "missing", "--prefix", "new") == 0
    (event,) = sent(outputs)
    assert (event.key, event.version_id, event.sequencer) == ("new.jpg", versions["new.jpg"], None)
    assert event.rework is None


def expire(bucket: str, days: int) -> None:
    """Let a bucket delete its objects after so many days."""
    rule: Any = {"ID": "expire", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": days}}
    boto3.client("s3").put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
    )
