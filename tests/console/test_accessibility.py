"""axe finds nothing on the console's page, in any of its states, nor on the demo's report."""

from dataclasses import replace
from pathlib import Path

import pytest

from local.demo import report
from operations.reviews.server import Console
from tests.console.axe import violations
from tests.console.browser import Browser, Page
from tests.console.conftest import READY
from tests.console.desk import Bench
from tests.local.demo.test_report import BLOCKED, DECISIONS, a_run, published

pytestmark = pytest.mark.long  # they need a browser, which `make test` does not
SHOWN = "!document.getElementById('picture').hidden && document.getElementById('picture').complete"
SETTLED = "document.getAnimations().every((each) => each.playState !== 'running' || each.effect.target.matches('.bar'))"
WINDOWS = ((1280, 800), (390, 800))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_console(desk: Bench, console: Console, tab: Page, scheme: str) -> None:
    tab.prefer(scheme)
    desk.put("film.mp4", ("Weapons", "Violence", 90.0), times=(0, 1.5, 3.25), age=30)
    desk.put("b.jpg", age=20)
    tab.open(console.link)
    tab.wait(READY)
    found: dict[str, list[str]] = {}

    def look(state: str) -> None:
        for width, height in WINDOWS:
            tab.size(width, height)
            tab.wait(SETTLED)
            found[f"{state}, {width} px"] = violations(tab)

    look("covered")
    tab.press(" ")
    tab.wait(SHOWN)
    look("a film, shown")
    tab.press("?")
    look("keys")
    tab.run("document.getElementById('keys').close()")
    tab.press("2", "n")
    look("note")
    tab.type("blood, not paint")
    tab.run("document.getElementById('noting').close('keep')")
    look("with reason and note")
    tab.press("a")
    tab.wait("document.getElementById('key').innerText === 'b.jpg'")
    look("a decision leaves")
    desk.decide_elsewhere("b.jpg", "arn:aws:iam::123456789012:user/bert")
    tab.press("r")
    tab.wait("document.getElementById('leaving').innerText.includes('settled already')")
    look("nothing waits")
    assert {state: each for state, each in found.items() if each} == {}


def test_axe_finds_nothing_where_nobody_is_signed_in(
    desk: Bench, console: Console, tab: Page, browser: Browser
) -> None:
    tab.open(f"{console.origin}/#token=another")
    tab.wait("!document.getElementById('empty').hidden")
    assert violations(tab) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_demos_report(tab: Page, tmp_path: Path, scheme: str) -> None:
    waiting = replace(BLOCKED, status="REVIEW")
    run = replace(a_run(published("a.jpg"), BLOCKED, waiting), decisions=DECISIONS)
    file = tmp_path / "report.html"
    file.write_text(report.as_html(run), "utf-8")
    tab.prefer(scheme)
    tab.open(file.as_uri())
    tab.wait("document.readyState === 'complete'")
    assert violations(tab) == []
