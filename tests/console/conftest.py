"""One browser and one desk for all tests of a file."""

from collections.abc import Iterator

import pytest

from operations.reviews.server import Console
from tests.console.browser import Browser, Page, installed
from tests.console.desk import Bench, bench

READY = (
    "document.getElementById('work').hidden === false && document.querySelectorAll('#history li').length > 0"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = installed()
    if program is None:
        pytest.skip("no Chromium, Chrome or Edge is installed (CHROMIUM=path names another place)")
    with Browser(program, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def world() -> Iterator[Bench]:
    with bench() as made:
        yield made


@pytest.fixture
def desk(world: Bench) -> Bench:
    """Return the desk with nothing on it."""
    world.clear()
    return world


@pytest.fixture
def console(desk: Bench) -> Iterator[Console]:
    with desk.console() as served:
        yield served


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    page = browser.page()
    page.size(1280, 800)
    yield page
    browser.call("Target.closeTarget", {"targetId": page.target})
