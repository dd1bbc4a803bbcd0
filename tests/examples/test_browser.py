"""The page of examples/browser, in a real browser against a served stack: sent, checked, shown."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_end_to_end.served_stack import ServedStack, card, photo, serve_stack
from tests.components.recording import PROJECT
from tests.console.browser import Page
from tests.console.conftest import browser, tab

__all__ = ["browser", "tab"]

pytestmark = pytest.mark.long  # they need a browser and a stack
SERVER = PROJECT / "examples" / "browser" / "server.py"
FIRST = "document.querySelector('#uploads > li')"


@pytest.fixture(scope="module", params=[False, True], ids=["by-links", "by-cdn"])
def stack(
    tmp_path_factory: pytest.TempPathFactory, port: int, request: pytest.FixtureRequest
) -> Iterator[ServedStack]:
    """Serve a stack whose renditions come from its bucket, and one with a distribution in front of it."""
    more = {
        "media-pipeline:delivery": {"cdn": request.param},
        "media-pipeline:api.corsOrigins": [f"http://localhost:{port}"],
        "media-pipeline:sizes": {
            "small": 80,
            "large": 200,
            "square": {"width": 50, "height": 50, "fit": "cover"},
        },
        "media-pipeline:formats": ["jpeg", "webp"],
    }
    with serve_stack(tmp_path_factory.mktemp("browser"), more) as served:
        yield served


@pytest.fixture(scope="module")
def page_url(stack: ServedStack, port: int) -> Iterator[str]:
    environment = {**os.environ, "API_URL": stack.url, "API_KEY": stack.key, "PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, str(SERVER)], env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline().strip() == f"http://localhost:{port}"
        yield f"http://localhost:{port}"
        server.terminate()


def open_page(tab: Page, url: str) -> None:
    tab.open(url)
    tab.wait("document.getElementById('files') !== null && document.readyState === 'complete'")


def choose(tab: Page, file: Path) -> None:
    """Choose a file, as a person does."""
    root = tab.call("DOM.getDocument")["root"]["nodeId"]
    node = tab.call("DOM.querySelector", nodeId=root, selector="#files")["nodeId"]
    tab.call("DOM.setFileInputFiles", nodeId=node, files=[str(file)])


def test_a_photo_is_sent_with_progress_and_shown_over_its_placeholder_in_the_best_format_and_size(
    stack: ServedStack, page_url: str, tab: Page, tmp_path: Path
) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(photo(1))
    open_page(tab, page_url)
    tab.run(
        "window.shares = []; new MutationObserver(() => {"
        " const bar = document.querySelector('progress'); if (bar) window.shares.push(bar.value);"
        "}).observe(document.body, {subtree: true, childList: true, attributes: true})"
    )
    choose(tab, file)
    tab.wait(f"Boolean({FIRST}?.querySelector('img.loaded'))", 60)
    assert 1 in tab.run("window.shares")
    assert tab.run(f"{FIRST}.querySelector('progress')") is None
    source = tab.run(f"{FIRST}.querySelector('source').srcset")
    assert sorted(part.split()[-1] for part in source.split(", ")) == ["200w", "80w"]
    assert "webp" in tab.run(f"{FIRST}.querySelector('img').currentSrc")
    assert tab.run(f"{FIRST}.querySelector('img').naturalWidth > 0")
    edge, shown = f"{stack.world.edge_endpoint}/", tab.run(f"{FIRST}.querySelector('img').currentSrc")
    assert shown.startswith(edge) is ("cdn_url" in stack.outputs)
    (record,) = [each for each in stack.records() if each["status"] == "PUBLISHED"]
    # The middle of the picture is dark, its corners are bright: the placeholder shows the same.
    middle, corner = (
        tab.run(f"{FIRST}.querySelector('canvas').getContext('2d').getImageData({x}, {y}, 1, 1).data[0]")
        for x, y in ((16, 10), (0, 0))
    )
    assert middle < 60 < 150 < corner
    assert record["placeholder"]


def test_what_is_withheld_or_rejected_is_said_and_not_shown(
    stack: ServedStack, page_url: str, tab: Page, tmp_path: Path
) -> None:
    open_page(tab, page_url)
    for name, data, words in (
        ("card.jpg", card(Explicit=99), "against the rules"),
        ("broken.jpg", b"\xff\xd8\xff" + b"x" * 500, "cannot be processed"),
    ):
        file = tmp_path / name
        file.write_bytes(data)
        choose(tab, file)
        tab.wait(f"{FIRST}?.querySelector('[role=status]').innerText.includes('{words}')", 60)
        tab.wait(f"!{FIRST}.querySelector('progress')")
        assert tab.run(f"{FIRST}.querySelector('img, canvas')") is None
    assert stack.key not in tab.run("document.documentElement.outerHTML")
