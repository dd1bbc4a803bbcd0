"""What a backfill releases is told from what people decided."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from operations.deciding_again import RELEASE_REASON, Decided, Outcome, is_by_person
from operations.today import Today
from operations.what_if import Comparison
from tests.unit.operations.test_backfill import moderation, outputs, put, run, today

__all__ = ["outputs", "today"]


@pytest.mark.usefixtures("today")
def test_a_release_has_the_reason_by_which_it_is_known(outputs: Path, today: Today) -> None:
    withheld: dict[str, Any] = {"verdict": "block", "reason": "Weapons 20 reached the block threshold"}
    s3 = boto3.client("s3")
    s3.put_object(Bucket="quarantine", Key="a.jpg/v1", Body=b"picture")
    kept: dict[str, Any] = {"reason": "policy_block", "sha256": "0" * 64, "original": "quarantine"}
    put(today, "a.jpg", status="BLOCKED", renditions=[], moderation=moderation(**withheld), **kept)
    assert run(outputs, "decide", "--release") == 0
    (evidence,) = s3.list_objects_v2(Bucket="evidence")["Contents"]
    written = json.loads(s3.get_object(Bucket="evidence", Key=evidence["Key"])["Body"].read())
    assert written["reason"] == RELEASE_REASON
    assert not is_by_person(written)
    assert is_by_person({**written, "reason": "a toy"})
    assert is_by_person({**written, "action": "reject"})


@pytest.mark.parametrize(("reason", "decided"), [(RELEASE_REASON, 0), ("a toy", 1)])
def test_what_another_policy_changes_names_what_people_decided_and_no_releases(
    reason: str, decided: int
) -> None:
    comparison = Comparison()
    verdict = {"verdict": "review", "mode": "enforce", "reason": "many scenes"}
    decision = {"action": "approve", "reason": reason}
    record = {"object_key": "a.jpg", "moderation": verdict, "decision": decision}
    comparison.add(record, Decided(Outcome.PUBLISHED, None))
    (changed,) = comparison.changes.values()
    assert changed.decided.total() == decided
