"""The runbooks are about alarms that exist."""

import re

from tests.components.queries import ALARM
from tests.components.recording import PROJECT, Recording

RUNBOOKS = PROJECT / "docs" / "operator" / "alarms.md"


def test_every_alarm_that_a_runbook_is_about_exists(recorded: Recording) -> None:
    headings = re.findall(r"^### (.*)$", RUNBOOKS.read_text("utf-8"), re.MULTILINE)
    named = [name for heading in headings for name in heading.split(", ")]
    existing = {alarm.name.removeprefix(f"media-pipeline-{recorded.stack}-") for alarm in recorded.of(ALARM)}
    assert len(named) >= 20
    assert sorted(set(named)) == sorted(named)
    assert set(named) <= existing
