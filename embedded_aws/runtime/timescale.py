"""The one place where AWS's seconds become local seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Above its function's deadline by at least this much, however time is scaled: a message that comes back while
# its invocation still runs is a duplicate that AWS would not have made.
_LEAST_VISIBILITY_ABOVE_DEADLINE = 0.5  # seconds here


@dataclass(frozen=True)
class TimeScale:
    """How long a second of AWS's configuration lasts here: 1 as on AWS, 0.1 ten times faster.

    A function's deadline and its queue's visibility timeout are scaled alike. A function sees its deadline
    through the context only; one that derives its leases and clients' time-outs from the time left is thereby
    scaled too.
    """

    factor: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.factor <= 1:
            raise ValueError(f"time can be scaled by more than 0 and up to 1, got {self.factor}")

    def seconds(self, aws_seconds: float) -> float:
        """Return how many seconds to wait here for `aws_seconds` of a function's or mapping's configuration."""
        return aws_seconds * self.factor

    def visibility(self, aws_seconds: float, function_timeout: float) -> int:
        """Return a queue's visibility timeout in whole local seconds (SQS knows no others), rounded up."""
        least = self.seconds(function_timeout) + _LEAST_VISIBILITY_ABOVE_DEADLINE
        return math.ceil(max(self.seconds(aws_seconds), least))
