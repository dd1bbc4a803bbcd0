"""What the tests that deploy this project share."""

from collections.abc import Iterator

import pytest

from components.packaging import PACKAGES_FOR


@pytest.fixture(scope="session")
def host_packages() -> Iterator[None]:
    """Let the project's program build packages that run on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PACKAGES_FOR, "host")
        yield
