"""All scenarios of one object, which `exhaustive` tries with every fault."""

from collections.abc import Mapping

from tests.faults.scenarios import ONE_OBJECT, Scenario
from tests.faults.scenarios_appeals import APPEALS
from tests.faults.scenarios_backfills import BACKFILLS
from tests.faults.scenarios_budget import BUDGET
from tests.faults.scenarios_cache import CACHE
from tests.faults.scenarios_decisions import DECISIONS
from tests.faults.scenarios_edge import EDGE
from tests.faults.scenarios_holds import HOLDS
from tests.faults.scenarios_lists import LISTS
from tests.faults.scenarios_null_versions import NULL_VERSIONS
from tests.faults.scenarios_operations import OPERATIONS
from tests.faults.scenarios_samples import SAMPLES
from tests.faults.scenarios_second_records import SECOND_RECORDS
from tests.faults.scenarios_versions import VERSIONS
from tests.faults.scenarios_withdrawals import WITHDRAWALS

SCENARIOS: Mapping[str, Scenario] = {
    **ONE_OBJECT,
    **VERSIONS,
    **SECOND_RECORDS,
    **NULL_VERSIONS,
    **WITHDRAWALS,
    **OPERATIONS,
    **CACHE,
    **BUDGET,
    **DECISIONS,
    **APPEALS,
    **BACKFILLS,
    **HOLDS,
    **SAMPLES,
    **LISTS,
    **EDGE,
}
