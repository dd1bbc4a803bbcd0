"""Takedowns beside others, by functions that are slow or gave up, and run again: what is left, and what is written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Record
from operations.takedown import Takedown, TakenDown
from operations.takedown_evidence import with_earlier
from tests.unit.reviews.conftest import ANNA, BERT, SHA256, Stack
from tests.unit.reviews.test_takedown import OTHER, Run, carried_out, listed, published, run

__all__ = ["run"]
WHY = ("--key", "a.jpg", "--reason", "notice")
WAIT = ("--wait", "1")


def change(stack: Stack, record: Record, **values: str) -> None:
    stack.dynamodb.update_item(
        TableName="records",
        Key={"object_key": {"S": record.object_key}, "sequencer": {"S": record.sequencer}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
        ExpressionAttributeNames={f"#{name}": name for name in values},
        ExpressionAttributeValues={f":{name}": {"S": value} for name, value in values.items()},
    )


def put_rendition(stack: Stack, record: Record) -> str:
    key = f"{record.object_key}/{record.version}/x.jpeg"
    stack.s3.put_object(Bucket="renditions", Key=key, Body=b"x")
    return key


def withdraws(stack: Stack) -> list[str]:
    return [each["person"] for each in stack.evidence().values() if each["action"] == "withdraw"]


@pytest.fixture
def at_wait(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what has something happen at each wait in turn, in place of waiting."""

    def plan(*acts: Callable[[], Any]) -> None:
        waited, left = Takedown.wait, list(acts)

        def wait(self: Takedown, asked: Any, *, seconds: float) -> Any:
            if left:
                left.pop(0)()
            return waited(self, asked, seconds=0)

        monkeypatch.setattr(Takedown, "wait", wait)

    return plan


def swept(stack: Stack, sleep: Callable[[float], Any], seconds: float = 60) -> list[TakenDown]:
    """Take down what has the same bytes, while something happens at each pause."""
    return stack.takedown(sleep=sleep).sweep(
        frozenset({SHA256}), person=ANNA, reason="r", case={}, seconds=seconds
    )


@pytest.mark.parametrize("action", [Action.RESTORE, Action.APPROVE])
@pytest.mark.usefixtures("outputs")
def test_what_is_about_to_be_published_again_is_waited_for_and_taken_down(
    stack: Stack, action: Action
) -> None:
    record = stack.put("a.jpg", "BLOCKED", reason="taken_down", original="quarantine")
    asked = stack.decisions().ask(record, action, BERT, override=True).decision
    stack.messages()

    def work(_: float) -> None:
        if stack.read(record).pending_decision == asked:
            change(stack, record, status="PUBLISHED", carried_out=asked.id)
        carried_out(stack)

    (done,) = swept(stack, work)
    assert done.removed_at
    assert stack.read(record).status == "BLOCKED"


@pytest.mark.usefixtures("outputs")
def test_copies_that_are_all_being_processed_at_first_are_waited_for(stack: Stack) -> None:
    record, other = (stack.put(key, "PROCESSING") for key in ("a.jpg", "b.jpg"))

    def work(_: float) -> None:
        for each in (record, other):
            if stack.read(each).status == "PROCESSING":
                change(stack, each, status="PUBLISHED")
                break
        carried_out(stack)

    done = swept(stack, work)
    assert {each.record.object_key for each in done if each.removed_at} == {"a.jpg", "b.jpg"}


def test_what_stays_about_to_be_published_makes_the_exit_code_1(stack: Stack, run: Run) -> None:
    record = stack.put("a.jpg", "BLOCKED", reason="taken_down", original="quarantine")
    stack.decisions().ask(record, Action.RESTORE, BERT, override=True)
    code, said, _ = run("takedown", *WHY, *WAIT, works=False)
    assert code == 1
    assert "still open           BLOCKED" in said
    assert "1 version not taken down yet" in said


@pytest.mark.parametrize("has_files", [True, False])
def test_a_takedown_that_the_functions_gave_up_on_is_not_done(
    stack: Stack, run: Run, has_files: bool
) -> None:
    record = published(stack, "a b.jpg")
    stack.decisions().ask(record, Action.WITHDRAW, ANNA)
    change(stack, record, status="FAILED", attention="FAILED")
    if has_files:
        put_rendition(stack, record)
    code, said, _ = run("takedown", "--key", "a b.jpg", "--reason", "r", *WAIT)
    assert code == 1
    assert "FAILED, NOT removed" in said
    assert "redrive --stack test --status FAILED '--key=a b.jpg'" in said
    assert "1 version not taken down yet" in said


def test_a_failed_upload_with_files_is_not_unpublished_and_one_without_is(stack: Stack, run: Run) -> None:
    record = stack.put("a.jpg", "FAILED")
    assert run("takedown", *WHY)[0] == 0
    put_rendition(stack, record)
    code, said, _ = run("takedown", *WHY)
    assert (code, "redrive --stack test --status FAILED --key=a.jpg" in said) == (1, True)
    change(stack, record, reason="original_gone")  # which no redrive helps
    code, said, _ = run("takedown", *WHY)
    assert (code, "delete that key in the uploads bucket" in said, "redrive" in said) == (1, True, False)


def test_slow_functions_are_asked_once_and_their_version_is_counted_once(
    stack: Stack, run: Run, at_wait: Callable[..., None], tmp_path: Path
) -> None:
    record = published(stack, "a.jpg")
    put_rendition(stack, record)
    file = tmp_path / "evidence.json"
    nothing = lambda: None  # noqa: E731
    at_wait(nothing, nothing, lambda: carried_out(stack))
    code, said, _ = run("takedown", *WHY, "--evidence", str(file), works=False)
    assert code == 0, said
    assert len(withdraws(stack)) == 1
    assert "1 version taken down" in said
    (entry,) = json.loads(file.read_text())["versions"]
    assert entry["removed_at"]
    assert entry["status_before"] == "PUBLISHED"


