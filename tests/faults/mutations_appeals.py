"""Plausible mistakes with appeals, added to all the others."""

from typing import Any

from media_pipeline.api import appeals as api_appeals
from media_pipeline.processing import processor
from media_pipeline.records import appeals, leases, transitions
from media_pipeline.records.decisions import Action
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Status
from tests.faults.mutations import mutation, swap


@mutation
def an_appeal_is_noted_whatever_became_of_the_outcome() -> None:
    def update(self: Any, key: Any, values: Any, *, condition: Any, **how: Any) -> Any:
        return real(self, key, values, condition={} if "appeal" in condition else condition, **how)

    real: Any = ItemTable.update
    swap(ItemTable, "update", lambda _: update)


@mutation
def an_appeal_stays_open_when_it_is_decided() -> None:
    swap(processor, "settled_values", lambda _: lambda *_: {})


@mutation
def an_appeal_waits_for_nobody() -> None:
    def values(record: Any, text: str, now: float) -> dict[str, Any]:
        return {"appeal": appeals.appealed_values(record, text, now)["appeal"]}

    swap(api_appeals, "appealed_values", lambda _: values)


@mutation
def what_was_decided_still_waits() -> None:
    kept = tuple(name for name in transitions.OF_ONE_OUTCOME if name != "attention")
    swap(leases, "OF_ONE_OUTCOME", lambda _: kept)


@mutation
def a_restore_to_a_review_overturns_an_appeal() -> None:
    def settled(record: Any, decision: Any, status: Any, facts: Any) -> Any:
        is_restored = decision.action is Action.RESTORE and status is Status.REVIEW
        return real(record, decision, Status.PUBLISHED if is_restored else status, facts)

    real = appeals.settled_values
    swap(processor, "settled_values", lambda _: settled)
