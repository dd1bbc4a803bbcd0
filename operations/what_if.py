"""What another policy would change about everything that was judged: reads records, writes nothing, asks nobody."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from media_pipeline.moderation.cached import comparable
from media_pipeline.moderation.policy import Policy
from media_pipeline.moderation.verdicts import Mode
from media_pipeline.records.answer_cache import MODEL, SORT_KEY
from operations.deciding_again import Decided, Outcome, Unknown, decide_again, decided_then, is_by_person
from operations.scanning import scan

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EXAMPLES: Final = 3
"""Keys that are named for each label and change."""
_MODEL_NOTE: Final = {"object_key": {"S": MODEL}, "sequencer": {"S": SORT_KEY}}
"""The item of the records table that names the newest version of Rekognition's model."""
_OUTCOMES: Final = frozenset(Outcome)
_READ: Final = ("object_key", "sequencer", "status", "moderation", "decision")
"""What is read of each record."""


@dataclass(frozen=True)
class Change:
    """A kind of change: what objects are by the policy of their time, what they would be, and the label behind it."""

    before: Outcome
    after: Outcome
    label: str
    """The label that withholds the object, by the policy that does; empty where no single label does."""


@dataclass
class Changed:
    """Objects with the same kind of change."""

    count: int = 0
    examples: list[str] = field(default_factory=list)
    decided: Counter[str] = field(default_factory=Counter)
    """What people decided about them, by action."""


@dataclass
class Comparison:
    """What the scan of the records found so far."""

    same: Counter[Outcome] = field(default_factory=Counter)
    changes: dict[Change, Changed] = field(default_factory=dict)
    unknown: Counter[Unknown] = field(default_factory=Counter)
    requests: int = 0
    """Requests to Rekognition that it takes to know the unknown ones."""
    pictures: int = 0
    """Requests to Rekognition that it takes to judge all of them again."""
    others: int = 0
    """Records without an outcome of moderation: under way, rejected, failed, deleted, superseded."""

    @property
    def outcomes(self) -> int:
        """How many outcomes were compared."""
        return self.same.total() + self.unknown.total() + sum(each.count for each in self.changes.values())

    def changed(self, before: Outcome, after: Outcome) -> int:
        """Return how many objects would change so."""
        return sum(
            each.count
            for change, each in self.changes.items()
            if (change.before, change.after) == (before, after)
        )

    def people(self, before: Outcome, after: Outcome) -> Counter[str]:
        """Return what people decided about the objects that would change so, by action."""
        found: Counter[str] = Counter()
        for change, each in self.changes.items():
            if (change.before, change.after) == (before, after):
                found += each.decided
        return found

    def of_another_model(self) -> "Comparison":
        """Return the same records as unknown ones: their answers are of another model than today's."""
        unknown = Counter({Unknown.OTHER_MODEL: self.outcomes - self.unknown.total()}) + self.unknown
        return Comparison(unknown=unknown, requests=self.pictures, pictures=self.pictures)

    def __iadd__(self, other: "Comparison") -> Self:
        """Add what was found about other records."""
        self.same += other.same
        self.unknown += other.unknown
        self.requests += other.requests
        self.pictures += other.pictures
        self.others += other.others
        for change, theirs in other.changes.items():
            mine = self.changes.setdefault(change, Changed())
            mine.count += theirs.count
            mine.examples = (mine.examples + theirs.examples)[:EXAMPLES]
            mine.decided += theirs.decided
        return self

    def add(self, record: Mapping[str, Any], answer: Decided | Unknown) -> None:
        """Count one record, in plain values, and what the policy makes of it."""
        moderation = record["moderation"]
        pictures = int(moderation.get("to_judge") or moderation.get("judged") or 1)
        self.pictures += pictures
        if isinstance(answer, Unknown):
            self.unknown[answer] += 1
            self.requests += pictures
            return
        then = decided_then(moderation)
        if then.outcome is answer.outcome:
            self.same[then.outcome] += 1
            return
        behind = then if answer.outcome is Outcome.PUBLISHED else answer
        change = Change(then.outcome, answer.outcome, label_in(behind.reason))
        changed = self.changes.setdefault(change, Changed())
        changed.count += 1
        if len(changed.examples) < EXAMPLES:
            changed.examples.append(record["object_key"])
        decision = record.get("decision")
        if decision and is_by_person(decision):
            changed.decided[decision["action"]] += 1


def label_in(reason: str | None) -> str:
    """Return the label that a sentence of the policy is about; empty for one that is about no label."""
    for words in (" reached the ", " is a label "):
        label, found, _ = (reason or "").partition(words)
        if found:
            return label.rpartition(" ")[0]
    return ""


class WhatIf:
    """Decides the recorded outcomes of a stack again."""

    def __init__(self, *, dynamodb: "DynamoDBClient", table: str, policy: Policy) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._policy = policy

    def compare(self, *, since: str | None = None) -> Comparison:
        """Read all records, or those that were finished `since` a time (UTC, ISO 8601), and decide them again.

        Raises what boto3 raises.
        """
        by_model: dict[tuple[str, bool], Comparison] = {}  # and by whether the object's policy is enforced
        others = 0
        for record in scan(self._dynamodb, self._table, _READ, since=since):
            if record["status"] not in _OUTCOMES or not record.get("moderation"):
                others += 1
                continue
            moderation = record["moderation"]
            policy = self._policy.of(record["object_key"])
            found = (moderation.get("model_version") or "", policy.mode is Mode.ENFORCE)
            comparison = by_model.setdefault(found, Comparison())
            comparison.add(record, decide_again(moderation, policy))
        total = Comparison(others=others)
        newest = self._newest_model(model for model, _ in by_model)
        for (model, is_enforced), comparison in by_model.items():
            is_current = model in ("", newest) or not is_enforced
            total += comparison if is_current else comparison.of_another_model()
        return total

    def _newest_model(self, seen: Iterable[str]) -> str:
        """Return the newest version of Rekognition's model that is known: noted beside the records, or in them."""
        note = self._dynamodb.get_item(TableName=self._table, Key=_MODEL_NOTE).get("Item", {})
        noted = note.get("model_version", {}).get("S", "")
        return max([noted, *seen], key=lambda version: comparable(version) or "")
