"""docs/maintainer/true-to-aws.md names, for each finding about AWS, tests and lines of the checklist that exist."""

import ast
import re

import pytest

from tests.unit.test_documents import PROJECT, Document

FINDINGS = 20
GUIDE = Document(PROJECT / "docs" / "maintainer" / "true-to-aws.md")
CHECKLIST = (PROJECT / "docs" / "operator" / "first-deployment.md").read_text("utf-8")
ROWS = GUIDE.rows("True to AWS")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LINES = re.compile(r"\blines? ((?:\d+(?:, | and | to )?)+)")


def test_every_finding_has_a_row() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, FINDINGS + 1))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_finding_is_held_by_tests_or_by_a_line_of_the_checklist(row: list[str]) -> None:
    tests, lines = TEST.findall(row[2]), " ".join(LINES.findall(row[2]))
    assert tests or lines
    for path, name in tests:
        tree = ast.parse((PROJECT / path).read_text("utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, path
    for number in re.findall(r"\d+", lines):
        assert f"\n| {number} | " in CHECKLIST
