"""What people look at only to be counted: checks and second looks, with every fault at every call."""

from collections.abc import Mapping

from media_pipeline.records.decisions import Action
from tests.faults.configurations import SAMPLING
from tests.faults.reviewers import REVIEWER
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY, Scenario
from tests.faults.scenarios_decisions import HOUR, Act, approve, delete, held_back, reject
from tests.faults.scenarios_versions import delete_oldest
from tests.faults.simulation import Simulation

ANOTHER = "arn:aws:iam::123456789012:user/another"


def _nothing(_: Simulation) -> None:
    pass


def _look_again(run: Simulation) -> None:
    """Look again through a bad connection, and once more later."""

    def look() -> None:
        run.reviewers.ask(Action.REJECT, person=ANOTHER, override=False)

    look()
    run.clock.after(HOUR, look)


def _put(run: Simulation) -> None:
    run.put(KEY, Content.CLEAN, 1)


def _check(action: Action) -> Act:
    """Check through a bad connection, once more later, and redrive what no worker was told of."""

    def act(run: Simulation) -> None:
        run.reviewers.ask(action, override=False)
        run.clock.after(HOUR, lambda: run.reviewers.ask(action, override=False))
        run.clock.after(3 * HOUR, run.operator.redrive)

    return act


def _published(run: Simulation) -> None:
    _put(run)
    run.run(DAY)


SAMPLES: Mapping[str, Scenario] = {
    "sample-check": Scenario(_nothing, _put, "PUBLISHED", deployment=SAMPLING, in_pairs=False),
    "sample-check-deleted": Scenario(
        _published, delete, "DELETED", deployment=SAMPLING, in_pairs=False, faults=False
    ),
    "sample-check-version-deleted": Scenario(
        _published, delete_oldest, "DELETED", deployment=SAMPLING, in_pairs=False, faults=False
    ),
    "sample-check-passed": Scenario(
        _published, _check(Action.APPROVE), "PUBLISHED", REVIEWER, deployment=SAMPLING, in_pairs=False
    ),
    "sample-check-failed": Scenario(
        _published, _check(Action.REJECT), "BLOCKED", REVIEWER, deployment=SAMPLING, in_pairs=False
    ),
    "sample-second-look-at-an-approval": Scenario(
        held_back(), approve, "PUBLISHED", deployment=SAMPLING, in_pairs=False, faults=False
    ),
    "sample-second-look-at-a-rejection": Scenario(
        held_back(), reject, "BLOCKED", deployment=SAMPLING, in_pairs=False, faults=False
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
