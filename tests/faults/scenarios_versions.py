"""Scenarios of versions: undelete, null versions, events that lack something or come late, expiry, odd keys."""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from tests.faults.configurations import KEEPING
from tests.faults.fault_injection import Call, Fault, FaultKind
from tests.faults.history import Upload
from tests.faults.odd_keys import ODD_KEYS
from tests.faults.preemption import Preempting
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY, Scenario
from tests.faults.simulation import Simulation

SEQUENCER = frozenset({"sequencer"})
LATER = 20 * DAY  # longer than records are kept here, shorter than a message may be late
SLASH = "folder/"
Act = Callable[[Simulation], None]


class _Kill:
    """Kills the first invocation that makes a call of an operation, right after it or right before it."""

    def __init__(self, operation: str, kind: FaultKind) -> None:
        self._operation = operation
        self._kind = kind
        self._done = False

    def choose(self, call: Call) -> Fault | None:
        """Return a crash at the first call of the operation."""
        if self._done or call.operation != self._operation:
            return None
        self._done = True
        return Fault(self._kind)


def steps(*acts: Act) -> Act:
    """Do one after the other, each to its end."""

    def act(run: Simulation) -> None:
        for number, each in enumerate(acts):
            if number:
                run.run(DAY)
            each(run)

    return act


def first(*acts: Act) -> Act:
    """Do one after the other, and let the last one end as well."""
    return steps(*acts, lambda _: None)


def put(kind: Content = Content.CLEAN, number: int = 1, key: str = KEY, without: Collection[str] = ()) -> Act:
    def act(run: Simulation) -> None:
        run.put(key, kind, number, without=without)

    return act


def delete(run: Simulation) -> None:
    run.delete(KEY)


def delete_folder(run: Simulation) -> None:
    run.delete(SLASH)


def undelete(run: Simulation) -> None:
    run.undelete(KEY)


def suspend(run: Simulation) -> None:
    run.stack.set_versioning("Suspended")


def resume(run: Simulation) -> None:
    run.stack.set_versioning("Enabled")


def settle(run: Simulation) -> None:
    """Let so much time pass that no invocation can still work on what it began."""
    run.pass_time(600.0)


def wait(run: Simulation) -> None:
    run.pass_time(LATER)


def expire(run: Simulation) -> None:
    run.expire()


def oldest(run: Simulation) -> Upload:
    return next(iter(run.history.uploads.values()))


def delete_oldest(run: Simulation) -> None:
    run.delete_version(oldest(run))


def delete_newest(run: Simulation) -> None:
    run.delete_version(list(run.history.uploads.values())[-1])


def event_of_oldest(run: Simulation) -> None:
    run.send_event_of(oldest(run))


def unseen(act: Act) -> Act:
    """Do something of which no event arrives yet; its message is kept."""

    def done(run: Simulation) -> None:
        with run.postponed() as bodies:
            act(run)
        (run.kept_message,) = bodies

    return done


def arrives(run: Simulation) -> None:
    run.queues["images"].send(run.kept_message)


def at_once(*acts: Act) -> Act:
    """Do one after the other, without letting any end."""

    def act(run: Simulation) -> None:
        for each in acts:
            each(run)

    return act


def late_after(act: Act) -> Act:
    """Do something of which the event arrives an hour after the kept message."""

    def done(run: Simulation) -> None:
        with run.postponed() as bodies:
            act(run)
        arrives(run)
        for body in bodies:
            run.clock.after(3_600.0, partial(run.queues["images"].send, body))

    return done


def cut_off(operation: str, act: Act, kind: FaultKind = FaultKind.CRASH_AFTER) -> Act:
    """Cut the work on an upload off after a call, or before it; its message is still hidden."""

    def done(run: Simulation) -> None:
        run.injector = _Kill(operation, kind)
        act(run)
        run.clock.run(run.clock.now + 60.0)

    return done


def _found_under_a_marker(run: Simulation) -> None:
    """Let the events of an upload and of a delete marker's removal arrive, and keep that of the marker."""
    with run.postponed() as bodies:
        run.put(KEY, Content.CLEAN, 1, without=SEQUENCER)
        run.delete(KEY)
    upload, run.kept_message = bodies
    run.queues["images"].send(upload)
    run.run(DAY)
    run.undelete(KEY)


def _undelete_before_its_delete_is_recorded(run: Simulation) -> None:
    """Let the event of an undelete come while the function of its delete is about to record the delete."""
    with run.postponed() as bodies:
        run.delete(KEY)

    def meanwhile(_: object) -> None:
        run.undelete(KEY)

    run.injector = Preempting(run, 2, meanwhile, 30.0, crossed=0, of_video=False)
    (body,) = bodies
    run.queues["images"].send(body)
    run.clock.run(run.clock.now + 25.0)


def _undelete_by_a_dead_letter(run: Simulation) -> None:
    """Undelete; the event reaches the dead letters without an attempt."""
    with run.postponed() as bodies:
        run.undelete(KEY)
    for body in bodies:
        run.queues["dead"].send(body)


