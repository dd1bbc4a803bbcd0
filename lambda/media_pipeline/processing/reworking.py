"""Works on versions that stay published meanwhile: what an operator's backfill asks for.

Readers see the old renditions until the commit swaps the list of them, and the new ones from then on; old files go once
links to them have expired. Takedowns and deletes wait for an invocation that is at work, and then have the last word.
"""

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.errors import (
    FailedError,
    LeaseLapsedError,
    LeaseLostError,
    NothingChangedError,
    PipelineError,
    RejectedError,
    SlowDecodingError,
    StillLinkedError,
)
from media_pipeline.events import ObjectEvent, ReworkMode, ReworkOrder
from media_pipeline.invocation import Invocation
from media_pipeline.moderation.result import ModerationResult
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.clean_up import is_under_tombstone, keys_that_stay
from media_pipeline.processing.dependencies import Dependencies
from media_pipeline.processing.lease import LeaseRenewer
from media_pipeline.processing.media import Fetched, Media
from media_pipeline.processing.originals import Originals
from media_pipeline.processing.publishing import Publishing
from media_pipeline.processing.single_uploads import SingleUploads
from media_pipeline.processing.steps import Steps
from media_pipeline.processing.verdicts import (
    NOTHING_PUBLISHED,
    Verdicts,
    listed_renditions,
    published_facts,
)
from media_pipeline.records.leases import decision_to_carry_out
from media_pipeline.records.record import Claim, Finished, Record, Status, WaitsForStage
from media_pipeline.records.rework import WITHHELD
from media_pipeline.results import Results
from media_pipeline.storage import OriginalGoneError

LINKED_SECONDS = 900.0
"""For so long replaced files stay: links of the API work for 15 minutes."""
ATTEMPTS = 10
"""Attempts that may end without releasing the version: then the object is left as it is."""


class Held:
    """The record of a rework as it is now, and its lease."""

    def __init__(self, dependencies: Dependencies, record: Record) -> None:
        self._records = dependencies.records
        self._clock = dependencies.clock
        self.record = record

    def extend(self, seconds: float) -> None:
        """Extend the lease to so many seconds from now. Raises LeaseLostError."""
        self.record = self._records.extend_rework(self.record, lease_seconds=seconds)

    def renew(self) -> None:
        """Refuse to go on where the lease is over: this machine stood still. Raises LeaseLapsedError."""
        rework = self.record.rework
        if rework is None or self._clock() > rework.lease_until:
            raise LeaseLapsedError("the lease was over before the rework was")


