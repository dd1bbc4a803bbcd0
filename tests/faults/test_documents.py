"""The document about the promise counts what there is."""

import re
from pathlib import Path

from tests.faults.all_mutations import MUTATIONS
from tests.faults.all_scenarios import SCENARIOS

PROMISE = Path(__file__).parents[2] / "docs" / "maintainer" / "promise.md"


def test_the_promise_counts_scenarios_and_mutations_as_they_are() -> None:
    text = PROMISE.read_text("utf-8")
    assert re.findall(r"(\d+) scenarios of one object", text) == [str(len(SCENARIOS))]
    assert re.findall(r"(\d+) plausible mistakes", text) == [str(len(MUTATIONS))]
