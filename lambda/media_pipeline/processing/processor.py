"""Processes one object version, image or video: see `ObjectProcessor.process`."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, Generic

from media_pipeline.concurrency import Overlap
from media_pipeline.errors import (
    FailedError,
    LeaseLapsedError,
    LeaseLostError,
    Reason,
    RejectedError,
    TransientError,
)
from media_pipeline.events import EventKind, ObjectEvent, is_made_up
from media_pipeline.invocation import Invocation
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.bucket_order import BucketOrder
from media_pipeline.processing.clean_up import CleanUp
from media_pipeline.processing.decisions import Decisions
from media_pipeline.processing.dependencies import Dependencies
from media_pipeline.processing.endings import Ending, HandOver, withheld_as
from media_pipeline.processing.holds import Holds
from media_pipeline.processing.lease import LeaseRenewer
from media_pipeline.processing.media import Fetched, Media
from media_pipeline.processing.originals import Originals
from media_pipeline.processing.publishing import Publishing
from media_pipeline.processing.reworking import Reworking, was_withheld_later
from media_pipeline.processing.second_records import (
    PlaceAbove,
    SecondRecord,
    found_since,
    place_above,
    second_of,
)
from media_pipeline.processing.single_uploads import SingleUploads
from media_pipeline.processing.steps import Steps
from media_pipeline.processing.verdicts import Verdicts
from media_pipeline.records.appeals import settled_values
from media_pipeline.records.leases import decision_to_carry_out
from media_pipeline.records.looks import check_wanted, second_look_wanted
from media_pipeline.records.record import Claim, Finished, Record, Status, WaitsForStage, iso_time
from media_pipeline.storage import OriginalGoneError

Outcome = Ending | HandOver | SecondRecord | PlaceAbove
"""What becomes of a version after the work on it: its end, or where, by whom or in which place it goes on."""
SETTLING_SECONDS = 1200.0
"""How long a missing original may still appear: S3 documents 404s for versions that exist in the first 15 minutes after
versioning is enabled (Amazon S3 User Guide, "Enabling versioning on buckets")."""


class ObjectProcessor(Generic[Fetched]):
    """Takes object versions from their event to their terminal, announced record.

    `media` is what differs between images and videos. Every error that leaves the record open is raised, so that
    the message comes back.
    """

    def __init__(self, dependencies: Dependencies, media: Media[Fetched]) -> None:
        self._media = media
        self._settings = dependencies.settings
        self._records = dependencies.records
        self._storage = dependencies.storage
        self._moderator = dependencies.moderator
        self._outcomes = dependencies.outcomes
        self._observability = dependencies.observability
        self._clock = dependencies.clock
        self._overlap = dependencies.overlap
        self._publishing = Publishing(self._storage, stack=self._settings.stack, clock=self._clock)
        self._verdicts = Verdicts(
            self._records,
            self._storage,
            self._moderator,
            dependencies.answer_cache,
            dependencies.budget,
            dependencies.known,
            self._publishing,
            dependencies.observability,
            self._settings.samples,
        )
        names = [*(size.name for size in self._settings.specs.sizes), *media.extra_renditions]
        self._originals = Originals(self._storage, names=tuple(names))
        self._clean_up = CleanUp(self._records, self._storage, self._publishing)
        self._holds = Holds(self._records, self._publishing)
        self._single_uploads = SingleUploads(
            prefix=self._settings.uploads_prefix, records=self._records, storage=self._storage
        )
        self._bucket_order = BucketOrder(self._records, self._storage, self._single_uploads, self._clock)
        self._decisions = Decisions(
            media=media,
            records=self._records,
            storage=self._storage,
            originals=self._originals,
            verdicts=self._verdicts,
            publishing=self._publishing,
            single_uploads=self._single_uploads,
            approvals=self._settings.approvals,
            encoders=self._settings.encoders,
        )
        self._reworking = Reworking(
            dependencies,
            media,
            originals=self._originals,
            verdicts=self._verdicts,
            publishing=self._publishing,
            single_uploads=self._single_uploads,
        )

    def handle(self, event: ObjectEvent, invocation: Invocation) -> None:
        """Do what one event asks for."""
        if event.rework is not None:
            if self._reworking.carry_out(event, invocation):
                self.process(replace(event, rework=None), invocation)
            return
        restored = None
        if event.kind is not EventKind.CREATED:
            restored = self._outcomes.carry_out_delete(event, invocation)
        if event.kind is EventKind.CREATED or restored is not None:
            self.process(restored or event, invocation)

    def process(
        self, event: ObjectEvent, invocation: Invocation, *, instead_of: Attempt | None = None
    ) -> None:
        """Take one object version all the way, or go on where an earlier attempt stopped.

        Claim, fetch, make, judge, write the verdict down, publish or quarantine, commit, announce.
        `instead_of`: the attempt on a second record of the version, which is discarded once the other one is claimed.
        """
        opens_again = event.redrive_attempt is not None or event.decision_id is not None
        if opens_again and self._is_done_with(event):
            return
        steps = Steps(self._observability, event.key)
        claim = self._records.claim if event.decision_id is None else self._records.claim_decided
        with steps("claim"):
            claimed = claim(
                event,
                owner=invocation.owner,
                lease_seconds=invocation.lease_seconds,
                stage=self._media.stage,
                takes_over=self._media.takes_over,
            )
        if instead_of is not None and not isinstance(claimed, Claim):
            self._records.discard(instead_of.claim)
        match claimed:
            case None:
                return  # there is nothing to carry out: the record is gone, or another message is about it
            case Finished(record):
                self._outcomes.finish(record)
                if event.decision_id is not None:  # an attempt at it may have tagged, and been cut off since
                    self._holds.tag_as_recorded(record)
            case WaitsForStage(record):
                self._media.pass_on(event, record.stage)
            case Claim():
                with self._overlap() as overlap:
                    self._process_claimed(
                        self._attempt(event, invocation, claimed, steps, overlap), instead_of
                    )

    def _attempt(
        self, event: ObjectEvent, invocation: Invocation, claim: Claim, steps: Steps, overlap: Overlap
    ) -> Attempt:
        lease = None
        if self._media.renews_lease:
            extend = partial(self._extend, claim)
            lease = LeaseRenewer(extend, invocation, self._clock)
        return Attempt(
            event=event,
            invocation=invocation,
            claim=claim,
            steps=steps,
            lease=lease,
            clock=self._clock,
            overlap=overlap,
        )

    def _extend(self, claim: Claim, seconds: float) -> None:
        self._records.extend(claim, lease_seconds=seconds)

    def _process_claimed(self, attempt: Attempt, instead_of: Attempt | None) -> None:
        try:
            if instead_of is not None and (answers := instead_of.paid_answers) is not None:
                attempt.claim = self._records.take_answers(attempt.claim, answers)
                self._records.discard(instead_of.claim)
            outcome = self._work(attempt)
            if isinstance(outcome, HandOver):
                self._records.hand_over(attempt.claim, outcome.stage)
                self._media.pass_on(attempt.event, outcome.stage)
                return
            if isinstance(outcome, PlaceAbove):
                self._move(outcome, attempt)
                return
            if isinstance(outcome, SecondRecord):
                self._go_on_with(outcome, attempt)
                return
            self._clean_up.remove_pictures(attempt, outcome.status)
            facts = {**attempt.all_facts(), **outcome.facts, **self._carried_out(attempt.record, outcome)}
            facts |= attempt.unstored_answers
            record = self._records.commit(attempt.claim, outcome.status, facts)
        except LeaseLostError as error:
            self._clean_up.remove_unlisted(attempt, error)
            self._holds.tag_after(attempt, error)
            if isinstance(error, LeaseLapsedError):
                # Where nobody took over yet, the next attempt would think that decoding killed this function.
                self._clean_up.release(attempt, error)
            raise
        except Exception as error:
            self._clean_up.release(attempt, error)
            raise
        self._outcomes.finish(record, has_older=attempt.has_older)

    def _go_on_with(self, second: SecondRecord, attempt: Attempt) -> None:
        event = replace(attempt.event, sequencer=second.sequencer)
        if attempt.paid_answers is None:
            self._records.discard(attempt.claim)
            self.process(event, attempt.invocation)
        else:  # kept until the other record has the answers: while that one is held, they would be paid for again
            self.process(event, attempt.invocation, instead_of=attempt)

    def _move(self, place: PlaceAbove, attempt: Attempt) -> None:
        """Go on with a version in its place: what its record says of it holds there as well."""
        event = replace(attempt.event, sequencer=place.sequencer)
        moved = self._records.move(attempt.claim, place.sequencer)
        self._process_claimed(
            self._attempt(event, attempt.invocation, moved, attempt.steps, attempt.overlap), None
        )

    def _work(self, attempt: Attempt) -> Outcome:
        """Do everything between claim and commit; of two records of a version only one ends."""
        outcome = self._end(attempt)
        if isinstance(outcome, Ending) and not (attempt.verdict_stored or attempt.record.is_decided):
            return found_since(attempt, self._records.succession) or outcome
        return outcome

    def _end(self, attempt: Attempt) -> Outcome:
        """Decide how an attempt ends; what can never succeed ends here as well."""
        try:
            return self._decide(attempt)
        except RejectedError as error:
            if self._bucket_order.was_replaced_unseen(attempt):
                return self._supersede(attempt)
            # An earlier attempt may have been allowed and cut off: no record will list what it put.
            self._remove_renditions(attempt)
            return Ending(Status.REJECTED, {"reason": error.reason, "detail": error.detail, "renditions": []})
        except OriginalGoneError as error:
            return self._end_without_original(attempt, error)
        except FailedError as error:
            return Ending(Status.FAILED, {"reason": error.reason, "detail": error.detail})

    def _decide(self, attempt: Attempt) -> Outcome:
        if (decision := decision_to_carry_out(attempt.record)) is not None:
            return self._decisions.carry_out(attempt, decision)
        if not was_withheld_later(attempt.record):
            again = self._decisions.publish_again(attempt)
            if again is not None:
                return again
        stored = attempt.record.moderation
        if stored is not None and stored.withholds_in(self._moderator.of(attempt.event.key).mode):
            # Before a look for newer versions: a move to quarantine that was begun is completed.
            return self._quarantine(attempt, self._verdicts.withheld(attempt, stored))
        neighbours = self._records.succession.neighbours(attempt.record)
        if (second := second_of(attempt.record, neighbours)) is not None:
            return second
        attempt.has_older = neighbours.has_older
        attempt.has_twin = neighbours.twin is not None
        attempt.follows_made_up = neighbours.has_made_up_older
        attempt.precedes_moved = self._bucket_order.precedes_moved(attempt, neighbours)
        attempt.stays_shown = attempt.record.comes_back and neighbours.has_newer
        # A rejected upload takes the place of nothing that was published, as one that is under way does not.
        is_over = (
            self._single_uploads.is_hidden if attempt.stays_shown else self._single_uploads.is_superseded
        )
        if is_over(attempt.record.object_key, neighbours):
            attempt.invocation.require_time("look whether the version is current")
            if not attempt.precedes_moved:
                place = place_above(attempt.record, neighbours, self._storage)
                if place is not None:
                    return place
            # Deleted for good, it may have let an older version be found current, and be placed above it.
            is_deleted = neighbours.newer_is_assumed and self._bucket_order.is_deleted(attempt.record)
            return self._end_deleted(attempt) if is_deleted else self._supersede(attempt)
        attempt.invocation.require_time("look for earlier uploads of the key")
        self._single_uploads.require_first(attempt.record)
        attempt.refuse_poison()
        with ExitStack() as kept:
            with attempt.steps("fetch"), self._originals.uploaded(attempt) as original:
                if self._bucket_order.was_replaced(attempt, original):
                    return self._supersede(attempt)
                stage = self._media.stage_of(original)
                if stage is not self._media.stage:
                    return HandOver(stage)
                fetched = kept.enter_context(self._media.fetch(attempt, original))
            # From here on, the object can be the reason why the function is killed.
            self._records.begin_decoding(attempt.claim)
            judging = kept.enter_context(self._verdicts.early(attempt, self._settings.encoders))
            results = self._media.make(attempt, fetched, judging)
            judging.require_time()
            record = self._verdicts.store(attempt, results, judging)
            if isinstance(record, SecondRecord):
                return record
            if not record.withheld:
                self._publishing.publish(attempt, record, results)
        if record.withheld:
            return self._quarantine(attempt, record)
        # What comes back by an undelete has no pictures in quarantine any more.
        comes_back = attempt.event.restores or attempt.record.comes_back
        return Ending(Status.PUBLISHED, {} if comes_back else check_wanted(record))

    def _supersede(self, attempt: Attempt) -> Ending:
        """End a version whose turn came too late; remove what an earlier attempt put, since no record lists it."""
        return self._gone(attempt, Status.SUPERSEDED)

    def _end_deleted(self, attempt: Attempt) -> Ending:
        return self._gone(attempt, Status.DELETED)

    def _gone(self, attempt: Attempt, status: Status) -> Ending:
        self._remove_renditions(attempt)
        return Ending(
            status, {"renditions": [], **self._records.succession.facts_of_forgotten(attempt.record)}
        )

    def _remove_renditions(self, attempt: Attempt) -> None:
        record = attempt.record
        if record.rendition_keys and not self._records.succession.is_put_again(record):
            self._publishing.remove(attempt, record.rendition_keys)

    def _end_without_original(self, attempt: Attempt, error: OriginalGoneError) -> Ending:
        """End a version whose original is not in the bucket: replaced, deleted, or lost."""
        record, succession = attempt.record, self._records.succession
        neighbours = succession.neighbours(record)
        if error.replaced or self._single_uploads.is_superseded(record.object_key, neighbours):
            return self._supersede(attempt)
        order_is_assumed = neighbours.has_made_up_older or is_made_up(record.sequencer)
        if order_is_assumed and self._bucket_order.has_newer_current(attempt.event):
            return self._supersede(attempt)
        is_deleted = succession.is_version_deleted(record.object_key, record)
        if is_deleted or self._bucket_order.was_replaced_by_marker(record):
            # As DELETED it would hide what is current since its delete marker was removed.
            return self._supersede(attempt) if neighbours.another_is_restored else self._end_deleted(attempt)
        if error.may_appear and record.attributes.get("created_at", "") > iso_time(
            self._clock() - SETTLING_SECONDS
        ):
            raise TransientError(f"{error.detail}, or not visible yet; it is looked for again") from error
        return Ending(Status.FAILED, {"reason": error.reason, "detail": error.detail})

    def _quarantine(self, attempt: Attempt, record: Record) -> Ending:
        """Move the original to quarantine; where its key was deleted, end as DELETED, which removes the copy again.

        A move that was begun is completed first, so that nothing is left that could be copied once more.
        """
        try:
            ending = self._publishing.quarantine(attempt, record)
        except OriginalGoneError:
            is_deleted = self._records.succession.is_version_deleted(record.object_key, record)
            if not was_withheld_later(record) or record.moderation is None or is_deleted:
                raise
            # Its retention is over: it was published long ago, and a backfill withheld it since.
            status, reason = withheld_as(record.moderation)
            ending = Ending(status, {"reason": reason, "detail": record.moderation.reason})
        if self._records.succession.neighbours(record).has_newer_tombstone:
            # Whoever deleted the key withdrew this version too. A tombstone that is recorded from here on finds this
            # record open, and waits for its end.
            return Ending(Status.DELETED, {"renditions": []})
        return ending

    def _is_done_with(self, event: ObjectEvent) -> bool:
        """Announce the outcome that is about to be overwritten; return whether there is nothing to do again.

        That is where the original is still gone: another attempt would only fail, and alert, once more.
        """
        known = self._records.of_version(event.key, event.version)
        if known is None or not known.status.terminal:
            return False
        self._outcomes.finish(known)
        if known.attributes.get("reason") != Reason.ORIGINAL_GONE:
            return False
        return not self._storage.exists(event.key, event.version_id, event.etag)

    def _carried_out(self, record: Record, ending: Ending) -> dict[str, Any]:
        """Return the fact that a claimed record's decision was carried out, if it has one, and what follows from it."""
        decision = decision_to_carry_out(record)
        if decision is None:
            return {}
        return {
            "carried_out": decision.id,
            **second_look_wanted(self._settings.samples, record, decision, ending.status),
            **settled_values(record, decision, ending.status, ending.facts),
        }