class Reworking(Generic[Fetched]):
    """Carries backfills out."""

    def __init__(
        self,
        dependencies: Dependencies,
        media: Media[Fetched],
        *,
        originals: Originals,
        verdicts: Verdicts,
        publishing: Publishing,
        single_uploads: SingleUploads,
    ) -> None:
        """Take what processing works with."""
        self._dependencies = dependencies
        self._media = media
        self._records = dependencies.records
        self._storage = dependencies.storage
        self._moderator = dependencies.moderator
        self._outcomes = dependencies.outcomes
        self._clock = dependencies.clock
        self._encoders = dependencies.settings.encoders
        self._originals = originals
        self._verdicts = verdicts
        self._publishing = publishing
        self._single_uploads = single_uploads

    def carry_out(self, event: ObjectEvent, invocation: Invocation) -> bool:
        """Do what a backfill asks for; return whether the version is open now, and has to be processed.

        Raises StillLinkedError where files that were replaced are to be removed later.
        """
        order = event.rework
        if order is None:
            raise AssertionError("only a backfill's event is carried out here")
        known = self._records.get(event.key, self._records.sequencer_of(event))
        if known is None or known.version != event.version:
            return False
        if known.status.terminal:
            self._outcomes.finish(known)  # what is announced would be overwritten
        if known.status is Status.PUBLISHED and known.attempt != order.attempt:
            self._require_unlinked(known)
        claimed = self._records.claim_rework(
            event,
            order,
            owner=invocation.owner,
            lease_seconds=invocation.lease_seconds,
            stage=self._media.stage,
            takes_over=self._media.takes_over,
        )
        match claimed:
            case Finished(record):
                if record.status.terminal:  # another delivery may have committed it since, and been cut off
                    self._outcomes.finish(record)
                return record.status is Status.PROCESSING
            case WaitsForStage(record):
                self._media.pass_on(event, record.stage)
            case Claim():
                return self._claimed(event, order, invocation, claimed)
        return False

    def _claimed(self, event: ObjectEvent, order: ReworkOrder, invocation: Invocation, claim: Claim) -> bool:
        held = Held(self._dependencies, claim.record)
        lease = LeaseRenewer(held.extend, invocation, self._clock) if self._media.renews_lease else held
        with self._dependencies.overlap() as overlap:
            attempt = Attempt(
                event=event,
                invocation=invocation,
                claim=claim,
                steps=Steps(self._dependencies.observability, event.key),
                lease=lease,
                clock=self._clock,
                overlap=overlap,
            )
            try:
                return self._work(attempt, order, held)
            except LeaseLostError as error:
                self._remove_unlisted(attempt, error)
                if isinstance(error, LeaseLapsedError):
                    self._release(attempt, held, error)
                raise
            except Exception as error:
                self._release(attempt, held, error)
                raise

    def _work(self, attempt: Attempt, order: ReworkOrder, held: Held) -> bool:
        if held.record.attempt != order.attempt:
            # Another delivery may have committed it between this one's looks, and been cut off.
            self._outcomes.finish(held.record)
            self._require_unlinked(held.record)
            self._remove_replaced(attempt, held)
            return False
        try:
            facts = self._made(attempt, order, held)
        except NothingChangedError as ended:
            self._end(attempt, held, ended.why)
            return False
        except (RejectedError, FailedError) as error:
            self._end(attempt, held, error.reason.value)
            return False
        if facts is None:
            return True
        held.record = self._records.commit_rework(held.record, facts)
        self._outcomes.finish(held.record, has_older=False)
        self._require_unlinked(held.record)
        return False

    def _made(self, attempt: Attempt, order: ReworkOrder, held: Held) -> dict[str, Any] | None:
        """Do everything before the commit and return its facts; None where the version is withheld now.

        Raises NothingChangedError.
        """
        record = held.record
        rework = record.rework
        neighbours = self._records.succession.neighbours(record)
        if record.followed_by or self._single_uploads.is_superseded(record.object_key, neighbours):
            raise NothingChangedError("replaced")
        self._require_undecided(record)
        if rework is None or rework.attempt > ATTEMPTS:
            raise NothingChangedError("resource_exhausted")
        decides = order.mode is not ReworkMode.RENDER
        if decides and order.policy_version != self._moderator.of(record.object_key).policy_version:
            raise NothingChangedError("other_policy")
        if decides and not (record.moderation and record.moderation.publishes):
            raise NothingChangedError("approved")
        if order.mode is ReworkMode.DECIDE:
            self._decide(attempt, held)
            return None
        with ExitStack() as kept:
            results = self._results(attempt, held, kept)
            moderation = None
            if order.mode is ReworkMode.ASK:
                moderation = self._verdicts.anew(attempt, results, fresh=order.fresh)
                if not moderation.publishes:
                    self._withhold(attempt, held, moderation, results)
                    return None
            elif not self._is_judged(record, results):
                raise NothingChangedError("not_judged")
            elif not record.is_approved and self._verdicts.is_listed(attempt, results):
                raise NothingChangedError("listed")
            return self._put(attempt, held, results, moderation)

    def _results(self, attempt: Attempt, held: Held, kept: ExitStack) -> Results:
        """Render the original as an upload of now would be; `kept` keeps its files."""
        record = held.record
        opened = self._originals.quarantined if record.is_original_in_quarantine else self._originals.uploaded
        with attempt.steps("fetch"), opened(attempt) as original:
            if self._media.stage_of(original) is not self._media.stage:
                raise NothingChangedError("other_stage")
            fetched = kept.enter_context(self._media.fetch(attempt, original))
        if attempt.facts["sha256"] != record.attributes.get("sha256"):
            raise NothingChangedError("other_bytes")
        judging = kept.enter_context(self._verdicts.unasked(attempt, self._encoders))
        results = self._media.make(attempt, fetched, judging)
        judging.require_time()
        return results

    def _is_judged(self, record: Record, results: Results) -> bool:
        """Return whether the stored verdict, or a person's approval, is about what would be published now."""
        if record.moderation is None or record.is_approved:
            return record.publishes
        pictures = (hashlib.sha256(proxy).hexdigest() for proxy in results.proxies)
        mode = self._moderator.of(record.object_key).mode
        return record.moderation.publishes and record.moderation.covers(pictures, mode)

    def _put(
        self, attempt: Attempt, held: Held, results: Results, moderation: ModerationResult | None
    ) -> dict[str, Any]:
        listed = listed_renditions(results, attempt.event, self._storage)
        keys = {str(rendition["key"]) for rendition in listed}
        self._remove_pending(attempt, held, kept=keys)
        facts: Mapping[str, Any] = {} if moderation is None else {"moderation": moderation.to_document()}
        attempt.before_call("note what is to be put")
        there = held.record.listed_keys
        held.record = self._records.note_renditions(held.record, tuple(sorted(keys - there)), facts)
        attempt.verdict_stored = True
        self._publishing.publish(
            attempt, replace(held.record, renditions=tuple(listed)), results, there=there
        )
        attempt.before_call("commit")
        attempt.facts |= published_facts(listed, results)
        return attempt.all_facts()

    def _decide(self, attempt: Attempt, held: Held) -> None:
        """Withhold what the policy of now withholds, by the answers that the record has."""
        record = held.record
        moderator = self._moderator.of(record.object_key)
        moderation = moderator.again(record.moderation) if record.moderation else None
        if moderation is None:
            raise NothingChangedError("unknown")
        if moderation.publishes:
            raise NothingChangedError("unchanged")
        with ExitStack() as kept:
            results: Results | None = None
            try:
                results = self._results(attempt, held, kept)
            except (RejectedError, OriginalGoneError):
                if moderation.verdict is not Verdict.BLOCK:
                    raise  # nobody could look at it, nor approve it
            self._withhold(attempt, held, moderation, results)

    def _withhold(
        self, attempt: Attempt, held: Held, moderation: ModerationResult, results: Results | None
    ) -> None:
        """Keep readers from a version from now on; what follows is the same as for an upload that is withheld."""
        self._require_undecided(held.record)
        review = self._publishing.put_review_pictures(attempt, results, moderation) if results else []
        attempt.before_call("store the verdict")
        facts = {"moderation": moderation.to_document(), **NOTHING_PUBLISHED, "review": review}
        held.record = self._records.withhold(held.record, facts)

    # ---- the end

    def _end(self, attempt: Attempt, held: Held, why: str) -> None:
        self._remove_pending(attempt, held, kept=set())
        rework = held.record.rework
        may_have_put = rework is not None and rework.mode is not ReworkMode.RENDER
        if may_have_put and not _shows_pictures(held.record):
            self._publishing.remove_pictures(attempt, held.record)
        attempt.before_call("note that nothing changed")
        self._records.end_rework(held.record, why, attempt.unstored_answers)

    def _remove_pending(self, attempt: Attempt, held: Held, *, kept: set[str]) -> None:
        """Remove what an earlier attempt put that was cut off, but for what is put again."""
        rework = held.record.rework
        pending = set(rework.renditions) if rework else set()
        if left := pending - held.record.listed_keys - kept:
            self._publishing.remove(attempt, left)

    def _require_unlinked(self, record: Record) -> None:
        """Raise StillLinkedError while links to replaced files may work."""
        if not record.replaced_keys:
            return
        finished = datetime.fromisoformat(record.attributes["finished_at"]).timestamp()
        if (left := finished + LINKED_SECONDS - self._clock()) > 0:
            raise StillLinkedError(record.object_key, left)

    def _remove_replaced(self, attempt: Attempt, held: Held) -> None:
        """Remove the files that a rework replaced."""
        self._publishing.remove(attempt, held.record.replaced_keys - held.record.listed_keys)
        self._records.forget_replaced(held.record)

    def _require_undecided(self, record: Record) -> None:
        """Give way to a person who asked for a takedown meanwhile. Raises NothingChangedError."""
        if decision_to_carry_out(record) is not None:
            raise NothingChangedError("decided")

    def _release(self, attempt: Attempt, held: Held, error: Exception) -> None:
        """Release the version, so that the next attempt need not wait for the lease; the caller raises the error."""
        counted = isinstance(error, MemoryError | SlowDecodingError)
        try:
            if held.record.is_reworked:
                self._records.release_rework(held.record, counted=counted, facts=attempt.unstored_answers)
        except (BotoCoreError, ClientError, PipelineError) as problem:
            error.add_note(f"the rework could not be released: {problem}")

    def _remove_unlisted(self, attempt: Attempt, error: Exception) -> None:
        """Remove what this attempt put after another one took over, unless the record lists it.

        Only a machine that was paused for longer than its lease gets here.
        """
        try:
            record = self._records.get(attempt.record.object_key, attempt.record.sequencer)
            is_deleted = (
                record is None or record.status is Status.DELETED or is_under_tombstone(record, self._records)
            )
            self._storage.remove_renditions(attempt.put_keys - keys_that_stay(record, is_deleted=is_deleted))
            is_held = record is not None and record.is_held
            is_published = record is not None and record.status is Status.PUBLISHED
            is_unwanted = (is_deleted and not is_held) or (is_published and not _shows_pictures(record))
            if attempt.put_pictures and is_unwanted:
                self._storage.quarantined.remove_pictures(attempt.record.object_key, attempt.record.version)
        except (BotoCoreError, ClientError, PipelineError) as problem:
            error.add_note(f"what was put without a lease could not be removed: {problem}")


def _shows_pictures(record: Record | None) -> bool:
    """Return whether people are to see the pictures for reviewers of a version that is published."""
    return record is not None and (record.withheld or record.is_checked)


def was_withheld_later(record: Record) -> bool:
    """Return whether a version was published until a rework withheld it."""
    return record.rework is not None and record.rework.ended == WITHHELD
