"""Scenarios of two records of one version: one from an event without a sequencer, one from the event with it."""

from collections.abc import Mapping
from functools import partial

from tests.faults.configurations import LAXER
from tests.faults.fault_injection import ALWAYS, Call, Fault, FaultKind
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import KEY, Scenario
from tests.faults.scenarios_versions import (
    PUBLISHED,
    SEQUENCER,
    Act,
    at_once,
    cut_off,
    delete,
    event_of_oldest,
    first,
    oldest,
    plain,
    put,
)
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


def _each_with_another_answer(run: Simulation) -> None:
    """Let the attempts on both records be given up, each with an answer about another picture of the upload."""
    run.injector = _AnswersOne()
    run.put(KEY, Content.HIDDEN, 1, without=SEQUENCER)
    _seconds_later(event_of_oldest)(run)
    run.clock.run(run.clock.now + 20.0)


SECOND_RECORDS: Mapping[str, Scenario] = {
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
