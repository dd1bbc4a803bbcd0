"""What the record keeps of a moderation decision, as a typed value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from media_pipeline.moderation.verdicts import Label, Mode, Verdict


class JudgedPicture(NamedTuple):
    """Rekognition's answer about one picture."""

    sha256: str
    """Hexadecimal digest of the JPEG that Rekognition was sent."""
    labels: tuple[Label, ...]
    complete: bool = True
    """False where the record had no room for all labels: such an answer cannot be used again."""
    time: float | None = None
    """When the picture is shown, in seconds from the start of a video; None for anything else."""
    reused: bool = False
    """Whether the answer was given to an earlier upload with the same picture."""

    def to_document(self) -> dict[str, Any]:
        """Return `{"sha256", "labels": [{"name", "parent", "confidence"}], "time"?, "omitted"?, "reused"?}`.

        Confidences are not rounded: a policy that decides again by a rounded one might decide otherwise.
        """
        labels = [label._asdict() for label in self.labels]
        document: dict[str, Any] = {"sha256": self.sha256, "labels": labels}
        if self.time is not None:
            document["time"] = round(self.time, 3)
        if not self.complete:
            document["omitted"] = True
        if self.reused:
            document["reused"] = True
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "JudgedPicture":
        """Parse what `to_document` returns. A picture without a hash, of an older record, is never equal to another."""
        time = document.get("time")
        return cls(
            sha256=document.get("sha256", ""),
            labels=_labels(document.get("labels", ())),
            complete=not document.get("omitted", False),
            time=None if time is None else float(time),
            reused=bool(document.get("reused", False)),
        )


