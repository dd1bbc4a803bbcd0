"""Scenarios of versions called "null": what is put and deleted while a bucket's versioning is suspended."""

from collections.abc import Mapping

from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY, Scenario
from tests.faults.scenarios_versions import (
    PUBLISHED,
    SEQUENCER,
    SLASH,
    arrives,
    at_once,
    cut_off,
    delete,
    delete_folder,
    delete_newest,
    delete_oldest,
    event_of_oldest,
    expire,
    first,
    kept,
    late_after,
    plain,
    put,
    resume,
    steps,
    suspend,
    undelete,
    unseen,
    wait,
)
from tests.faults.simulation import Simulation


def _seconds_go_by(run: Simulation) -> None:
    run.pass_time(5.0)


NULL_VERSIONS: Mapping[str, Scenario] = {
    "null-deleted-under-a-slash": plain(
        first(suspend, unseen(put(Content.CLEAN, 1, SLASH))),
        steps(delete_folder, arrives),
        "DELETED",
        faults=False,
    ),
    "null-deleted-seconds-before-one-without-a-sequencer-is-blocked": plain(
        first(
            suspend, PUBLISHED, unseen(delete_oldest), _seconds_go_by, put(Content.WEAPON, 2, KEY, SEQUENCER)
        ),
        arrives,
        "BLOCKED",
        faults=False,
    ),
    "null-deleted-seconds-before-one-without-a-sequencer-is-replaced": plain(
        first(
            suspend,
            PUBLISHED,
            unseen(delete_oldest),
            _seconds_go_by,
            put(Content.CLEAN, 2, KEY, SEQUENCER),
            put(Content.CLEAN, 3),
        ),
        arrives,
        "PUBLISHED",
        faults=False,
    ),
    "null": plain(suspend, PUBLISHED, "PUBLISHED"),
    "null-blocked": plain(suspend, put(Content.WEAPON), "BLOCKED"),
    "null-over-a-version": plain(first(PUBLISHED, suspend), put(Content.WEAPON, 2), "BLOCKED"),
    "null-over-null": plain(first(suspend, PUBLISHED), put(Content.CLEAN, 2), "PUBLISHED"),
    "null-overwritten-when-allowed": plain(
        steps(suspend, cut_off("PutObject", PUBLISHED)), put(Content.WEAPON, 2), "BLOCKED"
    ),
    "null-overwritten-when-copied": plain(
        steps(suspend, cut_off("CopyObject", put(Content.WEAPON))), put(Content.CLEAN, 2), "PUBLISHED"
    ),
    "null-overwritten-when-blocked": plain(
        steps(suspend, cut_off("DetectModerationLabels", put(Content.WEAPON))),
        put(Content.CLEAN, 2),
        "PUBLISHED",
    ),
    "null-deleted-before-it-is-copied": plain(
        steps(suspend, cut_off("HeadObject", put(Content.WEAPON))), delete, "DELETED"
    ),
    "null-overwritten-before-it-is-copied": plain(
        steps(suspend, cut_off("HeadObject", put(Content.WEAPON))), put(Content.CLEAN, 2), "PUBLISHED"
    ),
    "null-overwritten-unseen": plain(
        first(suspend, unseen(PUBLISHED), put(Content.CLEAN, 2)), arrives, "PUBLISHED"
    ),
    "null-version-deleted-and-cut-off-before-a-later-one-is-seen": plain(
        steps(suspend, PUBLISHED, unseen(put(Content.CLEAN, 2)), cut_off("DeleteObjects", delete_newest)),
        arrives,
        "DELETED",
        faults=False,
    ),
    "null-without-sequencer-overwritten-unseen": plain(
        first(suspend, unseen(put(Content.CLEAN, 1, KEY, SEQUENCER)), put(Content.FIGHT, 2)),
        arrives,
        "DELETED",
        faults=False,
    ),
    "null-overwritten-when-allowed-and-unseen": plain(
        steps(suspend, at_once(cut_off("PutObject", PUBLISHED), unseen(put(Content.WEAPON, 2)))),
        at_once(lambda run: run.pass_time(DAY), arrives),
        "BLOCKED",
    ),
    "null-overwritten-before-both-are-seen": plain(
        steps(suspend, unseen(PUBLISHED)), late_after(put(Content.CLEAN, 2)), "PUBLISHED"
    ),
    "null-deleted": plain(first(suspend, PUBLISHED), delete, "DELETED"),
    "null-deleted-before-its-upload": plain(
        first(suspend, unseen(PUBLISHED), delete), arrives, "DELETED", faults=False
    ),
    "null-deleted-and-put-again": plain(
        first(suspend, PUBLISHED, delete), put(Content.CLEAN, 2), "PUBLISHED", faults=False
    ),
    "null-version-deleted": plain(first(suspend, PUBLISHED), delete_oldest, "DELETED"),
    "null-version-deleted-after-expiry": kept(
        first(suspend, PUBLISHED, resume, put(Content.CLEAN, 2), wait, expire),
        delete_oldest,
        "PUBLISHED",
    ),
    "null-version-deleted-after-expiry-above-a-marker": kept(
        first(suspend, delete, PUBLISHED, resume, put(Content.CLEAN, 2), wait, expire),
        delete_oldest,
        "PUBLISHED",
    ),
    "null-version-deleted-below-a-late-one": plain(
        first(suspend, unseen(put(Content.CLEAN, 1, KEY, SEQUENCER)), put(Content.CLEAN, 2), arrives),
        delete_newest,
        "SUPERSEDED",
        faults=False,
    ),
    "null-version-deleted-before-the-next-lacks-its-sequencer": plain(
        first(suspend, PUBLISHED, unseen(delete_oldest), put(Content.CLEAN, 2, KEY, SEQUENCER)),
        arrives,
        "PUBLISHED",
        faults=False,
    ),
    "null-version-deleted-while-it-has-two-records": plain(
        steps(
            suspend,
            put(Content.CLEAN, 1, KEY, SEQUENCER),
            cut_off("UpdateItem", event_of_oldest),
        ),
        delete_oldest,
        "DELETED",
        late_calls=False,
    ),
    "null-version-deleted-once-an-older-one-is-seen": plain(
        at_once(
            first(suspend, unseen(PUBLISHED), _seconds_go_by, put(Content.CLEAN, 2, KEY, SEQUENCER)),
            cut_off("UpdateItem", arrives),
        ),
        delete_newest,
        "DELETED or SUPERSEDED",
        faults=False,
    ),
    "null-version-deleted-once-an-older-one-without-a-sequencer-is-seen": plain(
        at_once(
            first(
                suspend, unseen(put(Content.CLEAN, 1, KEY, SEQUENCER)), _seconds_go_by, put(Content.CLEAN, 2)
            ),
            cut_off("UpdateItem", arrives),
        ),
        delete_newest,
        "DELETED or SUPERSEDED",
        faults=False,
    ),
    "null-version-deleted-before-its-upload": plain(
        first(suspend, unseen(PUBLISHED), delete_oldest), arrives, "DELETED", faults=False
    ),
    "null-marker-removed": plain(first(PUBLISHED, suspend, delete), undelete, "DELETED"),
    "null-marker-over-a-null-marker": plain(first(PUBLISHED, suspend, delete, delete), undelete, "DELETED"),
    "null-marker-removed-before-it-is-seen": plain(
        first(PUBLISHED, suspend, delete, unseen(delete), undelete), arrives, "DELETED"
    ),
    "null-marker-seen-after-its-successor-is-removed": plain(
        first(PUBLISHED, suspend, unseen(delete), delete, undelete), arrives, "DELETED"
    ),
}
