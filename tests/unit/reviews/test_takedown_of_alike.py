"""Takedowns of what looks alike, and takedowns that are remembered on the hash list."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from operations.commands import takedown as command
from tests.unit.images.drawing import detailed
from tests.unit.reviews.conftest import SHA256, Stack
from tests.unit.reviews.test_hashes_by_look import distance, saved
from tests.unit.reviews.test_takedown import OTHER, Run, published, run

__all__ = ["run"]
WHY = ("--reason", "notice")
BITS = int("5" * 64, 16)
THIRD = "ef" * 32


def look(bits: int) -> dict[str, Any]:
    return {"pdq": f"{BITS ^ (1 << bits) - 1:064x}", "pdq_quality": 90}


@pytest.fixture
def alike(stack: Stack) -> None:
    """Publish a picture, an identical copy, two that look like it, and another one."""
    published(stack, "a.jpg", **look(0))
    published(stack, "same.jpg", **look(0))
    published(stack, "near.jpg", sha256=OTHER, **look(9))
    published(stack, "near2.jpg", sha256=THIRD, **look(20))
    published(stack, "far.jpg", sha256="12" * 32, **look(90))


def statuses(stack: Stack) -> dict[str, str]:
    items = stack.dynamodb.scan(TableName="records")["Items"]
    return {item["object_key"]["S"]: item["status"]["S"] for item in items if "status" in item}


def taken_down(stack: Stack) -> set[str]:
    return {key for key, status in statuses(stack).items() if status == "BLOCKED"}


def on_list(stack: Stack) -> list[dict[str, Any]]:
    items = stack.dynamodb.scan(TableName="records")["Items"]
    return [item for item in items if item["object_key"]["S"] == "!hashes"]


@pytest.mark.usefixtures("alike")
def test_what_looks_alike_is_listed_and_nothing_is_taken_down_before_somebody_chose(
    stack: Stack, run: Run
) -> None:
    code, said, _ = run("takedown", "--like", "a.jpg", *WHY)
    assert code == 1
    lines = said.splitlines()
    assert lines[0].split() == ["9", "bits", "differ", "PUBLISHED", OTHER[:8], "'near.jpg'"]
    assert lines[1].startswith(" 20 bits differ")
    assert "far.jpg" not in said
    assert "--choose KEY" in lines[-1]
    assert taken_down(stack) == set()


@pytest.mark.usefixtures("alike")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--choose", "near.jpg"), {"near.jpg"}),
        (("--all",), {"near.jpg", "near2.jpg"}),
        (("--all", "--distance", "10"), {"near.jpg"}),
        (("--distance", "5"), set()),
    ],
)
def test_the_key_with_its_copies_and_what_was_chosen_is_taken_down(
    stack: Stack, run: Run, arguments: tuple[str, ...], expected: set[str]
) -> None:
    code, said, _ = run("takedown", "--like", "a.jpg", *WHY, *arguments)
    assert code == 0, said
    assert taken_down(stack) == {"a.jpg", "same.jpg"} | expected


@pytest.mark.usefixtures("alike")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--like", "a.jpg", "--choose", "far.jpg"), "'far.jpg' is not among what looks like"),
        (("--key", "a.jpg", "--all"), "are for what --like finds"),
        (("--sha256", SHA256, "--remember", "look"), "needs a key"),
    ],
)
def test_choices_that_mean_nothing_are_errors(
    stack: Stack, run: Run, arguments: tuple[str, ...], words: str
) -> None:
    code, _, said = run("takedown", *WHY, *arguments)
    assert code == 1
    assert words in said
    assert taken_down(stack) == set()


@pytest.mark.usefixtures("alike")
def test_a_dry_run_remembers_nothing(stack: Stack, run: Run) -> None:
    assert run("takedown", "--like", "a.jpg", *WHY, "--all", "--remember", "--dry-run")[0] == 0
    assert (taken_down(stack), on_list(stack), stack.evidence()) == (set(), [], {})


def test_what_was_processed_by_the_old_list_is_found_by_the_second_look(
    stack: Stack, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(stack, "a.jpg")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        published(stack, "late.jpg")

    monkeypatch.setattr(time, "sleep", sleep)
    evidence = tmp_path / "evidence.json"
    code, said, _ = run(
        "takedown", "--key", "a.jpg", *WHY, "--case", "7", "--remember", "--evidence", str(evidence)
    )
    assert code == 0, said
    assert "1 hashes were put on the hash list." in said
    assert taken_down(stack) == {"a.jpg", "late.jpg"}
    assert 60 < sum(slept) <= command.SECOND_LOOK_SECONDS
    document = json.loads(evidence.read_text())
    (entry,) = document["hash_list"]
    assert (entry["kind"], entry["value"], entry["action"]) == ("sha256", SHA256, "block")
    assert entry["source_key_sha256"] == hashlib.sha256(b"a.jpg").hexdigest()
    first = min(stack.evidence().values(), key=lambda each: each["id"])
    assert (first["action"], first["case"]) == ("hashes-add", {"number": "7"})


@pytest.mark.long
def test_a_takedown_can_remember_what_the_key_shows(stack: Stack, run: Run) -> None:
    large = {"name": "large", "format": "jpeg", "width": 600, "height": 400, "key": "large.jpg"}
    published(stack, "a.jpg", renditions=[large])
    stack.s3.put_object(Bucket="renditions", Key="large.jpg", Body=saved(detailed(600, 400)))
    code, said, _ = run("takedown", "--key", "a.jpg", *WHY, "--remember", "look", "--second-look", "0")
    assert code == 0, said
    found = {item["kind"]["S"]: item for item in on_list(stack)}
    assert set(found) == {"sha256", "pdq"}
    assert distance(found["pdq"]["value"]["S"]) < 10
    assert len(found["pdq"]["variants"]["L"]) == 13


def test_a_takedown_that_was_cut_off_takes_its_second_look_when_it_is_run_again(
    stack: Stack, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(stack, "a.jpg")
    remember = ("takedown", "--key", "a.jpg", *WHY, "--remember")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        published(stack, f"late{len(slept)}.jpg")

    def cut_off(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(command, "_sweep", cut_off)
        with pytest.raises(KeyboardInterrupt):
            run(*remember)
    monkeypatch.setattr(time, "sleep", sleep)
    file = tmp_path / "evidence.json"
    code, said, _ = run(*remember, "--evidence", str(file))
    assert code == 0, said
    assert 60 < sum(slept) <= command.SECOND_LOOK_SECONDS
    assert taken_down(stack) == {"a.jpg", "late1.jpg"}
    assert len(on_list(stack)) == 1
    assert len(json.loads(file.read_text())["hash_list"]) == 1
    (item,) = on_list(stack)
    stack.dynamodb.put_item(TableName="records", Item={**item, "at": {"S": "2026-01-01T00:00:00.000Z"}})
    assert run(*remember)[0] == 0
    assert slept[1:] == [0.0]  # every function knows the list by now
    assert taken_down(stack) == {"a.jpg", "late1.jpg", "late2.jpg"}


def test_what_the_key_showed_need_not_be_there_any_more_when_it_is_run_again(stack: Stack, run: Run) -> None:
    large = {"name": "large", "format": "jpeg", "width": 600, "height": 400, "key": "large.jpg"}
    record = published(stack, "a.jpg", renditions=[large])
    stack.s3.put_object(Bucket="renditions", Key="large.jpg", Body=saved(detailed(600, 400)))
    remember = ("takedown", "--key", "a.jpg", *WHY, "--remember", "look", "--second-look", "0")
    assert run(*remember)[0] == 0
    stack.put("a.jpg", "BLOCKED", sequencer=record.sequencer, reason="taken_down", moderation=None)
    assert run(*remember)[0] == 0
    assert len(on_list(stack)) == 2
    stack.put("b.jpg", "BLOCKED", moderation=None)
    code, _, error = run("takedown", "--key", "b.jpg", *WHY, "--remember", "look")
    assert (code, "there is no picture" in error) == (1, True)
