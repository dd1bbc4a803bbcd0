"""Two events of one key at once, of versions, deletes and undeletes: the first pauses before its Nth call.

race:delete+undelete@4          the first continues 20 seconds later, while its lease still holds
race:publish+delete@8-lapsed    it pauses until its lease is over; its own message stays hidden meanwhile
"""

from collections.abc import Mapping
from dataclasses import dataclass

from media_pipeline.records.decisions import Action
from tests.faults.configurations import FIRST, KEEPING, LAXER_WITH_VIDEOS, WITH_VIDEOS, Deployment
from tests.faults.delivery_profile import DeliveryProfile
from tests.faults.preemption import Preempting
from tests.faults.race_acts import (
    Act,
    again,
    cut_off_in_its_puts,
    kept_message,
    later,
    move_again,
    nothing,
    overwritten_while_cut_off,
    put_and_delete,
    put_and_delete_twice,
    superseded_and_deleted,
    suspend_and_put,
    take_down,
)
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY
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
from tests.faults.scenarios_second_records import BEFORE_A_LATE_DELETE
from tests.faults.scenarios_versions import delete, delete_newest, delete_oldest, put, suspend, undelete
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import SimulatedStack
from tests.faults.simulation import Simulation

SOON = 20.0  # seconds: within the lease


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


