"""Scenarios of versions: undelete, null versions, events that lack something or come late, expiry, odd keys."""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from tests.faults.configurations import KEEPING
from tests.faults.fault_injection import Call, Fault, FaultKind
from tests.faults.history import Upload
from tests.faults.odd_keys import ODD_KEYS
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY, Scenario
from tests.faults.simulation import Simulation

SEQUENCER = frozenset({"sequencer"})
LATER = 20 * DAY  # longer than records are kept here, shorter than a message may be late
SLASH = "folder/"
Act = Callable[[Simulation], None]


class _KillAfter:
    """Kills the first invocation that makes a call of an operation, right after it."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._done = False

    def choose(self, call: Call) -> Fault | None:
        """Return a crash after the first call of the operation."""
        if self._done or call.operation != self._operation:
            return None
        self._done = True
        return Fault(FaultKind.CRASH_AFTER)


def _steps(*acts: Act) -> Act:
    """Do one after the other, each to its end."""

    def act(run: Simulation) -> None:
        for number, each in enumerate(acts):
            if number:
                run.run(DAY)
            each(run)

    return act


def _first(*acts: Act) -> Act:
    """Do one after the other, and let the last one end as well."""
    return _steps(*acts, lambda _: None)


def _put(kind: Content, number: int = 1, key: str = KEY, without: Collection[str] = ()) -> Act:
    def act(run: Simulation) -> None:
        run.put(key, kind, number, without=without)

    return act


def _delete(run: Simulation) -> None:
    run.delete(KEY)


def _delete_folder(run: Simulation) -> None:
    run.delete(SLASH)


def _undelete(run: Simulation) -> None:
    run.undelete(KEY)


def _suspend(run: Simulation) -> None:
    run.stack.set_versioning("Suspended")


def _resume(run: Simulation) -> None:
    run.stack.set_versioning("Enabled")


def _settle(run: Simulation) -> None:
    """Let so much time pass that no invocation can still work on what it began."""
    run.pass_time(600.0)


def _wait(run: Simulation) -> None:
    run.pass_time(LATER)


def _expire(run: Simulation) -> None:
    run.expire()


def _oldest(run: Simulation) -> Upload:
    return next(iter(run.history.uploads.values()))


def _delete_oldest(run: Simulation) -> None:
    run.delete_version(_oldest(run))


def _delete_newest(run: Simulation) -> None:
    run.delete_version(list(run.history.uploads.values())[-1])


def _event_of_oldest(run: Simulation) -> None:
    run.send_event_of(_oldest(run))


def _event_of_oldest_without_sequencer(run: Simulation) -> None:
    run.send_event_of(_oldest(run), without=SEQUENCER)


def _unseen(act: Act) -> Act:
    """Do something of which no event arrives yet; its message is kept."""

    def done(run: Simulation) -> None:
        with run.postponed() as bodies:
            act(run)
        (run.kept_message,) = bodies

    return done


def _arrives(run: Simulation) -> None:
    run.queues["images"].send(run.kept_message)


def _at_once(*acts: Act) -> Act:
    """Do one after the other, without letting any end."""

    def act(run: Simulation) -> None:
        for each in acts:
            each(run)

    return act


def _late_after(act: Act) -> Act:
    """Do something of which the event arrives an hour after the kept message."""

    def done(run: Simulation) -> None:
        with run.postponed() as bodies:
            act(run)
        _arrives(run)
        for body in bodies:
            run.clock.after(3_600.0, partial(run.queues["images"].send, body))

    return done


def _cut_off(operation: str, act: Act) -> Act:
    """Cut the work on an upload off after a call; its message is still hidden."""

    def done(run: Simulation) -> None:
        run.injector = _KillAfter(operation)
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


def _undelete_while_it_is_tried_again(run: Simulation) -> None:
    run.put(KEY, Content.CLEAN, 1)
    run.clock.after(2.0, partial(_delete, run))
    run.clock.after(120.0, partial(_undelete, run))


def _undelete_and_overwrite(run: Simulation) -> None:
    run.undelete(KEY)
    run.clock.after(60.0, partial(_put(Content.CLEAN, 2), run))


def _kept(prepare: Act, act: Act, status: str, *, faults: bool = True) -> Scenario:
    """Return a scenario of a stack whose records expire."""
    return Scenario(prepare, act, status, deployment=KEEPING, in_pairs=False, faults=faults)


def _plain(prepare: Act, act: Act, status: str, *, faults: bool = True, late_calls: bool = True) -> Scenario:
    """Return a scenario of the first deployment.

    `late_calls`: False where a claim that is carried out minutes late would create a discarded second record again.
    """
    return Scenario(prepare, act, status, in_pairs=False, faults=faults, late_calls=late_calls)


def _takedown(key: str, *, faults: bool) -> Scenario:
    return _plain(
        _first(_put(Content.CLEAN, 1, key), _put(Content.CLEAN, 2, f"{key}/longer")),
        lambda run: (run.delete(key), None)[1],
        "DELETED",
        faults=faults,
    )


_PUBLISHED = _put(Content.CLEAN)
_OVERWRITTEN = _first(_PUBLISHED, _put(Content.CLEAN, 2), _wait, _expire)
VERSIONS: Mapping[str, Scenario] = {
    "undelete": _kept(_first(_PUBLISHED, _delete), _undelete, "DELETED"),
    "undelete-late": _kept(_first(_PUBLISHED, _delete, _wait, _expire), _undelete, "PUBLISHED", faults=False),
    "undelete-before-the-delete": _plain(
        _first(_PUBLISHED, _unseen(_delete), _undelete), _arrives, "PUBLISHED"
    ),
    "undelete-of-what-was-superseded": _plain(
        _first(_unseen(_PUBLISHED), _delete, _arrives), _undelete, "DELETED", faults=False
    ),
    "deleted-before-its-upload": _plain(_first(_unseen(_PUBLISHED), _delete_oldest), _arrives, "DELETED"),
    "deleted-before-its-upload-under-a-slash": _plain(
        _first(_unseen(_put(Content.CLEAN, 1, SLASH)), _delete_oldest), _arrives, "DELETED", faults=False
    ),
    "deleted-long-before-its-upload": _kept(
        _first(_unseen(_PUBLISHED), _delete_oldest, _wait, _expire), _arrives, "DELETED", faults=False
    ),
    "late-event-of-what-expired": _kept(_OVERWRITTEN, _event_of_oldest, "PUBLISHED"),
    "delete-after-expiry": _kept(_OVERWRITTEN, _delete, "DELETED"),
    "delete-version-after-expiry": _kept(_OVERWRITTEN, _delete_oldest, "PUBLISHED"),
    "overwritten-with-blocked": _kept(_first(_PUBLISHED), _put(Content.WEAPON, 2), "BLOCKED", faults=False),
    "overwritten-and-deleted": _kept(_OVERWRITTEN, _steps(_delete, _wait, _expire), "DELETED", faults=False),
    "many-versions-newest-deleted": _plain(
        _first(*(_put(Content.CLEAN, number) for number in range(1, 6))), _delete_newest, "DELETED"
    ),
    "no-sequencer": _plain(lambda _: None, _put(Content.CLEAN, 1, KEY, SEQUENCER), "PUBLISHED"),
    "sequencer-only-later": _plain(
        _first(_put(Content.CLEAN, 1, KEY, SEQUENCER)), _event_of_oldest, "PUBLISHED", late_calls=False
    ),
    "sequencer-only-at-first": _plain(_first(_PUBLISHED), _event_of_oldest_without_sequencer, "PUBLISHED"),
    "no-sequencer-and-overwritten": _plain(
        _first(_unseen(_put(Content.CLEAN, 1, KEY, SEQUENCER)), _put(Content.CLEAN, 2)),
        _arrives,
        "SUPERSEDED",
    ),
    "no-sequencer-and-seen-before-an-older-one": _plain(
        _at_once(_unseen(_PUBLISHED), _cut_off("UpdateItem", _put(Content.CLEAN, 2, KEY, SEQUENCER))),
        _arrives,
        "PUBLISHED or SUPERSEDED",  # the older one where it comes last; readers then see the one before it
        late_calls=False,
    ),
    "two-records-and-blocked": _plain(
        _cut_off("UpdateItem", _put(Content.WEAPON, 1, KEY, SEQUENCER)),
        _event_of_oldest,
        "BLOCKED",
        late_calls=False,
    ),
    "two-records-and-deleted": _plain(
        _cut_off("UpdateItem", _put(Content.CLEAN, 1, KEY, SEQUENCER)),
        _at_once(_delete, _event_of_oldest),
        "DELETED",
    ),
    "found-under-a-removed-marker": _plain(_first(_found_under_a_marker), _arrives, "PUBLISHED"),
    "undelete-while-it-is-tried-again": _plain(
        lambda _: None, _undelete_while_it_is_tried_again, "DELETED or PUBLISHED"
    ),
    "undelete-of-what-was-never-seen": _plain(
        _first(_unseen(_PUBLISHED), _put(Content.WEAPON, 2), _delete),
        _at_once(_settle, _cut_off("GetObject", _undelete), _arrives),
        "PUBLISHED",
        late_calls=False,
    ),
    "undelete-and-overwritten": _plain(_first(_PUBLISHED, _delete), _undelete_and_overwrite, "PUBLISHED"),
    "late-event-of-what-was-blocked": _kept(
        _first(_put(Content.WEAPON), _put(Content.CLEAN, 2), _wait, _expire),
        _event_of_oldest,
        "PUBLISHED",
        faults=False,
    ),
    "null-deleted-under-a-slash": _plain(
        _first(_suspend, _unseen(_put(Content.CLEAN, 1, SLASH))),
        _steps(_delete_folder, _arrives),
        "DELETED",
        faults=False,
    ),
    "null": _plain(_suspend, _PUBLISHED, "PUBLISHED"),
    "null-blocked": _plain(_suspend, _put(Content.WEAPON), "BLOCKED"),
    "null-over-a-version": _plain(_first(_PUBLISHED, _suspend), _put(Content.WEAPON, 2), "BLOCKED"),
    "null-over-null": _plain(_first(_suspend, _PUBLISHED), _put(Content.CLEAN, 2), "PUBLISHED"),
    "null-overwritten-when-allowed": _plain(
        _steps(_suspend, _cut_off("PutObject", _PUBLISHED)), _put(Content.WEAPON, 2), "BLOCKED"
    ),
    "null-overwritten-when-copied": _plain(
        _steps(_suspend, _cut_off("CopyObject", _put(Content.WEAPON))), _put(Content.CLEAN, 2), "PUBLISHED"
    ),
    "null-overwritten-when-blocked": _plain(
        _steps(_suspend, _cut_off("DetectModerationLabels", _put(Content.WEAPON))),
        _put(Content.CLEAN, 2),
        "PUBLISHED",
    ),
    "null-overwritten-unseen": _plain(
        _first(_suspend, _unseen(_PUBLISHED), _put(Content.CLEAN, 2)), _arrives, "PUBLISHED"
    ),
    "null-overwritten-when-allowed-and-unseen": _plain(
        _steps(_suspend, _at_once(_cut_off("PutObject", _PUBLISHED), _unseen(_put(Content.WEAPON, 2)))),
        _at_once(lambda run: run.pass_time(DAY), _arrives),
        "BLOCKED",
    ),
    "null-overwritten-before-both-are-seen": _plain(
        _steps(_suspend, _unseen(_PUBLISHED)), _late_after(_put(Content.CLEAN, 2)), "PUBLISHED"
    ),
    "null-deleted": _plain(_first(_suspend, _PUBLISHED), _delete, "DELETED"),
    "null-deleted-before-its-upload": _plain(
        _first(_suspend, _unseen(_PUBLISHED), _delete), _arrives, "DELETED", faults=False
    ),
    "null-deleted-and-put-again": _plain(
        _first(_suspend, _PUBLISHED, _delete), _put(Content.CLEAN, 2), "PUBLISHED", faults=False
    ),
    "null-version-deleted": _plain(_first(_suspend, _PUBLISHED), _delete_oldest, "DELETED"),
    "null-version-deleted-after-expiry": _kept(
        _first(_suspend, _PUBLISHED, _resume, _put(Content.CLEAN, 2), _wait, _expire),
        _delete_oldest,
        "PUBLISHED",
    ),
    "null-version-deleted-while-it-has-two-records": _plain(
        _steps(
            _suspend,
            _put(Content.CLEAN, 1, KEY, SEQUENCER),
            _cut_off("UpdateItem", _event_of_oldest),
        ),
        _delete_oldest,
        "DELETED",
        late_calls=False,
    ),
    "null-version-deleted-before-its-upload": _plain(
        _first(_suspend, _unseen(_PUBLISHED), _delete_oldest), _arrives, "DELETED", faults=False
    ),
    "null-marker-removed": _plain(_first(_PUBLISHED, _suspend, _delete), _undelete, "DELETED"),
    "null-marker-over-a-null-marker": _plain(
        _first(_PUBLISHED, _suspend, _delete, _delete), _undelete, "DELETED"
    ),
    "null-marker-removed-before-it-is-seen": _plain(
        _first(_PUBLISHED, _suspend, _delete, _unseen(_delete), _undelete), _arrives, "DELETED"
    ),
    "null-marker-seen-after-its-successor-is-removed": _plain(
        _first(_PUBLISHED, _suspend, _unseen(_delete), _delete, _undelete), _arrives, "DELETED"
    ),
    **{
        f"takedown-{name}": _takedown(key, faults=name in ("control", "line-breaks"))
        for name, key in ODD_KEYS.items()
    },
}
