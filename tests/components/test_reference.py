"""docs/reference/ is what the code says now."""

import pytest

from scripts.reference.documents import documents
from tests.components.conftest import STACKS, WHOLE, Run
from tests.components.recording import PROJECT

FOLDER = PROJECT / "docs" / "reference"


@pytest.fixture(scope="module")
def expected(run: Run) -> dict[str, str]:
    return documents({stack: run(stack, WHOLE) for stack in STACKS})


def test_every_document_is_up_to_date(expected: dict[str, str]) -> None:
    paths = {path.name: path for path in FOLDER.glob("*.md")} | {name: FOLDER / name for name in expected}
    found = {name: path.read_text("utf-8") for name, path in paths.items() if path.exists()}
    outdated = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
    assert outdated == [], "docs/ does not match the code: run `make reference` and commit the result"


def test_every_key_output_alarm_field_and_metric_has_a_meaning(expected: dict[str, str]) -> None:
    for name, text in expected.items():
        if name.endswith(".md") and name not in ("README.md", "formats.md", "configuration.md"):
            rows = [line for line in text.splitlines() if line.startswith("| `")]
            assert rows, name
            assert [row for row in rows if "|  |" in row] == [], name
    keys = [line.split(" | ") for line in expected["configuration.md"].splitlines() if line.startswith("| `")]
    assert [key for key, meaning, allowed, *_ in keys if not meaning or not allowed] == []
