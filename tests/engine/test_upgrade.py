"""A stack that was deployed with any released version can be upgraded to the current program."""

import json
from pathlib import Path

import pytest

from tests.engine.operator_session import OperatorSession

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.json"))
HOLD_DATA = ("aws:s3/bucket:Bucket", "aws:dynamodb/table:Table", "aws:sqs/queue:Queue")


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_no_bucket_table_or_queue_of_a_released_layout_is_replaced(
    fixture: Path, fresh: OperatorSession
) -> None:
    fresh.pulumi("stack", "import", "--file", str(fixture))
    held = {resource["urn"] for resource in fresh.state() if resource["type"] in HOLD_DATA}
    assert len(held) >= 7
    steps = json.loads(fresh.pulumi("preview", "--json").output).get("steps", [])
    touched = {
        step["urn"]: step["op"]
        for step in steps
        if step["urn"] in held and step["op"] not in ("same", "update")
    }
    assert touched == {}, "what it holds would be gone, or left behind"


def test_there_is_a_released_layout() -> None:
    assert FIXTURES
