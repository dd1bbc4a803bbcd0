"""Keeps the tags of what is in quarantine in step with the records: what a person escalated has no lifecycle.

An attempt tags before it commits. One that stood still for longer than its lease may tag after another one committed
the opposite, so that evidence expires, or stays for ever.
"""

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.errors import PipelineError, TransientError
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.endings import withheld_as
from media_pipeline.processing.publishing import Publishing
from media_pipeline.records.decisions import Action
from media_pipeline.records.leases import decision_to_carry_out
from media_pipeline.records.record import Record, Status
from media_pipeline.records.table import Records

ROUNDS = 5
_TAGGING = frozenset({Action.ESCALATE, Action.RELEASE})


class Holds:
    """Tags again what was tagged against its record."""

    def __init__(self, records: Records, publishing: Publishing) -> None:
        self._records = records
        self._publishing = publishing

    def tag_after(self, attempt: Attempt, error: Exception) -> None:
        """Tag anew what an attempt tagged, or put with a tag, that lost its lease; the caller raises the error."""
        if not (attempt.tagged or attempt.put_pictures or attempt.record.withheld):
            return
        try:
            self.tag_as_recorded(attempt.record)
        except (BotoCoreError, ClientError, PipelineError) as problem:
            error.add_note(f"what is in quarantine could not be tagged as its record says: {problem}")

    def tag_as_recorded(self, record: Record) -> None:
        """Tag what is in quarantine of a version that was escalated once, as its record is now; no other's.

        Raises TransientError where the record changed each time it was tagged.
        """
        for _ in range(ROUNDS):
            current = self._records.get(record.object_key, record.sequencer)
            if current is None or current.status is Status.DELETED or not _was_escalated(current):
                return
            is_held = _is_to_be_held(current)
            self._publishing.tag_again(current, status=_withheld_status(current), is_held=is_held)
            again = self._records.get(record.object_key, record.sequencer)
            if again is None or _is_to_be_held(again) is is_held:
                return
        raise TransientError("the record changed each time what is in quarantine was tagged")


def _was_escalated(record: Record) -> bool:
    decisions = (record.attributes.get("decision") or {}, *record.attributes.get("decisions", ()))
    return any(decision.get("action") in _TAGGING for decision in decisions)


def _is_to_be_held(record: Record) -> bool:
    """Return whether a version is held once the decision about it is carried out, which may have tagged it already."""
    decision = decision_to_carry_out(record)
    return record.is_held and (decision is None or decision.action is not Action.RELEASE)


def _withheld_status(record: Record) -> Status:
    """Return the status by which the lifecycle rules choose what is in quarantine of a version."""
    if record.status_before in (Status.BLOCKED, Status.REVIEW):
        return record.status_before
    return withheld_as(record.moderation)[0] if record.moderation and record.withheld else Status.BLOCKED
