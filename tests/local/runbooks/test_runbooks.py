"""Every alarm is caused, rings, sends its e-mail, and ends once its runbook was followed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.serving.served_world import ServedWorld
from tests.fixtures.deployed_stack import deploy_into, packages_for_host, region_of
from tests.local.runbooks.endpoint import URL
from tests.local.runbooks.operator import Desk
from tests.local.runbooks.rehearsals import REHEARSALS

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs" / "reference" / "alarms.md").read_text("utf-8")
RUNBOOKS = (ROOT / "docs" / "operator" / "alarms.md").read_text("utf-8")
OPTIONAL = {"budget-spent", "webhooks-dead-letters-left"}
"""Of stacks with `limits.judgedPerDay`, with `notify.webhooks`."""
PERIODS_TO_END = 3
CONFIGURATION = {
    "notify": {
        "alerts": ["ops@example.com"],
        "results": [],
        "webhooks": [{"url": URL, "statuses": ["PUBLISHED"]}],
        "monthlyDollars": 100,
    },
    "limits.judgedPerDay": 100_000,
    "reconcile": "daily",
    "dashboard": True,
    "retention.quarantine": 10,
    "sizes": {"thumbnail": 150},
    "formats": ["jpeg"],
    "tracing": False,
    "video.height": 120,
    "video.moderationFrames": 2,
    "api.rate": 1_000,
    "api.burst": 1_000,
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Yield a stack of its own: what one rehearsal breaks is nothing to the next."""
    out = tmp_path
    timescale = TimeScale(0.3)
    with (
        packages_for_host(),
        ServedWorld(region_of(), logs=out / "logs", outbox=out / "outbox", timescale=timescale) as served,
    ):
        yield Desk(served, deploy_into(served.world, "dev", CONFIGURATION), out)


def alarms_of_the_reference() -> set[str]:
    return set(re.findall(r"^\| `([\w-]+)` \|", REFERENCE, re.MULTILINE)) | OPTIONAL


def test_every_alarm_has_a_rehearsal_and_a_section_among_the_runbooks() -> None:
    assert REHEARSALS.keys() == alarms_of_the_reference()
    headings = re.findall(r"^### (.+)$", RUNBOOKS, re.MULTILINE)
    assert alarms_of_the_reference() <= {name for heading in headings for name in heading.split(", ")}


@pytest.mark.long
@pytest.mark.parametrize("alarm", sorted(REHEARSALS))
def test_an_alarm_rings_tells_somebody_and_ends_once_its_runbook_was_followed(desk: Desk, alarm: str) -> None:
    desk.begin_period()
    assert not desk.is_ringing(alarm)
    mails = len(desk.mails(alarm))
    rehearsal = REHEARSALS[alarm](desk)
    next(rehearsal)
    desk.pass_period()
    assert desk.is_ringing(alarm)
    (mail,) = desk.mails(alarm)[mails:]
    assert "What to do: " in mail
    assert next(rehearsal, "done") == "done"
    for _ in range(PERIODS_TO_END):
        desk.pass_period()
    assert not desk.is_ringing(alarm)
