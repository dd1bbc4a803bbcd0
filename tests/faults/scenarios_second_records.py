"""Scenarios of two records of one version: one from an event without a sequencer, one from the event with it."""

from collections.abc import Mapping
from functools import partial

from media_pipeline.records.succession import NEIGHBOURS
from tests.faults.configurations import LAXER
from tests.faults.fault_injection import ALWAYS, Call, Fault, FaultKind
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY, Scenario
from tests.faults.scenarios_versions import (
    PUBLISHED,
    SEQUENCER,
    Act,
    arrives,
    at_once,
    cut_off,
    delete,
    delete_oldest,
    event_of_oldest,
    first,
    oldest,
    plain,
    put,
    settle,
    steps,
    undelete,
    unseen,
)
from tests.faults.scenarios_withdrawals import take_down
from tests.faults.simulation import Simulation


class _AnswersOne:
    """Lets Rekognition answer each invocation about one picture only, and each about another one."""

    def __init__(self) -> None:
        self._answered: dict[object, bytes] = {}  # by invocation

    def choose(self, call: Call) -> Fault | None:
        """Return an error for all requests of an invocation but the one that it has an answer to."""
        if call.operation != "DetectModerationLabels":
            return None
        picture = call.params["Image"]["Bytes"]
        if picture not in self._answered.values():
            self._answered.setdefault(call.invocation, picture)
        is_answered = self._answered.get(call.invocation) == picture
        return None if is_answered else Fault(FaultKind.ERROR, ALWAYS)


def _its_event_without_sequencer(run: Simulation) -> None:
    run.send_event_of(oldest(run), without=SEQUENCER)


def _seconds_later(act: Act) -> Act:
    """Do something while the lease of what was done before still holds."""
    return lambda run: run.clock.after(5.0, partial(act, run))


def _dead_letter_of_its_other_event(run: Simulation) -> None:
    with run.postponed() as bodies:
        event_of_oldest(run)
    for body in bodies:
        run.queues["dead"].send(body)


def _below_many(run: Simulation) -> None:
    """Upload more often than one look at the newest records reaches."""
    for number in range(2, NEIGHBOURS + 3):
        run.put(KEY, Content.TEXT, number)
        run.run(DAY)


def _deleted_and_many_more(run: Simulation) -> None:
    """Let the message about an upload return when its key was deleted and many uploads followed."""
    cut_off("HeadObject", put(Content.FIGHT))(run)
    (message,) = run.queues["images"].messages
    run.kept_message = message.body
    run.queues["images"].messages.clear()
    run.delete(KEY)
    run.run(DAY)
    _below_many(run)


def _published_by_an_undelete_and_seen_since(run: Simulation) -> None:
    """Let the event of an upload that an undelete published come late, and cut the work on it off."""
    steps(unseen(PUBLISHED), delete, settle, undelete)(run)
    run.run(DAY)
    cut_off("UpdateItem", arrives)(run)


def _each_with_another_answer(run: Simulation) -> None:
    """Let the attempts on both records be given up, each with an answer about another picture of the upload."""
    run.injector = _AnswersOne()
    run.put(KEY, Content.HIDDEN, 1, without=SEQUENCER)
    _seconds_later(event_of_oldest)(run)
    run.clock.run(run.clock.now + 20.0)


def _superseded_above_a_delete_and_open_below(run: Simulation) -> None:
    """Let a delete come back that was cut off, and has superseded one of two records of the version it hides."""
    with run.postponed() as bodies:
        run.put(KEY, Content.CLEAN, 1, without=SEQUENCER)
        run.delete(KEY)
    of_upload, of_delete = (partial(run.queues["images"].send, body) for body in bodies)
    cut_off("UpdateItem", lambda _: of_delete())(run)
    run.queues["images"].messages.clear()
    cut_off("UpdateItem", lambda _: of_upload())(run)
    run.run(DAY)  # its second attempt finds the delete
    cut_off("UpdateItem", event_of_oldest)(run)
    run.clock.after(60.0, of_delete)


def _superseded_above_another_delete(run: Simulation) -> None:
    """Keep the event of a removed delete marker; the undelete of a later one finds a version that was not on top."""
    steps(PUBLISHED, unseen(delete), undelete)(run)
    marker = run.kept_message
    run.run(DAY)
    at_once(unseen(put(Content.CLEAN, 2)), settle, cut_off("HeadObject", put(Content.FIGHT, 3)), delete)(run)
    at_once(unseen(undelete), lambda run: run.run(DAY), arrives)(run)
    run.run(DAY)
    run.kept_message = marker


