"""Two people who must agree, and what a person holds as evidence, with every fault at every call."""

from collections.abc import Mapping
from functools import partial

from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.records.decisions import Action
from tests.faults.configurations import KEEPING, TWO_PEOPLE
from tests.faults.reviewers import REVIEWER
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import Scenario
from tests.faults.scenarios_decisions import HOUR, Act, decide, delete, held_back
from tests.faults.scenarios_versions import expire, put, wait
from tests.faults.simulation import Simulation

ANNA, BERT = (f"arn:aws:iam::123456789012:user/{name}" for name in ("anna", "bert"))


def _two(run: Simulation) -> None:
    """Let the asking side know that two persons must approve."""
    run.reviewers.rule = ApprovalRule.parse({"Violence": 2})


def _approve(*persons: str) -> Act:
    """Approve the first upload, as each of these persons in turn."""

    def act(run: Simulation) -> None:
        for person in persons:
            run.reviewers.decide(Action.APPROVE, person=person)

    return act


def _both_ask(run: Simulation) -> None:
    """Approve as two persons, each again where that was cut off, and redrive what no worker was told of."""
    for hours, person in enumerate((ANNA, ANNA, BERT, BERT)):
        run.clock.after(
            hours * HOUR, partial(run.reviewers.ask, Action.APPROVE, person=person, override=False)
        )
    run.clock.after(5 * HOUR, run.operator.redrive)


def _lifecycle(run: Simulation) -> None:
    """Let the lifecycle rules of quarantine come."""
    upload = run.history.by_number[1]
    run.stack.lose_quarantined(upload.key, upload.version)


def _escalate_and_delete(run: Simulation) -> None:
    escalate(run)
    delete(run)


def _of_two(act: Act, status: str, *, function: str = "process-image", faults: bool = False) -> Scenario:
    prepare = held_back(Content.FIGHT, _two)
    return Scenario(prepare, act, status, function, TWO_PEOPLE, in_pairs=False, faults=faults)


def _held(act: Act, status: str, *then: Act, faults: bool = False) -> Scenario:
    return Scenario(held_back(Content.FIGHT, *then), act, status, in_pairs=False, faults=faults)


escalate, release = decide(Action.ESCALATE), decide(Action.RELEASE)
HOLDS: Mapping[str, Scenario] = {
    "people-two": _of_two(_approve(ANNA, BERT), "PUBLISHED"),
    "people-two-asked": _of_two(_both_ask, "PUBLISHED", function=REVIEWER, faults=True),
    "people-one-of-two": _of_two(_approve(ANNA, ANNA), "REVIEW"),
    "people-past-the-rule": Scenario(
        held_back(), _approve(ANNA), "REVIEW", deployment=TWO_PEOPLE, in_pairs=False, faults=False
    ),
    "people-hold": _held(escalate, "REVIEW", faults=True),
    "people-hold-of-blocked": Scenario(
        held_back(Content.WEAPON), escalate, "BLOCKED", in_pairs=False, faults=False
    ),
    "people-hold-and-delete": _held(_escalate_and_delete, "DELETED", faults=True),
    "people-hold-then-delete": _held(delete, "DELETED", escalate),
    "people-hold-then-expire": _held(_lifecycle, "REVIEW", escalate),
    "people-hold-then-approve": _held(decide(Action.APPROVE), "REVIEW", escalate),
    "people-hold-released": _held(release, "REVIEW", escalate),
    "people-hold-released-after-a-delete": _held(release, "DELETED", escalate, delete),
    "people-hold-released-long-after-a-delete": Scenario(
        held_back(Content.FIGHT, escalate, delete, put(Content.CLEAN, 2), wait, wait, expire),
        release,
        "PUBLISHED",  # what was put since; the checks look at what was held
        deployment=KEEPING,
        in_pairs=False,
        faults=False,
    ),
}
