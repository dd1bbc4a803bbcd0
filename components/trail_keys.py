"""The keys of `accessLogs`; docs/reference/configuration.md has their docstrings."""

from typing import Annotated, Literal

from components import bounds
from components.keys import Keys
from components.rules import OneOf, Whole

MODES = ("governance", "compliance")


def trail_name(service: str) -> str:
    """Return the name of a stack's trail: fixed, since the policies of its bucket and key name it before it exists."""
    return f"{service}-trail"


class AccessLogs(Keys):
    """A trail of every access to media that nobody can change: CloudTrail, into a bucket with Object Lock."""

    locked_days: Annotated[int, Whole(bounds.LOCKED_DAYS, " of days (0: no trail)", 365)] = 0
    """Days that each log file is locked, after which it is deleted."""
    mode: Annotated[Literal["governance", "compliance"], OneOf(MODES, "governance")] = "governance"
    """Whether whoever has `s3:BypassGovernanceRetention` may delete a file earlier, or nobody may."""
