"""The story of one object version, whatever kind it is of, in one place: see `Story.process`."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

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
from media_pipeline.images.sniffing import HEAD_BYTES, Kind, sniff
from media_pipeline.invocation import Invocation
from media_pipeline.moderation.rekognition import Moderator
from media_pipeline.observability import Observability
from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.processing.steps import Steps
from media_pipeline.records.record import Claim, Record, Stage, Status, iso_time
from media_pipeline.records.table import UNFINISHED_LIMIT, Records
from media_pipeline.results import Made, Output
from media_pipeline.settings.functions import ImageSettings
from media_pipeline.storage import KEY_BYTES_LIMIT, Original, OriginalGoneError, Storage, rendition_key

CHUNK_BYTES = 1 << 20  # an original is read in parts, with a look at the time left between them
RELEASE_PAUSES = (1.0, 2.0, *(3.0,) * 14)  # seconds; with the calls, most of a minute
LISTING = frozenset({Status.PUBLISHED, Status.PROCESSING, Status.FAILED})  # their lists name what is there
Ending = tuple[Status, Mapping[str, Any]]  # the terminal status, and what is to be told with it
WITHHELD = {
    "block": (Status.BLOCKED, Reason.POLICY_BLOCK),
    "review": (Status.REVIEW, Reason.POLICY_REVIEW),
}


@dataclass(frozen=True, kw_only=True)
class Tools:
    """All that a story is told with. `clock` gives epoch seconds."""

    settings: ImageSettings
    records: Records
    storage: Storage
    moderator: Moderator
    outcomes: Outcomes
    observability: Observability
    clock: Callable[[], float]


@dataclass(kw_only=True)
class Attempt:
    """One attempt at one claimed version, and what it found out so far."""

    event: ObjectEvent
    invocation: Invocation
    claim: Claim
    steps: Steps
    facts: dict[str, Any] = field(default_factory=dict)
    decided: bool = False
    put: set[str] = field(default_factory=set)

    @property
    def record(self) -> Record:
        """The record as it was claimed."""
        return self.claim.record


class Story(ABC):
    """Takes object versions from their event to their terminal, announced record.

    Raises on anything that leaves the record open, so that the message comes back. What is made of an object, and
    how it is judged, is told by its subclasses.
    """

    stage: ClassVar[Stage]
    further_names: ClassVar[tuple[str, ...]] = ()
    """Names of renditions besides the configured sizes."""
    takes_over = False
    """Whether records that wait in another stage are claimed as well, since nobody else will."""

    def __init__(self, tools: Tools) -> None:
        self._settings = tools.settings
        self._records = tools.records
        self._storage = tools.storage
        self._moderator = tools.moderator
        self._outcomes = tools.outcomes
        self._observability = tools.observability
        self._clock = tools.clock

    def handle(self, event: ObjectEvent, invocation: Invocation) -> None:
        """Do what one event asks for."""
        if event.kind is EventKind.CREATED:
            self.process(event, invocation)
        else:
            self._outcomes.carry_out_delete(event)

    def process(self, event: ObjectEvent, invocation: Invocation) -> None:
        """Take one object version through the whole story, or go on where an earlier attempt stopped."""
        if event.redrive_attempt is not None:
            self._announce_pending(event)
        steps = Steps(self._observability)
        with steps("claim"):
            claim = self._records.claim(
                event,
                owner=invocation.owner,
                lease_seconds=invocation.lease_seconds,
                stage=self.stage,
                takes_over=self.takes_over,
            )
        if isinstance(claim, Record):
            if claim.is_open(event.redrive_attempt):
                self._pass_on(event, claim.stage)
            else:
                self._outcomes.finish(claim)
            return
        attempt = Attempt(event=event, invocation=invocation, claim=claim, steps=steps)
        try:
            ending = self._work(attempt)
            if ending is None:
                return
            status, facts = ending
            record = self._records.commit(claim, status, {**self._facts(attempt), **facts})
        except LeaseLostError as error:
            self._clear_away(attempt, error)
            raise
        except Exception as error:
            self._release(attempt, error)
            raise
        self._outcomes.finish(record)

    @abstractmethod
    def _pass_on(self, event: ObjectEvent, stage: Stage) -> None:
        """Tell the function of another stage that the version waits for it."""

    def _work(self, attempt: Attempt) -> Ending | None:
        """Do all of the story between claim and commit; what can never succeed ends here as well.

        None where the version is in another function's hands now.
        """
        try:
            return self._decide(attempt)
        except RejectedError as error:
            # An earlier attempt may have been allowed and cut off: no record will list what it put.
            self._storage.remove_renditions(attempt.record.rendition_keys)
            return Status.REJECTED, {"reason": error.reason, "detail": error.detail, "renditions": []}
        except OriginalGoneError as error:
            if self._superseded(attempt):
                return self._supersede(attempt)
            return Status.FAILED, {"reason": error.reason, "detail": error.detail}
        except FailedError as error:
            return Status.FAILED, {"reason": error.reason, "detail": error.detail}

    def _decide(self, attempt: Attempt) -> Ending:
        if attempt.record.withheld:
            # Before a look for newer versions: a move to quarantine that was begun is brought to its end.
            return self._quarantine(attempt, attempt.record)
        if self._superseded(attempt):
            return self._supersede(attempt)
        self._refuse_poison(attempt)
        with self._made(attempt) as made:
            if not attempt.invocation.has_time:
                raise SlowDecodingError("decoding and rendering used up the time that publishing needs")
            record = self._verdict(attempt, made)
            if not record.withheld:
                self._publish(attempt, record, made)
        if record.withheld:
            return self._quarantine(attempt, record)
        return Status.PUBLISHED, {}

    @abstractmethod
    def _made(self, attempt: Attempt) -> AbstractContextManager[Made]:
        """Fetch the original and make of it all that would be published; what was made is there within the context.

        Between the two it has `Records.begin_decoding` note that: else an object that kills the function is not told.
        """

    @contextmanager
    def _opened(self, attempt: Attempt) -> Iterator[tuple[Original, Kind, bytes]]:
        """Open exactly the event's version and read its first bytes, which tell its kind."""
        event, invocation = attempt.event, attempt.invocation
        self._require_short_key(event)
        invocation.require_time("fetch the original")
        with self._storage.open(event.key, version_id=event.version_id, etag=event.etag) as original:
            attempt.facts["bytes"] = original.length
            if not original.length:
                raise RejectedError(Reason.EMPTY, "the object has no bytes")
            head = original.read(HEAD_BYTES)
            if len(head) < min(HEAD_BYTES, original.length):
                # A connection may end early without an error; what is missing must not be held against the file.
                raise TransientError(f"only {len(head)} bytes came, of {original.length:,}")
            kind = sniff(head)
            attempt.facts["content_type"] = kind.content_type
            yield original, kind, head

    def _judge(self, attempt: Attempt, made: Made) -> Mapping[str, Any]:
        """Have what would be published judged."""
        return self._moderator.judge(
            made.proxies, before_each=lambda: self._before(attempt, "ask Rekognition"), times=made.times
        )

    def _before(self, attempt: Attempt, step: str) -> None:
        """What comes before each of many calls. Raises OutOfTimeError."""
        attempt.invocation.require_time(step)

    def _supersede(self, attempt: Attempt) -> Ending:
        """End a version that comes too late; what an earlier attempt put of it goes, since nobody is told of it."""
        self._storage.remove_renditions(attempt.record.rendition_keys)
        return Status.SUPERSEDED, {"renditions": []}

    def _superseded(self, attempt: Attempt) -> bool:
        return self._records.has_newer(attempt.record.object_key, attempt.record.sequencer)

    def _refuse_poison(self, attempt: Attempt) -> None:
        if attempt.record.unfinished >= UNFINISHED_LIMIT:
            tries = UNFINISHED_LIMIT - 1
            detail = f"the function ran out of memory or time on it {tries} times; it is not tried again"
            raise RejectedError(Reason.RESOURCE_EXHAUSTED, detail)

    def _require_short_key(self, event: ObjectEvent) -> None:
        names = [*(size.name for size in self._settings.specs.sizes), *self.further_names]
        longest = rendition_key(event.key, event.version, max(names, key=len), "0" * 8, LONGEST_EXTENSION)
        if (needed := len(longest.encode())) > KEY_BYTES_LIMIT:
            detail = (
                f"its key has {len(event.key.encode()):,} bytes; the keys of its renditions would have {needed:,},"
                f" and S3 allows {KEY_BYTES_LIMIT:,}"
            )
            raise RejectedError(Reason.KEY_TOO_LONG, detail)

    def _verdict(self, attempt: Attempt, made: Made) -> Record:
        """Have it judged, unless an earlier attempt did, and write the verdict down with all facts."""
        known, event = attempt.record, attempt.event
        listed = [_listed(rendition, event) for rendition in made.renditions]
        if known.moderation is None:
            with attempt.steps("moderate"):
                moderation = self._judge(attempt, made)
        else:
            if listed == list(known.renditions):
                record = self._records.store_verdict(attempt.claim, {})  # decoding came to its end once more
                attempt.decided = True
                return record
            # Deployed with other sizes since: what the earlier attempt put goes before its list does.
            moderation = known.moderation
            keys = {rendition["key"] for rendition in listed}
            self._storage.remove_renditions(known.rendition_keys - keys)
        attempt.facts |= {
            "moderation": moderation,
            "renditions": listed if replace(known, moderation=moderation).publishes else [],
            "placeholder": made.placeholder,
            "dominant_colour": made.dominant_colour,
        }
        attempt.invocation.require_time("write the verdict down")
        record = self._records.store_verdict(attempt.claim, self._facts(attempt))
        attempt.decided = True
        return record

    def _publish(self, attempt: Attempt, record: Record, made: Made) -> None:
        """Put every rendition; only ever called with a record that holds an allowing verdict."""
        if not record.publishes:
            raise AssertionError(
                "no allowing verdict in the record"
            )  # fail closed, whatever the caller thought
        facts = self._labels(record, Status.PUBLISHED)
        with attempt.steps("publish"):
            for entry, rendition in zip(record.renditions, made.renditions, strict=True):
                self._before(attempt, "put a rendition")
                attempt.put.add(entry["key"])
                with rendition.opened() as body:
                    self._storage.put_rendition(
                        entry["key"], body, content_type=rendition.content_type, facts=facts
                    )

    def _quarantine(self, attempt: Attempt, record: Record) -> Ending:
        """Move the original away; only a move that was verified ends as BLOCKED or REVIEW."""
        moderation = record.moderation or {}
        status, reason = WITHHELD[moderation["verdict"]]
        attempt.invocation.require_time("move the original to quarantine")
        with attempt.steps("quarantine"):
            self._storage.quarantine(
                record.object_key,
                version_id=record.version_id,
                etag=record.etag,
                sha256=record.attributes["sha256"],
                facts=self._labels(record, status),
            )
        return status, {"reason": reason, "detail": moderation["reason"]}

    def _labels(self, record: Record, status: Status) -> dict[str, str]:
        """Facts that an object carries as metadata and tags: S3 allows letters, digits and few signs there."""
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
        """Give the claim back, so that the next attempt need not wait for the lease; the error goes on its way."""
        if isinstance(error, MemoryError | SlowDecodingError):
            unfinished = attempt.record.unfinished  # decoding was too much for this function: that counts
        else:
            unfinished = 0 if attempt.decided else attempt.claim.unfinished_before
        try:
            self._release_in_time(attempt, unfinished)
        except Exception as problem:  # noqa: BLE001 - the first error is the one to tell; the lease ends by itself
            error.add_note(f"the lease could not be given back: {problem}")

    def _clear_away(self, attempt: Attempt, error: Exception) -> None:
        """Remove what this attempt put after another had taken over, unless that one's record lists it.

        Only a machine that was paused for longer than its lease comes here; nobody else would know of these.
        """
        try:
            record = self._records.get(attempt.record.object_key, attempt.record.sequencer)
            kept = record.rendition_keys if record and record.status in LISTING else frozenset()
            self._storage.remove_renditions(attempt.put - kept)
        except Exception as problem:  # noqa: BLE001 - the first error is the one to tell
            error.add_note(f"what was put without a lease could not be removed: {problem}")

    def _release_in_time(self, attempt: Attempt, unfinished: int) -> None:
        """Try again while there is time: what is not given back counts as if decoding had killed this function."""
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
        """Announce the outcome that a redrive is about to overwrite: no terminal outcome goes untold."""
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
