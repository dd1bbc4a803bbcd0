"""The table of a record's fields has all that the functions write, and nothing else."""

from pathlib import Path

import pytest

from media_pipeline.records.fields import FIELDS
from tests.fixtures.moto_stack import MotoStack

PACKAGE = Path(__file__).parents[3] / "lambda" / "media_pipeline"


def test_every_field_is_named_by_the_code_that_writes_it() -> None:
    text = "".join(
        path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py")) if path.name != "fields.py"
    )
    assert [name for name in FIELDS if f'"{name}"' not in text] == []


def test_a_write_of_a_field_that_is_not_listed_fails_every_unit_test(stack: MotoStack) -> None:
    with pytest.raises(AssertionError, match="nobody_listed_me"):
        stack.records._items.update(("key", "0" * 32), {"nobody_listed_me": 1}, condition={})
