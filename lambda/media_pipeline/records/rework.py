"""Work on a version while it stays published, as the record keeps it: a lease beside the terminal status.

The record's `rework` is written by one conditional write each, which names the one before. So a takedown, a delete and
a restore, which change the status or the attempt, end it: whoever holds it can write nothing any more.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from media_pipeline.events import ReworkMode, ReworkOrder

WITHHELD = "withheld"
"""`ended` of a rework whose verdict withholds the version: it went on as an open record."""
_SHARE, _LEAST_PAUSE = (
    1 / 8,
    5.0,
)  # of the lease that is left, and seconds: it is mostly released long before its end


@dataclass(frozen=True, kw_only=True)
class Rework:
    """The rework that began last; an attempt number tells how often it began."""

    id: str
    mode: ReworkMode
    attempt: int
    renditions: tuple[str, ...] = ()
    """Keys that are about to be put, or were, and that the record does not list yet."""
    owner: str | None = None
    lease_until: int = 0
    """Epoch seconds: whole ones, since a condition compares them as they are written."""
    ended: str | None = None
    """Why it changed nothing."""

    def pause(self, now: float) -> float:
        """Return seconds after which another invocation may look again; 0 where the lease is over, or there is none."""
        left = self.lease_until - now if self.owner is not None else 0.0
        return 0.0 if left <= 0 else max(left * _SHARE, min(left, _LEAST_PAUSE))

    def held(self, order: ReworkOrder, owner: str, until: float) -> "Rework":
        """Return it as `owner` holds it from now on; what an earlier attempt began to put stays named."""
        again = self.id == order.id
        return Rework(
            id=order.id,
            mode=order.mode,
            attempt=self.attempt + 1 if again else 1,
            renditions=self.renditions,
            owner=owner,
            lease_until=math.ceil(until),
        )

    def extended(self, until: float) -> "Rework":
        """Return it with a longer lease."""
        return replace(self, lease_until=math.ceil(until))

    def released(self, *, counted: bool) -> "Rework":
        """Return it without an owner; an attempt that is not `counted` may be made again and again."""
        return replace(self, owner=None, lease_until=0, attempt=self.attempt - (not counted))

    def ended_as(self, why: str) -> "Rework":
        """Return it as over; nothing that it put is left."""
        return replace(self, owner=None, lease_until=0, renditions=(), ended=why)

    def to_document(self) -> dict[str, Any]:
        """Return the record's field `rework`; what is empty is left out."""
        document = {
            "id": self.id,
            "mode": self.mode.value,
            "attempt": self.attempt,
            "renditions": list(self.renditions),
            "owner": self.owner,
            "lease_until": self.lease_until,
            "ended": self.ended,
        }
        return {name: value for name, value in document.items() if value}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Rework":
        """Parse what `to_document` returns."""
        return cls(
            id=document["id"],
            mode=ReworkMode(document["mode"]),
            attempt=int(document.get("attempt", 0)),
            renditions=tuple(document.get("renditions", ())),
            owner=document.get("owner"),
            lease_until=int(document.get("lease_until", 0)),
            ended=document.get("ended"),
        )
