"""Plausible mistakes with what people decide, added to all the others."""

import dataclasses
from typing import Any

from media_pipeline.errors import LeaseHeldError
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.processing import clean_up, decisions, outcomes, processor, publishing, verdicts
from media_pipeline.processing.single_uploads import SingleUploads
from media_pipeline.records.decisions import Action, Decision
from media_pipeline.records.record import Record, Status
from media_pipeline.records.table import Records
from media_pipeline.reviews import asking
from media_pipeline.storage import Storage
from tests.faults.mutations import mutation, swap

Decisions, Publishing, Verdicts = decisions.Decisions, publishing.Publishing, verdicts.Verdicts


class _EqualToAll(str):
    """A digest that no comparison tells from another."""

    def __eq__(self, _: object) -> bool:
        return True

    def __ne__(self, _: object) -> bool:
        return False

    __hash__ = str.__hash__


@mutation
def an_approval_is_of_any_bytes() -> None:
    def approves(self: Decision, _: object) -> bool:
        return self.action is Action.APPROVE

    def approve(self: Any, attempt: Any, decision: Decision) -> Any:
        return real(self, attempt, dataclasses.replace(decision, sha256=_EqualToAll(decision.sha256)))

    real: Any = Decisions._approve
    swap(Decision, "approves", lambda _: approves)
    swap(Decisions, "_approve", lambda _: approve)


@mutation
def an_approved_original_is_read_from_the_uploads() -> None:
    def opened(self: Any, key: str, version: str) -> Any:
        return self.open(key, version_id=version, etag=None)

    swap(Storage, "open_quarantined", lambda _: opened)


@mutation
def a_decision_whose_record_is_held_is_given_up() -> None:
    def claim(self: Any, event: Any, **how: Any) -> Any:
        try:
            return real(self, event, **how)
        except LeaseHeldError:
            return None

    real: Any = Records.claim_decided
    swap(Records, "claim_decided", lambda _: claim)


@mutation
def a_decision_is_carried_out_again_where_its_lease_still_holds() -> None:
    def claim(self: Any, event: Any, **how: Any) -> Any:
        swap(Record, "lease_left", lambda _: lambda self, now: 0.0)
        try:
            return real(self, event, **how)
        finally:
            swap(Record, "lease_left", lambda _: left)

    real: Any = Records.claim_decided
    left: Any = Record.lease_left
    swap(Records, "claim_decided", lambda _: claim)


@mutation
def an_approval_is_written_over_the_verdict() -> None:
    def store(self: Any, attempt: Any, results: Any) -> Any:
        stored = attempt.record.moderation
        attempt.facts["moderation"] = dataclasses.replace(stored, verdict=Verdict.ALLOW).to_document()
        return real(self, attempt, results)

    real: Any = Verdicts.store_approved
    swap(Verdicts, "store_approved", lambda _: store)


@mutation
def an_approved_version_is_put_before_its_record_lists_it() -> None:
    def store(self: Any, attempt: Any, results: Any) -> Any:
        listed = [verdicts.listed_rendition(rendition, attempt.event) for rendition in results.renditions]
        record = dataclasses.replace(attempt.record, renditions=tuple(listed))
        self._publishing.publish(attempt, record, results)
        return real(self, attempt, results)

    real: Any = Verdicts.store_approved
    swap(Verdicts, "store_approved", lambda _: store)


@mutation
def an_approval_wins_over_a_newer_version() -> None:
    def approve(self: Any, attempt: Any, decision: Decision) -> Any:
        single_uploads = self._single_uploads
        self._single_uploads = type("Nothing", (), {"is_hidden": lambda *_: False})()
        try:
            return real(self, attempt, decision)
        finally:
            self._single_uploads = single_uploads

    real: Any = Decisions._approve
    swap(Decisions, "_approve", lambda _: approve)


@mutation
def an_approval_gives_way_to_a_rejected_upload() -> None:
    swap(SingleUploads, "is_hidden", lambda _: SingleUploads.is_superseded)


@mutation
def a_decision_is_carried_out_whatever_its_id() -> None:
    def claim(self: Any, event: Any, **how: Any) -> Any:
        record = self.get(event.key, self.sequencer_of(event))
        if record is not None and record.decision is not None:
            event = dataclasses.replace(event, decision_id=record.decision.id)
        return real(self, event, **how)

    real: Any = Records.claim_decided
    swap(Records, "claim_decided", lambda _: claim)
    swap(Record, "pending_decision", lambda _: property(lambda self: self.decision))


@mutation
def a_decision_is_never_noted_as_carried_out() -> None:
    swap(processor.ObjectProcessor, "_carried_out", lambda _: lambda self, record, ending: {})


@mutation
def an_approval_of_what_expired_fails() -> None:
    def carry_out(self: Any, attempt: Any, decision: Decision) -> Any:
        if decision.action is Action.APPROVE:
            return self._approve(attempt, decision)
        return real(self, attempt, decision)

    real: Any = Decisions.carry_out
    swap(Decisions, "carry_out", lambda _: carry_out)


@mutation
def a_rejection_leaves_it_waiting() -> None:
    def withheld(self: Any, attempt: Any, status: Status, reason: str, detail: str) -> Any:
        return real(self, attempt, Status.REVIEW if status is Status.BLOCKED else status, reason, detail)

    real: Any = Decisions._withheld
    swap(Decisions, "_withheld", lambda _: withheld)


@mutation
def the_move_of_what_was_approved_looks_like_a_delete() -> None:
    swap(outcomes.Outcomes, "_was_deleted_by_its_move", lambda _: lambda self, record: False)


@mutation
def a_decision_needs_no_evidence() -> None:
    swap(asking.Decisions, "_keep_evidence", lambda _: lambda self, record, decision, **how: None)


@mutation
def the_record_is_decided_before_the_evidence() -> None:
    def keep(self: Any, record: Record, decision: Decision, **how: Any) -> None:
        self._write(record, decision, {}, is_complete=True)
        real(self, record, decision, **how)

    real: Any = asking.Decisions._keep_evidence
    swap(asking.Decisions, "_keep_evidence", lambda _: keep)


@mutation
def reviewers_are_shown_nothing() -> None:
    swap(Publishing, "put_review_pictures", lambda _: lambda self, attempt, results, moderation: [])


@mutation
def a_decision_that_was_given_up_is_forgotten() -> None:
    def release(self: Any, attempt: Any, error: Exception) -> None:
        real(self, attempt, error)
        key = attempt.record.object_key, attempt.record.sequencer
        if attempt.record.decision is not None:
            self._records._items.update(key, {}, condition={}, remove=("decision",))

    real: Any = clean_up.CleanUp.release
    swap(clean_up.CleanUp, "release", lambda _: release)


@mutation
def approved_originals_leave_quarantine() -> None:
    def publish(self: Any, attempt: Any, record: Record, results: Any, **how: Any) -> None:
        real(self, attempt, record, results, **how)
        if record.is_approved:
            self._storage.quarantined.remove_version(record.object_key, record.version)

    real: Any = Publishing.publish
    swap(Publishing, "publish", lambda _: publish)
