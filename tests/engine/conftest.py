"""The real Pulumi engine against the embedded AWS: all tests with `make test-engine`, one with `make test`."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from embedded_aws.rekognition.cards import draw_card
from tests.engine.operator_session import OperatorSession, operator_session

HERE = Path(__file__).parent
ALL = os.environ.get("ENGINE_TESTS") == "all"
SHORT_ROUND = "test_plain_commands_create_a_stack_and_leave_nothing_behind"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the CLI, keep one test, skipped with the reason; otherwise choose by ENGINE_TESTS."""
    engine = [item for item in items if item.path.is_relative_to(HERE)]
    chosen = [item for item in engine if item.name == SHORT_ROUND]
    if shutil.which("pulumi") is None:
        reason = f"`pulumi` is not on PATH: none of the {len(engine)} tests of the real engine ran"
        for item in chosen:
            item.add_marker(pytest.mark.skip(reason=reason))
    elif ALL:  # the long tests include the short one
        chosen = [item for item in engine if item not in chosen]
    dropped = [item for item in engine if item not in chosen]
    if chosen and dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


@pytest.fixture(scope="session")
def deployed() -> Iterator[OperatorSession]:
    """Yield a session with the dev stack deployed; tests that share it restore its state."""
    with operator_session("dev") as session:
        session.up()
        yield session


@pytest.fixture
def fresh() -> Iterator[OperatorSession]:
    """Yield a session with nothing deployed."""
    with operator_session("dev") as session:
        yield session


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.radial_gradient("L").convert("RGB").resize((1200, 800)).save(path)
    return path


@pytest.fixture
def violent_card(tmp_path: Path) -> Path:
    """Return a picture in which the stand-in for Rekognition finds Violence with a confidence of 85."""
    path = tmp_path / "violent.jpg"
    draw_card({"Violence": 85}).save(path, quality=90)
    return path
