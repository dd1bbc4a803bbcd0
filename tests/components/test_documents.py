"""What operators read about the program is what it does: its alarms, its messages."""

import re

import pytest

from components.config_errors import ConfigError
from tests.components.config_parsing import Raw, parse, put
from tests.components.conftest import WHOLE, Run, part
from tests.components.queries import ALARM
from tests.components.recording import PROJECT, Recording

OPERATOR = PROJECT / "docs" / "operator"


def test_every_alarm_that_a_runbook_is_about_exists(recorded: Recording) -> None:
    headings = re.findall(r"^### (.*)$", (OPERATOR / "alarms.md").read_text("utf-8"), re.MULTILINE)
    named = [name for heading in headings for name in heading.split(", ")]
    existing = {alarm.name.removeprefix(f"media-pipeline-{recorded.stack}-") for alarm in recorded.of(ALARM)}
    assert len(named) >= 20
    assert sorted(set(named)) == sorted(named)
    assert (
        set(named) - {"budget-spent", "webhooks-dead-letters-left"} <= existing
    )  # of stacks with a budget, with webhooks


def test_every_alarm_has_its_runbook(run: Run) -> None:
    budget = part("dev", "limits", judgedPerDay=10_000)
    notify = part("dev", "notify", alerts=["ops@example.com"], webhooks=[{"url": "https://a.example.com/"}])
    recorded = run("dev", {**WHOLE, **budget, **notify})
    text = (OPERATOR / "alarms.md").read_text("utf-8")
    named = {
        name for heading in re.findall(r"^### (.*)$", text, re.MULTILINE) for name in heading.split(", ")
    }
    alarms = {alarm.name.removeprefix("media-pipeline-dev-") for alarm in recorded.of(ALARM)}
    assert alarms - named == set()
    assert named - alarms == set()


def test_the_documented_message_about_a_wrong_configuration_is_the_programs_own(raw: Raw) -> None:
    put(raw, "moderation.block.Wepons", 90)
    put(raw, "memory.image", 64)
    with pytest.raises(ConfigError) as caught:
        parse(raw)
    assert f"\n```\nerror: {caught.value}\n```\n" in (OPERATOR / "configuration.md").read_text("utf-8")
