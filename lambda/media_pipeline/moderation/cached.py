"""Answers of Rekognition that later uploads of the same picture may use: labels, never a verdict.

Keyed by the SHA-256 of the JPEG that was judged, so nobody can place an answer for bytes that Rekognition did not see.
Pure: where the answers are kept is the business of `media_pipeline.records.answer_cache`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from media_pipeline.moderation.result import JudgedPicture
from media_pipeline.moderation.verdicts import Label

_VERSION = re.compile(r"(?P<numbers>\d{1,6}(\.\d{1,6})*)(?P<rest>[ -].{0,60})?")
_DIGITS = 6


class FreshAnswer(NamedTuple):
    """An answer that was just paid for."""

    picture: JudgedPicture
    model_version: str


class KnownAnswers(NamedTuple):
    """Answers that the cache has for the pictures of an object, all of one version of Rekognition's model."""

    model_version: str
    pictures: Mapping[str, JudgedPicture]
    """By SHA-256; each with the labels that a request of today would return."""


@dataclass(frozen=True, kw_only=True)
class CachedAnswer:
    """What Rekognition answered about one picture, and the circumstances that decide whether it may be used again."""

    labels: tuple[Label, ...]
    asked_from: float
    """The least confidence, in percent, of labels that were asked for."""
    model_version: str
    asked_at: float
    """Epoch seconds."""

    def to_document(self) -> dict[str, Any]:
        """Return `{"labels": [{"name", "parent", "confidence"}], "asked_from", "model_version", "asked_at"}`.

        Confidences are not rounded: a rounded one might reach a threshold that the answer itself does not reach.
        """
        return {
            "labels": [label._asdict() for label in self.labels],
            "asked_from": self.asked_from,
            "model_version": self.model_version,
            "asked_at": self.asked_at,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "CachedAnswer":
        """Parse what `to_document` returns.

        Raises KeyError, TypeError or ValueError where anything is missing or of another kind: what cannot be read must
        not read as an answer without labels.
        """
        labels = document["labels"]
        if not isinstance(labels, list):
            raise TypeError(f"labels are a {type(labels).__name__}, not a list")
        return cls(
            labels=tuple(
                Label(str(label["name"]), str(label["parent"]), _percent(label["confidence"]))
                for label in labels
            ),
            asked_from=_percent(document["asked_from"]),
            model_version=str(document["model_version"]),
            asked_at=float(document["asked_at"]),
        )

    def serves(self, *, asked_from: float, model_version: str, not_before: float) -> bool:
        """Return whether it may replace a request of today.

        `asked_from` is the least confidence that such a request would ask for, `model_version` that of today's model,
        `not_before` the epoch seconds before which an answer is too old.
        """
        return (
            self.asked_from <= asked_from
            and self.model_version == model_version
            and self.asked_at >= not_before
        )

    def picture(self, sha256: str, asked_from: float) -> JudgedPicture:
        """Return the picture with the labels that a request of today, with this least confidence, would return."""
        labels = tuple(label for label in self.labels if label.confidence >= asked_from)
        return JudgedPicture(sha256=sha256, labels=labels, reused=True)


def _percent(value: Any) -> float:
    number = float(value)
    if not 0 <= number <= 100:  # also of NaN, which compares with nothing
        raise ValueError(f"{value!r} is not a confidence from 0 to 100")
    return number


def comparable(model_version: str) -> str | None:
    """Return a version of Rekognition's model, such as `7.0`, as a text that sorts like it; None if it is no such.

    Words after the numbers, as in `7.0 (stand-in)`, count after all numbers.
    """
    found = _VERSION.fullmatch(model_version)
    if found is None:
        return None
    numbers = (part.zfill(_DIGITS) for part in found["numbers"].split("."))
    return ".".join(numbers) + (found["rest"] or "")