def _dead_letter_of_what_was_kept(run: Simulation) -> None:
    run.queues["dead"].send(run.kept_message)


_SEEN_AFTER_THE_NEXT_ONE = at_once(
    unseen(put(Content.CLEAN, 1, KEY, SEQUENCER)), settle, cut_off("UpdateItem", put(Content.CLEAN, 2))
)
"""The version has no sequencer, and no record yet; the next one has an open one. Its place is assumed to be above."""
BEFORE_A_LATE_DELETE = first(PUBLISHED, unseen(delete), put(Content.CLEAN, 2, KEY, SEQUENCER))
"""What was put after a delete, whose event had no sequencer, is published before the delete is seen."""
SECOND_RECORDS: Mapping[str, Scenario] = {
    "no-sequencer-and-deleted-above-the-next-one": plain(
        at_once(_SEEN_AFTER_THE_NEXT_ONE, cut_off("UpdateItem", arrives)), delete_oldest, "SUPERSEDED"
    ),
    "no-sequencer-and-given-up-above-the-next-one": Scenario(
        _SEEN_AFTER_THE_NEXT_ONE, _dead_letter_of_what_was_kept, "FAILED", "dead-letters", in_pairs=False
    ),
    "sequencer-only-later": plain(
        first(put(Content.CLEAN, 1, KEY, SEQUENCER)), event_of_oldest, "PUBLISHED", late_calls=False
    ),
    "sequencer-only-at-first": plain(first(PUBLISHED), _its_event_without_sequencer, "PUBLISHED"),
    "two-records-and-blocked": plain(
        cut_off("UpdateItem", put(Content.WEAPON, 1, KEY, SEQUENCER)),
        event_of_oldest,
        "BLOCKED",
        late_calls=False,
    ),
    "sequencer-seconds-later": plain(
        lambda _: None,
        at_once(put(Content.CLEAN, 1, KEY, SEQUENCER), _seconds_later(event_of_oldest)),
        "PUBLISHED",
        late_calls=False,
    ),
    "two-records-of-which-one-is-decided-and-deleted": plain(
        at_once(
            cut_off("PutObject", put(Content.CLEAN, 1, KEY, SEQUENCER)),
            cut_off("UpdateItem", event_of_oldest),
        ),
        delete,
        "DELETED",
        faults=False,
    ),
    "two-records-and-deleted": plain(
        cut_off("UpdateItem", put(Content.CLEAN, 1, KEY, SEQUENCER)),
        at_once(delete, event_of_oldest),
        "DELETED",
    ),
    "sequencer-only-in-a-dead-letter": Scenario(
        first(put(Content.CLEAN, 1, KEY, SEQUENCER)),
        _dead_letter_of_its_other_event,
        "PUBLISHED",
        "dead-letters",
        in_pairs=False,
    ),
    "sequencer-only-below-many": plain(
        first(put(Content.CLEAN, 1, KEY, SEQUENCER), _below_many), event_of_oldest, "REJECTED", faults=False
    ),
    "no-sequencer-and-published-before-a-late-delete": plain(
        BEFORE_A_LATE_DELETE, arrives, "PUBLISHED", late_calls=False
    ),
    "takedown-of-what-a-late-delete-hid": plain(
        first(BEFORE_A_LATE_DELETE, arrives), take_down, "PUBLISHED", faults=False
    ),
    "superseded-above-another-delete-than-is-seen": plain(
        _superseded_above_another_delete, arrives, "SUPERSEDED"
    ),
    "withheld-below-a-delete-and-many": plain(_deleted_and_many_more, arrives, "REJECTED", faults=False),
    "two-records-of-which-the-decided-one-is-deleted": plain(
        _published_by_an_undelete_and_seen_since, delete_oldest, "DELETED", faults=False
    ),
    "two-records-superseded-and-undeleted": plain(
        first(_superseded_above_a_delete_and_open_below), undelete, "PUBLISHED", faults=False
    ),
    "two-records-of-which-each-has-an-answer": Scenario(
        _each_with_another_answer,
        lambda _: None,
        "PUBLISHED",
        deployment=LAXER,
        in_pairs=False,
        late_calls=False,
        asked=0,
    ),
}
