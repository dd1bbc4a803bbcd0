"""Checks of answers that later uploads use again, without any code of the pipeline.

What a record says came from the cache must be what Rekognition really answered about these bytes: asked from a
confidence that is low enough, by the newest model that was noted when the cache was read, not too long ago.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults.fault_injection import Call
from tests.faults.record_items import Item, judged

PREFIX, SORT_KEY = "!answers/", "!answer"
MODEL = PREFIX + "model"
DAY = 86_400.0
CLOCKS = 10.0  # seconds between the clocks of two environments, and between a look and the write of a record
Labels = frozenset[tuple[str, str, float]]


@dataclass(frozen=True)
class Given:
    """One answer of Rekognition."""

    labels: Labels
    least: float
    model: str
    at: float
    """Virtual seconds."""


@dataclass
class Look:
    """What an invocation may know from its last look into the cache."""

    model: str | None
    at: float


@dataclass
class AnswerChecker:
    """Compares what is kept and used again with what Rekognition answered.

    `note` returns the item about the model as it is now, or None; `when` the virtual seconds.
    """

    add_violation: Callable[[str], None]
    note: Callable[[], Item | None]
    when: Callable[[], float]
    requests: int = 0
    reused: int = 0
    _given: dict[str, list[Given]] = field(default_factory=dict)
    _looks: dict[Any, Look] = field(default_factory=dict)
    _order: str = ""

    def asked(self, call: Call, picture: bytes, labels: list[dict[str, Any]], model: str) -> None:
        """Note an answer of Rekognition."""
        self.requests += 1
        found = frozenset((each["Name"], each["ParentName"], each["Confidence"]) for each in labels)
        given = Given(found, float(call.params["MinConfidence"]), model, self.when())
        self._given.setdefault(hashlib.sha256(picture).hexdigest(), []).append(given)

    def after_call(self, call: Call) -> None:
        """Note a look into the cache, and check what is written to it."""
        if call.operation == "BatchGetItem":
            note = self.note()
            self._looks[call.invocation] = Look(str(note["model_version"]) if note else None, self.when())
        elif call.operation == "BatchWriteItem":
            for write in next(iter(call.params["RequestItems"].values())):
                self._written(call, write)
        elif call.operation == "UpdateItem" and call.params["Key"]["object_key"]["S"] == MODEL:
            self._noted()

    def _written(self, call: Call, write: dict[str, Any]) -> None:
        item = write.get("PutRequest", {}).get("Item", {})
        key = item.get("object_key", {}).get("S", "")
        if not key.startswith(PREFIX) or item["sequencer"]["S"] != SORT_KEY:
            self.add_violation(f"{call.invocation} wrote {key or write} among many items, which is no answer")
            return
        kept = item["answer"]["M"]
        labels = frozenset(
            (
                label["M"]["name"]["S"],
                label["M"]["parent"]["S"],
                float(label["M"]["confidence"]["N"]),
            )
            for label in kept["labels"]["L"]
        )
        is_true = any(
            (one.labels, one.least, one.model)
            == (labels, float(kept["asked_from"]["N"]), kept["model_version"]["S"])
            for one in self._given.get(key.removeprefix(PREFIX), ())
        )
        if not is_true:
            self.add_violation(f"{call.invocation} keeps an answer about {key} that Rekognition never gave")

    def _noted(self) -> None:
        note = self.note()
        order = str(note["model_order"]) if note else ""
        if order < self._order:
            self.add_violation(f"the older model {order} is noted after {self._order}")
        self._order = order

    def record_changed(self, old: Item | None, new: Item, call: Call) -> None:
        """Check the answers that a record says were used again."""
        moderation = new.get("moderation") or {}
        if any(picture.get("reused") for picture in (new.get("answers") or {}).get("pictures", ())):
            self.add_violation(f"{new['object_key']} was released with answers that nobody paid for")
        if not moderation or moderation == ((old or {}).get("moderation") or {}):
            return
        reused = [picture for picture in judged(moderation) if picture.get("reused")]
        self.reused += len(reused)
        if len(reused) != int(moderation.get("reused", 0)):
            self.add_violation(f"{new['object_key']} counts its reused answers as {moderation.get('reused')}")
        before = judged((old or {}).get("moderation") or {})
        kept = {
            picture["sha256"] for picture in before if picture.get("reused")
        }  # by a backfill's new verdict
        found = [picture for picture in reused if picture["sha256"] not in kept]
        for problem in {problem for each in found for problem in self._problems(each, moderation, call)}:
            self.add_violation(f"{new['object_key']} {new['sequencer']} uses an answer again {problem}")

    def _problems(self, picture: Item, moderation: Item, call: Call) -> Iterator[str]:
        look, days = self._looks.get(call.invocation), call.invocation.deployment.cache_days
        given = self._given.get(picture["sha256"], [])
        if not days or look is None:
            yield "without having looked for it"
            return
        if not given:
            yield "that Rekognition never gave about these bytes"
            return
        if moderation["model_version"] != look.model:
            yield f"of the model {moderation['model_version']}, although {look.model} was noted"
        least = float(moderation["asked_from"])
        fits = [one for one in given if one.model == moderation["model_version"] and one.least <= least]
        if not fits:
            yield f"that was asked for with fewer labels than from {least} on"
        shown = {
            (each["name"], each["parent"], round(float(each["confidence"]), 2)) for each in picture["labels"]
        }
        labels = [{label for label in one.labels if label[2] >= least} for one in fits]
        if fits and shown not in labels:
            yield f"with the labels {sorted(shown)}, instead of {[sorted(each) for each in labels]}"
        if fits and max(one.at for one in fits) < look.at - days * DAY - CLOCKS:
            yield "that is too old"