def _rejected_over_what_an_undelete_brings_back(run: Simulation) -> None:
    """Let a rejected upload supersede one that was cut off, be deleted, and an undelete come before its delete."""
    cut_off("UpdateItem", PUBLISHED)(run)
    first(put(Content.EMPTY, 2), delete_newest)(run)
    with run.postponed() as bodies:
        run.delete(KEY)
        run.undelete(KEY)
    run.kept_message, body = bodies
    run.queues["images"].send(body)


def _undelete_while_it_is_tried_again(run: Simulation) -> None:
    run.put(KEY, Content.CLEAN, 1)
    run.clock.after(2.0, partial(delete, run))
    run.clock.after(120.0, partial(undelete, run))


def _undelete_and_overwrite(run: Simulation) -> None:
    run.undelete(KEY)
    run.clock.after(60.0, partial(put(Content.CLEAN, 2), run))


def kept(prepare: Act, act: Act, status: str, *, faults: bool = True) -> Scenario:
    """Return a scenario of a stack whose records expire."""
    return Scenario(prepare, act, status, deployment=KEEPING, in_pairs=False, faults=faults)


def plain(prepare: Act, act: Act, status: str, *, faults: bool = True, late_calls: bool = True) -> Scenario:
    """Return a scenario of the first deployment.

    `late_calls`: False where a claim that is carried out minutes late would create a discarded second record again.
    """
    return Scenario(prepare, act, status, in_pairs=False, faults=faults, late_calls=late_calls)


def _takedown(key: str, *, faults: bool) -> Scenario:
    return plain(
        first(put(Content.CLEAN, 1, key), put(Content.CLEAN, 2, f"{key}/longer")),
        lambda run: (run.delete(key), None)[1],
        "DELETED",
        faults=faults,
    )


def _removed_marker_that_newer_uploads_followed(run: Simulation) -> None:
    """Keep the event of a delete marker that was removed; of two later uploads the newer one leaves the bucket."""
    steps(put(Content.CLEAN, 1), unseen(delete), undelete)(run)
    marker = run.kept_message
    run.run(DAY)
    steps(unseen(put(Content.CLEAN, 2)), put(Content.WEAPON, 3), arrives)(run)
    run.run(DAY)
    run.kept_message = marker


