"""Two people, and what a person escalates: on the page, by keyboard."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.records.attention import Attention
from media_pipeline.records.record import iso_time
from operations.reviews.server import Console
from tests.console.browser import Page
from tests.console.desk import Bench
from tests.console.test_page import decisions, key, start

pytestmark = pytest.mark.long  # they need a browser
OTHER = "arn:aws:iam::123456789012:user/bea"


def screenshot(tab: Page, name: str) -> None:
    """Keep what is seen where somebody wants to look at it: CONSOLE_SCREENSHOTS names a folder."""
    if folder := os.environ.get("CONSOLE_SCREENSHOTS"):
        tab.screenshot(Path(folder, f"{name}.png"))


def choose(tab: Page, state: str) -> None:
    """Choose what waits."""
    script = f"document.getElementById('state').value = '{state}'"
    tab.run(f"{script}, document.getElementById('state').dispatchEvent(new Event('change'))")


def approved(person: str) -> list[dict[str, Any]]:
    return [{"person": person, "at": iso_time(time.time() - 90), "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}]


def test_first_approval_waits_for_a_second_person_and_the_second_one_decides(desk: Bench, tab: Page) -> None:
    named = {**desk.outputs.named, "review_approvals": '{"Violence":2}'}
    two = replace(desk, outputs=replace(desk.outputs, named=named))
    desk.put("first.jpg", age=20)
    desk.put("second.jpg", age=10, approvals=approved(OTHER))
    with two.console() as console:
        start(tab, console)
        assert "2 persons must approve it." in tab.text("#why")
        tab.press("a")
        tab.wait(
            "document.getElementById('leaving').innerText.includes('first.jpg waits for the approval of one')"
        )
        assert desk.decided() == []
        assert key(tab) == "second.jpg"
        tab.wait("document.getElementById('why').innerText.includes('bea did')")
        screenshot(tab, "two-people")
        tab.press("a")
        tab.wait("document.getElementById('counts').innerText.includes('2 decided')")
        assert decisions(desk)["second.jpg"]["action"]["S"] == "approve"
        assert set(decisions(desk)) == {"second.jpg"}
        assert desk.evidence() == 2
        tab.open(f"{console.origin}/")  # what it approved waits for others, and not for this person
        tab.wait("document.getElementById('empty-title').innerText === 'Nothing waits for you'")


def test_one_key_escalates_and_what_is_held_is_shown_to_nobody_until_it_is_released(
    desk: Bench, console: Console, tab: Page
) -> None:
    desk.put("a.jpg", age=20)
    hold = {"person": OTHER, "at": iso_time(time.time() - 600), "reason": "a minor"}
    desk.put("held.jpg", age=10, attention=Attention.ESCALATED, hold=hold)
    start(tab, console)
    assert "1 waiting" in tab.text("#counts")
    tab.press("e")
    tab.wait("document.getElementById('leaving').innerText.includes('Escalated')")
    tab.wait("document.getElementById('counts').innerText.includes('1 decided')")
    assert decisions(desk)["a.jpg"]["action"]["S"] == "escalate"
    choose(tab, "ESCALATED")
    tab.wait("document.getElementById('key').innerText === 'held.jpg'")
    tab.wait("document.getElementById('why').innerText.includes('bea escalated it 10 minutes ago: a minor')")
    assert "1 held" in tab.text("#counts")
    assert tab.run("document.getElementById('approve').hidden && document.getElementById('reject').hidden")
    tab.press("a", "r")
    assert tab.run("document.querySelectorAll('#leaving li').length") == 0
    tab.press(" ")
    tab.wait("document.getElementById('veil').innerText.includes('held as evidence')")
    assert tab.run("document.getElementById('picture').hidden")
    screenshot(tab, "held")
    tab.press("e")
    tab.wait("document.getElementById('leaving').innerText.includes('Released')")
    tab.wait("document.getElementById('counts').innerText.includes('2 decided')")
    assert decisions(desk)["held.jpg"]["action"]["S"] == "release"


def test_what_is_published_is_not_escalated_but_withdrawn_first(
    desk: Bench, console: Console, tab: Page
) -> None:
    desk.put("waits.jpg", age=20)
    desk.put("check.jpg", age=10, status="PUBLISHED", attention=Attention.CHECK)
    start(tab, console)
    assert not tab.run("document.getElementById('escalate').hidden")
    choose(tab, "CHECK")
    tab.wait("document.getElementById('key').innerText === 'check.jpg'")
    tab.wait("document.getElementById('escalate').hidden")
    tab.press("e")
    assert tab.run("document.querySelectorAll('#leaving li').length") == 0
