"""Why an upload is withheld, as the law asks to tell its uploader: what the system knows of a statement of reasons.

Regulation (EU) 2022/2065, article 17: whether automated means decided, on which ground, and how to seek redress.
"""

from typing import Any

from media_pipeline.errors import Reason
from media_pipeline.records.appeals import may_be_appealed_until, open_appeal
from media_pipeline.records.record import Record, Status, iso_time

WITHHELD = frozenset({Status.BLOCKED, Status.REVIEW})
DECIDED_BY_PEOPLE = frozenset({Reason.PERSON_BLOCK, Reason.TAKEN_DOWN})
_NOT_DECIDED = frozenset({Status.DELETED, Status.SUPERSEDED})
"""Statuses in which nobody decides about an appeal any more."""
POLICY = "policy"
TAKEDOWN = "takedown"


def statement_of(record: Record, *, appeal_days: int, now: float) -> dict[str, Any] | None:
    """Return the statement about a withheld version; None where nothing was decided against it.

    Shape: `{"automated", "ground", "decided_at", "redress"?: {"way": "appeal", "until"}}`. `now` is in epoch seconds.
    """
    facts = record.attributes
    reason = facts.get("reason")
    if record.status not in WITHHELD or reason is None or reason == Reason.ORIGINAL_EXPIRED:
        return None
    statement: dict[str, Any] = {
        "automated": reason not in DECIDED_BY_PEOPLE,
        "ground": TAKEDOWN if reason == Reason.TAKEN_DOWN else POLICY,
        "decided_at": facts.get("finished_at"),
    }
    until = may_be_appealed_until(record, appeal_days)
    if until is not None and now < until:
        statement["redress"] = {"way": "appeal", "until": iso_time(until)}
    return {name: value for name, value in statement.items() if value is not None}


def appeal_of(record: Record) -> dict[str, Any] | None:
    """Return what became of the appeal of a version, without its text; None where there is none."""
    appeal = record.attributes.get("appeal")
    if appeal is None or (record.status in _NOT_DECIDED and open_appeal(record)):
        return None
    return {name: appeal[name] for name in ("state", "at", "decided_at") if name in appeal}
