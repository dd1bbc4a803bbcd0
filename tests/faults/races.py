"""Two events of one key at once, of versions, deletes and undeletes: the first pauses before its Nth call.

race:delete+undelete@4          the first continues 20 seconds later, while its lease still holds
race:publish+delete@8-lapsed    it pauses until its lease is over; its own message stays hidden meanwhile
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from media_pipeline.records.decisions import Action
from tests.faults.configurations import FIRST, KEEPING, LAXER_WITH_VIDEOS, WITH_VIDEOS, Deployment
from tests.faults.delivery_profile import DeliveryProfile
from tests.faults.preemption import Preempting
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY
from tests.faults.scenarios_backfills import (
    RECORDED,
    RENDERED,
    UNASKED,
    UNASKED_IN_THE_SAME_SIZES,
    backfill,
    published,
)
from tests.faults.scenarios_decisions import approve, decide, held_back, reject
from tests.faults.scenarios_operations import APPROVED_AND_LOST, publish_again
from tests.faults.scenarios_versions import SEQUENCER, cut_off, put
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import SimulatedStack
from tests.faults.simulation import Simulation

SOON = 20.0  # seconds: within the lease
Act = Callable[[Simulation], object]


@dataclass(frozen=True)
class Race:
    """`first` sends the message whose invocation pauses, `second` what happens meanwhile."""

    first: Act
    second: Act
    calls: range
    before: Act = lambda _: None  # runs to its end
    unseen: Act | None = None  # happens after `before`; its message arrives only with `second`
    deployment: Deployment = FIRST
    lapsed: float = 0.0  # seconds of a pause that is longer than the lease; 0: not tried
    twice: bool = False  # whether the message of `first` is delivered once more with `second`
    crossed: int = 0  # the call before which the first other invocation that makes so many pauses as well
    killed: int | None = None  # so many calls after its pause the first one is killed
    acknowledged: bool = False  # whether its message is deleted meanwhile, as after another delivery


def _put(kind: Content = Content.CLEAN, number: int = 1, *, without: tuple[str, ...] = ()) -> Act:
    return lambda run: run.put(KEY, kind, number, without=without)


def _again(place: int = 0, *, without: tuple[str, ...] = ()) -> Act:
    return lambda run: run.send_event_of(list(run.history.uploads.values())[place], without=without)


def _delete(run: Simulation) -> None:
    run.delete(KEY)


def _undelete(run: Simulation) -> None:
    run.undelete(KEY)


def _delete_version(run: Simulation) -> None:
    run.delete_version(next(iter(run.history.uploads.values())))


def _delete_newest(run: Simulation) -> None:
    run.delete_version(list(run.history.uploads.values())[-1])


def _move_again(run: Simulation) -> None:
    run.send_event_of_move(next(iter(run.history.uploads.values())))


def _suspend(run: Simulation) -> None:
    run.stack.set_versioning("Suspended")


def _suspend_and_put(run: Simulation) -> None:
    _suspend(run)
    run.put(KEY, Content.CLEAN, 1)


def _put_and_delete(run: Simulation) -> None:
    run.put(KEY, Content.CLEAN, 1)
    run.run(DAY)
    run.delete(KEY)


def _put_and_delete_twice(run: Simulation) -> None:
    _put_and_delete(run)
    run.run(DAY)
    run.delete(KEY)


def _superseded_and_deleted(run: Simulation) -> None:
    """Let the event of an upload arrive after that of its delete."""
    with run.postponed() as bodies:
        run.put(KEY, Content.CLEAN, 1)
    run.delete(KEY)
    run.run(DAY)
    run.queues["images"].send(bodies[0])


def _overwritten_while_cut_off(run: Simulation) -> None:
    """Let an upload whose event had no sequencer be followed by another one before it has its outcome."""
    run.put(KEY, Content.CLEAN, 1)
    run.run(DAY)
    cut_off("UpdateItem", put(Content.WEAPON, 2, KEY, SEQUENCER))(run)
    run.queues["images"].messages.clear()  # it comes later
    run.put(KEY, Content.CLEAN, 3, without=SEQUENCER)


def _cut_off_in_its_puts(kind: Content) -> Act:
    """Let an upload be cut off once a rendition, or its picture for reviewers, is there; its message comes later."""

    def act(run: Simulation) -> None:
        cut_off("PutObject", put(kind))(run)
        run.queues["images"].messages.clear()
        run.pass_time(DAY)

    return act


def _take_down(run: Simulation) -> None:
    run.reviewers.decide(Action.WITHDRAW)


def _later(act: Act, seconds: float = 400.0) -> Act:
    """Do something once whoever took over from a function that stands still has ended."""
    return lambda run: run.clock.after(seconds, partial(act, run))


def _nothing(_: Simulation) -> None:
    pass


_CALLS = range(1, 16)
_OF_EVENTS: Mapping[str, Race] = {
    # An image's lease is 78 s, and its message stays hidden for 360 s; a video's lease is 39 s, and is extended.
    "publish+delete": Race(_put(), _delete, _CALLS, lapsed=200.0),
    "block+delete": Race(_put(Content.WEAPON), _delete, _CALLS, lapsed=200.0),
    "block+delete-version": Race(_put(Content.WEAPON), _delete_version, _CALLS, lapsed=200.0),
    "delete+move-again": Race(_delete, _move_again, _CALLS, before=_put(Content.FIGHT)),
    "video+delete": Race(
        _put(Content.VIDEO), _delete, range(10, 23, 2), deployment=WITH_VIDEOS, lapsed=120.0
    ),
    # The second delivery publishes it, which is undone before the first function goes on.
    "publish-twice+delete": Race(_put(), _later(_delete), _CALLS, lapsed=3_000.0, twice=True),
    "publish-twice+takedown": Race(_put(), _later(_take_down), _CALLS, lapsed=3_000.0, twice=True),
    # The second delivery publishes it; what the first one finds above it hides nothing.
    "publish-twice+rejected": Race(
        _again(),
        _later(_put(Content.CORRUPT, 2)),
        range(1, 7),
        before=_cut_off_in_its_puts(Content.CLEAN),
        lapsed=3_000.0,
        twice=True,
    ),
    "publish+overwrite": Race(_put(), _put(number=2), range(5, 12), lapsed=200.0),
    "delete+undelete": Race(_delete, _undelete, _CALLS, before=_put(), deployment=KEEPING),
    "delete-twice+undelete": Race(
        _delete, _undelete, _CALLS, before=_put(), deployment=KEEPING, lapsed=3_000.0, twice=True
    ),
    # The first one goes on, and is killed right after it hid what was restored; its message comes back.
    "delete-twice-and-killed+undelete": Race(
        _delete,
        _undelete,
        range(6, 12),
        before=_put(),
        deployment=KEEPING,
        lapsed=300.0,
        twice=True,
        killed=1,
    ),
    # It is killed there, and its message was deleted by the second delivery: nothing comes back.
    "delete-twice-killed-and-acknowledged+undelete": Race(
        _delete,
        _later(_undelete),
        range(3, 8),
        before=_put(),
        lapsed=3_000.0,
        twice=True,
        killed=4,
        acknowledged=True,
    ),
    # What is restored is moved to quarantine before the first function goes on.
    "delete-twice+undelete-of-what-is-withheld": Race(
        _delete, _undelete, _CALLS, unseen=_put(Content.FIGHT), lapsed=3_000.0, twice=True
    ),
    # An attempt that was cut off had put pictures in quarantine already.
    "delete-twice+undelete-of-what-was-cut-off": Race(
        _delete,
        _undelete,
        range(8, 14),
        before=_cut_off_in_its_puts(Content.FIGHT),
        lapsed=3_000.0,
        twice=True,
    ),
    # The delete goes on while the restore is about to commit.
    "delete-twice+restore": Race(
        _delete,
        _undelete,
        range(4, 10),
        before=_put(),
        deployment=KEEPING,
        lapsed=110.0,
        twice=True,
        crossed=17,
    ),
    # Of two delete markers; either undelete may meet the other delete still in force.
    "undelete+undelete": Race(_undelete, _undelete, _CALLS, before=_put_and_delete_twice),
    "undelete+undelete-of-both": Race(
        _undelete, _nothing, range(1, 8), before=_put_and_delete_twice, unseen=_undelete
    ),
    "undelete+overwrite": Race(_undelete, _put(number=2), _CALLS, before=_put_and_delete),
    "undelete+delete": Race(_undelete, _delete, _CALLS, before=_put_and_delete),
    "undelete+again": Race(_undelete, _again(), _CALLS, before=_put_and_delete),
    "undelete+delete-version": Race(_undelete, _delete_version, _CALLS, before=_superseded_and_deleted),
    "above-an-assumed-order+delete-version": Race(
        _put(Content.TEXT, 2), _delete_newest, _CALLS, before=_put(without=("sequencer",))
    ),
    # The deletes are seen before the events of the uploads.
    "delete-version+publish": Race(_delete_version, _nothing, range(1, 5), unseen=_put()),
    "null+null": Race(_put(), _put(Content.WEAPON, 2), _CALLS, before=_suspend),
    "null-block+null": Race(_put(Content.WEAPON), _put(number=2), _CALLS, before=_suspend),
    "null+delete": Race(_put(), _delete, _CALLS, before=_suspend),
    "null-delete+null": Race(_delete, _put(number=2), _CALLS, before=_suspend_and_put),
    "no-sequencer+sequencer": Race(_put(without=("sequencer",)), _again(), _CALLS),
    "reject-no-sequencer+sequencer": Race(
        _put(Content.TEXT, without=("sequencer",)), _again(), range(1, 9), lapsed=200.0
    ),
    # A second delivery moves it above the older one, whose event comes late, before the first function goes on.
    "review-no-sequencer-twice+older-one": Race(
        _put(Content.FIGHT, 2, without=("sequencer",)),
        _nothing,
        range(9, 14),
        unseen=_put(),
        lapsed=3_000.0,
        twice=True,
    ),
    # Neither is judged, as something newer is published already.
    "overwritten-no-sequencer+sequencer": Race(
        _again(1, without=("sequencer",)), _again(1), _CALLS, before=_overwritten_while_cut_off
    ),
    # The late event of an older version, whose made-up sequencer is above that of the newer one.
    "overwrite+no-sequencer": Race(_put(number=2), _nothing, _CALLS, unseen=_put(without=("sequencer",))),
    "sequencer+no-sequencer": Race(_put(), _again(without=("sequencer",)), _CALLS),
}
_OF_DECISIONS: Mapping[str, Race] = {
    "approve+delete": Race(approve, _delete, _CALLS, before=held_back(), lapsed=200.0),
    "approve+overwrite": Race(approve, _put(number=2), _CALLS, before=held_back(), lapsed=200.0),
    "reject+delete": Race(reject, _delete, range(1, 8), before=held_back()),
    "reject+overwrite": Race(reject, _put(number=2), range(1, 8), before=held_back()),
    "delete+approve": Race(_delete, approve, range(1, 8), before=held_back()),
    "overwrite+approve": Race(_put(number=2), approve, range(1, 12), before=held_back()),
    "release+delete": Race(
        decide(Action.RELEASE),
        _delete,
        range(4, 9),
        before=held_back(Content.FIGHT, decide(Action.ESCALATE)),
        lapsed=200.0,
    ),
    # The message is delivered again, and the opposite is asked for, before the first function goes on.
    "release-twice+escalate": Race(
        decide(Action.RELEASE),
        _later(decide(Action.ESCALATE)),
        range(3, 9),
        before=held_back(Content.FIGHT, decide(Action.ESCALATE)),
        lapsed=3_000.0,
        twice=True,
    ),
    "escalate-twice+release": Race(
        decide(Action.ESCALATE),
        _later(decide(Action.RELEASE)),
        range(3, 9),
        before=held_back(),
        lapsed=3_000.0,
        twice=True,
    ),
    # It goes on after the opposite was carried out, and is killed once it has tagged; its message comes back.
    "escalate-and-killed+release": Race(
        decide(Action.ESCALATE),
        _later(decide(Action.RELEASE), 200.0),
        range(3, 9),
        before=held_back(),
        lapsed=300.0,
        twice=True,
        killed=0,
    ),
    "takedown+delete-version": Race(_take_down, _delete_version, range(1, 9), before=_put(), lapsed=200.0),
    "delete-version+takedown": Race(_delete_version, _take_down, range(1, 9), before=_put(), lapsed=200.0),
    "takedown-of-rejected+delete-version": Race(
        _take_down, _delete_version, range(1, 9), before=_put(Content.CORRUPT), lapsed=200.0
    ),
    "takedown+delete": Race(_take_down, _delete, range(3, 9), before=_put(), lapsed=200.0),
    "publish-again+delete": Race(
        publish_again, _delete, range(1, 18), before=APPROVED_AND_LOST, lapsed=200.0
    ),
    "publish-again+takedown": Race(
        publish_again, _take_down, range(1, 18), before=APPROVED_AND_LOST, lapsed=200.0
    ),
    "takedown+publish-again": Race(
        _take_down, publish_again, range(1, 9), before=APPROVED_AND_LOST, lapsed=200.0
    ),
    "approve-twice": Race(approve, _nothing, _CALLS, before=held_back(), lapsed=200.0, twice=True),
}
_OF_BACKFILLS: Mapping[str, Race] = {
    "backfill+takedown": Race(backfill(), _take_down, _CALLS, before=RENDERED, lapsed=200.0),
    "backfill+delete": Race(backfill(), _delete, _CALLS, before=RENDERED, lapsed=200.0),
    "backfill+delete-version": Race(backfill(), _delete_version, range(2, 12), before=RENDERED),
    "backfill-withholds+takedown": Race(
        backfill("decide"), _take_down, range(2, 16), before=RECORDED, lapsed=200.0
    ),
    "backfill-asks+takedown": Race(backfill("ask"), _take_down, range(2, 16), before=UNASKED, lapsed=200.0),
    "backfill-asks-the-same+takedown": Race(
        backfill("ask"), _take_down, range(2, 16), before=UNASKED_IN_THE_SAME_SIZES, lapsed=200.0
    ),
    # It extends its lease while it transcodes, and sees the takedown by that.
    "backfill-asks-of-a-video+takedown": Race(
        backfill("ask"),
        _take_down,
        range(2, 16),
        before=published(WITH_VIDEOS, LAXER_WITH_VIDEOS, Content.VIDEO),
        deployment=WITH_VIDEOS,
    ),
    "backfill-withholds+delete-version": Race(
        backfill("decide"), _delete_version, range(2, 16), before=RECORDED, lapsed=200.0
    ),
    "delete-version+backfill-withholds": Race(
        _delete_version, backfill("decide"), range(1, 8), before=RECORDED, lapsed=200.0
    ),
    "backfill+overwrite": Race(backfill(), _put(number=2), range(2, 12), before=RENDERED),
    "backfill-twice": Race(backfill(), _nothing, range(2, 12), before=RENDERED, lapsed=200.0, twice=True),
    # The second delivery looks before the first one commits, and again after that one was killed.
    "backfill-twice-and-killed": Race(
        backfill(), _nothing, range(6, 12), before=RENDERED, twice=True, crossed=2, killed=0
    ),
    "backfill-twice+delete": Race(
        backfill(), _later(_delete), range(2, 12), before=RENDERED, lapsed=3_000.0, twice=True
    ),
    "takedown+backfill": Race(_take_down, backfill(), range(1, 8), before=RENDERED),
    "delete+backfill": Race(_delete, backfill(), range(1, 8), before=RENDERED),
}
RACES: Mapping[str, Race] = {**_OF_EVENTS, **_OF_DECISIONS, **_OF_BACKFILLS}
LAPSED = "-lapsed"
CASES = (
    *(f"{name}@{at}" for name, race in RACES.items() for at in race.calls),
    *(f"{name}@{at}{LAPSED}" for name, race in RACES.items() if race.lapsed for at in race.calls),
)


def run_race(stack: SimulatedStack, pool: ClientPool, name: str) -> list[str]:
    """Run `race@call[-lapsed]`; return the violations."""
    pair, _, at = name.partition("@")
    race, lapsed = RACES[pair], at.endswith(LAPSED)
    run = Simulation(
        stack, pool, seed=11, delivery_profile=DeliveryProfile(skew=0.0), deployment=race.deployment
    )
    run.checker.exclusive = not lapsed
    with run.clock:
        race.before(run)
        run.run(DAY)
        unseen: list[str] = []
        if race.unseen is not None:
            with run.postponed() as unseen:
                race.unseen(run)
        with run.postponed() as bodies:
            race.first(run)

        def meanwhile(_: object) -> None:
            while unseen:
                run.queues["images"].send(unseen.pop(0))
            race.second(run)
            if race.acknowledged:
                run.queues["images"].messages.clear()
            if race.twice:
                run.queues["images"].send(bodies[0])

        seconds = race.lapsed if lapsed else SOON
        number = int(at.removesuffix(LAPSED))
        of_video = race.deployment.videos
        run.injector = Preempting(
            run, number, meanwhile, seconds, crossed=race.crossed, of_video=of_video, killed=race.killed
        )
        run.queues["images"].send(bodies[0])
        run.run(DAY)
        if unseen:  # the invocation ended before its call of that number
            meanwhile(None)
            run.run(DAY)
        if race.deployment.retention_days:
            run.pass_time(3 * race.deployment.retention_days * DAY)
            run.expire()
        return run.violations()
