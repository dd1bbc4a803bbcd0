"""Temporary files of tests are in memory only where nobody said otherwise and there is plenty."""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.fixtures import scratch

PLENTY = {"f_flag": 0, "f_bavail": 2 * scratch.ENOUGH, "f_frsize": 1}


@pytest.mark.parametrize(
    ("found", "is_used"),
    [
        ({}, True),
        ({"f_bavail": scratch.ENOUGH - 1}, False),  # a container's usual 64 MB
        ({"f_flag": os.ST_NOEXEC}, False),  # tests start programs that they write
    ],
)
def test_memory_is_used_where_it_is_large_and_may_run_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: dict[str, int], is_used: bool
) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(scratch, "MEMORY", tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**{**PLENTY, **found}))
    scratch.keep_scratch_files_in_memory()
    assert (os.environ.get("TMPDIR") == str(tmp_path)) is is_used
    assert (tempfile.gettempdir() == str(tmp_path)) is is_used


def test_a_folder_that_was_named_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**PLENTY))
    scratch.keep_scratch_files_in_memory()
    assert os.environ["TMPDIR"] == str(tmp_path)
