"""Plausible mistakes with what people look at only to be counted, added to all the others."""

from dataclasses import replace
from typing import Any

from media_pipeline.processing import processor
from media_pipeline.processing.clean_up import CleanUp
from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.records.attention import Attention
from media_pipeline.records.decisions import Action
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Record, Status
from media_pipeline.reviews import asking
from tests.faults.mutations import mutation, swap


@mutation
def a_second_look_is_a_decision() -> None:
    def note(self: Any, record: Any, decision: Any) -> None:
        self._write(record, decision, {}, is_complete=True)

    swap(asking.Decisions, "_note_look", lambda _: note)


@mutation
def a_second_look_leaves_it_waiting() -> None:
    def update(self: Any, key: Any, values: Any, *, remove: Any = (), **how: Any) -> Any:
        return real(self, key, values, remove=() if "second" in values else remove, **how)

    real: Any = ItemTable.update
    swap(ItemTable, "update", lambda _: update)


@mutation
def a_second_look_is_noted_before_its_evidence() -> None:
    def keep(self: Any, record: Any, decision: Any, **how: Any) -> None:
        if record.attributes.get("attention") != "SECOND":
            real(self, record, decision, **how)

    real: Any = asking.Decisions._keep_evidence
    swap(asking.Decisions, "_keep_evidence", lambda _: keep)


@mutation
def nobody_looks_again() -> None:
    swap(processor, "second_look_wanted", lambda _: lambda *_: {})


@mutation
def a_check_stays_when_what_it_is_about_is_deleted() -> None:
    """Delete a version for good, and leave its pictures in quarantine."""

    def remove(self: Any, record: Record) -> None:
        kept = {name: value for name, value in record.attributes.items() if name != "check"}
        real(self, replace(record, attributes=kept))

    real: Any = Outcomes._remove
    swap(Outcomes, "_remove", lambda _: remove)


@mutation
def pictures_for_a_check_are_taken_for_left_overs() -> None:
    def remove(self: Any, attempt: Any, status: Any) -> None:
        if attempt.record.attempt > 1 and not attempt.record.withheld:
            self._storage.quarantined.remove_pictures(attempt.record.object_key, attempt.record.version)

    swap(CleanUp, "remove_pictures", lambda _: remove)


@mutation
def a_failed_check_is_only_noted() -> None:
    swap(asking, "LOOKS", lambda _: {Attention.CHECK: frozenset({Action.APPROVE, Action.WITHDRAW})})


@mutation
def the_pictures_of_what_was_replaced_before_its_move_stay() -> None:
    def remove(self: Any, attempt: Any, status: Any) -> None:
        if status is not Status.SUPERSEDED:
            real(self, attempt, status)

    real: Any = CleanUp.remove_pictures
    swap(CleanUp, "remove_pictures", lambda _: remove)
