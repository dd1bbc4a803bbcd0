"""One run of a Lambda function as the pipeline sees it: its ids, and how much of its time is left."""

import math
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from media_pipeline.errors import OutOfTimeError

LEASE_MARGIN = 1.3
"""A lease is so many times the time left: longer by what two clocks may differ (docs/maintainer/promise.md allows 2 s
each) at the shortest time-out that may be configured, 15 s; far shorter than the visibility timeout (6 x)."""
CALL_SHARE = 0.25
"""Of the function's time-out: the longest that one AWS call can take from 60 s on, with retries; twice that at 15 s."""
STEP_SHARE = 2 * CALL_SHARE
"""Of the time-out, that must be left when a step begins: for its call, and from 60 s on for a release if it fails."""


class LambdaContext(Protocol):
    """What the pipeline uses of the context object that Lambda passes."""

    function_name: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda kills the function."""
        ...


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One run of a function. `timeout` in seconds is all the time it had when it began.

    `client_timeout` is the time-out that its clients are made for, in seconds: their calls take shares of it. It is
    `timeout` itself except for a function that computes for many minutes: that one takes a lease for only a part of
    its time and extends it while it works, and so the time for which its message is hidden, through `hide`.
    """

    request_id: str
    trace_id: str | None
    timeout: float
    time_left: Callable[[], float]
    client_timeout: float | None = None
    hide: Callable[[float], None] = lambda _: None
    """Extend the visibility timeout of the message that is being processed, in seconds."""
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def of(cls, context: LambdaContext, *, client_timeout: float | None = None) -> "Invocation":
        """Describe the run that `context` belongs to; to be called first, while all its time is left."""
        timeout = context.get_remaining_time_in_millis() / 1000
        return cls(
            # Its share of the time must fit into what there is, which is less than configured where time is scaled.
            client_timeout=min(client_timeout, timeout) if client_timeout else None,
            request_id=context.aws_request_id,
            trace_id=_trace_root(os.environ.get("_X_AMZN_TRACE_ID", "")),
            timeout=timeout,
            time_left=lambda: context.get_remaining_time_in_millis() / 1000,
        )

    @property
    def lease_seconds(self) -> float:
        """How long a claim made now must exclude others: until Lambda would have killed this run.

        Where it is extended: for longer than one call can take.
        """
        longest = self.step_seconds if self.client_timeout else math.inf
        return min(max(self.time_left(), 0.0), longest) * LEASE_MARGIN

    @property
    def step_seconds(self) -> float:
        """Seconds that must be left when a step begins."""
        return (self.client_timeout or self.timeout) * STEP_SHARE

    @property
    def has_time(self) -> bool:
        """Whether another step may begin."""
        return self.time_left() > self.step_seconds

    @property
    def has_time_to_spare(self) -> bool:
        """Whether a call that the work does not need may be made: a step may begin also if it takes its longest."""
        return self.time_left() > self.step_seconds * (1 + CALL_SHARE / STEP_SHARE)

    def has_time_for(self, pause: float) -> bool:
        """Return whether one more AWS call fits in after a pause of `pause` seconds."""
        return self.time_left() > (self.client_timeout or self.timeout) * CALL_SHARE + pause

    def sleep(self, seconds: float) -> None:
        """Wait before a call is tried again."""
        time.sleep(seconds)

    def require_time(self, step: str) -> None:
        """Refuse to begin a step that Lambda might kill in the middle of an AWS call.

        So decoding is the only step that can be killed, and an unfinished attempt points at the object.
        Raises OutOfTimeError.
        """
        if not self.has_time:
            raise OutOfTimeError(f"{self.time_left():.1f} s of {self.timeout:.0f} s are not enough to {step}")


def _trace_root(header: str) -> str | None:
    parts = dict(part.split("=", 1) for part in header.split(";") if "=" in part)
    return parts.get("Root")
