"""The real Pulumi engine against the embedded AWS: all of it with `make test-engine`, one round with `make test`."""

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
SHORT_ROUND = "test_plain_commands_take_a_stack_from_nothing_to_nothing"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a CLI one test is left, to say so; outside `make test-engine` one short round, to see that it works."""
    engine = [item for item in items if item.path.is_relative_to(HERE)]
    chosen = [item for item in engine if item.name == SHORT_ROUND]
    if shutil.which("pulumi") is None:
        reason = f"`pulumi` is not on PATH: none of the {len(engine)} tests of the real engine ran"
        for item in chosen:
            item.add_marker(pytest.mark.skip(reason=reason))
    elif ALL:  # the long rounds include the short one
        chosen = [item for item in engine if item not in chosen]
    dropped = [item for item in engine if item not in chosen]
    if chosen and dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


@pytest.fixture(scope="module")
def deployed() -> Iterator[OperatorSession]:
    """The dev stack, up; tests that share it leave it as they found it."""
    with operator_session("dev") as session:
        session.up()
        yield session


@pytest.fixture
def fresh() -> Iterator[OperatorSession]:
    """The dev stack with nothing deployed."""
    with operator_session("dev") as session:
        yield session


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.radial_gradient("L").convert("RGB").resize((1200, 800)).save(path)
    return path


@pytest.fixture
def violent_card(tmp_path: Path) -> Path:
    """A picture that the stand-in for Rekognition sees violence in, with a confidence of 85."""
    path = tmp_path / "violent.jpg"
    draw_card({"Violence": 85}).save(path, quality=90)
    return path
