"""Extends an attempt's lease while long work goes on."""

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.invocation import Invocation

RENEW_AFTER, RETRY_AFTER, GIVE_UP_AFTER = 0.25, 0.05, 0.7
"""Shares of the lease: when it is extended, when a failed extension is tried again, when that is given up."""


class Lease(Protocol):
    """A lease that has to be looked after while the work goes on."""

    def renew(self) -> None:
        """Extend it where that is due. Raises LeaseLostError."""
        ...


class LeaseRenewer:
    """Extends the lease, and the time for which the message stays hidden, while the work goes on.

    A version whose function was killed is then taken up again soon, and not only when the longest run would have
    ended. `extend` writes a lease of so many seconds from now into the record; `clock` gives epoch seconds.
    """

    def __init__(
        self, extend: Callable[[float], None], invocation: Invocation, clock: Callable[[], float]
    ) -> None:
        self._extend = extend
        self._invocation = invocation
        self._clock = clock
        self._due = clock()
        self._give_up = self._due + GIVE_UP_AFTER * invocation.lease_seconds

    def renew(self) -> None:
        """Extend the lease where a good part of it has passed. Raises LeaseLostError."""
        now = self._clock()
        if now < self._due:
            return
        seconds = self._invocation.lease_seconds
        try:
            self._extend(seconds)
        except (BotoCoreError, ClientError):
            if now > self._give_up:
                raise
            self._due = now + RETRY_AFTER * seconds  # there is time: a service may be away for a moment
            return
        self._due, self._give_up = now + RENEW_AFTER * seconds, now + GIVE_UP_AFTER * seconds
        # A message that comes back too early finds the lease and is hidden again: no harm but a wasted receive.
        with suppress(BotoCoreError, ClientError):
            self._invocation.hide(seconds)
