"""Handles messages that the queue gave up on: each ends in a record, a delete, or a log line."""

from media_pipeline.errors import Reason, UnknownMessageError
from media_pipeline.events import EventKind, ObjectEvent
from media_pipeline.invocation import Invocation
from media_pipeline.observability import Observability
from media_pipeline.processing import single_uploads
from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.processing.single_uploads import SingleUploads
from media_pipeline.records.leases import decision_to_carry_out
from media_pipeline.records.record import Record
from media_pipeline.records.table import Records

DETAIL = "it could not be processed after all retries; the function's log has each error under this key"


class DeadLetters:
    """Drains a dead-letter queue."""

    def __init__(
        self,
        *,
        records: Records,
        outcomes: Outcomes,
        single_uploads: SingleUploads,
        observability: Observability,
    ) -> None:
        self._records = records
        self._single_uploads = single_uploads
        self._outcomes = outcomes
        self._observability = observability

    def handle(self, event: ObjectEvent, invocation: Invocation) -> None:
        """Carry out deletes; record FAILED for an upload that is still open; announce what was not announced.

        A second upload of a key that takes one is REJECTED all the same: FAILED would hide what became of the first.
        Raises LeaseHeldError while an invocation still works on the object.
        """
        invocation.require_time("handle a dead letter")
        if event.decision_id is not None:
            self._give_up_decision(event)
        elif event.rework is not None:
            self._give_up_rework(event)
        elif event.kind is EventKind.CREATED:
            self._outcomes.finish(self._end(event))
        else:
            restored = self._outcomes.carry_out_delete(event, invocation)
            if restored is not None:
                self._fail_restored(restored)

    def _fail_restored(self, event: ObjectEvent) -> None:
        """Record FAILED: this function processes nothing. An operator's redrive publishes the version again."""
        known = self._records.of_version(event.key, event.version)
        if known is not None and known.status.terminal:
            self._outcomes.finish(known)  # it is about to be overwritten
        failed = self._records.fail_restored(event, reason=Reason.RETRIES_EXHAUSTED, detail=DETAIL)
        self._outcomes.finish(failed)

    def _give_up_decision(self, event: ObjectEvent) -> None:
        """Record FAILED where a decision was begun and not carried out; where it was not begun, a redrive finds it."""
        known = self._records.get(event.key, self._records.sequencer_of(event))
        if known is None or known.version != event.version:
            return
        decision = decision_to_carry_out(known)
        if known.status.terminal:
            self._outcomes.finish(known)
        elif decision is not None and decision.id == event.decision_id:
            self._outcomes.finish(self._records.fail(event, reason=Reason.RETRIES_EXHAUSTED, detail=DETAIL))

    def _give_up_rework(self, event: ObjectEvent) -> None:
        """Record FAILED where a rework began to withhold a version; what is published stays as it is."""
        known = self._records.get(event.key, self._records.sequencer_of(event))
        if known is None or known.version != event.version:
            return  # forgotten, or expired: nothing about it is to be recorded any more
        if not known.status.terminal:
            known = self._records.fail(event, reason=Reason.RETRIES_EXHAUSTED, detail=DETAIL)
        self._outcomes.finish(known)

    def _end(self, event: ObjectEvent) -> Record:
        """End an upload that is still open; return a terminal record unchanged, also under another sequencer."""
        sequencer = self._records.sequencer_of(event)
        if (known := self._ended_elsewhere(event, sequencer)) is not None:
            return known
        if self._single_uploads.has_earlier(event.key, version_id=event.version_id, sequencer=sequencer):
            return self._records.reject(event, reason=Reason.ALREADY_UPLOADED, detail=single_uploads.DETAIL)
        return self._records.fail(event, reason=Reason.RETRIES_EXHAUSTED, detail=DETAIL)

    def _ended_elsewhere(self, event: ObjectEvent, sequencer: str) -> Record | None:
        """Return the terminal record that a version has under another sequencer, from an event that had none."""
        if event.is_of_null_version:
            return None
        known = self._records.of_version(event.key, event.version)
        is_other = known is not None and known.sequencer != sequencer and known.status.terminal
        return known if is_other else None

    def unknown(self, body: str, error: UnknownMessageError) -> None:
        """Log and count a message that is not an S3 event, and acknowledge it: there is no record to write."""
        self._observability.unknown_message(body, error)
