"""Every status has its sentences, and every reason is raised with the status that its table promises."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from media_pipeline.errors import Reason
from media_pipeline.messaging.statuses import SENTENCES
from media_pipeline.records.record import Status

PACKAGE = Path(__file__).parents[3] / "lambda" / "media_pipeline"
RAISED_AS = {"RejectedError": Status.REJECTED, "FailedError": Status.FAILED}


def raised() -> Iterator[tuple[str, Reason]]:
    """Yield the error's class and the reason of each call such as `RejectedError(Reason.EMPTY, ...)`."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED_AS:
                reason = node.args[0]
                if isinstance(reason, ast.Attribute) and ast.unparse(reason.value) == "Reason":
                    yield node.func.id, Reason[reason.attr]


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_sentences(status: Status) -> None:
    sentences = SENTENCES[status]
    assert sentences.headline.endswith(".")
    assert sentences.next_step.format(stack="dev")
    assert sentences.meaning[0].islower()


def test_no_sentence_is_about_a_status_that_is_gone() -> None:
    assert list(SENTENCES) == list(Status)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_names_a_terminal_status_and_has_a_meaning(reason: Reason) -> None:
    assert Status(reason.status).terminal
    assert reason.meaning.endswith(".")
    assert reason == reason.value == str(reason)


def test_errors_are_raised_with_reasons_of_their_status() -> None:
    found = list(raised())
    assert len(found) >= 10
    for error, reason in found:
        assert reason.status == RAISED_AS[error], f"{error} with {reason}"


def test_every_reason_is_given_somewhere() -> None:
    text = "".join(
        path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py")) if path.name != "errors.py"
    )
    assert [reason for reason in Reason if f"Reason.{reason.name}" not in text] == []
