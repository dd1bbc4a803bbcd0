"""Appeals: noted by the upload API, decided by people, with every fault at every call."""

from collections.abc import Mapping
from dataclasses import replace

from media_pipeline.records.decisions import Action
from tests.faults.api_client import UPLOAD_API
from tests.faults.fault_injection import Call, Fault, FaultKind
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, Scenario
from tests.faults.scenarios_decisions import decide, held_back
from tests.faults.simulation import Simulation


def _appealed(run: Simulation) -> None:
    run.reviewers.appeal()


def _blocked(run: Simulation) -> None:
    """Upload what is blocked through the API, to its end."""
    run.delivery_profile = replace(run.delivery_profile, usual_delay=0.1)
    run.api.upload(Content.WEAPON, 1)
    run.run(DAY)


def _appeal(run: Simulation) -> None:
    run.api.appeal(run.history.by_number[1].key)


def _appeal_while_it_is_approved(run: Simulation) -> None:
    """Appeal, and have it approved by a person who may not know, should the appeal be held up."""
    _appeal(run)
    run.clock.after(1.0, lambda: decide(Action.APPROVE)(run))


class _HeldUp:
    """Has the machine of the upload API stand still before it notes an appeal."""

    def choose(self, call: Call) -> Fault | None:
        """Return a pause before the API's UpdateItem."""
        if call.invocation.function_name != UPLOAD_API or call.operation != "UpdateItem":
            return None
        return Fault(FaultKind.PAUSED, seconds=5.0)


def _appeal_held_up(run: Simulation) -> None:
    """Appeal, and have it approved, and published, between the API's look at the record and its write."""
    run.injector = _HeldUp()
    _appeal_while_it_is_approved(run)


APPEALS: Mapping[str, Scenario] = {
    "appeal-of-a-takedown-that-is-restored-to-review": Scenario(
        held_back(Content.FIGHT, decide(Action.WITHDRAW), _appealed, decide(Action.RESTORE)),
        decide(Action.REJECT),
        "BLOCKED",
        in_pairs=False,
        faults=False,
    ),
    "appeal-overturned": Scenario(
        held_back(Content.WEAPON, _appealed), decide(Action.APPROVE), "PUBLISHED", in_pairs=False
    ),
    "appeal-upheld": Scenario(
        held_back(Content.WEAPON, _appealed), decide(Action.REJECT), "BLOCKED", in_pairs=False, faults=False
    ),
    "appeal-api": Scenario(_blocked, _appeal, "BLOCKED", UPLOAD_API, in_pairs=False),
    "appeal-api-held-up": Scenario(
        _blocked, _appeal_held_up, "PUBLISHED", UPLOAD_API, in_pairs=False, faults=False
    ),
    "appeal-api-while-approved": Scenario(
        _blocked, _appeal_while_it_is_approved, "PUBLISHED", UPLOAD_API, in_pairs=False
    ),
}
