"""Scenarios of a stack whose renditions CloudFront delivers: what is removed is forgotten at the edge, too."""

from collections.abc import Mapping
from dataclasses import replace

from tests.faults.configurations import WITH_CDN
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import Scenario
from tests.faults.scenarios_versions import delete, delete_oldest, first, plain, put
from tests.faults.scenarios_withdrawals import take_down

_PUBLISHED = put(Content.CLEAN)


def _at_the_edge(scenario: Scenario) -> Scenario:
    """Return a scenario with a distribution. Single faults suffice: pairs of them are tried without one."""
    return replace(scenario, deployment=WITH_CDN, in_pairs=False)


EDGE: Mapping[str, Scenario] = {
    "edge-takedown": _at_the_edge(plain(first(_PUBLISHED), take_down, "BLOCKED")),
    "edge-delete": _at_the_edge(plain(first(_PUBLISHED), delete, "DELETED")),
    "edge-delete-version": _at_the_edge(plain(first(_PUBLISHED), delete_oldest, "DELETED")),
}
