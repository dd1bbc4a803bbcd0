"""Scenarios of what a person withdraws: deletes of keys and versions that are blocked, or wait for review."""

from collections.abc import Mapping

from media_pipeline.records.decisions import Action
from tests.faults.configurations import FIRST, OBSERVING, OFF, OTHER_SIZES, WITH_VIDEOS, Deployment
from tests.faults.operators import OPERATOR
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY, Scenario
from tests.faults.scenarios_versions import (
    SEQUENCER,
    Act,
    arrives,
    at_once,
    cut_off,
    delete,
    delete_newest,
    delete_oldest,
    event_of_oldest,
    expire,
    first,
    kept,
    plain,
    put,
    steps,
    suspend,
    undelete,
    unseen,
    wait,
)
from tests.faults.simulation import Simulation


def _move_again(run: Simulation) -> None:
    run.send_event_of_move(next(iter(run.history.uploads.values())))


def _dead_delete(run: Simulation) -> None:
    """Delete the key; the event reaches the dead letters without an attempt."""
    with run.postponed() as bodies:
        run.delete(KEY)
    for body in bodies:
        run.queues["dead"].send(body)


def _decide(action: Action) -> Act:
    """Decide about the first upload."""

    def act(run: Simulation) -> None:
        run.reviewers.decide(action)

    return act


def _lost(run: Simulation) -> None:
    """Take the first upload down, and lose the message to the workers."""
    run.reviewers.lost_messages = True
    take_down(run)
    run.reviewers.lost_messages = False
    run.pass_time(3_600.0)


def _redrive(run: Simulation) -> None:
    run.operator.redrive()
    run.clock.after(7_200.0, run.operator.redrive)


def _give_up(run: Simulation) -> None:
    """Take the first upload down; its functions are killed before they removed anything, until it is a dead letter."""
    cut_off("UpdateItem", take_down)(run)
    run.queues["dead"].send(run.queues["images"].messages.pop().body)


def _command(run: Simulation) -> None:
    """Run the operator's command."""
    run.operator.take_down()


def _by_command(prepare: Act, act: Act) -> Scenario:
    return Scenario(prepare, act, "BLOCKED", OPERATOR, in_pairs=False, faults=False)


def take_down_the_second(run: Simulation) -> None:
    """Take the second upload down."""
    run.reviewers.decide(Action.WITHDRAW, run.history.by_number[2])


take_down, _restore = _decide(Action.WITHDRAW), _decide(Action.RESTORE)


def _taken_down_before(before: Deployment, after: Deployment, kind: Content) -> Act:
    """Take an upload down that was published under one deployment, and deploy another one."""

    def act(run: Simulation) -> None:
        run.deploy(before)
        steps(put(kind), take_down)(run)
        run.run(DAY)
        run.deploy(after)

    return act


