"""The outcome of each uploaded file, and of the whole run: the data of the report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from local.demo.charts import Board
from local.demo.decisions import Decisions

PROCESSING = "PROCESSING"
PUBLISHED = "PUBLISHED"
REVIEW = "REVIEW"
FAILED = "FAILED"

NOT_UPLOADED = "not_uploaded"  # reason of a file that never reached the bucket
NO_RECORD = "no_record"  # reason of an object that the pipeline never wrote a record about


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One file of the photos folder. `file` is its path in the folder in POSIX form.

    That is its object's key where it was put into the bucket, as the version `version_id`; sent through the API, it
    has the key `given_key`. Where it is neither there, `refused` says why.
    """

    file: str
    path: Path
    bytes: int
    version_id: str | None = None
    given_key: str | None = None
    refused: str | None = None

    @property
    def key(self) -> str:
        """Return the object key: what the API gave, else the file's path, unchanged."""
        return self.given_key or self.file

    @property
    def door(self) -> str | None:
        """Return how it was uploaded, for people; None where it was refused."""
        if self.given_key is not None:
            return "through the API"
        return "into the bucket" if self.is_there else None

    @property
    def is_there(self) -> bool:
        """Return whether it reached the bucket at all."""
        return self.version_id is not None or self.given_key is not None


