"""What people decide about withheld versions, carried out by the workers, with every fault at every call."""

from collections.abc import Callable, Mapping

from media_pipeline.records.decisions import Action
from tests.faults.configurations import KEEPING, WITH_VIDEOS
from tests.faults.operators import OPERATOR
from tests.faults.reviewers import REVIEWER
from tests.faults.sample_uploads import Content, draw
from tests.faults.scenarios import DAY, KEY, KillAfterFirstRendition, Scenario
from tests.faults.simulated_stack import QUARANTINE
from tests.faults.simulation import Simulation

HOUR = 3600.0
Act = Callable[[Simulation], None]


def held_back(kind: Content = Content.FIGHT, *then: Act) -> Act:
    """Upload what the policy withholds, to its end, and do more, each to its end."""

    def act(run: Simulation) -> None:
        run.put(KEY, kind, 1)
        run.run(DAY)
        for each in then:
            each(run)
            run.run(DAY)

    return act


def decide(action: Action) -> Act:
    """Decide about the first upload."""

    def act(run: Simulation) -> None:
        run.reviewers.decide(action)

    return act


approve, reject = decide(Action.APPROVE), decide(Action.REJECT)


def overwrite(run: Simulation) -> None:
    """Upload something newer."""
    run.put(KEY, Content.CLEAN, 2)


def _between_a_published_and_a_rejected_one(run: Simulation) -> None:
    for number, kind in enumerate((Content.CLEAN, Content.FIGHT, Content.TEXT), start=1):
        run.put(KEY, kind, number)
        run.run(DAY)


def _approve_the_second(run: Simulation) -> None:
    run.reviewers.decide(Action.APPROVE, run.history.by_number[2])


def delete(run: Simulation) -> None:
    """Delete the key."""
    run.delete(KEY)


def _decided_unheard(action: Action) -> Act:
    """Decide, and lose the message to the workers."""

    def act(run: Simulation) -> None:
        run.reviewers.lost_messages = True
        decide(action)(run)
        run.reviewers.lost_messages = False
        run.pass_time(HOUR)

    return act


def _later(run: Simulation) -> None:
    run.pass_time(HOUR)


def _redrive(run: Simulation) -> None:
    """Redrive, and once more later: a command that was interrupted is started again."""
    run.operator.redrive()
    run.clock.after(2 * HOUR, run.operator.redrive)


def _expire(run: Simulation) -> None:
    """Let what quarantine holds of the first upload expire."""
    upload = run.history.by_number[1]
    upload.expired = True
    run.stack.lose_quarantined(upload.key, upload.version)


def _expired_when_approved(run: Simulation) -> None:
    with run.postponed() as bodies:
        approve(run)
    _expire(run)
    run.queues["images"].send(bodies[0])


def _changed_when_approved(run: Simulation) -> None:
    upload = run.history.by_number[1]
    with run.postponed() as bodies:
        approve(run)
    upload.expired = True
    other = draw(Content.CLEAN, 7)
    run.stack.s3.put_object(Bucket=QUARANTINE, Key=f"{upload.key}/{upload.version}", Body=other)
    run.queues["images"].send(bodies[0])


def _twice(run: Simulation) -> None:
    with run.postponed() as bodies:
        approve(run)
    for _ in range(2):
        run.queues["images"].send(bodies[0])


def _late_event_of_the_move(run: Simulation) -> None:
    run.send_event_of_move(run.history.by_number[1])


def _approved_and_deleted(run: Simulation) -> None:
    approve(run)
    delete(run)


def _cut_off(run: Simulation) -> None:
    """Cut an approved version off with some of its renditions put; its message is still hidden."""
    run.put(KEY, Content.FIGHT, 1)
    run.run(DAY)
    run.injector = KillAfterFirstRendition()
    approve(run)
    run.clock.run(run.clock.now + 60.0)


def _suspended(run: Simulation) -> None:
    run.stack.set_versioning("Suspended")
    held_back()(run)


def _asked_through_a_bad_connection(run: Simulation) -> None:
    """Ask, again where that was not possible, and redrive what no worker was told of."""
    run.reviewers.ask(Action.APPROVE)
    run.clock.after(HOUR, lambda: run.reviewers.ask(Action.APPROVE))
    run.clock.after(3 * HOUR, run.operator.redrive)


def _one(
    prepare: Act, act: Act, status: str, function: str = "process-image", *, faults: bool = True
) -> Scenario:
    return Scenario(prepare, act, status, function, in_pairs=False, faults=faults)


def _of_video(act: Act, status: str, function: str) -> Scenario:
    prepare = held_back(Content.WEAPON_VIDEO)
    return Scenario(prepare, act, status, function, WITH_VIDEOS, in_pairs=False)


DECISIONS: Mapping[str, Scenario] = {
    "decide-approve": Scenario(held_back(), approve, "PUBLISHED"),
    "decide-reject": Scenario(held_back(), reject, "BLOCKED"),
    "decide-override": _one(held_back(Content.WEAPON), approve, "PUBLISHED", faults=False),
    "decide-approve-twice": _one(held_back(), _twice, "PUBLISHED"),
    "decide-approve-and-delete": _one(held_back(), _approved_and_deleted, "DELETED"),
    "decide-approve-then-delete": _one(held_back(Content.FIGHT, approve), delete, "DELETED"),
    "decide-approve-an-old-version": _one(
        held_back(Content.FIGHT, _decided_unheard(Action.APPROVE), overwrite, _later), _redrive, "PUBLISHED"
    ),
    "decide-approve-below-a-rejected-one": _one(
        _between_a_published_and_a_rejected_one, _approve_the_second, "REJECTED", faults=False
    ),
    "decide-reject-an-old-version": Scenario(
        held_back(Content.FIGHT, overwrite), reject, "PUBLISHED", deployment=KEEPING, in_pairs=False
    ),
    "decide-approve-after-expiry": _one(held_back(), _expired_when_approved, "REVIEW"),
    "decide-approve-other-bytes": _one(held_back(), _changed_when_approved, "REVIEW", faults=False),
    "decide-approve-lost": _one(
        held_back(Content.FIGHT, _decided_unheard(Action.APPROVE)), _redrive, "PUBLISHED", OPERATOR
    ),
    "decide-reject-lost": _one(
        held_back(Content.FIGHT, _decided_unheard(Action.REJECT)), _redrive, "BLOCKED", OPERATOR, faults=False
    ),
    "decide-asked": _one(held_back(), _asked_through_a_bad_connection, "PUBLISHED", REVIEWER),
    "decide-late-event-of-the-move": _one(
        held_back(Content.FIGHT, approve), _late_event_of_the_move, "PUBLISHED"
    ),
    "decide-overwritten-when-cut-off": _one(_cut_off, overwrite, "PUBLISHED"),
    "decide-deleted-when-cut-off": _one(_cut_off, delete, "DELETED"),
    "decide-approve-null": _one(_suspended, approve, "PUBLISHED"),
    "decide-video": _of_video(approve, "PUBLISHED", "process-video"),
    "decide-video-hand-over": _of_video(approve, "PUBLISHED", "process-image"),
}
