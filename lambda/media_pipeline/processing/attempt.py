"""One attempt at one claimed object version."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from media_pipeline import __version__
from media_pipeline.concurrency import Overlap
from media_pipeline.errors import LeaseLapsedError, Reason, RejectedError
from media_pipeline.events import ObjectEvent
from media_pipeline.invocation import Invocation
from media_pipeline.moderation.result import Answers
from media_pipeline.processing.lease import Lease
from media_pipeline.processing.steps import Steps
from media_pipeline.records.leases import UNFINISHED_LIMIT
from media_pipeline.records.record import Claim, Record


@dataclass(kw_only=True)
class Attempt:
    """What one invocation knows about the version that it works on, and what it has done so far."""

    event: ObjectEvent
    invocation: Invocation
    claim: Claim
    steps: Steps
    lease: Lease | None
    """Extends the lease during long work; None where the lease covers the whole invocation."""
    clock: Callable[[], float]
    """Epoch seconds."""
    overlap: Overlap
    """Makes several calls at once."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Attributes of the terminal record that are known so far."""
    answers: Answers | None = None
    """Rekognition's answers so far, the known ones of earlier attempts included."""
    keep_answers: Callable[[], None] | None = None
    """Writes the answers that were paid for where later uploads find them; None where there is nothing to write."""
    has_older: bool = True
    """Whether the key may have older records, which this version's outcome hides."""
    has_twin: bool = False
    """Whether the version had another record, without a verdict, when this attempt began."""
    follows_made_up: bool = False
    """Whether an older record has a made-up sequencer: its version may be newer than this one."""
    precedes_moved: bool = False
    """Whether a version that was put later is in quarantine: that this one is current says nothing then."""
    stays_shown: bool = False
    """Whether it is published again, and nothing that was put later hides it."""
    verdict_stored: bool = False
    put_pictures: bool = False
    """Whether this attempt began to put pictures for reviewers."""
    tagged: bool = False
    """Whether this attempt began to tag what is in quarantine, by what a person escalated or released."""
    put_keys: set[str] = field(default_factory=set)
    """Keys of the renditions that this attempt began to put."""

    @property
    def record(self) -> Record:
        """The record as it was claimed."""
        return self.claim.record

    @property
    def paid_answers(self) -> Mapping[str, Any] | None:
        """Rekognition's answers that this attempt or an earlier one paid for, as in the record; None without any."""
        if self.answers is not None:
            return self.answers.to_document()
        return self.record.attributes.get("answers")

    @property
    def unstored_answers(self) -> dict[str, Any]:
        """The attribute `answers` with what was paid for, where no verdict holds it; empty where there is none."""
        document = None if self.answers is None or self.verdict_stored else self.answers.to_document()
        return {"answers": document} if document and document["pictures"] else {}

    def all_facts(self) -> dict[str, Any]:
        """Return the facts found so far, with what is known of the attempt itself."""
        return {
            **self.facts,
            "milliseconds": self.steps.milliseconds(),
            "pipeline_version": __version__,
            "request_id": self.invocation.request_id,
            "trace_id": self.invocation.trace_id,
        }

    def refuse_poison(self) -> None:
        """Raise RejectedError where decoding ended the function as often as it may."""
        if self.record.unfinished >= UNFINISHED_LIMIT:
            tries = UNFINISHED_LIMIT - 1
            detail = f"the function ran out of memory or time on it {tries} times; it is not tried again"
            raise RejectedError(Reason.RESOURCE_EXHAUSTED, detail)

    def before_call(self, call: str) -> None:
        """Prepare one of many AWS calls: require time for it and a lease that still holds, and extend the lease.

        Raises OutOfTimeError, LeaseLostError.
        """
        self.invocation.require_time(call)
        self._require_lease()
        self.renew_lease()

    def renew_lease(self) -> None:
        """Extend the lease where that is due. Raises LeaseLostError."""
        if self.lease is not None:
            self.lease.renew()

    def _require_lease(self) -> None:
        """Refuse to go on where the lease of the whole invocation is over: this machine stood still.

        Raises LeaseLapsedError. A lease that is extended is checked by its next extension.
        """
        if self.lease is None and self.clock() > float(self.record.lease_until):
            raise LeaseLapsedError("the lease was over before the work was")
