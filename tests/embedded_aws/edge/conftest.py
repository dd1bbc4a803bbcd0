"""A world with an edge, and a distribution for each test."""

from collections.abc import Iterator

import pytest

from tests.fixtures.edge_site import Delivery, Site, open_site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with open_site() as opened:
        yield opened


@pytest.fixture
def delivery(site: Site) -> Delivery:
    return site.make()
