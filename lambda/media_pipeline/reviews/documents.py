"""What the console and `operations review --json` say about a review, as JSON documents."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from media_pipeline.moderation.verdicts import Label
from media_pipeline.records.approvals import approvals_given
from media_pipeline.records.attention import Attention, attention_of
from media_pipeline.records.record import Record, Status
from media_pipeline.reviews.waiting import review_id

TOP_LABELS = 3
CHECKED = (
    "the policy allowed it, and it is published; it was chosen by chance, so that mistakes can be counted"
)
_OF_DECISIONS = frozenset(
    {
        "status",
        "reason",
        "detail",
        "decision",
        "decisions",
        "approvals",
        "carried_out",
        "second",
        "renditions",
    }
)
"""Attributes that say, or show, what a person decided."""


def summary(record: Record, *, needed: int = 1) -> dict[str, Any]:
    """Return one line of the list.

    Shape: `{"id", "object_key", "status", "attention", "since", "content_type", "duration", "bytes", "why",
    "labels": [{"name", "parent", "confidence"}], "decision", "approvals": [{"person", "at"}], "needed", "hold"}`; what
    is not known is None. `decision` is one that the workers have not carried out yet; `approvals` are those that wait
    for further ones, until `needed` persons approved; `hold` says who escalated it.
    """
    record = blinded(record)
    known = record.attributes
    moderation = record.moderation
    pending = record.pending_decision
    return {
        "id": review_id(record),
        "object_key": record.object_key,
        "status": record.status.value,
        "attention": known.get("attention"),
        "since": known.get("finished_at") or known.get("updated_at"),
        "content_type": known.get("content_type"),
        "duration": known.get("duration"),
        "bytes": known.get("bytes"),
        "why": CHECKED if attention_of(record) is Attention.CHECK else known.get("detail") or _reason(record),
        "labels": labels(moderation.labels[:TOP_LABELS] if moderation else ()),
        "decision": pending.to_document() if pending else None,
        "approvals": [{name: each[name] for name in ("person", "at")} for each in approvals_given(record)],
        "needed": needed,
        "hold": known.get("hold"),
    }


def whole(record: Record, history: Iterable[Record], *, needed: int = 1) -> dict[str, Any]:
    """Return everything that a person may want to know before deciding.

    Shape: that of `summary` and `{"appeal", "sequencer", "version", "sha256", "reason", "detail", "frames", "verdict",
    "policy_version", "model_version", "judged", "pictures": [{"time", "labels"}], "decisions", "history":
    [{"sequencer", "status", "reason", "at", "decided_by"}], "replaced"}`. `history` are the records of the key,
    newest first; `replaced` says whether a newer version took this one's place.
    """
    record = blinded(record)
    known = record.attributes
    moderation = record.moderation
    listed = list(history)
    return {
        **summary(record, needed=needed),
        "labels": labels(moderation.labels if moderation else ()),
        "appeal": known.get("appeal"),
        "sequencer": record.sequencer,
        "version": record.version,
        "sha256": known.get("sha256"),
        "reason": known.get("reason"),
        "detail": known.get("detail"),
        "frames": known.get("frames"),
        "verdict": moderation.verdict.value if moderation else None,
        "policy_version": moderation.policy_version if moderation else None,
        "model_version": moderation.model_version if moderation else None,
        "judged": moderation.judged if moderation else 0,
        "pictures": _pictures(record),
        "decisions": [*known.get("decisions", ()), *([known["decision"]] if record.decision else ())],
        "history": [_of_key(other) for other in listed],
        "replaced": any(other.sequencer > record.sequencer and not other.undone for other in listed),
    }


def _reason(record: Record) -> str | None:
    return record.moderation.reason if record.moderation else None


def blinded(record: Record) -> Record:
    """Return a record as it was before a person decided about it, where another one is to look at it again.

    Whoever looks must not know what was decided, or by whom.
    """
    if attention_of(record) is not Attention.SECOND:
        return record
    shown = {name: value for name, value in record.attributes.items() if name not in _OF_DECISIONS}
    return replace(record, status=Status.REVIEW, decision=None, carried_out=None, attributes=shown)


def labels(found: Iterable[Label]) -> list[Mapping[str, Any]]:
    """Return labels as `{"name", "parent", "confidence"}`, the surest first."""
    return [
        {"name": label.name, "parent": label.parent, "confidence": round(label.confidence, 1)}
        for label in sorted(found, key=lambda label: -label.confidence)
    ]


def _pictures(record: Record) -> list[dict[str, Any]]:
    """Return time and labels of each picture for reviewers, in the order of their links, else of each judged one."""
    judged = record.moderation.pictures if record.moderation else ()
    entries = record.attributes.get("review")
    if not entries:
        return [{"time": picture.time, "labels": labels(picture.labels)} for picture in judged]
    found = {picture.sha256: labels(picture.labels) for picture in judged}
    return [{"time": entry.get("time"), "labels": found.get(entry["sha256"], [])} for entry in entries]


def _of_key(record: Record) -> dict[str, Any]:
    record = blinded(record)
    known = record.attributes
    return {
        "sequencer": record.sequencer,
        "status": record.status.value,
        "reason": known.get("reason"),
        "at": known.get("finished_at") or known.get("updated_at"),
        "decided_by": record.decision.person if record.decision else None,
    }
