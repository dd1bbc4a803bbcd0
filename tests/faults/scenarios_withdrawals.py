"""Scenarios of what a person withdraws: deletes of keys and versions that are blocked, or wait for review."""

from collections.abc import Mapping

from tests.faults.configurations import WITH_VIDEOS
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import KEY, Scenario
from tests.faults.scenarios_versions import (
    arrives,
    at_once,
    cut_off,
    delete,
    delete_oldest,
    expire,
    first,
    kept,
    plain,
    put,
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


_BLOCKED, _REVIEW = put(Content.WEAPON), put(Content.FIGHT)
WITHDRAWALS: Mapping[str, Scenario] = {
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
    "null-blocked-and-deleted": plain(first(suspend, _BLOCKED), delete, "DELETED"),
}
