"""One attempt at one claimed object version."""

from dataclasses import dataclass, field
from typing import Any

from media_pipeline.events import ObjectEvent
from media_pipeline.invocation import Invocation
from media_pipeline.processing.lease import LeaseRenewer
from media_pipeline.processing.steps import Steps
from media_pipeline.records.record import Claim, Record


@dataclass(kw_only=True)
class Attempt:
    """What one invocation knows about the version that it works on, and what it has done so far."""

    event: ObjectEvent
    invocation: Invocation
    claim: Claim
    steps: Steps
    lease: LeaseRenewer | None
    """Extends the lease during long work; None where the lease covers the whole invocation."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Attributes of the terminal record that are known so far."""
    verdict_stored: bool = False
    put_keys: set[str] = field(default_factory=set)
    """Keys of the renditions that this attempt began to put."""

    @property
    def record(self) -> Record:
        """The record as it was claimed."""
        return self.claim.record

    def before_call(self, call: str) -> None:
        """Prepare one of many AWS calls: require time for it and keep the lease.

        Raises OutOfTimeError, LeaseLostError.
        """
        self.invocation.require_time(call)
        self.renew_lease()

    def renew_lease(self) -> None:
        """Extend the lease where that is due. Raises LeaseLostError."""
        if self.lease is not None:
            self.lease.renew()
