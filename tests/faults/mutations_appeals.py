"""Plausible mistakes with appeals, added to all the others."""

from typing import Any

from media_pipeline.api import appeals as api_appeals
from media_pipeline.processing import processor
from media_pipeline.records import appeals, leases, transitions
from media_pipeline.records.items import ItemTable
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
