"""What another policy would make of an object, from the answers of Rekognition that its record holds.

The functions' own policy decides, picture by picture. Where a record does not hold all that a new upload of the same
object would be judged by, only a block is certain: whatever else Rekognition would find, it cannot lift that.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from media_pipeline.moderation.policy import (
    UNKNOWN_LABEL_REVIEW,
    Decision,
    Policy,
    decide,
    decide_generated,
    decide_many_scenes,
    worst,
)
from media_pipeline.moderation.taxonomy import GENERATED_LABEL
from media_pipeline.moderation.verdicts import Label, Mode, Verdict
from media_pipeline.records.decisions import Action

RELEASE_REASON: Final = "today's policy does not withhold it"
"""The reason of an approval by which a backfill publishes what was withheld, without anybody's look."""


class Outcome(StrEnum):
    """What becomes of a judged object: the statuses of its record."""

    PUBLISHED = "PUBLISHED"
    REVIEW = "REVIEW"
    BLOCKED = "BLOCKED"


_ROUNDED = 0.005
"""Percent by which a confidence may be too high in the labels of a whole object, which are rounded to hundredths."""
_WITHHELD = {Verdict.REVIEW: Outcome.REVIEW, Verdict.BLOCK: Outcome.BLOCKED}


class Unknown(StrEnum):
    """Why a record does not say what would become of its object; the value is a sentence for people."""

    NOT_ASKED = "moderation was off: Rekognition was not asked"
    NOT_RECORDED = "the record is of an older version, which did not keep from which confidence it asked"
    ASKED_FROM = "Rekognition was asked from a higher confidence than the policy needs"
    NOT_ALL_JUDGED = "a picture was blocked before all of the object's pictures were judged"
    MERGED = "the record is of an older version, which merged the labels of several pictures"
    OMITTED = "the record had no room for all labels of every picture"
    OTHER_MODEL = "Rekognition has another moderation model by now"


@dataclass(frozen=True)
class Decided:
    """What a policy makes of an object; `reason` is the policy's sentence, None where it is published."""

    outcome: Outcome
    reason: str | None


def outcome(verdict: Verdict, mode: Mode) -> Outcome:
    """Return what becomes of an object with this verdict, where the policy has this mode."""
    return _WITHHELD.get(verdict, Outcome.PUBLISHED) if mode is Mode.ENFORCE else Outcome.PUBLISHED


def decided_then(moderation: Mapping[str, Any]) -> Decided:
    """Return what the policy of its time made of an object; `moderation` is the record's field of that name.

    Raises KeyError or ValueError where it has no known verdict and mode.
    """
    then = outcome(Verdict(moderation["verdict"]), Mode(moderation["mode"]))
    return Decided(then, None if then is Outcome.PUBLISHED else moderation.get("reason"))


def decide_again(moderation: Mapping[str, Any], policy: Policy) -> Decided | Unknown:
    """Return what `policy` would make of an object if it were uploaded again, or why its record does not say.

    `moderation` is the record's field of that name, in plain values. That the model may be another one by now is not
    taken into account. What an entry of the hash list decided stays so while the entry is there, unless the policy
    blocks it.
    """
    if moderation.get("known"):
        listed = decided_then(moderation)
        again = decide_again({**moderation, "known": None}, policy)
        is_blocked = isinstance(again, Decided) and again.outcome is Outcome.BLOCKED
        return again if is_blocked and listed.outcome is not Outcome.BLOCKED else listed
    if policy.mode is not Mode.ENFORCE:
        return Decided(Outcome.PUBLISHED, None)
    if moderation["mode"] == Mode.OFF:
        return Unknown.NOT_ASKED
    pictures = moderation.get("pictures") or moderation.get("frames") or ()
    answers = [_labels(picture, policy) for picture in pictures if not picture.get("omitted")]
    if not pictures:
        answers = [
            tuple(
                label._replace(confidence=label.confidence - _ROUNDED)
                for label in _labels(moderation, policy)
            )
        ]
    decision = worst([Decision(Verdict.ALLOW), *(decide(labels, policy) for labels in answers)])
    if moderation.get("generated"):
        decision = worst([decision, decide_generated(policy)])
    missing = None if decision.verdict is Verdict.BLOCK else _missing(moderation, pictures, policy)
    if missing is not None:
        return missing
    if moderation.get("many_scenes"):
        decision = worst([decision, decide_many_scenes(len(pictures), policy)])
    return Decided(outcome(decision.verdict, policy.mode), decision.reason)


def _missing(
    moderation: Mapping[str, Any], pictures: Sequence[Mapping[str, Any]], policy: Policy
) -> Unknown | None:
    """Return what the record lacks that a new upload would be judged by; None where it lacks nothing."""
    asked_from = moderation.get("asked_from")
    judged = int(moderation.get("judged", len(pictures)))
    if asked_from is None:
        return Unknown.NOT_RECORDED
    if float(asked_from) > _least(policy):
        return Unknown.ASKED_FROM
    if not pictures:
        return Unknown.MERGED
    if any(picture.get("omitted") for picture in pictures):
        return Unknown.OMITTED
    # Where there is no number of pictures to judge, a block may have ended the requests.
    was_ended = moderation["mode"] == Mode.ENFORCE and moderation["verdict"] == Verdict.BLOCK
    to_judge = moderation.get("to_judge", judged + 1 if was_ended else judged)
    return Unknown.NOT_ALL_JUDGED if judged < int(to_judge) else None


def _least(policy: Policy) -> float:
    """Return the least confidence, in percent, at which a label can matter to the policy's verdict."""
    # A label that the taxonomy does not know needs no rule, if Rekognition is asked for it.
    unknown = max(UNKNOWN_LABEL_REVIEW, policy.min_confidence)
    rules = (*policy.block.items(), *policy.review.items())
    return min([*(threshold for name, threshold in rules if name != GENERATED_LABEL), unknown])


def _labels(picture: Mapping[str, Any], policy: Policy) -> tuple[Label, ...]:
    """Return the labels that Rekognition would return if `policy` asked it."""
    return tuple(_asked(picture.get("labels", ()), policy.min_confidence))


def _asked(labels: Iterable[Mapping[str, Any]], least: float) -> Iterator[Label]:
    for label in labels:
        confidence = float(label["confidence"])
        if confidence >= least:
            yield Label(label["name"], label.get("parent", ""), confidence)


def is_by_person(decision: Mapping[str, Any]) -> bool:
    """Return whether somebody looked before deciding so: nobody does at what a backfill releases."""
    return not (decision["action"] == Action.APPROVE and decision.get("reason") == RELEASE_REASON)
