"""What must hold at the end of a run about appeals; uses no code of the pipeline."""

from collections.abc import Iterator
from typing import Any

STATES = {"open", "upheld", "overturned"}
OVERTURNING = ("approve", "restore")


def appeals(item: dict[str, Any], *, accepted: set[str]) -> Iterator[str]:
    """Yield what is wrong with the appeal of a record; `accepted` are keys whose appeal the API took."""
    key, appeal = item["object_key"], item.get("appeal")
    waits = item.get("attention") == "APPEAL"
    if appeal is None:
        if waits:
            yield f"{key} waits for a decision about an appeal that it does not have"
        if key in accepted and item["status"] not in ("DELETED", "SUPERSEDED"):
            yield f"the API took an appeal about {key}, which the record does not have"
        return
    state = appeal["state"]
    if state not in STATES:
        yield f"the appeal of {key} is {state}"
    if waits != (state == "open" and item["status"] == "BLOCKED"):
        yield f"{key} is {item['status']}, its appeal {state}, and it waits as {item.get('attention')}"
    decision = item.get("decision")
    if decision is None or decision["at"] < appeal["at"] or item.get("carried_out") != decision["id"]:
        return
    wanted = "overturned" if decision["action"] in OVERTURNING else "upheld"
    if state != wanted or appeal.get("decided_at") != decision["at"]:
        yield f"a person decided to {decision['action']} {key}, and its appeal is {state}"
