"""Which persons approved a version: the ask side collects approvals in the record, the workers count them again."""

from collections.abc import Mapping
from typing import Any

from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.records.decisions import Decision
from media_pipeline.records.record import Record


def approvals_needed(rule: ApprovalRule, record: Record) -> int:
    """Return how many different persons must approve a version, by all labels that its record holds."""
    return rule.needed(record.moderation.labels if record.moderation else ())


def approval(decision: Decision) -> dict[str, str]:
    """Return what the record's `approvals` hold of one person's approval."""
    return {"person": decision.person, "at": decision.at, "id": decision.id}


def approvals_given(record: Record) -> list[Mapping[str, Any]]:
    """Return the approvals that wait for further ones, oldest first: `{"person", "at", "id"}` of each."""
    found = list(record.attributes.get("approvals", ()))
    if record.decision is not None and any(each["id"] == record.decision.id for each in found):
        return []  # they led to a decision, and do not count for another one
    return found


def approved_by(record: Record, decision: Decision) -> frozenset[str]:
    """Return the persons behind an approval: who decided, and those whose approvals it completed."""
    found = list(record.attributes.get("approvals", ()))
    if not any(each["id"] == decision.id for each in found):
        return frozenset({decision.person})
    return frozenset(each["person"] for each in found) | {decision.person}
