"""Scenarios of a stack whose renditions CloudFront delivers: what is removed is forgotten at the edge, too."""

from collections.abc import Mapping
from dataclasses import replace

from tests.faults.sample_uploads import Content
from tests.faults.scenarios import Scenario
from tests.faults.scenarios_versions import delete, delete_oldest, expire, first, kept, plain, put, wait
from tests.faults.scenarios_withdrawals import take_down
from tests.faults.simulation import Simulation

PLAIN = "plain.jpg"
"""A key that one address spells: each of its versions is a path of its own."""
_PUBLISHED = put(Content.CLEAN)
_OLDER_EXPIRED = first(put(Content.CLEAN, 1, PLAIN), put(Content.CLEAN, 2, PLAIN), wait, expire)


def _delete_plain(run: Simulation) -> None:
    run.delete(PLAIN)


def _at_the_edge(scenario: Scenario) -> Scenario:
    """Return a scenario with a distribution. Single faults suffice: pairs of them are tried without one."""
    return replace(scenario, deployment=replace(scenario.deployment, cdn=True), in_pairs=False)


EDGE: Mapping[str, Scenario] = {
    "edge-takedown": _at_the_edge(plain(first(_PUBLISHED), take_down, "BLOCKED")),
    "edge-delete": _at_the_edge(plain(first(_PUBLISHED), delete, "DELETED")),
    "edge-delete-version": _at_the_edge(plain(first(_PUBLISHED), delete_oldest, "DELETED")),
    # No record is left that would tell an attempt which repeats another one what that removed.
    "edge-delete-after-expiry": _at_the_edge(kept(_OLDER_EXPIRED, _delete_plain, "DELETED")),
    "edge-delete-version-after-expiry": _at_the_edge(kept(_OLDER_EXPIRED, delete_oldest, "PUBLISHED")),
}
