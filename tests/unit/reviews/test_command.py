"""`operations review list`, `show` and `decide`: the console's acts from a shell."""

import json
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.reviews.waiting import HISTORY
from operations.__main__ import main
from tests.unit.reviews.conftest import BERT, LOGS, Stack


@pytest.fixture
def run(stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what runs the command and returns its exit code, output and errors."""
    file = tmp_path / "outputs.json"
    document = {
        "uploads_bucket": "uploads",
        "quarantine_bucket": "quarantine",
        "logs_bucket": LOGS,
        "records_table": "records",
        "images_queue_url": stack.places.images_queue_url,
        "events_topic_arn": "arn:aws:sns:eu-west-1:123456789012:events",
    }
    file.write_text(json.dumps(document))

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["review", *arguments, "--stack", "test", "--outputs", str(file)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_list_is_for_people_and_for_programs(stack: Stack, run: Any) -> None:
    stack.put("a.jpg")
    stack.put("b\n.jpg")
    code, said, _ = run("list")
    assert code == 0
    assert "Graphic Violence 87, Violence 87" in said
    assert "'b\\n.jpg'" in said
    assert "2 wait for a person." in said
    found = json.loads(run("list", "--json", "--limit", "1")[1])
    assert [each["object_key"] for each in found["items"]] == ["a.jpg"]
    rest = json.loads(run("list", "--json", "--cursor", found["cursor"])[1])
    assert [each["object_key"] for each in rest["items"]] == ["b\n.jpg"]
    assert rest["cursor"] is None
    assert json.loads(run("list", "--json", "--label", "Alcohol")[1])["items"] == []


def test_show_has_labels_and_decisions(stack: Stack, run: Any) -> None:
    stack.put("a.jpg")
    run("decide", "a.jpg", "approve", "--note", "fine")
    code, said, _ = run("show", "a.jpg")
    assert code == 0
    assert "Violence > Graphic Violence" in said
    assert "approve by arn:aws:" in said
    assert json.loads(run("show", "a.jpg", "--json")[1])["decisions"][0]["note"] == "fine"


def test_decision_is_recorded_under_the_caller_of_aws(stack: Stack, run: Any) -> None:
    record = stack.put("a.jpg")
    code, said, _ = run("decide", "a.jpg", "reject", "--reason", "blood", "--json")
    assert code == 0
    decision = stack.read(record).decision
    assert decision is not None
    assert decision.person.startswith("arn:aws:sts::123456789012:")
    assert (decision.action, decision.reason) == ("reject", "blood")
    assert json.loads(said) == {"decision": decision.to_document(), "sent": True, "missing": 0}


def test_second_decision_fails_and_says_who_was_faster(stack: Stack, run: Any) -> None:
    record = stack.put("a.jpg")
    stack.decisions().ask(record, stack.approve, BERT)
    code, _, errors = run("decide", "a.jpg", "reject")
    assert code == 1
    assert f"{BERT} decided to approve" in errors
    assert run("decide", "a.jpg", "reject", "--override")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("decide", "none.jpg", "approve"), "there is no record of 'none.jpg'"),
        (("show", "none.jpg"), "there is no record of 'none.jpg'"),
        (("list", "--cursor", "x"), "--cursor"),
    ],
)
def test_mistakes_are_one_line(run: Any, arguments: tuple[str, ...], says: str) -> None:
    code, _, errors = run(*arguments)
    assert code == 1
    assert says in errors
    assert errors.count("\n") == 1


def test_outputs_of_an_older_stack_say_what_is_missing(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(
        json.dumps({"uploads_bucket": "u", "records_table": "r", "images_queue_url": "q"}), "utf-8"
    )
    assert main(["review", "list", "--stack", "test", "--outputs", str(file)]) == 1
    assert "quarantine_bucket, logs_bucket" in capsys.readouterr().err


def test_release_and_decide_find_what_lies_below_many_newer_versions(stack: Stack, run: Any) -> None:
    held = stack.put("a.jpg", hold={"person": BERT, "at": "2026-11-28T00:00:00.000Z"}, attention="ESCALATED")
    waits = stack.put("b.jpg")
    for key in ("a.jpg", "b.jpg"):
        for _ in range(HISTORY):
            stack.put(key, "PUBLISHED")
    assert run("release", "a.jpg")[0] == 0
    assert stack.read(held).pending_decision
    assert run("decide", "b.jpg", "reject")[0] == 0
    assert stack.read(waits).pending_decision
