"""The report's dashboard in a real browser: it fits, it is drawn, and it can be read in the dark."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.metrics.insights import Table
from embedded_aws.metrics.widgets import Line
from local.demo import report
from local.demo.charts import Board, Chart, Listing
from local.demo.outcomes import Run, Seconds
from tests.console.browser import Browser, Page, installed

pytestmark = pytest.mark.long
LONG_KEY = "api/" + "k" * 200


def line(label: str, *values: float | None, adds_up: bool) -> Line:
    return Line(label=label, adds_up=adds_up, color=None, values=values, whole=values[0])


def board() -> Board:
    columns = (
        line("a label of some length", 1.0, None, 3.0, adds_up=True),
        line("b", 2.0, 1.0, None, adds_up=True),
    )
    points = (line("p50", 10.0, 20.0, None, adds_up=False), line("p95", 30.0, None, 90.0, adds_up=False))
    charts = [
        Chart(title=f"chart {number}", x=12 * (number % 2), y=6 * (number // 2), width=12, lines=lines)
        for number, lines in enumerate((columns, points))
    ]
    table = Table(columns=("object_key", "status", "milliseconds"), rows=((LONG_KEY, "PUBLISHED", 12_345.6),))
    listings = tuple(Listing(title=f"table {number}", table=table) for number in range(3))
    return Board(charts=tuple(charts), listings=listings, period=1, periods=3, is_deployed=False)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program, folder = installed(), tmp_path_factory.mktemp("report")
    if program is None:
        pytest.skip("no Chromium, Chrome or Edge is installed (CHROMIUM=path names another place)")
    seconds = Seconds(deploy=1, process=1, destroy=1, total=3)
    run = Run(stack="dev", seconds=seconds, resources=1, leftovers=(), outcomes=(), board=board())
    file: Path = folder / "report.html"
    file.write_text(report.as_html(run), "utf-8")
    with Browser(program, folder / "profile") as browser:
        opened = browser.page()
        opened.open(file.as_uri())
        opened.wait("document.readyState === 'complete' && !!document.querySelector('#dashboard')")
        yield opened


def look(page: Page, script: str) -> Any:
    return json.loads(page.run(f"JSON.stringify({script})"))


@pytest.mark.parametrize("width", [1280, 900, 380])
def test_nothing_sticks_out_at_any_width(page: Page, width: int) -> None:
    page.size(width, 900)
    assert look(page, "document.documentElement.scrollWidth") <= width
    boxes = look(
        page,
        "[...document.querySelectorAll('.chart')].map(e => [e, ...e.querySelectorAll('td, li, h3')])"
        ".map(all => all.map(e => { const r = e.getBoundingClientRect(); return [r.left, r.right] }))",
    )
    assert len(boxes) == 5
    for (left, right), *inside in boxes:
        assert all(left <= begin and end <= right + 0.5 for begin, end in inside)


def test_columns_and_lines_are_drawn_within_their_plots(page: Page) -> None:
    page.size(1280, 900)
    shapes = look(
        page,
        "[...document.querySelectorAll('.plot')].map(p => { const o = p.getBoundingClientRect();"
        " return [...p.querySelectorAll('rect, path')].map(s => { const r = s.getBoundingClientRect();"
        " return [r.width, r.left >= o.left - 3 && r.right <= o.right + 3 && r.top >= o.top - 3"
        " && r.bottom <= o.bottom + 3] }) })",
    )
    assert [len(each) for each in shapes] == [4, 4]  # columns; lines and dots
    assert all(width > 0 and is_inside for each in shapes for width, is_inside in each)


def test_words_stand_out_from_the_page_in_the_light_and_in_the_dark(page: Page) -> None:
    script = (
        "['color', 'backgroundColor'].map(name => getComputedStyle(document.querySelector('.chart'))[name]"
        ".match(/[0-9]+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3)"
    )
    for scheme, is_dark in (("light", False), ("dark", True)):
        page.prefer(scheme)
        words, behind = look(page, script)
        assert (words > behind) is is_dark
        assert abs(words - behind) > 120
