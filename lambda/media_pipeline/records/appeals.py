"""The appeal of an uploader against what was blocked: once per version, decided by a person.

A record keeps it as `appeal: {"at", "text", "state", "decided_at"?}`. It is written beside the outcome, which it
leaves as it is; only what a person decides about it opens the record again.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from media_pipeline.errors import Reason
from media_pipeline.records.attention import Attention
from media_pipeline.records.decisions import Action, Decision
from media_pipeline.records.record import Record, Status, iso_time

TEXT_CHARACTERS = 1_000
SECONDS_PER_DAY = 86_400


class AppealState(StrEnum):
    """What became of an appeal."""

    OPEN = "open"
    UPHELD = "upheld"
    """The decision against the upload was upheld."""
    OVERTURNED = "overturned"


def may_be_appealed_until(record: Record, days: int) -> float | None:
    """Return until when a version may be appealed, in epoch seconds; None where it cannot, or was already.

    Only what was judged can be appealed, within `days` of its outcome (0: not at all).
    """
    finished = record.attributes.get("finished_at")
    is_blocked = record.status is Status.BLOCKED and record.moderation is not None
    if not days or not is_blocked or not finished or record.attributes.get("appeal"):
        return None
    return datetime.fromisoformat(finished).timestamp() + days * SECONDS_PER_DAY


def appealed_values(record: Record, text: str, now: float) -> dict[str, Any]:
    """Return the attributes that an appeal sets in a record; `now` is in epoch seconds.

    What is held as evidence is looked at once it is released.
    """
    appeal = {"at": iso_time(now), "text": text, "state": AppealState.OPEN}
    return {"appeal": appeal, "attention": Attention.ESCALATED if record.is_held else Attention.APPEAL}


def open_appeal(record: Record) -> Mapping[str, Any] | None:
    """Return the appeal of a record that nobody decided yet."""
    appeal: Mapping[str, Any] | None = record.attributes.get("appeal")
    return appeal if appeal and appeal["state"] == AppealState.OPEN else None


def settled_values(
    record: Record, decision: Decision, status: Status, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the attributes that say what `decision`, which ends in `status`, made of the open appeal.

    None where there is none. The appeal still waits where the decision was to publish, and was not taken as one, and
    after an escalation.
    """
    appeal = open_appeal(record)
    if appeal is None or decision.action is Action.ESCALATE:
        return {}
    if decision.action is Action.RELEASE and status is Status.BLOCKED:
        return {"attention": Attention.APPEAL}
    publishes = decision.action in (Action.APPROVE, Action.RESTORE)
    is_withheld = status in (Status.BLOCKED, Status.REVIEW)
    if publishes and is_withheld and facts.get("reason") != Reason.ORIGINAL_EXPIRED:
        return {"attention": Attention.APPEAL}
    state = AppealState.OVERTURNED if publishes else AppealState.UPHELD
    return {"appeal": {**appeal, "state": state, "decided_at": decision.at}}
