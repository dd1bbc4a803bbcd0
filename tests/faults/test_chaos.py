"""A small share of `make chaos`: deployed functions, killed, stalled and starved for real."""

import re
from dataclasses import replace

import pytest

from embedded_aws.runtime import memory
from tests.faults.chaos import Plan, Run

QUICK = Plan(objects=10, timeout=20, factor=0.15, haste=6.0)  # time-outs of 3 s, visibility timeouts of 4 s


def test_killed_slow_and_starved_functions_with_a_full_tmp_lose_nothing() -> None:
    """Two consumers for all; heavy pictures are killed for their memory, as far as it can be told here."""
    heavy = memory.SUPPORTED
    chaos = Run(replace(QUICK, kills=3, stalls=3, seed=1, concurrency=2, file_bytes=0, heavy=heavy))()
    assert chaos.violations == []
    assert (chaos.kills, chaos.restarts) == (3, 1)
    assert chaos.stalls >= 1
    assert chaos.memory_kills in ((2, 3) if heavy else (0,))  # one death may have been the restart's
    assert chaos.statuses == {"PUBLISHED": 6 - heavy, "BLOCKED": 2, "REJECTED": 2 + heavy}


def test_a_run_that_does_not_come_to_its_end_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.faults.process_chaos.Siege.left", lambda _: 1)
    monkeypatch.setattr("embedded_aws.runtime.poller.Poller.idle", lambda _: False)
    chaos = Run(replace(QUICK, objects=1, heavy=False, restart=False, longest=0.0))()
    told = "\n".join(chaos.violations)
    assert "not done after 0 s" in told
    assert re.search(r"^0\.jpg ended .*, not PUBLISHED", told, re.MULTILINE)
    assert re.search(r"images_queue_url: \{'ApproximateNumberOfMessages': '\d", told)
    assert "records are open or unannounced" in told