_PUBLISHED = put(Content.CLEAN)
_BLOCKED, _REVIEW = put(Content.WEAPON), put(Content.FIGHT)
WITHDRAWALS: Mapping[str, Scenario] = {
    "restore-of-what-was-observed": plain(
        _taken_down_before(OBSERVING, FIRST, Content.WEAPON), _restore, "BLOCKED", faults=False
    ),
    "restore-of-what-nobody-judged": plain(
        _taken_down_before(OFF, FIRST, Content.WEAPON), _restore, "BLOCKED", faults=False
    ),
    "restore-with-other-sizes": plain(
        _taken_down_before(FIRST, OTHER_SIZES, Content.CLEAN), _restore, "PUBLISHED"
    ),
    "restore-of-what-was-replaced-before-its-copy": plain(
        first(at_once(suspend, cut_off("HeadObject", _REVIEW), put(Content.CLEAN, 2)), take_down),
        _restore,
        "PUBLISHED",
        faults=False,
    ),
    "late-event-of-what-was-restored-below-something-newer": kept(
        first(_PUBLISHED, put(Content.CLEAN, 2, KEY, SEQUENCER), take_down, _restore, wait, expire),
        event_of_oldest,
        "PUBLISHED",
        faults=False,
    ),
    "late-event-of-what-was-rejected-and-taken-down": kept(
        first(put(Content.CORRUPT), put(Content.CLEAN, 2), take_down, wait, expire),
        event_of_oldest,
        "PUBLISHED",
        faults=False,
    ),
    "delete-of-blocked": plain(first(_BLOCKED), delete, "DELETED"),
    "delete-of-review": plain(first(_REVIEW), delete, "DELETED"),
    "delete-of-several-withheld": plain(
        first(_BLOCKED, put(Content.FIGHT, 2), put(Content.CLEAN, 3)), delete, "DELETED", faults=False
    ),
    "delete-of-blocked-by-a-dead-letter": Scenario(
        first(_BLOCKED), _dead_delete, "DELETED", "dead-letters", in_pairs=False
    ),
    "delete-of-blocked-video": Scenario(
        first(put(Content.WEAPON_VIDEO)),
        delete,
        "DELETED",
        deployment=WITH_VIDEOS,
        in_pairs=False,
        faults=False,
    ),
    "delete-of-blocked-after-expiry": kept(
        first(_BLOCKED, put(Content.CLEAN, 2), wait, expire, wait, expire), delete, "DELETED"
    ),
    "delete-of-blocked-when-copied": plain(cut_off("CopyObject", _BLOCKED), delete, "DELETED"),
    "delete-of-blocked-when-judged": plain(
        cut_off("DetectModerationLabels", _BLOCKED), delete, "SUPERSEDED or DELETED"
    ),
    "delete-version-of-blocked-when-copied": plain(cut_off("CopyObject", _BLOCKED), delete_oldest, "BLOCKED"),
    "delete-version-of-blocked-before-its-copy": plain(
        cut_off("HeadObject", _BLOCKED), delete_oldest, "DELETED"
    ),
    "late-delete-below-a-blocked-version": plain(
        first(put(Content.WEAPON, 1), unseen(delete), put(Content.WEAPON, 2)), arrives, "BLOCKED"
    ),
    "undelete-above-a-blocked-version": plain(first(_BLOCKED, delete), undelete, "DELETED"),
    "undelete-of-a-delete-of-blocked-in-order": plain(
        first(_BLOCKED), at_once(delete, undelete), "DELETED or BLOCKED", faults=False
    ),
    "move-seen-again": kept(first(_BLOCKED, wait), _move_again, "BLOCKED"),
    "move-seen-again-after-a-delete": plain(first(_BLOCKED, delete), _move_again, "DELETED"),
    "takedown": plain(first(_PUBLISHED), take_down, "BLOCKED"),
    "takedown-of-review": plain(first(_REVIEW), take_down, "BLOCKED", faults=False),
    "takedown-of-rejected": plain(first(put(Content.CORRUPT)), take_down, "REJECTED"),
    "takedown-of-rejected-above-a-published-one": plain(
        first(_PUBLISHED, put(Content.CORRUPT, 2)), take_down_the_second, "REJECTED", faults=False
    ),
    "takedown-of-rejected-that-was-deleted": plain(
        first(_PUBLISHED, put(Content.CORRUPT, 2), delete_newest), take_down_the_second, "REJECTED"
    ),
    "takedown-of-rejected-that-is-deleted-meanwhile": plain(
        first(_PUBLISHED, put(Content.CORRUPT, 2)),
        at_once(cut_off("UpdateItem", take_down_the_second), delete_newest),
        "REJECTED",
    ),
    "takedown-of-rejected-below-a-removed-marker": plain(
        first(_PUBLISHED, put(Content.CORRUPT, 2), delete_newest, delete, undelete),
        take_down_the_second,
        "DELETED",
        faults=False,
    ),
    "takedown-of-rejected-below-a-delete": plain(
        first(_PUBLISHED, put(Content.CORRUPT, 2), delete), take_down_the_second, "DELETED"
    ),
    "undelete-below-what-was-rejected-and-taken-down": plain(
        first(_PUBLISHED, put(Content.CORRUPT, 2), take_down_the_second, delete), undelete, "DELETED"
    ),
    "undelete-below-what-was-rejected-and-taken-down-then": plain(
        first(_PUBLISHED, put(Content.CORRUPT, 2), delete, take_down_the_second), undelete, "DELETED"
    ),
    "takedown-of-superseded": plain(
        first(_PUBLISHED, take_down, put(Content.CLEAN, 2), _restore), take_down, "PUBLISHED", faults=False
    ),
    "restore-of-what-is-only-to-be-taken-down": plain(
        first(_PUBLISHED, take_down, put(Content.CLEAN, 2), _restore, _lost),
        _restore,
        "PUBLISHED",
        faults=False,
    ),
    "restore-of-rejected": plain(first(put(Content.CORRUPT), take_down), _restore, "REJECTED", faults=False),
    "delete-of-rejected-and-taken-down": plain(
        first(put(Content.CORRUPT), take_down), delete, "DELETED", faults=False
    ),
    "takedown-by-command": _by_command(first(_PUBLISHED), _command),
    "takedown-by-command-beside-a-restore": _by_command(
        first(_PUBLISHED, take_down), at_once(_restore, _command)
    ),
    "takedown-by-command-after-one-was-given-up": _by_command(
        first(_PUBLISHED, _give_up), steps(_command, _redrive, _command)
    ),
    "takedown-lost": plain(first(_PUBLISHED, _lost), _redrive, "BLOCKED"),
    "takedown-and-delete": plain(first(_PUBLISHED), at_once(take_down, delete), "DELETED"),
    "takedown-then-delete": plain(first(_PUBLISHED, take_down), delete, "DELETED"),
    "takedown-and-move-seen-again": plain(first(_PUBLISHED, take_down), _move_again, "BLOCKED"),
    "restore": plain(first(_PUBLISHED, take_down), _restore, "PUBLISHED"),
    "restore-and-move-seen-again": plain(
        first(_PUBLISHED, take_down, _restore), _move_again, "PUBLISHED", faults=False
    ),
    "restore-of-review": plain(first(_REVIEW, take_down), _restore, "REVIEW", faults=False),
    "null-blocked-and-deleted": plain(first(suspend, _BLOCKED), delete, "DELETED"),
}
