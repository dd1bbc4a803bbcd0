"""Backfills that release what the policy of now allows: a decision with evidence, and nobody else's is overridden."""

import json
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from media_pipeline.records.decisions import Action
from media_pipeline.records.items import ItemTable
from operations.reviews.desk import Desk
from operations.sending import Sender, Work
from operations.stack import StackOutputs
from operations.today import Today
from tests.unit.operations.test_backfill import counted, moderation, outputs, put, run, sent, today

__all__ = ["outputs", "today"]  # fixtures


def put_withheld(today: Today, status: str, **more: Any) -> None:
    boto3.client("s3").put_object(Bucket="quarantine", Key="a.jpg/v1", Body=b"picture")
    put(
        today,
        "a.jpg",
        status=status,
        reason=f"policy_{'block' if status == 'BLOCKED' else 'review'}",
        sha256="0" * 64,
        original="quarantine",
        renditions=[],
        moderation=moderation(verdict="block", reason="Weapons 20 reached the block threshold"),
        **more,
    )


@pytest.mark.parametrize(
    ("status", "action"),
    [("REVIEW", Action.REJECT), ("REVIEW", Action.WITHDRAW), ("BLOCKED", Action.ESCALATE)],
)
def test_release_leaves_what_a_person_decided_while_it_ran(
    outputs: Path,
    today: Today,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    action: Action,
) -> None:
    put_withheld(today, status)
    items = ItemTable(dynamodb=boto3.client("dynamodb"), table="records", clock=time.time)
    position = "a.jpg", "0A".ljust(32, "0")
    wait = Sender.wait_for_turn

    def decide(self: Sender, work: Work) -> None:
        record = items.get(*position)
        assert record is not None
        desk = Desk.open("dev", StackOutputs.find("dev", outputs))
        desk.decisions.ask(record, action, "arn:aws:iam::123456789012:user/anna", reason="no")
        wait(self, work)

    monkeypatch.setattr(Sender, "wait_for_turn", decide)
    assert run(outputs, "decide", "--release") == 0
    assert "left as it is, since it changed while this ran: 'a.jpg'" in capsys.readouterr().out
    record = items.get(*position)
    assert record is not None
    assert record.decision is not None
    assert record.decision.action is action


def test_release_is_a_decision_with_evidence_and_only_where_asked_for(
    outputs: Path, today: Today, capsys: pytest.CaptureFixture[str]
) -> None:
    put_withheld(today, "BLOCKED")
    assert run(outputs, "decide") == 0
    assert sent(outputs) == []
    assert "--release" in capsys.readouterr().out
    assert run(outputs, "decide", "--release") == 0
    (event,) = sent(outputs)
    assert event.decision_id is not None
    (evidence,) = boto3.client("s3").list_objects_v2(Bucket="evidence")["Contents"]
    written = json.loads(boto3.client("s3").get_object(Bucket="evidence", Key=evidence["Key"])["Body"].read())
    assert (written["action"], written["override"]) == ("approve", True)


@pytest.mark.parametrize("decided", [False, True])
def test_what_a_person_blocked_is_not_counted_among_what_is_released(
    outputs: Path, today: Today, capsys: pytest.CaptureFixture[str], decided: bool
) -> None:
    decision = {"id": "A", "action": "reject", "person": "anna", "at": "2026-11-28T00:00:00.000Z"}
    put_withheld(today, "BLOCKED", **({"decision": decision, "carried_out": "A"} if decided else {}))
    document = counted(outputs, capsys, "decide", "--release")
    assert document["to_send"] == ({} if decided else {"published": 1})
