"""Handles messages that the queue gave up on: each ends in a record, a delete, or a log line."""

from media_pipeline.errors import Reason, UnknownMessageError
from media_pipeline.events import EventKind, ObjectEvent
from media_pipeline.invocation import Invocation
from media_pipeline.observability import Observability
from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.records.table import Records

DETAIL = "it could not be processed after all retries; the function's log has each error under this key"


class DeadLetters:
    """Drains a dead-letter queue."""

    def __init__(self, *, records: Records, outcomes: Outcomes, observability: Observability) -> None:
        self._records = records
        self._outcomes = outcomes
        self._observability = observability

    def handle(self, event: ObjectEvent, invocation: Invocation) -> None:
        """Carry out deletes; record FAILED for an upload that is still open; announce what was not announced.

        Raises LeaseHeldError while an invocation still works on the object.
        """
        invocation.require_time("handle a dead letter")
        if event.kind is EventKind.CREATED:
            self._outcomes.finish(self._records.fail(event, reason=Reason.RETRIES_EXHAUSTED, detail=DETAIL))
        else:
            restored = self._outcomes.carry_out_delete(event)
            if restored is not None:
                # This function processes nothing: an operator's redrive publishes the version again.
                self._outcomes.finish(
                    self._records.fail_restored(restored, reason=Reason.RETRIES_EXHAUSTED, detail=DETAIL)
                )

    def unknown(self, body: str, error: UnknownMessageError) -> None:
        """Log and count a message that is not an S3 event, and acknowledge it: there is no record to write."""
        self._observability.unknown_message(body, error)
