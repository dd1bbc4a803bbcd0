"""A small share of `make chaos`: deployed functions that are killed, stalled and out of memory for real."""

import re
from dataclasses import replace

import pytest

from embedded_aws.runtime import memory
from tests.faults.chaos import ChaosRun, Plan

QUICK = Plan(
    objects=8, timeout=20, factor=0.15, retry_speedup=6.0
)  # time-outs of 3 s, visibility timeouts of 4 s


@pytest.mark.long
def test_killed_stalled_and_out_of_memory_functions_with_a_full_tmp_lose_nothing() -> None:
    """Two functions at a time; heavy pictures are killed for their memory where the system can measure it."""
    heavy = memory.SUPPORTED
    report = ChaosRun(replace(QUICK, kills=1, stalls=1, seed=1, concurrency=2, file_bytes=0, heavy=heavy))()
    assert report.violations == []
    assert (report.kills, report.restarts) == (1, 1)
    assert report.stalls >= 1
    assert report.memory_kills in ((2, 3) if heavy else (0,))  # one death may have been the restart's
    assert report.statuses == {"PUBLISHED": 5 - heavy, "BLOCKED": 2, "REJECTED": 1 + heavy}


@pytest.mark.long
def test_a_run_that_does_not_finish_reports_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.faults.process_chaos.ProcessChaos.left", lambda _: 1)
    monkeypatch.setattr("embedded_aws.runtime.poller.Poller.idle", lambda _: False)
    report = ChaosRun(replace(QUICK, objects=1, heavy=False, restart=False, time_limit=0.0))()
    lines = "\n".join(report.violations)
    assert "not done after 0 s" in lines
    assert re.search(r"^0\.jpg ended .*, not PUBLISHED", lines, re.MULTILINE)
    assert re.search(r"images_queue_url: \{'ApproximateNumberOfMessages': '\d", lines)
    assert "records are open or unannounced" in lines
