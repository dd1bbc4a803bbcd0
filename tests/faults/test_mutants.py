"""A mutation is detected, missed or broken; one that was not tried to its end is never counted as detected."""

import difflib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.all_mutations import MUTATIONS
from tests.faults.all_scenarios import SCENARIOS
from tests.faults.exhaustive import FAMILIES
from tests.faults.mutants import (
    MISSED,
    ROOT,
    SEED,
    UNCHANGED,
    Trial,
    Trials,
    detected_by,
    try_in_this_process,
)
from tests.faults.mutations import swap

FILE = ROOT / "lambda/media_pipeline/moderation/rekognition.py"


@pytest.mark.long
def test_unchanged_code_has_no_violation() -> None:
    assert try_in_this_process(UNCHANGED) == MISSED


def test_a_mutation_that_publishes_blocked_pictures_is_detected() -> None:
    trial = Trials().own("publish-whatever-the-verdict")
    assert (trial.detected, trial.tried, trial.word) == (True, True, "detected")
    assert trial.by.startswith("block: ")  # the first scenario in which it matters


def test_a_child_that_runs_out_of_time_is_broken_and_not_detected() -> None:
    trial = Trials(time_limit=0.01).own(UNCHANGED)
    assert (trial.detected, trial.tried, trial.word) == (False, False, "BROKEN")
    assert trial.by == "it did not finish within 0.01 s"


def test_a_child_that_is_killed_is_broken_and_not_detected() -> None:
    trials, done = Trials(), list[Trial]()
    thread = threading.Thread(target=lambda: done.append(trials.own(UNCHANGED)))
    thread.start()
    deadline = time.monotonic() + 30
    while not trials.running and time.monotonic() < deadline:
        time.sleep(0.01)
    trials.stop()
    thread.join()
    (trial,) = done
    assert (trial.detected, trial.tried, trial.word) == (False, False, "BROKEN")
    assert trial.by == "the process was killed by signal 9"


def test_a_mutation_that_cannot_be_applied_is_broken_and_not_detected() -> None:
    unknown = Trials().own("no-such-mutation")
    assert (unknown.detected, unknown.tried) == (False, False)
    assert "no-such-mutation" not in MUTATIONS
    assert unknown.by == "the mutation cannot be applied: KeyError('no-such-mutation')"


class _Present:
    def finish(self, record: str, *, has_older: bool = True) -> str:
        return f"{record} {has_older}"


@pytest.mark.parametrize(
    "changed",
    [
        lambda self, record: f"{self} {record}",
        lambda self, *, has_older: f"{self} {has_older}",
        lambda self, record, has_newer=True: f"{self} {record} {has_newer}",
    ],
)
def test_a_function_that_is_called_in_another_way_is_no_mutation(changed: Callable[..., str]) -> None:
    with pytest.raises(TypeError):
        swap(_Present, "finish", lambda _: changed)


def test_a_function_that_is_called_in_the_same_way_takes_the_others_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_Present, "finish", _Present.finish)
    swap(_Present, "finish", lambda _: lambda *_, **how: f"changed {how}")
    assert _Present().finish("record", has_older=False) == "changed {'has_older': False}"


def test_every_mutation_can_be_applied() -> None:
    """Apply each to the code as it is: what a change of the code renamed, removed or gave a parameter is named here."""
    script = (
        "import os\n"
        "from tests.faults.mutants import MUTATIONS\n"
        "for name, mutate in MUTATIONS.items():\n"
        "    if child := os.fork():\n"
        "        os.waitpid(child, 0)\n"
        "        continue\n"
        "    try: mutate()\n"
        "    except Exception as error: print(f'{name}: {error!r}', flush=True)\n"
        "    os._exit(0)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lambda")}
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_what_is_remembered_names_mutations_and_cases_that_are_there() -> None:
    known = detected_by()
    assert set(known) <= set(MUTATIONS)
    families = tuple(f"{family}:" for family in FAMILIES)
    unknown = {
        case
        for case in known.values()
        if not case.startswith((SEED, *families)) and case.partition("/")[0] not in SCENARIOS
    }
    assert unknown == set()


@pytest.mark.parametrize(
    ("added", "word", "by"),
    [
        ("import no_such_module\n", "detected", "No module named 'no_such_module'"),
        (None, "BROKEN", "does not apply to lambda/"),
    ],
)
def test_a_patch_is_tried_in_a_copy(tmp_path: Path, added: str | None, word: str, by: str) -> None:
    before = FILE.read_text("utf-8")
    old = before if added else f"Another line.\n{before}"
    new = f"{before}{added}" if added else before
    name = FILE.relative_to(ROOT)
    patch = tmp_path / "mistake.patch"
    patch.write_text(
        "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}")),
        "utf-8",
    )
    trial = Trials().patch(patch)
    assert (trial.word, trial.tried) == (word, word != "BROKEN")
    assert by in trial.by
    assert FILE.read_text("utf-8") == before
