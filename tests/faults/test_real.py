"""A small share of `make chaos`: deployed functions, killed, stalled and starved for real."""

import re
from dataclasses import replace

import pytest

from local.runtime import memory
from tests.faults.real import Plan, Run

QUICK = Plan(objects=10, timeout=20, factor=0.15, haste=6.0)  # time-outs of 3 s, visibility timeouts of 4 s


def test_functions_killed_at_random_in_the_embedded_aws_lose_nothing() -> None:
    chaos = Run(replace(QUICK, kills=3, stalls=1, seed=1, heavy=memory.SUPPORTED))()
    assert chaos.violations == []
    assert (chaos.kills, chaos.restarts) == (3, 1)
    assert chaos.memory_kills == (3 if memory.SUPPORTED else 0)
    assert chaos.statuses == {
        "PUBLISHED": 6 - memory.SUPPORTED,
        "BLOCKED": 2,
        "REJECTED": 2 + memory.SUPPORTED,
    }


def test_two_slow_consumers_and_a_tmp_that_takes_no_byte_lose_nothing() -> None:
    plan = replace(QUICK, stalls=6, concurrency=2, file_bytes=0, heavy=False, restart=False)
    chaos = Run(plan)()
    assert chaos.violations == []
    assert chaos.stalls >= 4
    assert chaos.statuses == {"PUBLISHED": 6, "BLOCKED": 2, "REJECTED": 2}


def test_a_run_that_does_not_come_to_its_end_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.faults.siege.Siege.left", lambda _: 1)
    monkeypatch.setattr("local.runtime.poller.Poller.idle", lambda _: False)
    chaos = Run(replace(QUICK, objects=1, heavy=False, restart=False, longest=1.0))()
    told = "\n".join(chaos.violations)
    assert "not done after 1 s" in told
    assert re.search(r"images_queue_url: \{'ApproximateNumberOfMessages': '\d", told)
    assert "records are open or unannounced" in told
