"""What a command says in place of a traceback."""

from pathlib import Path
from typing import Any

import pytest

from media_pipeline.errors import DecisionError, HashListError
from operations import __main__ as program
from operations.commands import status


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[]", "is no JSON object with a stack's outputs"),
        (b'"text"', "is no JSON object with a stack's outputs"),
        (b"null", "is no JSON object with a stack's outputs"),
        (b"{", "is not JSON"),
        (b"\xff\xfe{", "the outputs cannot be read"),
        (b"{}", "has no uploads_bucket, records_table, images_queue_url"),
    ],
)
def test_outputs_that_are_none_are_an_error_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    file = tmp_path / "outputs.json"
    file.write_bytes(content)
    assert program.main(["status", "--stack", "test", "--outputs", str(file)]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert program.main(["hashes", "list", "--stack", "test", "--outputs", str(file)]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("error", [HashListError("entry X cannot be read"), DecisionError("it is too long")])
def test_what_the_pipeline_refuses_is_said_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def refuse(_: Any) -> int:
        raise error

    monkeypatch.setattr(status, "run", refuse)
    assert program.main(["status", "--stack", "test"]) == 1
    assert capsys.readouterr().err == f"error: {error}\n"