PUBLISHED = put(Content.CLEAN)
_OVERWRITTEN = first(PUBLISHED, put(Content.CLEAN, 2), wait, expire)
VERSIONS: Mapping[str, Scenario] = {
    "undelete": kept(first(PUBLISHED, delete), undelete, "DELETED"),
    "undelete-late": kept(first(PUBLISHED, delete, wait, expire), undelete, "PUBLISHED", faults=False),
    "undelete-late-below-what-was-blocked": kept(
        first(PUBLISHED, put(Content.WEAPON, 2), wait, expire, delete, settle), undelete, "SUPERSEDED"
    ),
    "undelete-before-the-delete": plain(first(PUBLISHED, unseen(delete), undelete), arrives, "PUBLISHED"),
    "undelete-of-what-was-superseded": plain(
        first(unseen(PUBLISHED), delete, arrives), undelete, "DELETED", faults=False
    ),
    "deleted-before-its-upload": plain(first(unseen(PUBLISHED), delete_oldest), arrives, "DELETED"),
    "deleted-before-its-upload-under-a-slash": plain(
        first(unseen(put(Content.CLEAN, 1, SLASH)), delete_oldest), arrives, "DELETED", faults=False
    ),
    "deleted-long-before-its-upload": kept(
        first(unseen(PUBLISHED), delete_oldest, wait, expire), arrives, "DELETED", faults=False
    ),
    "late-event-of-what-expired": kept(_OVERWRITTEN, event_of_oldest, "PUBLISHED"),
    "delete-after-expiry": kept(_OVERWRITTEN, delete, "DELETED"),
    "delete-version-after-expiry": kept(_OVERWRITTEN, delete_oldest, "PUBLISHED"),
    "delete-version-after-expiry-and-a-late-event": kept(
        steps(_OVERWRITTEN, event_of_oldest, settle), delete_oldest, "PUBLISHED", faults=False
    ),
    "overwritten-with-blocked": kept(first(PUBLISHED), put(Content.WEAPON, 2), "BLOCKED", faults=False),
    "overwritten-and-deleted": kept(_OVERWRITTEN, steps(delete, wait, expire), "DELETED", faults=False),
    "many-versions-newest-deleted": plain(
        first(*(put(Content.CLEAN, number) for number in range(1, 6))), delete_newest, "DELETED"
    ),
    "no-sequencer": plain(lambda _: None, put(Content.CLEAN, 1, KEY, SEQUENCER), "PUBLISHED"),
    "no-sequencer-and-overwritten": plain(
        first(unseen(put(Content.CLEAN, 1, KEY, SEQUENCER)), put(Content.CLEAN, 2)),
        arrives,
        "SUPERSEDED",
    ),
    "no-sequencer-and-the-next-one-is-moved-first": plain(
        first(unseen(put(Content.CLEAN, 1, KEY, SEQUENCER)), settle, put(Content.FIGHT, 2)),
        arrives,
        "SUPERSEDED",
    ),
    "no-sequencer-and-the-next-one-is-moved-meanwhile": plain(
        cut_off("GetObject", put(Content.CLEAN, 1, KEY, SEQUENCER)), put(Content.FIGHT, 2), "REVIEW"
    ),
    "no-sequencer-and-put-after-a-late-delete": plain(
        at_once(unseen(delete), cut_off("GetObject", put(Content.CLEAN, 1, KEY, SEQUENCER))),
        arrives,
        "PUBLISHED",
        faults=False,
    ),
    "no-sequencer-and-judged-before-a-late-delete": plain(
        at_once(unseen(delete), cut_off("PutObject", put(Content.CLEAN, 1, KEY, SEQUENCER))),
        arrives,
        "DELETED or PUBLISHED",  # the delete, undone, where it comes last
    ),
    "no-sequencer-and-judged-before-an-older-one-is-seen": plain(
        at_once(unseen(PUBLISHED), cut_off("PutObject", put(Content.CLEAN, 2, KEY, SEQUENCER))),
        arrives,
        "PUBLISHED or SUPERSEDED",
        late_calls=False,
    ),
    "no-sequencer-and-rejected-while-a-newer-one-is-cut-off": plain(
        at_once(unseen(put(Content.EMPTY, 1, KEY, SEQUENCER)), cut_off("GetObject", put(Content.CLEAN, 2))),
        arrives,
        "SUPERSEDED",
        faults=False,
    ),
    "no-sequencer-and-seen-before-an-older-one": plain(
        at_once(unseen(PUBLISHED), cut_off("UpdateItem", put(Content.CLEAN, 2, KEY, SEQUENCER))),
        arrives,
        "PUBLISHED or SUPERSEDED",  # the older one where it comes last; readers then see the one before it
        late_calls=False,
    ),
    "undelete-seen-first-below-what-was-rejected": plain(
        first(_rejected_over_what_an_undelete_brings_back), arrives, "REJECTED"
    ),
    "found-under-a-removed-marker": plain(first(_found_under_a_marker), arrives, "PUBLISHED"),
    "delete-of-a-removed-marker-that-newer-uploads-followed": plain(
        _removed_marker_that_newer_uploads_followed, arrives, "BLOCKED", faults=False
    ),
    "undelete-while-it-is-tried-again": plain(
        lambda _: None, _undelete_while_it_is_tried_again, "DELETED or PUBLISHED"
    ),
    "undelete-given-up-before-what-it-restores-is-announced": Scenario(
        at_once(
            steps(unseen(PUBLISHED), delete, settle), cut_off("Publish", arrives, FaultKind.CRASH_BEFORE)
        ),
        _undelete_by_a_dead_letter,
        "DELETED",
        "dead-letters",
        in_pairs=False,
    ),
    "undelete-before-its-delete-is-recorded": plain(
        at_once(first(PUBLISHED), _undelete_before_its_delete_is_recorded), lambda _: None, "DELETED"
    ),
    "late-event-of-what-is-gone-and-was-replaced": plain(
        first(unseen(put(Content.CLEAN, 1, KEY, SEQUENCER)), delete_oldest, put(Content.CLEAN, 2)),
        arrives,
        "SUPERSEDED",
    ),
    "undelete-of-what-was-never-seen": plain(
        first(unseen(PUBLISHED), put(Content.WEAPON, 2), delete),
        at_once(settle, cut_off("GetObject", undelete), arrives),
        "PUBLISHED",
        late_calls=False,
    ),
    "undelete-after-a-newer-one-was-deleted-unseen": plain(
        at_once(
            first(unseen(PUBLISHED), delete, settle),
            unseen(undelete),
            cut_off("GetObject", put(Content.CLEAN, 2)),
            delete_newest,
        ),
        arrives,
        "PUBLISHED",
    ),
    "undelete-below-what-was-superseded": kept(
        first(
            PUBLISHED, put(Content.CLEAN, 2), unseen(put(Content.CLEAN, 3)), delete, arrives, delete_newest
        ),
        undelete,
        "DELETED",
    ),
    "repeated-event-of-what-was-rejected-and-deleted": kept(
        first(put(Content.EMPTY), delete, delete_oldest, undelete, wait, expire),
        event_of_oldest,
        "DELETED",
        faults=False,
    ),
    "late-event-of-what-was-deleted-below-an-undelete": plain(
        first(PUBLISHED, unseen(put(Content.CLEAN, 2)), delete_newest, delete, undelete), arrives, "DELETED"
    ),
    "undelete-and-overwritten": plain(first(PUBLISHED, delete), _undelete_and_overwrite, "PUBLISHED"),
    "late-event-of-what-was-blocked": kept(
        first(put(Content.WEAPON), put(Content.CLEAN, 2), wait, expire),
        event_of_oldest,
        "PUBLISHED",
        faults=False,
    ),
    **{
        f"takedown-{name}": _takedown(key, faults=name in ("control", "line-breaks"))
        for name, key in ODD_KEYS.items()
    },
}
