"""What must hold at the end of a run about what people look at only to be counted; uses no code of the pipeline."""

from collections.abc import Collection, Iterator
from typing import Any

_ENDS = {"approve": "PUBLISHED", "reject": "BLOCKED"}


def checks(item: dict[str, Any], *, evidence: Collection[str], wanted: bool) -> Iterator[str]:
    """Yield what is wrong with the check of a record; `wanted` says whether everything that is allowed is checked."""
    key, waits, checked = item["object_key"], item.get("attention") == "CHECK", item.get("checked")
    is_published = item["status"] == "PUBLISHED"
    is_allowed = (item.get("moderation") or {}).get("verdict") == "allow"
    if waits and (checked or not is_published or not is_allowed):
        yield f"{key} is {item['status']}, was checked by {checked}, and waits for a check"
    if checked and checked["id"] not in evidence:
        yield f"the check of {key} was not written down"
    if checked and (checked["action"] == "approve") != is_published and item["status"] != "DELETED":
        yield f"a person checked {key} with {checked['action']}, and it is {item['status']}"
    if wanted and is_published and is_allowed and not (waits or checked or item.get("decision")):
        yield f"{key} is published, and nobody is to check it"
    if wanted and is_published and is_allowed and not item.get("review"):
        yield f"{key} is to be checked without a picture"


def second_looks(item: dict[str, Any], *, evidence: Collection[str], wanted: bool) -> Iterator[str]:
    """Yield what is wrong with the second look at a record.

    `evidence` are ids of decisions that were written down; `wanted` says whether every decided review gets a second
    look.
    """
    key, waits, second = item["object_key"], item.get("attention") == "SECOND", item.get("second") or []
    decision = item.get("decision") or {}
    ended = _ENDS.get(str(decision.get("action")))
    is_first = item["status"] == ended and item.get("carried_out") == decision.get("id")
    about_review = (item.get("moderation") or {}).get("verdict") == "review"
    if item["status"] in _ENDS.values() and ended and item.get("carried_out") != decision["id"]:
        yield f"{key} is {item['status']}, and {decision['action']} was never carried out"
    if waits and (second or not is_first):
        yield f"{key} is {item['status']} with the second looks {second}, and waits for one"
    if len(second) > 1 or any(each["id"] not in evidence for each in second):
        yield f"{key} has the second looks {second}, which were not written down as they are"
    if wanted and is_first and about_review and not (waits or second):
        yield f"a person decided about {key}, and nobody is to look at it again"