class Known(NamedTuple):
    """The entry of the stack's hash list that decided about an object."""

    list_id: str
    kind: str
    """`sha256`: it has the same bytes; `pdq`: it looks like what is on the list."""
    distance: int | None = None
    """Of `pdq`: in how many of 256 bits the hashes differ."""

    def to_document(self) -> dict[str, Any]:
        """Return `{"list_id", "kind", "distance"?}`."""
        return {name: value for name, value in self._asdict().items() if value is not None}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Known":
        """Parse what `to_document` returns."""
        distance = document.get("distance")
        return cls(document["list_id"], document["kind"], None if distance is None else int(distance))


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
    """How many pictures the verdict is about."""
    pictures: tuple[JudgedPicture, ...] = ()
    """The judged pictures; empty in records of versions before 0.2."""
    asked_from: float | None = None
    """The least confidence, in percent, of labels that Rekognition was asked for; None where it was not asked."""
    many_scenes: bool = False
    """Whether it has many more distinct scenes than the judged pictures show."""
    to_judge: int | None = None
    """How many pictures there were to judge: more than `judged` where one blocked it before the others were asked
    about. None where Rekognition was not asked, and in records of versions before this was recorded."""
    generated: bool = False
    """Whether the file says of itself that a generative model made it, or a part of it."""
    known: Known | None = None
    """What decided in place of the policy; such a verdict counts in every mode."""

    @property
    def reused(self) -> int:
        """How many of the judged pictures needed no request, since an earlier upload had the same ones."""
        return sum(picture.reused for picture in self.pictures)

    @property
    def publishes(self) -> bool:
        """Whether the object may be published."""
        return self.mode is Mode.OBSERVE or self.verdict in (Verdict.ALLOW, Verdict.OFF)

    def covers(self, pictures: Iterable[str], mode: Mode) -> bool:
        """Return whether this allowing verdict is about all `pictures` (SHA-256), and `mode` is not stricter."""
        judged = {picture.sha256 for picture in self.pictures}
        return mode.strictness <= self.mode.strictness and (mode is Mode.OFF or judged.issuperset(pictures))

    def withholds_in(self, mode: Mode) -> bool:
        """Return whether this verdict forbids publishing where the stack's mode is `mode` now.

        A recorded `block` or `review` counts always: in the mode in which it was reached, or a stricter one of now.
        """
        enforced = Mode.ENFORCE in (self.mode, mode)
        return enforced and self.verdict in (Verdict.BLOCK, Verdict.REVIEW)

    def worse(self, other: "ModerationResult") -> "ModerationResult":
        """Combine with a verdict that was reached later, about what is published now: the more severe one counts."""
        if other.verdict.severity >= self.verdict.severity:
            return other
        mode = self.mode if other.mode is Mode.OFF else other.mode
        return replace(other, verdict=self.verdict, reason=self.reason, mode=mode, known=self.known)

    def to_document(self) -> dict[str, Any]:
        """Return the record's field `moderation`.

        Shape: `{"verdict", "mode", "reason", "labels": [{"name", "parent", "confidence"}], "model_version",
        "policy_version", "judged", "to_judge"?, "asked_from", "reused"?, "many_scenes"?: true, "generated"?: true,
        "known"?: Known.to_document(), "pictures" or "frames": [JudgedPicture.to_document()]}`; `frames` for videos.
        """
        pictures = [picture.to_document() for picture in self.pictures]
        name = "frames" if any(picture.time is not None for picture in self.pictures) else "pictures"
        return {
            "verdict": self.verdict.value,
            "mode": self.mode.value,
            "reason": self.reason,
            "labels": _labels_document(self.labels),
            "model_version": self.model_version,
            "policy_version": self.policy_version,
            "judged": self.judged,
            **({"to_judge": self.to_judge} if self.to_judge is not None else {}),
            "asked_from": self.asked_from,
            **({"reused": self.reused} if self.reused else {}),
            **({"many_scenes": True} if self.many_scenes else {}),
            **({"generated": True} if self.generated else {}),
            **({"known": self.known.to_document()} if self.known else {}),
            name: pictures,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "ModerationResult":
        """Parse the record's field `moderation`.

        Raises KeyError or ValueError for a document without a known verdict and mode: such a record must not read
        as an allowing one.
        """
        pictures = document.get("pictures") or document.get("frames") or ()
        asked_from, to_judge = document.get("asked_from"), document.get("to_judge")
        known = document.get("known")
        return cls(
            verdict=Verdict(document["verdict"]),
            mode=Mode(document["mode"]),
            reason=document.get("reason"),
            labels=_labels(document.get("labels", ())),
            model_version=document.get("model_version"),
            policy_version=document.get("policy_version", ""),
            judged=int(document.get("judged", 0)),
            pictures=tuple(JudgedPicture.from_document(picture) for picture in pictures),
            asked_from=None if asked_from is None else float(asked_from),
            many_scenes=bool(document.get("many_scenes", False)),
            generated=bool(document.get("generated", False)),
            to_judge=None if to_judge is None else int(to_judge),
            known=Known.from_document(known) if known else None,
        )


class Answers(NamedTuple):
    """Answers of Rekognition that were paid for, by the SHA-256 of the picture, for the attempts of one version."""

    asked_from: float
    model_version: str
    pictures: Mapping[str, JudgedPicture]

    def to_document(self) -> dict[str, Any]:
        """Return the record's field `answers`: `{"asked_from", "model_version", "pictures": [...]}`.

        Without answers from the cache: those have to be looked up again, since the model may be another one by then.
        """
        return {
            "asked_from": self.asked_from,
            "model_version": self.model_version,
            "pictures": [picture.to_document() for picture in self.without_reused().pictures.values()],
        }

    def without_reused(self) -> "Answers":
        """Return the answers that were paid for, without those of the cache."""
        paid = {digest: picture for digest, picture in self.pictures.items() if not picture.reused}
        return self._replace(pictures=paid)

    @staticmethod
    def joined(own: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the fields `answers` of two records of one version as one; `own` where the other adds nothing.

        Both hold the labels from the higher of the two confidences on. Of two models, the answers of `own` stay.
        """
        pictures = {picture["sha256"]: picture for picture in own["pictures"]}
        added = {picture["sha256"]: picture for picture in other["pictures"]}
        if own["model_version"] != other["model_version"] or added.keys() <= pictures.keys():
            return own
        asked_from = max(float(own["asked_from"]), float(other["asked_from"]))
        return {**own, "asked_from": asked_from, "pictures": list((added | pictures).values())}

    @classmethod
    def of_record(cls, attributes: Mapping[str, Any], asked_from: float) -> "Answers | None":
        """Read the answers that a record holds, from a cut-off attempt or from its verdict.

        Return None where there are none, or where labels were asked for from a higher confidence than `asked_from`.
        Those that came from the cache are left out, as by `to_document`.
        """
        document = attributes.get("answers") or attributes.get("moderation") or {}
        least = document.get("asked_from")
        if least is None or float(least) > asked_from:
            return None
        pictures = document.get("pictures") or document.get("frames") or ()
        known = (JudgedPicture.from_document(picture) for picture in pictures)
        return cls(
            asked_from=float(least),
            model_version=document.get("model_version") or "",
            pictures={picture.sha256: picture for picture in known if picture.sha256 and picture.complete},
        ).without_reused()


def _labels_document(labels: Sequence[Label]) -> list[dict[str, Any]]:
    return [
        {"name": label.name, "parent": label.parent, "confidence": round(label.confidence, 2)}
        for label in labels
    ]


def _labels(documents: Sequence[Mapping[str, Any]]) -> tuple[Label, ...]:
    return tuple(
        Label(label["name"], label.get("parent", ""), float(label["confidence"])) for label in documents
    )
