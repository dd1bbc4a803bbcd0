"""What people decided about what the policy sent to review: how often it was right, by label and confidence.

The policy is right where a person rejects what it withheld. Reads records; writes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

from media_pipeline.errors import TooFewDecisionsError
from operations.ages import iso
from operations.deciding_again import is_by_person
from operations.scanning import scan
from operations.what_if import label_in

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LEAST: Final = 20
"""Decisions below which no share is given: its interval would be wider than half of all shares."""
BAND: Final = 10
"""Percent of confidence that one band is wide."""
PRECISION: Final = 0.9
"""The share of right rejections from which a threshold is suggested, unless another one is wanted."""
Z: Final = 1.959964
"""Standard deviations on each side of the mean that hold 95 % of a normal distribution."""
NO_LABEL: Final = "no single label"
_READ: Final = ("object_key", "sequencer", "moderation", "decision", "decisions", "second", "checked")
_SECONDS_PER_DAY: Final = 86_400
_DECIDED: Final = frozenset({"approve", "reject"})


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson's score (E. B. Wilson, 1927); (0, 1) for nothing."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z / (1 + square / of) * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass
class Decided:
    """Decisions about one label: the confidence of each, and whether the object was rejected."""

    found: list[tuple[float, bool]] = field(default_factory=list)

    def bands(self) -> dict[int, list[bool]]:
        """Return whether each was rejected, by the lower end of its band of confidence."""
        bands: dict[int, list[bool]] = defaultdict(list)
        for confidence, rejected in self.found:
            bands[min(int(confidence // BAND) * BAND, 100 - BAND)].append(rejected)
        return dict(sorted(bands.items()))

    def threshold(self, precision: float) -> tuple[int, list[bool]] | None:
        """Return the lowest whole percent from which on at least `precision` were rejected, and those decisions.

        None where no threshold has LEAST decisions at or above it that are so often right.
        """
        for threshold in sorted({int(confidence) for confidence, _ in self.found}):
            above = [rejected for confidence, rejected in self.found if confidence >= threshold]
            if len(above) >= LEAST and sum(above) >= precision * len(above):
                return threshold, above
        return None


@dataclass
class Report:
    """What the decisions of some days say."""

    precision: float = PRECISION
    labels: dict[str, Decided] = field(default_factory=dict)
    looks: dict[str, list[tuple[bool, bool]]] = field(default_factory=dict)
    """Second looks by label: whether the first person rejected the object, and whether the second one would have."""

    checks: list[bool] = field(default_factory=list)
    """Of what the policy allowed and a person checked: whether it should not have been published."""

    @property
    def decisions(self) -> int:
        """How many decisions were counted."""
        return sum(len(decided.found) for decided in self.labels.values())

    def add(self, record: Mapping[str, Any], since: str) -> None:
        """Count checks, and the last approval or rejection of what went to review, since a time (UTC, ISO 8601)."""
        if (check := record.get("checked")) and check["at"] >= since:
            self.checks.append(check["action"] == "withdraw")
        moderation = record.get("moderation") or {}
        if moderation.get("verdict") != "review":
            return
        decision = last_decision(record)
        if decision is None or decision["at"] < since:
            return
        label, confidence = struck(moderation)
        rejected = decision["action"] == "reject"
        self.labels.setdefault(label, Decided()).found.append((confidence, rejected))
        if second := record.get("second"):
            look = (rejected, second[0]["action"] == "reject")
            self.looks.setdefault(label, []).append(look)

    def document(self) -> dict[str, Any]:
        """Return the report, the label with the most decisions first.

        Shape: `{"decisions", "approved", "rejected", "wanted_precision", "checks": {SHARE}, "second_looks", "labels":
        [{"label", SHARE, "bands": [{"from", "to", SHARE}], "suggested": {"threshold", SHARE} or None,
        "second_looks"}]}`; SHARE is `"decisions", "rejected", "precision", "interval"`, the last two None below LEAST
        decisions; `second_looks` as `agreement` returns it. Raises TooFewDecisionsError below LEAST decisions in all.
        """
        found = self.decisions + len(self.checks)
        if found < LEAST:
            raise TooFewDecisionsError(
                f"{found} decisions are too few for a report: it needs at least {LEAST}; choose more days"
            )
        everything = [rejected for decided in self.labels.values() for _, rejected in decided.found]
        by_count = sorted(self.labels.items(), key=lambda item: (-len(item[1].found), item[0]))
        return {
            "decisions": len(everything),
            "approved": len(everything) - sum(everything),
            "rejected": sum(everything),
            "wanted_precision": self.precision,
            "checks": share(self.checks),
            "second_looks": agreement([look for looks in self.looks.values() for look in looks]),
            "labels": [self._label(label, decided) for label, decided in by_count],
        }

    def _label(self, label: str, decided: Decided) -> dict[str, Any]:
        suggested = decided.threshold(self.precision) if label != NO_LABEL else None
        return {
            "label": label,
            **share([rejected for _, rejected in decided.found]),
            "bands": [
                {"from": band, "to": band + BAND, **share(found)} for band, found in decided.bands().items()
            ]
            if label != NO_LABEL
            else [],
            "suggested": {"threshold": suggested[0], **share(suggested[1])} if suggested else None,
            "second_looks": agreement(self.looks.get(label, [])),
        }


def share(rejected: Sequence[bool]) -> dict[str, Any]:
    """Return `{"decisions", "rejected", "precision", "interval": [low, high]}`; no share of fewer than LEAST."""
    hits, of = sum(rejected), len(rejected)
    enough = of >= LEAST
    return {
        "decisions": of,
        "rejected": hits,
        "precision": round(hits / of, 4) if enough else None,
        "interval": [round(end, 4) for end in wilson(hits, of)] if enough else None,
    }


def agreement(looks: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    """Return `{"count", "agreed", "kappa"}` of pairs of first and second looks; no kappa of fewer than LEAST.

    Cohen's kappa is 1 where both always agree, and 0 where they agree as often as by chance.
    """
    of, agreed = len(looks), sum(first is second for first, second in looks)
    return {"count": of, "agreed": agreed, "kappa": None if of < LEAST else _kappa(looks, agreed / of)}


def _kappa(looks: Sequence[tuple[bool, bool]], observed: float) -> float | None:
    of = len(looks)
    first, second = sum(look[0] for look in looks) / of, sum(look[1] for look in looks) / of
    expected = first * second + (1 - first) * (1 - second)
    # Where both only ever gave the same one answer, chance agrees as well: kappa is not defined.
    return None if expected == 1 else round((observed - expected) / (1 - expected), 4)


def last_decision(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a person's last approval or rejection of a record, in plain values; None where there is none.

    A backfill's releases are none: they say what the policy allows by now, and nothing about whether it was right.
    """
    decisions: Iterable[Mapping[str, Any]] = [*record.get("decisions", ())]
    if "decision" in record:
        decisions = [*decisions, record["decision"]]
    by_people = (each for each in reversed(list(decisions)) if is_by_person(each))
    return next((each for each in by_people if each["action"] in _DECIDED), None)


def struck(moderation: Mapping[str, Any]) -> tuple[str, float]:
    """Return the label that a verdict names, and its highest confidence; NO_LABEL for one that names none."""
    label = label_in(moderation.get("reason"))
    sure = [float(each["confidence"]) for each in moderation.get("labels", ()) if each["name"] == label]
    return (label, max(sure)) if sure else (NO_LABEL, 0.0)


def report_of_days(
    dynamodb: "DynamoDBClient",
    table: str,
    days: int,
    *,
    precision: float = PRECISION,
    clock: Callable[[], float],
) -> dict[str, Any]:
    """Read all records that were decided about, and return the report about the last `days`, with their begin.

    `clock` gives epoch seconds. Shape: `{"since"}` and `Report.document`. Raises TooFewDecisionsError, and what boto3
    raises.
    """
    since = iso(clock() - days * _SECONDS_PER_DAY)
    report = Report(precision=precision)
    for record in scan(dynamodb, table, _READ, having=("decision", "checked")):
        report.add(record, since)
    return {"since": since, **report.document()}