_CALLS = range(1, 16)
_OF_EVENTS: Mapping[str, Race] = {
    # An image's lease is 78 s, and its message stays hidden for 360 s; a video's lease is 39 s, and is extended.
    "publish+delete": Race(put(), delete, _CALLS, lapsed=200.0),
    "block+delete": Race(put(Content.WEAPON), delete, _CALLS, lapsed=200.0),
    "block+delete-version": Race(put(Content.WEAPON), delete_oldest, _CALLS, lapsed=200.0),
    "delete+move-again": Race(delete, move_again, _CALLS, before=put(Content.FIGHT)),
    "video+delete": Race(put(Content.VIDEO), delete, range(10, 23, 2), deployment=WITH_VIDEOS, lapsed=120.0),
    # The second delivery publishes it, which is undone before the first function goes on.
    "publish-twice+delete": Race(put(), later(delete), _CALLS, lapsed=3_000.0, twice=True),
    "publish-twice+takedown": Race(put(), later(take_down), _CALLS, lapsed=3_000.0, twice=True),
    # The second delivery publishes it; what the first one finds above it hides nothing.
    "publish-twice+rejected": Race(
        again(),
        later(put(Content.CORRUPT, 2)),
        range(1, 7),
        before=cut_off_in_its_puts(Content.CLEAN),
        lapsed=3_000.0,
        twice=True,
    ),
    "publish+overwrite": Race(put(), put(number=2), range(5, 12), lapsed=200.0),
    "delete+undelete": Race(delete, undelete, _CALLS, before=put(), deployment=KEEPING),
    "delete-twice+undelete": Race(
        delete, undelete, _CALLS, before=put(), deployment=KEEPING, lapsed=3_000.0, twice=True
    ),
    # The first one goes on, and is killed right after it hid what was restored; its message comes back.
    "delete-twice-and-killed+undelete": Race(
        delete,
        undelete,
        range(6, 12),
        before=put(),
        deployment=KEEPING,
        lapsed=300.0,
        twice=True,
        killed=1,
    ),
    # It is killed there, and its message was deleted by the second delivery: nothing comes back.
    "delete-twice-killed-and-acknowledged+undelete": Race(
        delete,
        later(undelete),
        range(3, 8),
        before=put(),
        lapsed=3_000.0,
        twice=True,
        killed=4,
        acknowledged=True,
    ),
    # The second delivery gives its place to what was put after the delete, before the first function goes on.
    "late-delete-twice": Race(
        kept_message, nothing, range(3, 15), before=BEFORE_A_LATE_DELETE, lapsed=3_000.0, twice=True
    ),
    # What is restored is moved to quarantine before the first function goes on.
    "delete-twice+undelete-of-what-is-withheld": Race(
        delete, undelete, _CALLS, unseen=put(Content.FIGHT), lapsed=3_000.0, twice=True
    ),
    # An attempt that was cut off had put pictures in quarantine already.
    "delete-twice+undelete-of-what-was-cut-off": Race(
        delete,
        undelete,
        range(8, 14),
        before=cut_off_in_its_puts(Content.FIGHT),
        lapsed=3_000.0,
        twice=True,
    ),
    # The delete goes on while the restore is about to commit.
    "delete-twice+restore": Race(
        delete,
        undelete,
        range(4, 10),
        before=put(),
        deployment=KEEPING,
        lapsed=110.0,
        twice=True,
        crossed=17,
    ),
    # Of two delete markers; either undelete may meet the other delete still in force.
    "undelete+undelete": Race(undelete, undelete, _CALLS, before=put_and_delete_twice),
    "undelete+undelete-of-both": Race(
        undelete, nothing, range(1, 8), before=put_and_delete_twice, unseen=undelete
    ),
    "undelete+overwrite": Race(undelete, put(number=2), _CALLS, before=put_and_delete),
    "undelete+delete": Race(undelete, delete, _CALLS, before=put_and_delete),
    "undelete+again": Race(undelete, again(), _CALLS, before=put_and_delete),
    "undelete+delete-version": Race(undelete, delete_oldest, _CALLS, before=superseded_and_deleted),
    "above-an-assumed-order+delete-version": Race(
        put(Content.TEXT, 2), delete_newest, _CALLS, before=put(without=("sequencer",))
    ),
    # The deletes are seen before the events of the uploads.
    "delete-version+publish": Race(delete_oldest, nothing, range(1, 5), unseen=put()),
    "null+null": Race(put(), put(Content.WEAPON, 2), _CALLS, before=suspend),
    "null-block+null": Race(put(Content.WEAPON), put(number=2), _CALLS, before=suspend),
    "null+delete": Race(put(), delete, _CALLS, before=suspend),
    "null-delete+null": Race(delete, put(number=2), _CALLS, before=suspend_and_put),
    "no-sequencer+sequencer": Race(put(without=("sequencer",)), again(), _CALLS),
    "reject-no-sequencer+sequencer": Race(
        put(Content.TEXT, without=("sequencer",)), again(), range(1, 9), lapsed=200.0
    ),
    # A second delivery moves it above the older one, whose event comes late, before the first function goes on.
    "review-no-sequencer-twice+older-one": Race(
        put(Content.FIGHT, 2, without=("sequencer",)),
        nothing,
        range(9, 14),
        unseen=put(),
        lapsed=3_000.0,
        twice=True,
    ),
    # Neither is judged, as something newer is published already.
    "overwritten-no-sequencer+sequencer": Race(
        again(1, without=("sequencer",)), again(1), _CALLS, before=overwritten_while_cut_off
    ),
    # The late event of an older version, whose made-up sequencer is above that of the newer one.
    "overwrite+no-sequencer": Race(put(number=2), nothing, _CALLS, unseen=put(without=("sequencer",))),
    "sequencer+no-sequencer": Race(put(), again(without=("sequencer",)), _CALLS),
}
_OF_DECISIONS: Mapping[str, Race] = {
    "approve+delete": Race(approve, delete, _CALLS, before=held_back(), lapsed=200.0),
    "approve+overwrite": Race(approve, put(number=2), _CALLS, before=held_back(), lapsed=200.0),
    "reject+delete": Race(reject, delete, range(1, 8), before=held_back()),
    "reject+overwrite": Race(reject, put(number=2), range(1, 8), before=held_back()),
    "delete+approve": Race(delete, approve, range(1, 8), before=held_back()),
    "overwrite+approve": Race(put(number=2), approve, range(1, 12), before=held_back()),
    "release+delete": Race(
        decide(Action.RELEASE),
        delete,
        range(4, 9),
        before=held_back(Content.FIGHT, decide(Action.ESCALATE)),
        lapsed=200.0,
    ),
    # The message is delivered again, and the opposite is asked for, before the first function goes on.
    "release-twice+escalate": Race(
        decide(Action.RELEASE),
        later(decide(Action.ESCALATE)),
        range(3, 9),
        before=held_back(Content.FIGHT, decide(Action.ESCALATE)),
        lapsed=3_000.0,
        twice=True,
    ),
    "escalate-twice+release": Race(
        decide(Action.ESCALATE),
        later(decide(Action.RELEASE)),
        range(3, 9),
        before=held_back(),
        lapsed=3_000.0,
        twice=True,
    ),
    # It goes on after the opposite was carried out, and is killed once it has tagged; its message comes back.
    "escalate-and-killed+release": Race(
        decide(Action.ESCALATE),
        later(decide(Action.RELEASE), 200.0),
        range(3, 9),
        before=held_back(),
        lapsed=300.0,
        twice=True,
        killed=0,
    ),
    "takedown+delete-version": Race(take_down, delete_oldest, range(1, 9), before=put(), lapsed=200.0),
    "delete-version+takedown": Race(delete_oldest, take_down, range(1, 9), before=put(), lapsed=200.0),
    "takedown-of-rejected+delete-version": Race(
        take_down, delete_oldest, range(1, 9), before=put(Content.CORRUPT), lapsed=200.0
    ),
    "takedown+delete": Race(take_down, delete, range(3, 9), before=put(), lapsed=200.0),
    "publish-again+delete": Race(publish_again, delete, range(1, 18), before=APPROVED_AND_LOST, lapsed=200.0),
    "publish-again+takedown": Race(
        publish_again, take_down, range(1, 18), before=APPROVED_AND_LOST, lapsed=200.0
    ),
    "takedown+publish-again": Race(
        take_down, publish_again, range(1, 9), before=APPROVED_AND_LOST, lapsed=200.0
    ),
    "approve-twice": Race(approve, nothing, _CALLS, before=held_back(), lapsed=200.0, twice=True),
}
_OF_BACKFILLS: Mapping[str, Race] = {
    "backfill+takedown": Race(backfill(), take_down, _CALLS, before=RENDERED, lapsed=200.0),
    "backfill+delete": Race(backfill(), delete, _CALLS, before=RENDERED, lapsed=200.0),
    "backfill+delete-version": Race(backfill(), delete_oldest, range(2, 12), before=RENDERED),
    "backfill-withholds+takedown": Race(
        backfill("decide"), take_down, range(2, 16), before=RECORDED, lapsed=200.0
    ),
    "backfill-asks+takedown": Race(backfill("ask"), take_down, range(2, 16), before=UNASKED, lapsed=200.0),
    "backfill-asks-the-same+takedown": Race(
        backfill("ask"), take_down, range(2, 16), before=UNASKED_IN_THE_SAME_SIZES, lapsed=200.0
    ),
    # It extends its lease while it transcodes, and sees the takedown by that.
    "backfill-asks-of-a-video+takedown": Race(
        backfill("ask"),
        take_down,
        range(2, 16),
        before=published(WITH_VIDEOS, LAXER_WITH_VIDEOS, Content.VIDEO),
        deployment=WITH_VIDEOS,
    ),
    "backfill-withholds-a-video+takedown": Race(
        backfill("ask"),
        take_down,
        range(2, 16),
        before=published(LAXER_WITH_VIDEOS, WITH_VIDEOS, Content.WEAPON_VIDEO),
        deployment=WITH_VIDEOS,
    ),
    "backfill-withholds+delete-version": Race(
        backfill("decide"), delete_oldest, range(2, 16), before=RECORDED, lapsed=200.0
    ),
    "delete-version+backfill-withholds": Race(
        delete_oldest, backfill("decide"), range(1, 8), before=RECORDED, lapsed=200.0
    ),
    "backfill+overwrite": Race(backfill(), put(number=2), range(2, 12), before=RENDERED),
    "backfill-twice": Race(backfill(), nothing, range(2, 12), before=RENDERED, lapsed=200.0, twice=True),
    # The second delivery looks before the first one commits, and again after that one was killed.
    "backfill-twice-and-killed": Race(
        backfill(), nothing, range(6, 12), before=RENDERED, twice=True, crossed=2, killed=0
    ),
    "backfill-twice+delete": Race(
        backfill(), later(delete), range(2, 12), before=RENDERED, lapsed=3_000.0, twice=True
    ),
    "takedown+backfill": Race(take_down, backfill(), range(1, 8), before=RENDERED),
    "delete+backfill": Race(delete, backfill(), range(1, 8), before=RENDERED),
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
