"""Redriving from records: what is sent, what is left alone, and how a run goes on after an interruption."""

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from media_pipeline.events import EventKind, parse_message
from media_pipeline.reconciliation import Position, Step
from media_pipeline.records.record import iso_time, to_item
from media_pipeline.records.resumption import Resumption
from operations import redrive as redriving
from operations.__main__ import main
from operations.errors import OperationsError
from operations.stack import StackOutputs
from tests.fixtures.moto_speedups import fast_mock_aws

NOW = time.time()
LONG_AGO = NOW - 7200


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with fast_mock_aws():
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


def test_notes_between_the_records_are_left_alone(outputs: Path) -> None:
    """The position of an unfinished reconcile, which has no status, and notes about versions."""
    dynamodb = boto3.client("dynamodb")
    Resumption(dynamodb=dynamodb, table="records", clock=lambda: NOW).save(
        Position(step=Step.UPLOADS, key="b.jpg", object_key="a.jpg", sequencer="0B")
    )
    put("a.jpg", "SUPERSEDED", sequencer="!judged/v1")
    put("a.jpg", "PROCESSING")
    assert run(outputs) == 0
    assert len(messages(outputs)) == 1


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


def decided(since: float = LONG_AGO, action: str = "approve") -> dict[str, Any]:
    return {"id": "01KB5Q8YV0ABCDEFGHJKMNPQRS", "action": action, "at": iso_time(since)}


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("REVIEW", "approve"),
        ("BLOCKED", "approve"),
        ("PUBLISHED", "withdraw"),
        ("SUPERSEDED", "withdraw"),
        ("BLOCKED", "restore"),
    ],
)
def test_decision_whose_message_was_lost_is_sent_again(outputs: Path, status: str, action: str) -> None:
    put("a b.jpg", status, announced_at="x", decision=decided(action=action))
    assert run(outputs, "--status", "DECIDED") == 0
    (event,) = messages(outputs)
    assert (event.kind, event.key, event.version_id) == (EventKind.CREATED, "a b.jpg", "v1")
    assert (event.decision_id, event.redrive_attempt) == ("01KB5Q8YV0ABCDEFGHJKMNPQRS", None)


@pytest.mark.parametrize(
    ("status", "attributes"),
    [
        ("REVIEW", {"decision": decided(NOW + 3600)}),  # a moment ago, whenever this test has its turn
        ("BLOCKED", {"decision": decided(), "carried_out": "01KB5Q8YV0ABCDEFGHJKMNPQRS"}),
        ("SUPERSEDED", {"decision": decided()}),
        ("PUBLISHED", {"decision": decided(action="escalate")}),
        ("BLOCKED", {"decision": decided(action="withdraw")}),
        ("PUBLISHED", {"decision": decided(action="restore")}),
    ],
)
def test_decision_that_is_under_way_carried_out_or_without_effect_is_left_alone(
    outputs: Path, status: str, attributes: Any
) -> None:
    put("a.jpg", status, announced_at="x", **attributes)
    assert run(outputs) == 0
    assert messages(outputs) == []


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


def test_failed_objects_whose_original_is_gone_are_sent_only_when_asked_for(outputs: Path) -> None:
    put("gone.jpg", "FAILED", reason="original_gone")
    command = ["redrive", "--stack", "dev", "--outputs", str(outputs)]
    assert main(command) == 0
    assert messages(outputs) == []
    assert main([*command, "--gone"]) == 0
    assert len(messages(outputs)) == 1


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
        put(f"-{number} 'ü.jpg", "FAILED", announced_at="x")
    real = redriving.Redrive.send
    sends: list[redriving.StuckObject] = []

    def interrupted(self: redriving.Redrive, stuck: redriving.StuckObject) -> None:
        if len(sends) == 2:
            raise KeyboardInterrupt
        sends.append(stuck)
        real(self, stuck)

    monkeypatch.setattr(redriving.Redrive, "send", interrupted)
    assert run(outputs) == 130
    monkeypatch.setattr(redriving.Redrive, "send", real)
    assert _go_on(capsys) == 0
    assert len(messages(outputs)) == 5


def test_interrupted_run_of_failed_ones_goes_on_in_the_order_of_their_index(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (4, 1, 3, 0, 2):  # put in one order, failed in another
        put(f"{number} '.jpg", "FAILED", since=LONG_AGO - number, announced_at="x")
    real = redriving.Redrive.send
    sends: list[str] = []

    def interrupted(self: redriving.Redrive, stuck: redriving.StuckObject) -> None:
        if len(sends) == 2:
            raise ClientError({"Error": {"Code": "Throttling", "Message": "slower"}}, "SendMessage")
        sends.append(stuck.object_key)
        real(self, stuck)

    monkeypatch.setattr(redriving.Redrive, "send", interrupted)
    assert run(outputs, "--status", "FAILED") == 1
    monkeypatch.setattr(redriving.Redrive, "send", real)
    assert sends == ["4 '.jpg", "3 '.jpg"]
    put("4 '.jpg", "PROCESSING", since=NOW)  # claimed meanwhile: no longer in the index
    assert _go_on(capsys) == 0
    assert [event.key for event in messages(outputs)] == [f"{number} '.jpg" for number in (4, 3, 2, 1, 0)]


def _go_on(capsys: pytest.CaptureFixture[str]) -> int:
    """Run what an interrupted run told to run."""
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Continue with: ")]
    command = shlex.split(line.removeprefix("Continue with: "))
    assert command[:3] == ["python", "-m", "operations"]
    return main(command[3:])


def test_what_fails_while_a_run_goes_on_is_left_to_the_next_one(outputs: Path) -> None:
    put("a.jpg", "FAILED", announced_at="x")
    put("b.jpg", "FAILED", since=time.time() + 60)  # it would come last in the index, again and again
    assert run(outputs, "--status", "FAILED") == 0
    assert [event.key for event in messages(outputs)] == ["a.jpg"]


def test_a_run_is_held_to_its_rate(outputs: Path) -> None:
    for number in range(3):
        put(f"{number}.jpg", "FAILED")
    pauses: list[float] = []
    redrive = redriving.Redrive(
        outputs=StackOutputs.find("dev", outputs),
        dynamodb=boto3.client("dynamodb"),
        sqs=boto3.client("sqs"),
        rate=4.0,
        sleep=pauses.append,
    )
    for stuck in redrive.find(frozenset(redriving.Kind), key=None, after=None):
        redrive.send(stuck)
    assert pauses == [0.25] * 3


def test_the_stack_is_looked_for_in_its_own_region(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put("a.jpg", "FAILED")
    document = json.loads(outputs.read_text())
    arn = "arn:aws:sns:eu-west-1:123456789012:events"
    outputs.write_text(json.dumps({**document, "events_topic_arn": arn}))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")  # the shell's, where there is no such table
    assert run(outputs, "--dry-run") == 0
    assert "1 would be sent" in capsys.readouterr().out


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


def test_a_position_that_no_run_printed_is_refused(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(outputs, "--after", "a.jpg")
    assert "not in the form that an interrupted run printed" in capsys.readouterr().err
