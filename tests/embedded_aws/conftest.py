"""A fresh embedded AWS."""

from collections.abc import Iterator

import pytest

from embedded_aws.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with World() as opened:
        yield opened
