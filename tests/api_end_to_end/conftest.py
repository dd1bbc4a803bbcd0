"""One served stack for all tests of the API. `make front-door` runs all of them, `make test` the short ones."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.api_end_to_end.served_stack import ServedStack, serve_stack

HERE = Path(__file__).parent
UPLOADS = os.environ.get("FRONT_DOOR_UPLOADS", "")
FEW = 10  # uploads at once in `make test`
# Each takes long or is similar to another test; test_documented_commands needs curl.
LONG = {
    "test_uploads_beyond_the_plans_limits_are_accepted_or_told_when_to_retry",
    "test_different_bytes_with_one_idempotency_key_store_one_object_and_get_409",
    "test_an_idempotency_key_is_remembered_when_its_original_was_moved_away",
    "test_a_hostile_name_is_stored_as_escaped_metadata_only",
    "test_a_hostile_id_is_not_found",
    "test_no_name_or_key_reaches_a_log_or_an_email_unescaped",
    "test_a_signed_link_is_valid_for_its_own_object_only",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests to `make front-door`."""
    if UPLOADS:
        return
    mine = [item for item in items if item.path.is_relative_to(HERE)]
    dropped = [
        item
        for item in mine
        if item.path.name == "test_documented_commands.py" or getattr(item, "originalname", item.name) in LONG
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
    """Return how many uploads are sent at once."""
    return int(UPLOADS or FEW)


@pytest.fixture
def at_once() -> Iterator[ThreadPoolExecutor]:
    """Yield threads for up to 256 clients at once."""
    with ThreadPoolExecutor(256) as clients:
        yield clients