def test_what_is_not_removed_in_time_is_counted_once_and_waited_for_by_the_next_run(
    stack: Stack, run: Run, at_wait: Callable[..., None], tmp_path: Path
) -> None:
    record = published(stack, "a.jpg", renditions=[{"key": "a.jpg/x"}])
    put_rendition(stack, record)
    evidence = ("--evidence", str(tmp_path / "evidence.json"))
    at_wait()
    code, said, _ = run("takedown", *WHY, *evidence, works=False)
    assert code == 1
    assert "1 version not taken down yet" in said
    at_wait(lambda: carried_out(stack))
    code, said, _ = run("takedown", *WHY, *evidence, works=False)
    assert code == 0, said
    assert len(withdraws(stack)) == 1
    document = json.loads((tmp_path / "evidence.json").read_text())
    (entry,) = document["versions"]
    assert entry["removed_at"]
    assert (entry["status_before"], entry["renditions"]) == ("PUBLISHED", ["a.jpg/x"])
    assert len(document["earlier_runs"]) == 1


def test_two_takedowns_at_once_are_both_done_by_the_decision_that_is_carried_out(
    stack: Stack, run: Run, at_wait: Callable[..., None]
) -> None:
    record = published(stack, "a.jpg")

    def another() -> None:
        stack.decisions().ask(stack.read(record), Action.WITHDRAW, BERT, override=True)
        carried_out(stack)

    at_wait(another)
    code, said, _ = run("takedown", *WHY, works=False)
    assert code == 0, said
    assert "1 version taken down" in said


def test_another_ones_takedown_is_waited_for_and_not_replaced(stack: Stack, run: Run, tmp_path: Path) -> None:
    record = published(stack, "a.jpg")
    asked = stack.decisions().ask(record, Action.WITHDRAW, BERT).decision
    file = tmp_path / "evidence.json"
    code, said, _ = run("takedown", *WHY, "--evidence", str(file))
    assert code == 0, said
    assert stack.read(record).decision == asked
    (entry,) = json.loads(file.read_text())["versions"]
    assert (entry["decision"], entry["decided_by"]) == (asked.id, BERT)


def test_what_was_taken_down_earlier_is_in_a_later_evidence_file_too(
    stack: Stack, run: Run, tmp_path: Path
) -> None:
    first = published(stack, "a.jpg")
    stack.put("by the policy.jpg", "BLOCKED")
    assert run("takedown", *WHY)[0] == 0
    second = published(stack, "b.jpg")
    file = tmp_path / "evidence.json"
    assert run("takedown", *WHY, "--evidence", str(file))[0] == 0
    found = {each["object_key"]: each for each in json.loads(file.read_text())["versions"]}
    assert set(found) == {first.object_key, second.object_key}
    decision = stack.read(first).decision
    assert decision is not None
    assert (found["a.jpg"]["decision"], found["a.jpg"]["status_before"]) == (decision.id, None)
    assert found["a.jpg"]["removed_at"] == first.attributes["finished_at"]


def test_nothing_is_done_where_the_evidence_could_not_be_written(
    stack: Stack, run: Run, tmp_path: Path
) -> None:
    record = published(stack, "a.jpg")
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"stack": "test", "sha256": [OTHER], "versions": []}))
    text = tmp_path / "text"
    text.write_bytes(b"\xff")
    for file in (tmp_path / "no folder" / "evidence.json", tmp_path, other, text):
        code, _, error = run("takedown", *WHY, "--evidence", str(file))
        assert code == 1
        assert "nothing was done" in error
    assert stack.read(record) == record
    assert stack.evidence() == {}


def test_evidence_of_two_runs_has_each_version_and_hash_once_with_all_that_is_known() -> None:
    old = {"object_key": "a", "version": "1", "status_before": "PUBLISHED", "renditions": ["x"]}
    first = {**old, "decision": "A", "removed_at": "1"}
    again = {**first, "status_before": None, "renditions": [], "removed_at": "2"}
    other = {**first, "version": "2"}
    document = with_earlier(
        {"sha256": ["b"], "reason": "now", "versions": [again], "hash_list": [{"id": "1"}]},
        {"sha256": ["a"], "reason": "then", "versions": [first, other], "hash_list": [{"id": "1"}]},
    )
    assert document["sha256"] == ["a", "b"]
    assert document["versions"] == [first, other]
    assert document["hash_list"] == [{"id": "1"}]
    assert (document["reason"], document["earlier_runs"]) == ("now", [{"reason": "then"}])
    decided_anew = {**again, "decision": "B"}
    later = with_earlier({"sha256": [], "versions": [decided_anew], "hash_list": []}, document)
    assert later["versions"] == [decided_anew, other]
    assert [each["reason"] for each in later["earlier_runs"]] == ["then", "now"]


@pytest.mark.parametrize("length", [0, 201])
def test_a_reason_that_no_record_may_hold_is_refused_before_anything_is_done(
    stack: Stack, run: Run, capsys: pytest.CaptureFixture[str], length: int
) -> None:
    published(stack, "a.jpg")
    for command in (("takedown", "--key", "a.jpg", "--remember"), ("restore", "a.jpg")):
        with pytest.raises(SystemExit):
            run(*command, "--reason", "r" * length)
        assert f"1 to 200 characters, not {length}" in capsys.readouterr().err
    assert stack.evidence() == {}
    assert listed(stack, bucket="quarantine") == []
