"""The stack in moto that the functions' tests share."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from media_pipeline.bootstrap.clients import Clients
from media_pipeline.records.fields import FIELDS
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Record
from tests.fixtures.moto_speedups import fast_mock_aws
from tests.fixtures.moto_stack import TIMEOUT, FakeContext, MotoStack, build_moto_stack
from tests.fixtures.storage import ENVIRONMENT, REGION
from tests.unit.processing.driving import draw

__all__ = ["TIMEOUT", "FakeContext", "MotoStack", "clients", "picture", "stack"]


@pytest.fixture(autouse=True)
def every_field_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that writes a field without a meaning, so that docs/reference/record.md stays complete."""
    write = ItemTable.update

    def checked(self: ItemTable, key: tuple[str, str], values: Mapping[str, Any], **rest: Any) -> Record:
        unknown = sorted(set(values) - set(FIELDS))
        assert not unknown, f"add {', '.join(unknown)} to records/fields.py"
        return write(self, key, values, **rest)

    monkeypatch.setattr(ItemTable, "update", checked)


@pytest.fixture(scope="session")
def clients() -> Clients:
    """Return real clients, created once: moto answers them in every test that uses them."""
    with pytest.MonkeyPatch.context() as environment, fast_mock_aws():
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        return Clients.create(TIMEOUT)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, clients: Clients) -> Iterator[MotoStack]:
    """Yield a new stack with the real functions."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with fast_mock_aws():
        yield build_moto_stack(clients)


@pytest.fixture
def picture() -> bytes:
    """Return a small JPEG."""
    return draw((120, 80, 40))
