"""What the record keeps of a moderation decision, as a typed value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from media_pipeline.moderation.verdicts import Label, Mode, Verdict


@dataclass(frozen=True)
class FrameLabels:
    """The labels of one judged frame of a video; `time` in seconds from its start."""

    time: float
    labels: tuple[Label, ...]


@dataclass(frozen=True, kw_only=True)
class ModerationResult:
    """The verdict about one object, and what it is based on."""

    verdict: Verdict
    mode: Mode
    reason: str | None
    """A sentence for people; None for `allow` and `off`."""
    labels: tuple[Label, ...]
    """Every label of all judged pictures, each once with its highest confidence."""
    model_version: str | None
    """Rekognition's moderation model; None where it was not asked."""
    policy_version: str
    judged: int
    """How many pictures Rekognition was asked about; each request is billed."""
    frames: tuple[FrameLabels, ...] | None = None
    """Labels by frame for a video; None for anything else."""

    @property
    def publishes(self) -> bool:
        """Whether the object may be published."""
        return self.mode is Mode.OBSERVE or self.verdict in (Verdict.ALLOW, Verdict.OFF)

    def to_document(self) -> dict[str, Any]:
        """Return the record's field `moderation`.

        Shape: `{"verdict", "mode", "reason", "labels": [{"name", "parent", "confidence"}], "model_version",
        "policy_version", "judged", "frames"?: [{"time", "labels"}]}`.
        """
        document: dict[str, Any] = {
            "verdict": self.verdict.value,
            "mode": self.mode.value,
            "reason": self.reason,
            "labels": _labels_document(self.labels),
            "model_version": self.model_version,
            "policy_version": self.policy_version,
            "judged": self.judged,
        }
        if self.frames is not None:
            document["frames"] = [
                {"time": round(frame.time, 3), "labels": _labels_document(frame.labels)}
                for frame in self.frames
            ]
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "ModerationResult":
        """Parse the record's field `moderation`.

        Raises KeyError or ValueError for a document without a known verdict and mode: such a record must not read
        as an allowing one.
        """
        frames = document.get("frames")
        return cls(
            verdict=Verdict(document["verdict"]),
            mode=Mode(document["mode"]),
            reason=document.get("reason"),
            labels=_labels(document.get("labels", ())),
            model_version=document.get("model_version"),
            policy_version=document.get("policy_version", ""),
            judged=int(document.get("judged", 0)),
            frames=None
            if frames is None
            else tuple(FrameLabels(float(frame["time"]), _labels(frame["labels"])) for frame in frames),
        )


def _labels_document(labels: Sequence[Label]) -> list[dict[str, Any]]:
    return [
        {"name": label.name, "parent": label.parent, "confidence": round(label.confidence, 2)}
        for label in labels
    ]


def _labels(documents: Sequence[Mapping[str, Any]]) -> tuple[Label, ...]:
    return tuple(
        Label(label["name"], label.get("parent", ""), float(label["confidence"])) for label in documents
    )
