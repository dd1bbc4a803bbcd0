"""A small share of `make corpus`, and that it detects processes which crash or hang."""

import os
import time
from typing import Any

import pytest

from tests.faults.corpus import ARCHIVE, FileResult, Findings, all_violations, examine_all


@pytest.mark.skipif(not ARCHIVE.exists(), reason="../shared/corpus is absent")
def test_odd_pictures_end_in_one_record_each_and_break_nothing() -> None:
    findings = examine_all(share=150)
    findings.violations = [
        violation for violation in all_violations(findings) if not violation.startswith("p99 is")
    ]
    assert findings.violations == []  # apart from the wall-clock time, which depends on who else is working
    assert findings.crashes == 0
    assert len(findings.results) >= 20
    assert findings.p99("function") > 0


def _fragile(_share: int, start: int, connection: Any) -> None:
    """Process four files, of which the second ends the process and the third takes for ever."""
    connection.send(("idle", 50.0))
    for number in range(start, 4):
        connection.send(("begin", f"file {number}"))
        if number == 1:
            os._exit(3)
        if number == 2:
            time.sleep(600)
        connection.send(("end", _examined(f"file {number}")))
    connection.send(("done", None))


def _examined(name: str, *, wall: float = 0.1, megabytes: float = 60.0) -> FileResult:
    return FileResult(
        name=name,
        status="PUBLISHED",
        wall=wall,
        processor=0.1,
        function=0.1,
        megabytes=megabytes,
        violations=(),
    )


@pytest.mark.long
def test_a_process_that_crashes_or_hangs_is_reported_and_replaced() -> None:
    findings = examine_all(1, worker=_fragile, file_timeout=1.0)
    assert [one.name for one in findings.results] == ["file 0", "file 3"]
    assert findings.crashes == 2
    assert findings.violations == [
        "file 1: the process crashed with 3",
        "file 2: the process did nothing for 1 s",
    ]


def test_a_run_that_takes_too_long_is_ended() -> None:
    findings = examine_all(1, worker=_fragile, file_timeout=3.0, time_limit=0.0)
    assert findings.violations == ["not done after 0 s: 0 files were started"]


def test_too_much_time_and_memory_are_violations() -> None:
    findings = Findings(idle=50.0, results=[_examined("slow", wall=1.2, megabytes=700.0)])
    assert all_violations(findings) == [
        "p99 is 1.20 s, more than 1 s; of the processor 0.10 s",
        "the peak is 650 MB above idle, more than 512 MB",
    ]
