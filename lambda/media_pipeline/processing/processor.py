"""Processes one object version, image or video: see `ObjectProcessor.process`."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Generic

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline import __version__
from media_pipeline.errors import (
    FailedError,
    LeaseLostError,
    Reason,
    RejectedError,
    SlowDecodingError,
    TransientError,
)
from media_pipeline.events import EventKind, ObjectEvent
from media_pipeline.images.formats import LONGEST_EXTENSION
from media_pipeline.images.sniffing import HEAD_BYTES, sniff
from media_pipeline.invocation import Invocation
from media_pipeline.moderation.rekognition import Moderator
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.observability import Observability
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.lease import LeaseRenewer
from media_pipeline.processing.media import Fetched, Media, OpenOriginal
from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.processing.single_uploads import SingleUploads
from media_pipeline.processing.steps import Steps
from media_pipeline.records.record import Claim, Finished, Record, Stage, Status, WaitsForStage, iso_time
from media_pipeline.records.table import UNFINISHED_LIMIT, Records
from media_pipeline.results import Output, Results
from media_pipeline.settings.functions import ImageSettings
from media_pipeline.storage import KEY_BYTES_LIMIT, OriginalGoneError, Storage, rendition_key

RELEASE_PAUSES = (1.0, 2.0, *(3.0,) * 14)  # seconds; with the calls, most of a minute
LISTING = frozenset({Status.PUBLISHED, Status.PROCESSING, Status.FAILED})
"""Statuses whose records list renditions that exist."""
WITHHELD = {
    Verdict.BLOCK: (Status.BLOCKED, Reason.POLICY_BLOCK),
    Verdict.REVIEW: (Status.REVIEW, Reason.POLICY_REVIEW),
}


@dataclass(frozen=True)
class Ending:
    """How the work on a version ends: its terminal status, and the facts that belong to it."""

    status: Status
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class HandOver:
    """The version is another stage's work."""

    stage: Stage


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """Everything that an `ObjectProcessor` works with. `clock` gives epoch seconds."""

    settings: ImageSettings
    records: Records
    storage: Storage
    moderator: Moderator
    outcomes: Outcomes
    observability: Observability
    clock: Callable[[], float]


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
        self._single_uploads = SingleUploads(
            prefix=self._settings.uploads_prefix, records=self._records, storage=self._storage
        )

    def handle(self, event: ObjectEvent, invocation: Invocation) -> None:
        """Do what one event asks for."""
        if event.kind is EventKind.CREATED:
            self.process(event, invocation)
        else:
            self._outcomes.carry_out_delete(event)

    def process(self, event: ObjectEvent, invocation: Invocation) -> None:
        """Take one object version all the way, or go on where an earlier attempt stopped.

        Claim, fetch, make, judge, write the verdict down, publish or quarantine, commit, announce.
        """
        if event.redrive_attempt is not None:
            self._announce_pending(event)
        steps = Steps(self._observability)
        with steps("claim"):
            claimed = self._records.claim(
                event,
                owner=invocation.owner,
                lease_seconds=invocation.lease_seconds,
                stage=self._media.stage,
                takes_over=self._media.takes_over,
            )
        match claimed:
            case Finished(record):
                self._outcomes.finish(record)
            case WaitsForStage(record):
                self._media.pass_on(event, record.stage)
            case Claim():
                self._process_claimed(self._attempt(event, invocation, claimed, steps))

    def _attempt(self, event: ObjectEvent, invocation: Invocation, claim: Claim, steps: Steps) -> Attempt:
        lease = None
        if self._media.renews_lease:
            lease = LeaseRenewer(self._records, claim, invocation, self._clock)
        return Attempt(event=event, invocation=invocation, claim=claim, steps=steps, lease=lease)

    def _process_claimed(self, attempt: Attempt) -> None:
        try:
            outcome = self._work(attempt)
            if isinstance(outcome, HandOver):
                self._records.hand_over(attempt.claim, outcome.stage)
                self._media.pass_on(attempt.event, outcome.stage)
                return
            facts = {**self._facts(attempt), **outcome.facts}
            record = self._records.commit(attempt.claim, outcome.status, facts)
        except LeaseLostError as error:
            self._remove_unlisted(attempt, error)
            raise
        except Exception as error:
            self._release(attempt, error)
            raise
        self._outcomes.finish(record)

    def _work(self, attempt: Attempt) -> Ending | HandOver:
        """Do everything between claim and commit; what can never succeed ends here as well."""
        try:
            return self._decide(attempt)
        except RejectedError as error:
            # An earlier attempt may have been allowed and cut off: no record will list what it put.
            self._storage.remove_renditions(attempt.record.rendition_keys)
            return Ending(Status.REJECTED, {"reason": error.reason, "detail": error.detail, "renditions": []})
        except OriginalGoneError as error:
            if self._superseded(attempt):
                return self._supersede(attempt)
            return Ending(Status.FAILED, {"reason": error.reason, "detail": error.detail})
        except FailedError as error:
            return Ending(Status.FAILED, {"reason": error.reason, "detail": error.detail})

    def _decide(self, attempt: Attempt) -> Ending | HandOver:
        if attempt.record.withheld:
            # Before a look for newer versions: a move to quarantine that was begun is completed.
            return self._quarantine(attempt, attempt.record)
        if self._superseded(attempt):
            return self._supersede(attempt)
        attempt.invocation.require_time("look for earlier uploads of the key")
        self._single_uploads.require_first(attempt.record)
        self._refuse_poison(attempt)
        with ExitStack() as kept:
            with attempt.steps("fetch"), self._open(attempt) as original:
                stage = self._media.stage_of(original)
                if stage is not self._media.stage:
                    return HandOver(stage)
                fetched = kept.enter_context(self._media.fetch(attempt, original))
            # From here on, the object can be the reason why the function is killed.
            self._records.begin_decoding(attempt.claim)
            results = self._media.make(attempt, fetched)
            if not attempt.invocation.has_time:
                raise SlowDecodingError("decoding and rendering used up the time that publishing needs")
            record = self._verdict(attempt, results)
            if not record.withheld:
                self._publish(attempt, record, results)
        if record.withheld:
            return self._quarantine(attempt, record)
        return Ending(Status.PUBLISHED, {})

    @contextmanager
    def _open(self, attempt: Attempt) -> Iterator[OpenOriginal]:
        """Open exactly the event's version and read its first bytes, which give its type."""
        event, invocation = attempt.event, attempt.invocation
        self._require_short_key(event)
        invocation.require_time("fetch the original")
        with self._storage.open(event.key, version_id=event.version_id, etag=event.etag) as body:
            attempt.facts["bytes"] = body.length
            if not body.length:
                raise RejectedError(Reason.EMPTY, "the object has no bytes")
            head = body.read(HEAD_BYTES)
            if len(head) < min(HEAD_BYTES, body.length):
                # A connection may end early without an error; the missing part is not the file's fault.
                raise TransientError(f"only {len(head)} of {body.length:,} bytes were received")
            kind = sniff(head)
            attempt.facts["content_type"] = kind.content_type
            yield OpenOriginal(body=body, kind=kind, head=head)

    def _supersede(self, attempt: Attempt) -> Ending:
        """End a version whose turn came too late; remove what an earlier attempt put, since no record lists it."""
        self._storage.remove_renditions(attempt.record.rendition_keys)
        return Ending(Status.SUPERSEDED, {"renditions": []})

    def _superseded(self, attempt: Attempt) -> bool:
        return self._single_uploads.was_superseded(attempt.record)

    def _refuse_poison(self, attempt: Attempt) -> None:
        if attempt.record.unfinished >= UNFINISHED_LIMIT:
            tries = UNFINISHED_LIMIT - 1
            detail = f"the function ran out of memory or time on it {tries} times; it is not tried again"
            raise RejectedError(Reason.RESOURCE_EXHAUSTED, detail)

    def _require_short_key(self, event: ObjectEvent) -> None:
        names = [*(size.name for size in self._settings.specs.sizes), *self._media.extra_renditions]
        longest = rendition_key(event.key, event.version, max(names, key=len), "0" * 8, LONGEST_EXTENSION)
        if (needed := len(longest.encode())) > KEY_BYTES_LIMIT:
            detail = (
                f"its key has {len(event.key.encode()):,} bytes; the keys of its renditions would have {needed:,},"
                f" and S3 allows {KEY_BYTES_LIMIT:,}"
            )
            raise RejectedError(Reason.KEY_TOO_LONG, detail)

    def _verdict(self, attempt: Attempt, results: Results) -> Record:
        """Have it judged, unless an earlier attempt did, and store the verdict with all facts."""
        known, event = attempt.record, attempt.event
        listed = [_listed(rendition, event) for rendition in results.renditions]
        if known.moderation is None:
            with attempt.steps("moderate"):
                moderation = self._moderator.judge(
                    results.proxies,
                    before_each=lambda: attempt.before_call("ask Rekognition"),
                    times=results.times,
                )
        else:
            if listed == list(known.renditions):
                record = self._records.store_verdict(attempt.claim, {})  # decoding ended once more
                attempt.verdict_stored = True
                return record
            # Deployed with other sizes since: remove what the earlier attempt put before its list is replaced.
            moderation = known.moderation
            keys = {rendition["key"] for rendition in listed}
            self._storage.remove_renditions(known.rendition_keys - keys)
        attempt.facts |= {
            "moderation": moderation.to_document(),
            "renditions": listed if moderation.publishes else [],
            "placeholder": results.placeholder,
            "dominant_colour": results.dominant_colour,
        }
        attempt.invocation.require_time("store the verdict")
        record = self._records.store_verdict(attempt.claim, self._facts(attempt))
        attempt.verdict_stored = True
        return record

    def _publish(self, attempt: Attempt, record: Record, results: Results) -> None:
        """Put every rendition of a record that holds an allowing verdict."""
        if not record.publishes:
            # Fail closed, whatever the caller decided.
            raise AssertionError("no allowing verdict in the record")
        facts = self._labels(record, Status.PUBLISHED)
        with attempt.steps("publish"):
            for entry, rendition in zip(record.renditions, results.renditions, strict=True):
                attempt.before_call("put a rendition")
                attempt.put_keys.add(entry["key"])
                with rendition.opened() as body:
                    self._storage.put_rendition(
                        entry["key"], body, content_type=rendition.content_type, facts=facts
                    )

    def _quarantine(self, attempt: Attempt, record: Record) -> Ending:
        """Move the original to quarantine; only a verified move ends as BLOCKED or REVIEW."""
        if record.moderation is None:
            raise AssertionError("only a record with a withholding verdict is moved to quarantine")
        status, reason = WITHHELD[record.moderation.verdict]
        attempt.invocation.require_time("move the original to quarantine")
        with attempt.steps("quarantine"):
            self._storage.quarantine(
                record.object_key,
                version_id=record.version_id,
                etag=record.etag,
                sha256=record.attributes["sha256"],
                facts=self._labels(record, status),
            )
        return Ending(status, {"reason": reason, "detail": record.moderation.reason})

    def _labels(self, record: Record, status: Status) -> dict[str, str]:
        """Return an object's metadata and tags; S3 allows letters, digits and few other characters there."""
        return {
            "source-version": record.version,
            "source-key-sha256": hashlib.sha256(record.object_key.encode()).hexdigest(),
            "processed-at": iso_time(self._clock()),
            "status": status.value,
            "stack": self._settings.stack,
            "pipeline-version": __version__,
        }

    def _facts(self, attempt: Attempt) -> dict[str, Any]:
        return {
            **attempt.facts,
            "milliseconds": attempt.steps.milliseconds(),
            "pipeline_version": __version__,
            "request_id": attempt.invocation.request_id,
            "trace_id": attempt.invocation.trace_id,
        }

    def _release(self, attempt: Attempt, error: Exception) -> None:
        """Release the claim, so that the next attempt need not wait for the lease; the caller raises the error."""
        if isinstance(error, MemoryError | SlowDecodingError):
            unfinished = (
                attempt.record.unfinished
            )  # decoding exceeded this function's memory or time: count it
        else:
            unfinished = 0 if attempt.verdict_stored else attempt.claim.unfinished_before
        try:
            self._release_in_time(attempt, unfinished)
        except Exception as problem:  # noqa: BLE001 - the first error is the one to raise; the lease expires by itself
            error.add_note(f"the lease could not be released: {problem}")

    def _remove_unlisted(self, attempt: Attempt, error: Exception) -> None:
        """Remove what this attempt put after another one took over, unless the current record lists it.

        Only a machine that was paused for longer than its lease gets here; no other attempt knows these keys.
        """
        try:
            record = self._records.get(attempt.record.object_key, attempt.record.sequencer)
            kept = record.rendition_keys if record and record.status in LISTING else frozenset()
            self._storage.remove_renditions(attempt.put_keys - kept)
        except Exception as problem:  # noqa: BLE001 - the first error is the one to raise
            error.add_note(f"what was put without a lease could not be removed: {problem}")

    def _release_in_time(self, attempt: Attempt, unfinished: int) -> None:
        """Retry while there is time: a claim that is not released counts as if decoding had killed this function."""
        for pause in RELEASE_PAUSES:
            try:
                self._records.release(attempt.claim, unfinished=unfinished)
            except (BotoCoreError, ClientError):
                if not attempt.invocation.has_time_for(pause):
                    raise
                attempt.invocation.sleep(pause)
            else:
                return
        self._records.release(attempt.claim, unfinished=unfinished)

    def _announce_pending(self, event: ObjectEvent) -> None:
        """Announce the outcome that a redrive is about to overwrite: every terminal outcome is announced."""
        known = self._records.of_version(event.key, event.version)
        if known is not None and known.status.terminal:
            self._outcomes.finish(known)


def _listed(rendition: Output, event: ObjectEvent) -> dict[str, Any]:
    return {
        "name": rendition.name,
        "format": rendition.format,
        "width": rendition.width,
        "height": rendition.height,
        "bytes": rendition.length,
        "key": rendition_key(event.key, event.version, rendition.name, rendition.sha256, rendition.extension),
    }
