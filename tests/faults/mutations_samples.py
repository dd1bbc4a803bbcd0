"""Plausible mistakes with what people look at only to be counted, added to all the others."""

from typing import Any

from media_pipeline.processing import processor
from media_pipeline.records.items import ItemTable
from media_pipeline.reviews import asking
from tests.faults.mutations import mutation, swap


@mutation
def a_second_look_is_a_decision() -> None:
    def note(self: Any, record: Any, decision: Any) -> None:
        self._write(record, decision, is_complete=True)

    swap(asking.Decisions, "_note_second_look", lambda _: note)


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
    vars(processor)["second_look_wanted"] = lambda *_: {}
