"""One stack for all tests of the front door. `make front-door` runs all of them, `make test` the short ones."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.api_end_to_end.served_stack import ServedStack, serve_stack

HERE = Path(__file__).parent
UPLOADS = os.environ.get("FRONT_DOOR_UPLOADS", "")
FEW = 10  # uploads at once in `make test`
# Each is long, or much like another, or (test_pasted) needs a program that is not the project's.
LONG = {
    "test_uploads_at_once_beyond_the_plans_limits_are_taken_or_told_when_to_come_back",
    "test_other_bytes_under_one_idempotency_key_at_once_store_one_object_and_are_told_so",
    "test_an_idempotency_key_is_remembered_when_its_original_was_moved_away",
    "test_a_hostile_name_is_metadata_at_most",
    "test_a_hostile_id_is_nobodys",
    "test_no_name_reaches_a_log_or_a_letter_unescaped_not_even_as_a_key",
    "test_a_published_link_is_for_its_own_object_alone",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what is long to `make front-door`."""
    if UPLOADS:
        return
    mine = [item for item in items if item.path.is_relative_to(HERE)]
    dropped = [
        item
        for item in mine
        if item.path.name == "test_pasted.py" or getattr(item, "originalname", item.name) in LONG
    ]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStack]:
    with serve_stack(tmp_path_factory.mktemp("front-door")) as opened:
        yield opened


@pytest.fixture(scope="session")
def uploads() -> int:
    """How many uploads are sent at once."""
    return int(UPLOADS or FEW)


@pytest.fixture
def at_once() -> Iterator[ThreadPoolExecutor]:
    """As many clients as are asked for, all at once."""
    with ThreadPoolExecutor(256) as clients:
        yield clients
