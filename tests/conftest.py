"""How the tests share two processors: `make test` runs two workers, each takes one group after the other."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
# What takes long begins first; the many quick files then fill up whichever worker has nothing else left.
LONG_FIRST = ("faults", "front_door", "video", "embedded", "engine", "components", "unit")
TOGETHER = frozenset({"front_door"})  # these share one deployed stack


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file's tests in one worker, since they share worlds and deployments."""
    items.sort(key=_rank)
    for item in items:
        part, *_ = item.path.relative_to(HERE).parts
        item.add_marker(pytest.mark.xdist_group(part if part in TOGETHER else str(item.path)))


def _rank(item: pytest.Item) -> int:
    part, *_ = item.path.relative_to(HERE).parts
    return LONG_FIRST.index(part) if part in LONG_FIRST else len(LONG_FIRST)
