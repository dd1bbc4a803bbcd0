"""A backfill goes by the policy for each object's key."""

from dataclasses import replace
from pathlib import Path

import pytest

from operations.today import Today
from tests.unit.operations.test_backfill import counted, moderation, outputs, put, run, sent, today

__all__ = ["outputs", "today"]


def test_decide_goes_by_the_policy_for_each_key_and_orders_with_its_version(
    outputs: Path, today: Today, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = replace(today.policy, block={"Weapons": 40})
    by_prefix = replace(today, policy=replace(today.policy, paths={"children/": strict}))
    monkeypatch.setattr(Today, "read", lambda *_: by_prefix)
    for key in ("weapon.jpg", "children/weapon.jpg"):
        put(today, key, moderation=moderation(45.0))
    assert counted(outputs, capsys, "decide")["to_send"] == {"withheld": 1}
    assert run(outputs, "decide") == 0
    (event,) = sent(outputs)
    assert event.key == "children/weapon.jpg"
    assert event.rework is not None
    assert event.rework.policy_version == strict.version != today.policy.version
