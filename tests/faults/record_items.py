"""Items of the records table as the checks read them, without code of the pipeline."""

from collections.abc import Iterable, Iterator
from typing import Any

from tests.faults.history import identity, marker_identity

Item = dict[str, Any]
TERMINAL = frozenset({"PUBLISHED", "BLOCKED", "REVIEW", "REJECTED", "FAILED", "SUPERSEDED", "DELETED"})
WITHHELD = frozenset({"BLOCKED", "REVIEW"})


def version_of(item: Item) -> str:
    """Return the identity of the version or delete marker that a record is about."""
    if item.get("delete_marker"):
        return marker_identity(item.get("version_id"), str(item["sequencer"]))
    return identity(item.get("version_id"), item.get("etag"))


def judged(document: Item) -> Iterable[Item]:
    """Return the pictures, or the frames of a video, that a verdict is about."""
    return document.get("pictures") or document.get("frames") or ()


def answered(document: Item) -> dict[str, float]:
    """Return the pictures whose answers a verdict, or a cut-off attempt, wrote down: SHA-256 -> least confidence."""
    return {picture["sha256"]: least for picture, least in _pictures(document)}


def paid_for(document: Item) -> dict[str, float]:
    """Return those of them that Rekognition was asked for, and not the cache: SHA-256 -> least confidence."""
    return {picture["sha256"]: least for picture, least in _pictures(document) if not picture.get("reused")}


def _pictures(document: Item) -> Iterator[tuple[Item, float]]:
    least = float(document.get("asked_from") or 0)
    for picture in judged(document):
        if not picture.get("omitted"):
            yield picture, least


def listed(item: Item) -> set[str]:
    """Return the keys of the renditions that a record lists."""
    return {str(rendition["key"]) for rendition in item.get("renditions") or ()}


def named(item: Item) -> set[str]:
    """Return the keys that a record lists, and those that a backfill is about to put."""
    return listed(item) | {str(key) for key in (item.get("rework") or {}).get("renditions") or ()}


def is_withheld(item: Item) -> bool:
    """Return whether an enforced verdict withholds the version."""
    moderation = item.get("moderation") or {}
    return moderation.get("mode") == "enforce" and moderation.get("verdict") in ("block", "review")


def is_undecided(item: Item) -> bool:
    """Return whether a record holds a decision that was not carried out."""
    decision = item.get("decision") or {}
    return bool(decision) and decision.get("id") != item.get("carried_out")


def changed_fields(old: Item, new: Item) -> set[str]:
    """Return the names of the fields in which two states of a record differ."""
    return {field for field in old.keys() | new.keys() if old.get(field) != new.get(field)}
