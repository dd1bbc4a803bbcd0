"""Takes the appeal of an uploader: one conditional write beside the outcome, which puts it before a person."""

from collections.abc import Callable
from http import HTTPStatus

from media_pipeline.api.problems import Problem, busy
from media_pipeline.records.appeals import appealed_values, may_be_appealed_until, open_appeal
from media_pipeline.records.items import ItemChangedError, ItemTable
from media_pipeline.records.record import Record, Status

NO_APPEALS = "This stack takes no appeals."
NOT_BLOCKED = "Only an upload that is blocked can be appealed."
UNDER_DECISION = "A person is deciding about this upload at the moment. Ask for its status."
TOO_LATE = "The time in which this upload could be appealed is over."
APPEALED = "This upload was appealed already; its status says what became of it."


class Appeals:
    """Appeals within `days` of an outcome, 0 for none. `clock` gives epoch seconds."""

    def __init__(self, *, items: ItemTable, days: int, clock: Callable[[], float]) -> None:
        self._items = items
        self._clock = clock
        self.days = days

    def require_taken(self) -> None:
        """Raise Problem (404) where the stack takes no appeals."""
        if not self.days:
            raise Problem(HTTPStatus.NOT_FOUND, NO_APPEALS)

    def appeal(self, record: Record, text: str) -> None:
        """Note an appeal in the newest record of an upload. Sent again with the same text, it changes nothing.

        Raises Problem: 409 where it cannot be appealed, or was already; 503 where its record changed meanwhile.
        """
        if record.status is Status.BLOCKED and record.attributes.get("appeal"):
            if (appeal := open_appeal(record)) and appeal["text"] == text:
                return
            raise Problem(HTTPStatus.CONFLICT, APPEALED)
        until, now = may_be_appealed_until(record, self.days), self._clock()
        if until is None:
            raise Problem(HTTPStatus.CONFLICT, NOT_BLOCKED)
        if record.pending_decision is not None:
            raise Problem(HTTPStatus.CONFLICT, UNDER_DECISION)
        if now >= until:
            raise Problem(HTTPStatus.CONFLICT, TOO_LATE)
        # The id of the announcement names the outcome: whoever opens the record again removes it.
        condition = {"alert_id": record.alert_id, "appeal": None}
        values = appealed_values(record, text, now)
        try:
            self._items.update((record.object_key, record.sequencer), values, condition=condition)
        except ItemChangedError as changed:
            found = changed.found
            noted = found.attributes.get("appeal") if found else None
            if noted is None or noted["text"] != text:
                raise busy() from None  # looked at again, it says which of the above it is
