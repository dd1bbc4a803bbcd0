"""What people look at only to be counted: second looks, with every fault at every call."""

from collections.abc import Mapping

from media_pipeline.records.decisions import Action
from tests.faults.configurations import SAMPLING
from tests.faults.reviewers import REVIEWER
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import Scenario
from tests.faults.scenarios_decisions import HOUR, approve, held_back, reject
from tests.faults.simulation import Simulation

ANOTHER = "arn:aws:iam::123456789012:user/another"


def _look_again(run: Simulation) -> None:
    """Look again through a bad connection, and once more later."""

    def look() -> None:
        run.reviewers.ask(Action.REJECT, person=ANOTHER, override=False)

    look()
    run.clock.after(HOUR, look)


SAMPLES: Mapping[str, Scenario] = {
    "sample-second-look-at-an-approval": Scenario(
        held_back(), approve, "PUBLISHED", deployment=SAMPLING, in_pairs=False, faults=False
    ),
    "sample-second-look-at-a-rejection": Scenario(
        held_back(), reject, "BLOCKED", deployment=SAMPLING, in_pairs=False
    ),
    "sample-second-look": Scenario(
        held_back(Content.FIGHT, approve),
        _look_again,
        "PUBLISHED",
        REVIEWER,
        deployment=SAMPLING,
        in_pairs=False,
    ),
}
