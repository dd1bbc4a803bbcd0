"""axe-core in a page: the rules of WCAG 2.1 A and AA and axe's best practices, as far as a program can check them.

The development requirements bring axe-core 4.4; the variable AXE names the file of another version.
"""

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

from tests.console.browser import Page

_RUN = """axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
  violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`)))"""


def violations(page: Page) -> list[str]:
    """Return what axe finds on the page as it is now: rule, element and how to fix it."""
    if not page.run("'axe' in window"):
        page.run(f"{_source()}; true")
    found: list[str] = page.run(_RUN)
    return found


@cache
def _source() -> str:
    named = os.environ.get("AXE")
    file = Path(named) if named else files("axe_core_python") / "axe.min.js"
    return file.read_text("utf-8")
