"""`show` says everything that is known of a key, on a stack whose functions really ran."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.moderation.policy import Policy
from media_pipeline.records.record import iso_time
from operations.__main__ import main
from operations.show import Show
from operations.stack import StackOutputs
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import WEAPON, draw


@pytest.fixture
def outputs(stack: MotoStack, tmp_path: Path) -> Path:
    file = tmp_path / "outputs.json"
    document = {
        "uploads_bucket": "uploads",
        "quarantine_bucket": "quarantine",
        "renditions_bucket": "renditions",
        "records_table": "records",
        "images_queue_url": stack.images_url,
    }
    file.write_text(json.dumps(document))
    return file


def shown(outputs: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()  # what the functions logged
    assert main(["show", "--stack", "test", "--outputs", str(outputs), *arguments]) == 0
    return capsys.readouterr().out


def decide(stack: MotoStack, event: Mapping[str, Any], **attributes: Any) -> None:
    """Write attributes into the record of an event's version."""
    record = stack.record("a.jpg", dict(event))
    stack.records._items.update((record.object_key, record.sequencer), attributes, condition={})


def test_versions_are_shown_newest_first_with_verdict_and_place(
    stack: MotoStack, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(first)
    stack.rekognition.labels = WEAPON
    second = stack.upload("a.jpg", draw((4, 5, 6)))
    assert stack.deliver(second)
    text = shown(outputs, capsys, "a.jpg")
    newest, _, older = text.partition("PUBLISHED  ")
    assert newest.startswith("BLOCKED  20")
    assert "policy_block: Weapons 95.0 reached the block threshold of 90" in newest
    assert f"version {second['s3']['object']['versionId']}, sequencer" in newest
    assert "1 pictures judged from 50 percent on" in newest
    assert "labels: Violence 95.0, Weapons 95.0" in newest
    assert "original: in quarantine\n" in newest
    assert f"version {first['s3']['object']['versionId']}, sequencer" in older
    assert "labels: none" in older
    assert "original: in uploads\n" in older
    assert "    2 renditions\n" in older


def test_renditions_that_are_gone_are_counted(
    stack: MotoStack, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    (one, _) = sorted(stack.keys("renditions"))
    stack.clients.s3.delete_object(Bucket="renditions", Key=one)
    stack.clients.s3.delete_object(
        Bucket="uploads", Key="a.jpg", VersionId=event["s3"]["object"]["versionId"]
    )
    text = shown(outputs, capsys, "a.jpg")
    assert "2 renditions, of which 1 are missing" in text
    assert "original: gone\n" in text
    (document,) = json.loads(shown(outputs, capsys, "a.jpg", "--json"))
    assert document["stored"] == {"uploads": False, "quarantine": False, "missing_renditions": [one]}
    assert document["moderation"]["to_judge"] == 1


def test_decisions_are_shown_with_who_made_them_and_which_one_waits(
    stack: MotoStack, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.settings = replace(
        stack.settings,
        policy=Policy.parse({"mode": "enforce", "block": {"Gambling": 90}, "review": {"Weapons": 50}}),
    )
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    former = {
        "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "action": "escalate",
        "person": "arn:aws:iam::1:user/ann",
        "at": iso_time(1e9),
        "sha256": "0" * 64,
        "policy_version": "x",
    }
    latest = {**former, "id": "01ARZ3NDEKTSV4RRFFQ69G5FAW", "action": "approve", "reason": "a toy"}
    decide(stack, event, decision=latest, decisions=[former])
    lines = [line.strip() for line in shown(outputs, capsys, "a.jpg").splitlines()]
    at = "2001-09-09T01:46:40.000Z"
    assert f"{at}  approve by arn:aws:iam::1:user/ann: a toy; not carried out yet" in lines
    assert lines.index(f"{at}  escalate by arn:aws:iam::1:user/ann") > 0
    decide(stack, event, carried_out=latest["id"])
    assert "not carried out" not in shown(outputs, capsys, "a.jpg")


def test_approvals_and_a_hold_are_shown_with_who_gave_them(
    stack: MotoStack, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    stack.rekognition.labels = WEAPON
    assert stack.deliver(event)
    at = iso_time(stack.clock.now)
    decide(
        stack,
        event,
        approvals=[{"person": "anna", "at": at, "id": "1"}],
        hold={"person": "bea", "at": at, "reason": "a minor"},
    )
    text = shown(outputs, capsys, "a.jpg")
    assert f"held as evidence since {at}, escalated by bea: a minor" in text
    assert f"{at}  approved by anna; others must approve it as well" in text


def test_work_under_way_says_for_how_long_nobody_else_may_touch_it(stack: MotoStack, outputs: Path) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    decide(stack, event, status="PROCESSING", owner="somebody", lease_until=1000)
    show = Show(
        outputs=StackOutputs.find("test", outputs), dynamodb=stack.clients.dynamodb, s3=stack.clients.s3
    )
    (only,) = show.of_key("a.jpg")
    assert "    somebody works on it, for 1 minute at most" in list(only.lines(now=900.0))
    assert "    nobody works on it; it waits for the image function" in list(only.lines(now=1001.0))


def test_a_null_version_whose_place_other_bytes_took_is_not_in_uploads_any_more(
    stack: MotoStack, outputs: Path
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    show = Show(
        outputs=StackOutputs.find("test", outputs), dynamodb=stack.clients.dynamodb, s3=stack.clients.s3
    )
    decide(stack, event, version_id=None)
    (same,) = show.of_key("a.jpg")
    assert same.record.is_of_null_version
    assert same.uploaded
    stack.clients.s3.put_object(Bucket="uploads", Key="a.jpg", Body=b"other bytes")
    (other,) = show.of_key("a.jpg")
    assert not other.uploaded


def test_a_key_without_a_record_is_an_error_that_says_what_to_do(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "--stack", "test", "--outputs", str(outputs), "none.jpg"]) == 1
    assert "there is no record of 'none.jpg'" in capsys.readouterr().err
