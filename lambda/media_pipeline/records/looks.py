"""Looks of people that are only counted: checks of what the policy allowed, and second looks at decisions.

A record keeps them as `checked: {"id", "person", "action", "at"}` and `second: [{"id", "person", "action", "at"}]`.
Neither changes anything else: what fails a check is withdrawn by a decision of its own.
"""

from typing import Any

from media_pipeline.moderation.samples import Samples
from media_pipeline.records.attention import Attention
from media_pipeline.records.decisions import Action, Decision
from media_pipeline.records.record import Record, Status

_ENDS = {Action.APPROVE: Status.PUBLISHED, Action.REJECT: Status.BLOCKED}


def second_look_wanted(
    samples: Samples, record: Record, decision: Decision, status: Status
) -> dict[str, Any]:
    """Return the attributes that have another person look at what `decision` ended in `status`; none where none does.

    Only what the policy sent to review, and once.
    """
    before = record.attributes.get("decided_from") or {}
    is_about_review = before.get("status") == Status.REVIEW and _ENDS.get(decision.action) is status
    if not is_about_review or record.attributes.get("second"):
        return {}
    if not samples.has_second_look(record.object_key, record.version):
        return {}
    return {"attention": Attention.SECOND}


def check_wanted(record: Record) -> dict[str, Any]:
    """Return the attributes that have a person check what is published; none where it is not chosen, or was checked."""
    if not record.is_checked or record.attributes.get("checked"):
        return {}
    return {"attention": Attention.CHECK}


def looked(decision: Decision) -> dict[str, str]:
    """Return what a record holds of one person's look."""
    return {
        "id": decision.id,
        "person": decision.person,
        "action": decision.action.value,
        "at": decision.at,
    }
