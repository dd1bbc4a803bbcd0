"""How the work on a version ends: what one attempt returns to be committed, or passed on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from media_pipeline.errors import Reason
from media_pipeline.moderation.result import ModerationResult
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.records.record import Stage, Status

WITHHELD: Mapping[Verdict, tuple[Status, Reason]] = MappingProxyType(
    {
        Verdict.BLOCK: (Status.BLOCKED, Reason.POLICY_BLOCK),
        Verdict.REVIEW: (Status.REVIEW, Reason.POLICY_REVIEW),
    }
)
_KNOWN: Mapping[Verdict, tuple[Status, Reason]] = MappingProxyType(
    {
        Verdict.BLOCK: (Status.BLOCKED, Reason.KNOWN_BLOCK),
        Verdict.REVIEW: (Status.REVIEW, Reason.KNOWN_REVIEW),
    }
)


def withheld_as(moderation: ModerationResult) -> tuple[Status, Reason]:
    """Return how a withholding verdict ends: of the policy, or of the hash list."""
    return (_KNOWN if moderation.known else WITHHELD)[moderation.verdict]


class Ending(NamedTuple):
    """How the work on a version ends: its terminal status, and the facts that belong to it."""

    status: Status
    facts: Mapping[str, Any]


class HandOver(NamedTuple):
    """The version is another stage's work."""

    stage: Stage
