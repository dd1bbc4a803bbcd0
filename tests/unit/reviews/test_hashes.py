"""`operations hashes`: what is on the list, who put it there and why, and files in and out."""

import csv
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.moderation.hash_list import Kind
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.records.hash_list import SECONDS_PER_DAY, HashListTable
from operations import hash_csv, hashes
from operations.__main__ import main
from operations.errors import OperationsError
from operations.hashes import Hashes
from tests.unit.reviews.conftest import SHA256, Stack

Run = Callable[..., tuple[int, str, str]]
WHY = ("--reason", "notice 7")
OTHER = "cd" * 32
BLOCK = Verdict.BLOCK


@pytest.fixture
def run(outputs: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(part: str, *arguments: str) -> tuple[int, str, str]:
        code = main(["hashes", part, "--stack", "test", "--outputs", str(outputs), *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def opened(stack: Stack) -> Hashes:
    table = HashListTable(dynamodb=stack.dynamodb, table="records", clock=lambda: stack.now)
    places: Any = {"s3": stack.s3, "logs_bucket": stack.places.logs_bucket}
    return Hashes(table=table, stack="test", person="ada", clock=lambda: stack.now, **places)


def listed(run: Run) -> list[dict[str, Any]]:
    code, said, _ = run("list", "--json")
    assert code == 0
    found: list[dict[str, Any]] = json.loads(said)
    return found


def test_the_newest_content_of_a_key_is_put_on_the_list_after_its_evidence(stack: Stack, run: Run) -> None:
    stack.put("a.jpg", "PUBLISHED", sha256=OTHER)
    stack.put("a.jpg", "PUBLISHED")
    code, said, _ = run("add", "--key", "a.jpg", *WHY, "--case", "NCII-7")
    assert code == 0, said
    assert "1 added; in effect within a minute." in said
    (entry,) = listed(run)
    assert (entry["kind"], entry["value"], entry["action"]) == ("sha256", SHA256, "block")
    assert entry["source_key_sha256"] == hashlib.sha256(b"a.jpg").hexdigest()
    (evidence,) = stack.evidence().values()
    assert evidence["action"] == "hashes-add"
    assert evidence["person"].startswith("arn:aws:")
    assert evidence["case"] == {"number": "NCII-7"}
    assert evidence["entries"] == [entry]
    assert "a.jpg" not in json.dumps(evidence)


def test_nothing_is_on_the_list_without_evidence(
    stack: Stack, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashes, "keep_evidence", lambda *_, **__: 1 / 0)
    for arguments in (("add", "--sha256", SHA256, *WHY), ("remove", "X", *WHY)):
        with pytest.raises(ZeroDivisionError):
            run(*arguments)
    assert stack.dynamodb.scan(TableName="records")["Count"] == 0


def test_a_file_and_a_hash_in_capitals_are_the_same_as_any_other(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"a picture")
    digest = hashlib.sha256(b"a picture").hexdigest()
    assert run("test", str(file))[0] == 0
    assert run("add", "--file", str(file), *WHY, "--action", "review", "--days", "30")[0] == 0
    again = ("--sha256", digest.upper(), *WHY, "--action", "review", "--days", "30")
    code, said, _ = run("add", *again)
    assert (code, said) == (0, "It is on the list already.\n")
    (entry,) = listed(run)
    assert (entry["value"], entry["action"]) == (digest, "review")
    assert entry["expires_at"] > 0
    code, said, _ = run("test", str(file))
    assert code == 1
    assert "the same bytes: " in said
    assert "notice 7" in said


def test_an_entry_that_expires_sooner_or_has_fewer_variants_does_not_do_for_a_longer_one(
    stack: Stack,
) -> None:
    hash_list = opened(stack)

    def added(**changed: Any) -> int:
        wanted = {"kind": Kind.PDQ, "value": OTHER, "action": BLOCK, "reason": "r", **changed}
        return len(hash_list.add([hashes.Wanted(**wanted)]))

    ends = int(stack.now) + 86_400
    assert [added(expires_at=ends) for _ in range(2)] == [1, 0]
    assert added(expires_at=ends - 1) == 0
    assert added(expires_at=ends + 1) == 1
    assert [added(), added(expires_at=ends)] == [1, 0]
    assert [added(variants=(SHA256,)), added(variants=(SHA256,)), added()] == [1, 0, 0]
    assert added(action=Verdict.REVIEW) == 1


def test_of_several_wanted_alike_those_that_do_for_the_others_are_added(stack: Stack) -> None:
    ends = int(stack.now) + 86_400
    wanted = [
        hashes.Wanted(kind=Kind.SHA256, value=OTHER, action=BLOCK, reason="r", expires_at=expires_at)
        for expires_at in (ends, None, ends)
    ]
    assert [entry.expires_at for entry in opened(stack).add(wanted)] == [ends, None]


def test_days_end_at_midnight_so_that_the_same_command_later_that_day_adds_nothing(stack: Stack) -> None:
    stack.now = 1_800_000_000.0  # at 08:00
    hash_list = opened(stack)
    expires_at = hash_list.expiry(2)
    assert expires_at == 20_836 * 86_400
    stack.now += 15 * 3600
    assert hash_list.expiry(2) == expires_at
    assert hash_list.expiry(None) is None


def test_an_entry_is_removed_with_a_reason(stack: Stack, run: Run) -> None:
    run("add", "--sha256", SHA256, *WHY)
    (entry,) = listed(run)
    code, said, _ = run("remove", entry["id"], "--reason", "the notice was wrong")
    assert code == 0
    assert "a person can approve it" in said
    assert listed(run) == []
    kept = [each for each in stack.evidence().values() if each["action"] == "hashes-remove"]
    assert [(each["entry"], each["reason"]) for each in kept] == [(entry["id"], "the notice was wrong")]
    assert run("remove", entry["id"], *WHY)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--key", "absent.jpg", *WHY), "is the key written exactly as in S3?"),
        (("--file", "absent.bin", *WHY), "cannot be read"),
        (("--sha256", SHA256, "--reason", "x" * 201), "1 to 200 characters"),
    ],
)
def test_what_cannot_be_on_the_list_is_an_error(run: Run, arguments: tuple[str, ...], words: str) -> None:
    code, _, said = run("add", *arguments)
    assert code == 1
    assert words in said
    assert listed(run) == []


def test_a_list_survives_export_and_import(stack: Stack, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    run("add", "--sha256", SHA256, "--reason", 'a "reason", with commas', "--days", "9")
    run("add", "--sha256", OTHER, *WHY, "--action", "review")
    before = listed(run)
    assert run("export", str(file))[0] == 0
    for entry in before:
        run("remove", entry["id"], *WHY)
    code, said, _ = run("import", str(file), "--reason", "moved", "--case", "7")
    assert (code, said) == (0, "2 of 2 hashes were added; the others are on the list already.\n")
    names = ("value", "kind", "action", "reason", "expires_at")
    after = listed(run)
    assert sorted([entry.get(name) for name in names] for entry in after) == sorted(
        [entry.get(name) for name in names] for entry in before
    )
    assert run("import", str(file), *WHY)[1].startswith("0 of 2 hashes")
    with file.open(newline="") as text:
        assert csv.DictReader(text).fieldnames == list(hash_csv.COLUMNS)


def test_a_file_that_a_spreadsheet_wrote_is_read(stack: Stack, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"signal_type,signal_str\r\nsha256,{SHA256}\r\n", "utf-8-sig", newline="")
    code, said, _ = run("import", str(file), *WHY)
    assert (code, said.split()[0]) == (0, "1")
    assert [entry["value"] for entry in listed(run)] == [SHA256]


def test_days_are_for_the_lines_of_a_file_that_have_no_end_of_their_own(
    stack: Stack, run: Run, tmp_path: Path
) -> None:
    own = int(time.time()) + 400 * SECONDS_PER_DAY
    file = tmp_path / "list.csv"
    file.write_text(f"signal_type,signal_str,expires_at\nsha256,{SHA256},{own}\nsha256,{OTHER},\n")
    assert run("import", str(file), *WHY, "--days", "9")[0] == 0
    ends = {entry["value"]: entry["expires_at"] for entry in listed(run)}
    assert ends[SHA256] == own
    assert 8 * SECONDS_PER_DAY < ends[OTHER] - time.time() <= 10 * SECONDS_PER_DAY


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hash\n" + SHA256, "signal_type, signal_str is missing"),
        ("signal_type,signal_str\nmd5," + SHA256[:32], "line 2: signal_type is 'md5'"),
        ("signal_type,signal_str\nsha256," + SHA256[:63], "line 2: "),
        (
            f"signal_type,signal_str,action\nsha256,{SHA256},\nsha256,{OTHER},allow",
            "line 3: action is 'allow'",
        ),
        (f"signal_type,signal_str,expires_at\nsha256,{SHA256},tomorrow", "line 2: expires_at"),
        (
            f"signal_type,signal_str,expires_at\nsha256,{SHA256},{'9' * 50}",
            f"line 2: expires_at is '{'9' * 50}', and is a time in epoch seconds of up to 12 digits",
        ),
        (f"signal_type,signal_str,expires_at\nsha256,{SHA256},999999999999", "by the end of the year 9999"),
        (
            f"signal_type,signal_str,reason\nsha256,{SHA256},{'x' * 201}",
            "line 2: the reason has 201 characters, and can have 200",
        ),
        (
            f"signal_type,signal_str\nsha256,{SHA256}\nsha256,{'a' * 200_000}",
            "line 3: this is no CSV of hashes: field larger",
        ),
        ("x" * 200_000, "line 1: this is no CSV of hashes: field larger"),
        ("", "signal_type, signal_str is missing"),
    ],
)
def test_a_file_with_one_wrong_line_adds_nothing(
    stack: Stack, run: Run, tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text)
    code, _, said = run("import", str(file), *WHY)
    assert code == 1
    assert words in said
    assert stack.dynamodb.scan(TableName="records")["Count"] == 0
    assert stack.evidence() == {}


def test_a_long_list_is_added_in_parts_each_with_its_evidence_and_never_too_long(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashes, "AT_ONCE", 30)
    monkeypatch.setattr(hashes, "MOST_ENTRIES", 70)
    hash_list = opened(stack)
    wanted = [hashes.Wanted(kind=Kind.SHA256, value=f"{n:064x}", action=BLOCK, reason="r") for n in range(71)]
    with pytest.raises(OperationsError, match="may have 70"):
        hash_list.add(wanted)
    assert hash_list.entries() == []
    assert len(hash_list.add(wanted[:70])) == len(hash_list.entries()) == 70
    assert sorted(len(each["entries"]) for each in stack.evidence().values()) == [10, 30, 30]
    with pytest.raises(OperationsError, match="would have 71"):
        hash_list.add(wanted)
    assert len(hash_list.entries()) == 70, "what is on the list counts as well as what is new"
