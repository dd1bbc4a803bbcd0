"""Appeals and checks on the page, by keyboard, and what axe says to each of the lists."""

import time

import pytest

from media_pipeline.records.attention import Attention
from media_pipeline.records.record import iso_time
from operations.reviews.server import Console
from tests.console.axe import violations
from tests.console.browser import Page
from tests.console.desk import Bench
from tests.console.test_page import decisions, start
from tests.console.test_two_people import choose

pytestmark = pytest.mark.long  # they need a browser
EXCUSE = "It is <b>paint</b>, from our school's stage play."


def appealed(desk: Bench, key: str) -> None:
    """Put a blocked version whose uploader appealed ten minutes ago."""
    appeal = {"at": iso_time(time.time() - 600), "text": EXCUSE, "state": "open"}
    desk.put(key, status="BLOCKED", reason="policy_block", attention=Attention.APPEAL, appeal=appeal)


def test_appeal_is_read_as_text_and_overturned_or_upheld_by_one_key(
    desk: Bench, console: Console, tab: Page
) -> None:
    desk.put("waits.jpg", age=60)
    appealed(desk, "overturned.jpg")
    appealed(desk, "upheld.jpg")
    start(tab, console)
    assert "1 waiting" in tab.text("#counts")
    tab.press("w")
    tab.wait("document.activeElement.id === 'state'")
    choose(tab, "APPEAL")
    tab.wait("document.getElementById('key').innerText === 'overturned.jpg'")
    tab.press("Escape")  # back to the object
    for name, press in (("overturned.jpg", "a"), ("upheld.jpg", "r")):
        tab.wait(f"document.getElementById('key').innerText === '{name}'")
        tab.wait("!document.getElementById('appeal').hidden")
        assert EXCUSE in tab.text("#appeal")
        assert tab.run("document.querySelectorAll('#appeal b').length") == 1  # the page's own
        tab.press(press)
    tab.wait("document.getElementById('counts').innerText.includes('2 decided')")
    actions = {name: decision["action"]["S"] for name, decision in decisions(desk).items()}
    assert actions == {"overturned.jpg": "approve", "upheld.jpg": "reject"}
    assert desk.evidence() == len(desk.messages()) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_list(desk: Bench, console: Console, tab: Page, scheme: str) -> None:
    tab.prefer(scheme)
    desk.put("waits.jpg", age=60)
    appealed(desk, "appealed.jpg")
    hold = {"person": "arn:aws:iam::123456789012:user/bea", "at": iso_time(time.time()), "reason": "a minor"}
    desk.put("held.jpg", attention=Attention.ESCALATED, hold=hold)
    desk.put("check.jpg", status="PUBLISHED", attention=Attention.CHECK, check=True)
    start(tab, console)
    found = {}
    for state, name in (("APPEAL", "appealed.jpg"), ("ESCALATED", "held.jpg"), ("CHECK", "check.jpg")):
        choose(tab, state)
        tab.wait(f"document.getElementById('key').innerText === '{name}'")
        tab.wait("document.querySelectorAll('#history li').length > 0")
        if violated := violations(tab):
            found[state] = violated
    assert found == {}