@dataclass(frozen=True, kw_only=True)
class Rendition:
    """One rendition as its record lists it; `path` is where the demo put a copy, relative to OUT."""

    name: str
    format: str
    width: int
    height: int
    bytes: int
    key: str
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label of the stand-in for Rekognition; confidence in percent, `parent` empty at the first level."""

    name: str
    parent: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A judged frame of a video; `time` in seconds."""

    time: float
    labels: tuple[Label, ...]

    @property
    def confidence(self) -> float:
        """Return the highest of its labels' confidences; 0 without labels."""
        return max((label.confidence for label in self.labels), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One uploaded file with what its record says. `status` is None where there is no record.

    `picture` is what the report shows as the original, relative to OUT: a copy, or a preview of a format that
    browsers cannot show; None where it cannot be shown at all. `film` is the copy of a video, which `picture`
    then is a frame of.
    """

    upload: Upload
    status: str | None
    announced: bool = False
    reason: str | None = None
    detail: str | None = None
    content_type: str | None = None
    width: int | None = None
    height: int | None = None
    renditions: tuple[Rendition, ...] = ()
    verdict: str | None = None
    labels: tuple[Label, ...] = ()
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    frames: tuple[Judged, ...] = ()
    seconds: float | None = None
    sound: bool = False
    picture: str | None = None
    film: str | None = None
    is_preview: bool = False
    decided: str | None = None
    """What a person decided about it: `approve`, `withdraw`; None where nobody did."""
    lost: tuple[str, ...] = ()
    """Keys of renditions that the record lists and the bucket does not hold."""

    @property
    def is_video(self) -> bool:
        """Return whether the record calls it a video."""
        return (self.content_type or "").startswith("video/")

    @property
    def settled(self) -> bool:
        """Return whether the pipeline is done with it: a terminal record, announced; or it was never in the bucket."""
        if not self.upload.is_there:
            return True
        return self.status not in (None, PROCESSING) and self.announced

    @property
    def trouble(self) -> str | None:
        """Return why this object makes the run a failure, as a clause after the file's name; None where it does not."""
        if not self.upload.is_there:
            return f"was not uploaded: {self.upload.refused}"
        if self.status is None:
            return "has no record"
        if self.status == PROCESSING:
            return "was still being processed when the demo stopped waiting"
        if self.status == FAILED:
            return f"FAILED ({self.reason}): {self.detail}"
        if self.lost:
            return f"lists renditions that are not in the bucket: {', '.join(self.lost)}"
        return None if self.announced else f"is {self.status}, but that was never announced"


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """Wall-clock time of the run by phase, in seconds."""

    deploy: float
    process: float
    destroy: float
    total: float


@dataclass(frozen=True, kw_only=True)
class Mail:
    """An e-mail as its recipient gets it; `path` is the .eml file, relative to OUT."""

    recipient: str
    subject: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """One demo from deploy to destroy; `logs` are paths relative to OUT."""

    stack: str
    seconds: Seconds
    resources: int
    leftovers: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    mails: tuple[Mail, ...] = ()
    logs: tuple[str, ...] = ()
    cost: Mapping[str, Any] = field(default_factory=dict)
    """What AWS would bill for it, as `Costs.document` says; empty where nobody asked."""
    decisions: Decisions = field(default_factory=Decisions)
    board: Board | None = None
    """What the dashboard shows of it; None where nobody looked."""

    @property
    def troubles(self) -> list[str]:
        """Return every reason why the run is not a success, one sentence each; empty for a success."""
        objects = [
            f"{outcome.upload.file} {outcome.trouble}"
            for outcome in self.outcomes
            if outcome.trouble is not None
        ]
        unexpected = [each for each in self.leftovers if each not in self.backups]
        objects += self.decisions.troubles
        return objects + [f"left over after destroy: {leftover}" for leftover in unexpected]

    @property
    def backups(self) -> list[str]:
        """Return what is left over as documented: DynamoDB's backup of a table with point-in-time recovery."""
        return [each for each in self.leftovers if ":table/" in each and "/backup/" in each]


def from_records(uploads: Iterable[Upload], items: Iterable[Mapping[str, Any]]) -> tuple[Outcome, ...]:
    """Join uploads with the records of exactly their object versions, in the order of the uploads."""
    known = list(items)
    by_version = {(item["object_key"], item.get("version_id")): item for item in known}
    by_key = {item["object_key"]: item for item in known}  # the API gives each upload a key of its own
    return tuple(
        _outcome(
            upload,
            by_key.get(upload.given_key)
            if upload.given_key
            else by_version.get((upload.key, upload.version_id)),
        )
        for upload in uploads
    )


def _outcome(upload: Upload, item: Mapping[str, Any] | None) -> Outcome:
    if not upload.is_there:
        return Outcome(upload=upload, status=None, reason=NOT_UPLOADED, detail=upload.refused)
    if item is None:
        detail = "the pipeline wrote no record about this object version"
        return Outcome(upload=upload, status=None, reason=NO_RECORD, detail=detail)
    moderation = item.get("moderation") or {}
    # The record of a blocked object holds what would have been published: nobody is shown that.
    listed = item.get("renditions") or () if item["status"] == PUBLISHED else ()
    return Outcome(
        upload=upload,
        status=item["status"],
        announced=bool(item.get("announced_at")),
        reason=item.get("reason"),
        detail=item.get("detail"),
        content_type=item.get("content_type"),
        width=_whole(item.get("width")),
        height=_whole(item.get("height")),
        renditions=tuple(
            Rendition(
                name=entry["name"],
                format=entry["format"],
                width=int(entry["width"]),
                height=int(entry["height"]),
                bytes=int(entry["bytes"]),
                key=entry["key"],
            )
            for entry in listed
        ),
        verdict=moderation.get("verdict"),
        labels=_labels(moderation),
        milliseconds={step: _number(value) for step, value in (item.get("milliseconds") or {}).items()},
        frames=tuple(
            Judged(time=float(frame["time"]), labels=_labels(frame))
            for frame in moderation.get("frames") or ()
        ),
        seconds=None if item.get("duration") is None else float(item["duration"]),
        decided=(item.get("decision") or {}).get("action"),
        sound=bool(item.get("sound")),
    )


def _labels(judged: Mapping[str, Any]) -> tuple[Label, ...]:
    return tuple(
        Label(name=label["name"], parent=label.get("parent") or "", confidence=float(label["confidence"]))
        for label in judged.get("labels") or ()
    )


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _number(value: Decimal | float) -> float:
    return int(value) if value == int(value) else float(value)
