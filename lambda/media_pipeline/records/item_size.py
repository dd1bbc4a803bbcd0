"""Keeps records within DynamoDB's limit, whatever an object makes the pipeline write about it.

DynamoDB Developer Guide, "Service, account, and table quotas": an item has at most 400 KB, names and values together.
"""

import json
from collections.abc import Mapping
from typing import Any

ITEM_BYTES = 400 * 1024
FACTS_BYTES = 280 * 1024
"""What facts may take together: below the limit by what they are written beside, and by the estimate's error.

The largest of that are a person's decisions: 21 of them, each with a note of 1,000 characters of 4 bytes."""
DETAIL_CHARACTERS = 1_000
LABELS_PER_PICTURE = (10, 3, 0)
"""Labels that are kept of each judged picture, the surest ones, in the order in which it is tried."""


def fitted(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a record within the limit.

    Shortens `detail`; where all is still too long, keeps of each judged picture only its surest labels. The labels
    of the whole object (`moderation.labels`) stay.
    """
    kept = dict(facts)
    detail = kept.get("detail")
    if isinstance(detail, str) and len(detail) > DETAIL_CHARACTERS:
        kept["detail"] = detail[: DETAIL_CHARACTERS - 3] + "..."
    for limit in LABELS_PER_PICTURE:
        if _bytes(kept) <= FACTS_BYTES:
            break
        for name in ("moderation", "answers"):
            if isinstance(kept.get(name), Mapping):
                kept[name] = _with_fewer_labels(kept[name], limit)
    return kept


def _with_fewer_labels(document: Mapping[str, Any], limit: int) -> dict[str, Any]:
    changed = dict(document)
    for name in ("frames", "pictures"):
        if name in changed:
            changed[name] = [_shortened(picture, limit) for picture in changed[name]]
    return changed


def _shortened(picture: Mapping[str, Any], limit: int) -> dict[str, Any]:
    labels = picture.get("labels", [])
    if len(labels) <= limit:
        return dict(picture)
    surest = sorted(labels, key=lambda label: -label["confidence"])[:limit]
    return {**picture, "labels": surest, "omitted": True}


def _bytes(facts: Mapping[str, Any]) -> int:
    # JSON is longer than what DynamoDB counts: quotes and separators are about its three bytes for each list and map.
    return len(json.dumps(facts, default=str, ensure_ascii=False).encode())
