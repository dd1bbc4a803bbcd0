"""Redriving from records: what is sent, what is left alone, and how a run goes on after an interruption."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from media_pipeline.events import EventKind, parse_message
from media_pipeline.record import iso_time, to_item
from operations import redrive as redriving
from operations.__main__ import main
from operations.errors import OperationsError
from operations.stack import StackOutputs

NOW = time.time()
LONG_AGO = NOW - 7200


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        table = boto3.client("dynamodb")
        key, sequencer = "object_key", "sequencer"
        table.create_table(
            TableName="records",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"}
                for name in (key, sequencer, "attention", "updated_at")
            ],
            KeySchema=[
                {"AttributeName": key, "KeyType": "HASH"},
                {"AttributeName": sequencer, "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "attention",
                    "KeySchema": [
                        {"AttributeName": "attention", "KeyType": "HASH"},
                        {"AttributeName": "updated_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        url = boto3.client("sqs").create_queue(QueueName="images")["QueueUrl"]
        file = tmp_path / "outputs.json"
        document = {"uploads_bucket": "uploads", "records_table": "records", "images_queue_url": url}
        file.write_text(json.dumps(document))
        yield file


def put(key: str, status: str, *, since: float = LONG_AGO, **attributes: Any) -> None:
    values = {
        "object_key": key,
        "sequencer": "0A".ljust(32, "0"),
        "status": status,
        "attempt": 3,
        "version_id": "v1",
        "etag": "e",
        "lease_until": 0,
        "updated_at": iso_time(since),
        **({"attention": status} if status in ("FAILED", "REVIEW") else {}),
        **attributes,
    }
    boto3.client("dynamodb").put_item(TableName="records", Item=to_item(values))


def messages(outputs: Path) -> list[Any]:
    url = json.loads(outputs.read_text())["images_queue_url"]
    found = []
    while batch := boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [event for message in batch for event in parse_message(message["Body"])]
    return found


def run(outputs: Path, *arguments: str) -> int:
    return main(["redrive", "--stack", "dev", "--outputs", str(outputs), "--rate", "1000", *arguments])


def test_failed_objects_are_sent_with_their_attempt_and_an_encoded_key(outputs: Path) -> None:
    put("a b/ü+1.jpg", "FAILED", announced_at="x")
    assert run(outputs) == 0
    (event,) = messages(outputs)
    assert (event.kind, event.bucket, event.key) == (EventKind.CREATED, "uploads", "a b/ü+1.jpg")
    assert (event.version_id, event.etag, event.redrive_attempt) == ("v1", "e", 3)
    assert event.sequencer == "0A".ljust(32, "0")


@pytest.mark.parametrize(
    ("status", "attributes"),
    [
        ("PUBLISHED", {"announced_at": "x"}),
        ("BLOCKED", {"since": NOW - 60}),
        ("REVIEW", {"announced_at": "x"}),
        ("PROCESSING", {"lease_until": int(NOW) + 30}),
        ("PROCESSING", {"lease_until": int(NOW) - 60}),
        ("PROCESSING", {"since": NOW - 60}),
    ],
)
def test_what_is_done_or_still_worked_on_is_left_alone(outputs: Path, status: str, attributes: Any) -> None:
    put("a.jpg", status, **attributes)
    assert run(outputs) == 0
    assert messages(outputs) == []


@pytest.mark.parametrize("status", ["PROCESSING", "PUBLISHED", "BLOCKED"])
def test_abandoned_and_unannounced_ones_are_sent_without_an_attempt(outputs: Path, status: str) -> None:
    put("a.jpg", status)
    assert run(outputs) == 0
    (event,) = messages(outputs)
    assert event.redrive_attempt is None


@pytest.mark.parametrize(
    ("tombstone", "kind"), [(True, EventKind.DELETE_MARKER), (False, EventKind.VERSION_DELETED)]
)
def test_unannounced_deletes_are_sent_as_the_delete_that_they_were(
    outputs: Path, tombstone: bool, kind: EventKind
) -> None:
    put("a.jpg", "DELETED", delete_marker=tombstone)
    run(outputs)
    assert [event.kind for event in messages(outputs)] == [kind]


def test_status_and_key_choose(outputs: Path) -> None:
    for key in ("a.jpg", "b.jpg"):
        put(key, "FAILED", announced_at="x")
    put("c.jpg", "PROCESSING")
    run(outputs, "--status", "FAILED", "--key", "b.jpg")
    assert [event.key for event in messages(outputs)] == ["b.jpg"]
    run(outputs, "--status", "FAILED")
    assert sorted(event.key for event in messages(outputs)) == ["a.jpg", "b.jpg"]
    run(outputs, "--status", "PROCESSING")
    assert [event.key for event in messages(outputs)] == ["c.jpg"]


def test_dry_run_says_what_it_would_send_and_sends_nothing(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put("a.jpg", "FAILED")
    assert run(outputs, "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "'a.jpg'" in printed
    assert "1 would be sent" in printed
    assert messages(outputs) == []


def test_interrupted_run_says_how_to_go_on_and_skips_nothing(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        put(f"{number} '.jpg", "FAILED", announced_at="x")
    real = redriving.Redrive.send
    sends: list[redriving.Stuck] = []

    def interrupted(self: redriving.Redrive, stuck: redriving.Stuck) -> None:
        if len(sends) == 2:
            raise KeyboardInterrupt
        sends.append(stuck)
        real(self, stuck)

    monkeypatch.setattr(redriving.Redrive, "send", interrupted)
    assert run(outputs) == 130
    monkeypatch.setattr(redriving.Redrive, "send", real)
    last = sends[-1]
    assert "--after" in capsys.readouterr().err
    assert run(outputs, "--after", last.object_key, last.sequencer) == 0
    assert len({event.key for event in messages(outputs)}) == 5


@pytest.mark.parametrize("text", ["", "[]{", "{}"])
def test_unusable_outputs_are_one_clear_error(
    outputs: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    outputs.write_text(text)
    assert run(outputs) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_without_pulumi_the_error_names_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OperationsError, match="--outputs"):
        StackOutputs.find("dev", None)
