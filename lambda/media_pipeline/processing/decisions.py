"""Carries out what a person decided about a version: the decision stands in its record, and the worker acts on it.

An attempt that is cut off anywhere is finished by the message's return, or by a redrive: until the commit the decision
is not marked as carried out.
"""

from contextlib import ExitStack
from typing import Any, Generic

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.endings import WITHHELD, Ending, HandOver, withheld_as
from media_pipeline.processing.media import Fetched, Media
from media_pipeline.processing.originals import Originals
from media_pipeline.processing.publishing import Publishing
from media_pipeline.processing.single_uploads import SingleUploads
from media_pipeline.processing.verdicts import NOTHING_PUBLISHED, Verdicts
from media_pipeline.records.appeals import open_appeal
from media_pipeline.records.approvals import approvals_needed, approved_by
from media_pipeline.records.attention import Attention
from media_pipeline.records.decisions import Action, Decision
from media_pipeline.records.record import NEVER_SHOWN, Record, Status
from media_pipeline.records.table import Records
from media_pipeline.storage import OriginalGoneError, Storage


class Decisions(Generic[Fetched]):
    """Approves, rejects, withdraws, restores, escalates and releases, without a request to Rekognition."""

    def __init__(
        self,
        *,
        media: Media[Fetched],
        records: Records,
        storage: Storage,
        originals: Originals,
        verdicts: Verdicts,
        publishing: Publishing,
        single_uploads: SingleUploads,
        approvals: ApprovalRule,
        encoders: int,
    ) -> None:
        """Take what processing works with; `encoders` is how many files are encoded at once."""
        self._media = media
        self._records = records
        self._storage = storage
        self._originals = originals
        self._verdicts = verdicts
        self._publishing = publishing
        self._single_uploads = single_uploads
        self._approvals = approvals
        self._encoders = encoders

    def carry_out(self, attempt: Attempt, decision: Decision) -> Ending | HandOver:
        """Do what was decided about the claimed version; say how it ends, or whose work it is."""
        try:
            if decision.action is Action.APPROVE:
                return self._refuse_too_few(attempt, decision) or self._approve(attempt, decision)
            if decision.action is Action.WITHDRAW:
                return self._withdraw(attempt, decision)
            if decision.action is Action.RESTORE:
                return self._restore(attempt, decision)
            if decision.action is Action.ESCALATE:
                return self._escalate(attempt)
            if decision.action is Action.RELEASE:
                return self._release(attempt)
            if decision.action is Action.REJECT:
                return self._withheld(attempt, Status.BLOCKED, Reason.PERSON_BLOCK, _rejection(decision))
        except OriginalGoneError as error:
            return self._return(attempt, error.detail)
        except RejectedError as error:
            return self._withheld(attempt, Status.REJECTED, error.reason, error.detail)
        raise AssertionError(f"no worker carries out {decision.action}")

    def publish_again(self, attempt: Attempt) -> Ending | HandOver | None:
        """Publish what a carried out decision published from quarantine, whose renditions were lost since.

        None where that is not what a claimed version is.
        """
        decision = attempt.record.decision
        if decision is None or decision.action not in (Action.APPROVE, Action.RESTORE):
            return None
        if not attempt.record.is_original_in_quarantine or decision.id != attempt.record.carried_out:
            return None
        return (self._approve if decision.action is Action.APPROVE else self._restore)(attempt, decision)

    def _approve(self, attempt: Attempt, decision: Decision) -> Ending | HandOver:
        """Publish what is in quarantine, if it is what was approved and nothing newer took its place."""
        return self._publish_from_quarantine(attempt, decision)

    def _publish_from_quarantine(self, attempt: Attempt, decision: Decision) -> Ending | HandOver:
        """Render the original and publish it: as approved, or as a verdict allows that is given where none is stored.

        The original stays in quarantine until it expires there.
        """
        record, is_approved = attempt.record, decision.action is Action.APPROVE
        neighbours = self._records.succession.neighbours(record)
        attempt.has_older = neighbours.has_older
        # A later upload that was rejected takes no version's place: superseded, this one would show an older one again.
        if self._single_uploads.is_hidden(record.object_key, neighbours):
            return self._ended(attempt, Status.SUPERSEDED, {})
        attempt.refuse_poison()
        with ExitStack() as kept:
            with attempt.steps("fetch"), self._originals.quarantined(attempt) as original:
                stage = self._media.stage_of(original)
                if stage is not self._media.stage:
                    return HandOver(stage)
                fetched = kept.enter_context(self._media.fetch(attempt, original))
            if decision.sha256 != attempt.facts["sha256"]:
                detail = "quarantine holds other bytes than those that it was about"
                return self._return(attempt, detail)
            self._records.begin_decoding(attempt.claim)
            judge = self._verdicts.unasked if is_approved else self._verdicts.early
            judging = kept.enter_context(judge(attempt, self._encoders))
            results = self._media.make(attempt, fetched, judging)
            judging.require_time()
            if is_approved:
                stored = self._verdicts.store_approved(attempt, results)
            else:
                stored = self._verdicts.store_restored(attempt, results, judging)
                if stored.withheld:
                    return self._publishing.quarantine(attempt, stored)
            self._publishing.publish(attempt, stored, results)
        return Ending(Status.PUBLISHED, {})

    def _refuse_too_few(self, attempt: Attempt, decision: Decision) -> Ending | None:
        """End as before where fewer persons approved than must, whatever the ask side made of it."""
        needed = approvals_needed(self._approvals, attempt.record)
        found = approved_by(attempt.record, decision)
        if len(found) >= needed:
            return None
        status, reason = _came_from(attempt.record)
        detail = f"{needed} different persons must approve it, and {len(found)} did"
        return self._withheld(attempt, status, reason, detail)

    def _withdraw(self, attempt: Attempt, decision: Decision) -> Ending:
        """Remove all that is published of a version, and move its original to quarantine.

        Nobody signs links any more: the record does not say that it is published. Its list of renditions stays until
        the commit, and the bucket is asked as well, so that an attempt that was cut off leaves none behind. What
        readers never saw ends as before: blocked or deleted, it would hide an older version from them.
        """
        record, succession = attempt.record, self._records.succession
        attempt.before_call("look for the renditions")
        with attempt.steps("withdraw"):
            listed = self._storage.renditions_of_version(record.object_key, record.version)
            self._publishing.remove(attempt, record.rendition_keys | listed)
        facts = {"reason": Reason.TAKEN_DOWN, "detail": _taken_down(decision)}
        try:
            self._publishing.move(attempt, record, Status.BLOCKED)
        except OriginalGoneError:  # its retention is over, or it was deleted: there is nothing left to keep
            is_deleted = succession.is_version_deleted(record.object_key, record)
        else:
            is_deleted = False
            facts["original"] = "quarantine"
        # Its owner deleted it meanwhile, or its key, which removes what is in quarantine too.
        is_deleted = is_deleted or succession.neighbours(record).has_newer_tombstone
        if record.status_before not in NEVER_SHOWN:
            status = Status.DELETED if is_deleted else Status.BLOCKED
            return self._nothing_published(attempt, status, {} if is_deleted else facts)
        if is_deleted:
            self._publishing.remove_copy(attempt, record)
        return self._nothing_published(attempt, record.status_before, facts)

    def _restore(self, attempt: Attempt, decision: Decision) -> Ending | HandOver:
        """Publish again what was taken down, by a verdict about what would be published now, as for an upload.

        A stored verdict that withholds it, in the mode of now, has the last word: nobody approved it.
        """
        record, moderation = attempt.record, attempt.record.moderation
        if moderation is not None and not self._verdicts.publishes_now(attempt, moderation):
            sha256 = record.attributes["sha256"]
            if not self._storage.has_verified_copy(record.object_key, record.version, sha256):
                # Nobody could look at it, nor approve it.
                return self._return(attempt, "its original is gone")
            status, reason = withheld_as(moderation)
            return self._ended(attempt, status, {"reason": reason, "detail": moderation.reason})
        return self._publish_from_quarantine(attempt, decision)

    def _escalate(self, attempt: Attempt) -> Ending:
        """Keep what is in quarantine from the lifecycle; the version ends as before, and waits as ESCALATED."""
        ending = self._as_before(attempt)
        self._publishing.hold(attempt, attempt.record, status=ending.status)
        return self._ended(attempt, ending.status, {**ending.facts, "attention": Attention.ESCALATED})

    def _release(self, attempt: Attempt) -> Ending:
        """Give what is in quarantine back to the lifecycle; remove it where its owner deleted the key meanwhile."""
        ending = self._as_before(attempt)
        self._publishing.release(attempt, attempt.record, status=ending.status)
        if self._records.succession.neighbours(attempt.record).has_newer_tombstone:
            return self._ended(attempt, Status.DELETED, {})
        return self._ended(attempt, ending.status, dict(ending.facts))

    def _as_before(self, attempt: Attempt) -> Ending:
        """Return the ending that the record had before its decision began to be carried out."""
        status, reason = _came_from(attempt.record)
        before = attempt.record.attributes.get("decided_from") or {}
        moderation = attempt.record.moderation
        detail = before.get("detail") or (moderation.reason if moderation else None)
        return Ending(status, {"reason": reason, "detail": detail})

    def _return(self, attempt: Attempt, detail: str) -> Ending:
        """End as before: what was approved cannot be published any more, and a person should know."""
        status, reason = _came_from(attempt.record)
        if status is Status.REVIEW or open_appeal(attempt.record):
            reason = Reason.ORIGINAL_EXPIRED.value
        return self._withheld(attempt, status, reason, f"it was to be published, but {detail}")

    def _withheld(self, attempt: Attempt, status: Status, reason: str, detail: str) -> Ending:
        return self._ended(attempt, status, {"reason": reason, "detail": detail})

    def _ended(self, attempt: Attempt, status: Status, facts: dict[str, Any]) -> Ending:
        """End without publishing; remove what an earlier attempt put, and what this one found out about the picture."""
        self._publishing.remove(attempt, attempt.record.rendition_keys)
        return self._nothing_published(attempt, status, facts)

    def _nothing_published(self, attempt: Attempt, status: Status, facts: dict[str, Any]) -> Ending:
        attempt.facts.clear()
        return Ending(status, {**NOTHING_PUBLISHED, **facts})


def _came_from(record: Record) -> tuple[Status, str]:
    """Return status and reason of a record before its decision began to be carried out."""
    before = record.attributes.get("decided_from")
    if before is None:  # it was redriven after its end was lost
        if record.moderation is None:
            raise AssertionError("what nobody judged is decided about only once it was taken down")
        is_withheld = record.moderation.verdict in WITHHELD
        status, reason = withheld_as(record.moderation) if is_withheld else WITHHELD[Verdict.BLOCK]
        return status, reason.value
    return Status(before["status"]), str(before["reason"])


def _taken_down(decision: Decision) -> str:
    return f"a person withdrew it: {decision.reason}" if decision.reason else "a person withdrew it"


def _rejection(decision: Decision) -> str:
    return (
        f"a person decided against it: {decision.reason}"
        if decision.reason
        else "a person decided against it"
    )
