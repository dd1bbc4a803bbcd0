"""The content of one record, and its form as a DynamoDB item."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from media_pipeline.errors import Reason
from media_pipeline.events import NULL_VERSION, identity, is_made_up
from media_pipeline.moderation.result import ModerationResult
from media_pipeline.records.decisions import Action, Decision
from media_pipeline.records.rework import Rework


class Status(StrEnum):
    """The states of an object version; all but PROCESSING are terminal."""

    PROCESSING = "PROCESSING"
    PUBLISHED = "PUBLISHED"
    BLOCKED = "BLOCKED"
    REVIEW = "REVIEW"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"
    DELETED = "DELETED"

    @property
    def terminal(self) -> bool:
        """Whether no further work happens without a new request."""
        return self is not Status.PROCESSING

    @property
    def needs_attention(self) -> bool:
        """Whether a person must act; only these are in the sparse index `attention`."""
        return self in (Status.REVIEW, Status.FAILED)


_WITHHELD = frozenset({Status.BLOCKED, Status.REVIEW})
NEVER_SHOWN = frozenset({Status.REJECTED, Status.SUPERSEDED})
"""Outcomes that say nothing to readers: an older version stays shown below them, also once they are taken down."""


LOOKS = ("placeholder", "dominant_colour", "pdq", "pdq_quality", "width", "height")
"""Facts that show something of a picture: a blurred one is a picture too. Records are open to applications."""


class Stage(StrEnum):
    """Which function an open record waits for."""

    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One item of the records table: the fields that the life cycle reads, and all the others in `attributes`."""

    object_key: str
    sequencer: str
    status: Status
    version_id: str | None
    etag: str | None
    attempt: int
    unfinished: int
    owner: str | None
    lease_until: Decimal
    stage: Stage
    moderation: ModerationResult | None
    decision: Decision | None
    """What a person asked for last, whether or not it was carried out."""
    carried_out: str | None
    """The id of the decision that was carried out last."""
    renditions: tuple[Mapping[str, Any], ...]
    alert_id: str | None
    announced_at: str | None
    attributes: Mapping[str, Any] = field(repr=False)

    @property
    def version(self) -> str:
        """What distinguishes this object from others with the same key: the version id, else the ETag."""
        return identity(self.version_id, self.etag)

    @property
    def is_of_null_version(self) -> bool:
        """Whether S3 has no id of its own for the version."""
        return self.version_id in (None, NULL_VERSION)

    @property
    def announced(self) -> bool:
        """Whether the terminal outcome was published on the events topic."""
        return self.announced_at is not None

    @property
    def publishes(self) -> bool:
        """Whether this version may be published: its verdict allows it, or a person approved exactly its bytes.

        False without a verdict (fail closed).
        """
        return self.moderation is not None and (self.moderation.publishes or self.is_approved)

    @property
    def is_approved(self) -> bool:
        """Whether the last decision is a person's approval of exactly the recorded bytes."""
        return self.decision is not None and self.decision.approves(self.attributes.get("sha256"))

    @property
    def withheld(self) -> bool:
        """Whether the stored verdict forbids publishing, so that the original goes to quarantine.

        It stays there, and the verdict stays as it is, whatever a person decides afterwards.
        """
        return self.moderation is not None and not self.moderation.publishes

    @property
    def pending_decision(self) -> Decision | None:
        """The decision that was asked for and is not carried out yet."""
        if self.decision is None or self.decision.id == self.carried_out:
            return None
        return self.decision

    @property
    def was_moved(self) -> bool:
        """Whether its original was moved to quarantine, or a person's decision about it is being carried out.

        It stays there whatever is decided.
        """
        if self.status is Status.PROCESSING:
            return "decided_from" in self.attributes or self.is_original_in_quarantine
        if self.status in NEVER_SHOWN:
            return self.is_withdrawn and self.is_original_in_quarantine
        # Not what is only to be withdrawn: its original is still in the uploads.
        is_copied = self.withheld or self.is_original_in_quarantine
        return self.status in _WITHHELD or (self.status is Status.PUBLISHED and is_copied)

    @property
    def is_original_in_quarantine(self) -> bool:
        """Whether an attempt that ended moved the original to quarantine; it may have expired there since."""
        return bool(self.attributes.get("original") == "quarantine")

    @property
    def leaves_uploads(self) -> bool:
        """Whether the original is, or is to be, in quarantine only: the stack itself deletes it from the uploads."""
        return self.withheld or self.is_withdrawn or self.is_original_in_quarantine

    @property
    def is_withdrawn(self) -> bool:
        """Whether a person asked for it to be taken down, and not for anything else since."""
        return self.decision is not None and self.decision.action is Action.WITHDRAW

    @property
    def was_taken_down(self) -> bool:
        """Whether it ended by a takedown, which was not only asked for."""
        return bool(self.attributes.get("reason") == Reason.TAKEN_DOWN)

    @property
    def status_before(self) -> Status:
        """The status from which a decision began to be carried out; its own where none did."""
        before = self.attributes.get("decided_from")
        return Status(before["status"]) if before else self.status

    @property
    def is_withdrawn_from_readers(self) -> bool:
        """Whether it is withdrawn, or about to be, and readers could see it: older versions stay hidden then."""
        return self.is_withdrawn and self.status_before not in NEVER_SHOWN

    @property
    def is_checked(self) -> bool:
        """Whether it is among those that a person checks although the policy allowed them."""
        return bool(self.attributes.get("check"))

    @property
    def is_held(self) -> bool:
        """Whether a person escalated it: what is in quarantine must stay until a person releases it."""
        return bool(self.attributes.get("hold"))

    @property
    def rendition_keys(self) -> frozenset[str]:
        """Keys of all renditions that were or will be put for this version, and may not have been removed yet."""
        pending = self.rework.renditions if self.rework else ()
        return self.listed_keys.union(pending, self.replaced_keys)

    @property
    def listed_keys(self) -> frozenset[str]:
        """Keys of the renditions that readers are shown."""
        return frozenset(rendition["key"] for rendition in self.renditions)

    @property
    def replaced_keys(self) -> frozenset[str]:
        """Keys of the renditions that a rework replaced, and that are still to be removed."""
        return frozenset(self.attributes.get("old_renditions") or ())

    @property
    def rework(self) -> Rework | None:
        """The work on this version while it stays published, or what became of it."""
        document = self.attributes.get("rework")
        return Rework.from_document(document) if document else None

    @property
    def is_reworked(self) -> bool:
        """Whether an invocation took the right to work on it while it is published, even if it was killed since."""
        return self.status is Status.PUBLISHED and self.rework is not None and self.rework.owner is not None

    @property
    def is_tombstone(self) -> bool:
        """Whether this is a delete marker, which hides all older versions of its key."""
        return bool(self.attributes.get("delete_marker"))

    @property
    def undone(self) -> bool:
        """Whether this is a tombstone whose delete marker was removed again: it hides nothing any more."""
        return bool(self.attributes.get("undone"))

    @property
    def followed_by(self) -> str | None:
        """The sequencer of the newer record that took this one's place for readers."""
        sequencer: str | None = self.attributes.get("followed_by")
        return sequencer

    def is_open(self, redrive_attempt: int | None, *, restores: bool = False) -> bool:
        """Return whether it may be worked on.

        That is PROCESSING; or FAILED and redriven, or PUBLISHED or SUPERSEDED and restored, with its attempt's number.
        """
        if self.status is Status.PROCESSING:
            return True
        opened = (Status.PUBLISHED, Status.SUPERSEDED) if restores else (Status.FAILED,)
        return self.status in opened and redrive_attempt == self.attempt

    @property
    def comes_back(self) -> bool:
        """Whether it was opened since a delete was undone, and its version has not been shown again yet."""
        return bool(self.attributes.get("comes_back")) and self.status in (Status.PROCESSING, Status.FAILED)

    @property
    def is_decided(self) -> bool:
        """Whether it has a verdict, or its end."""
        return self.status.terminal or self.moderation is not None

    @property
    def gives_way(self) -> bool:
        """Whether it gives way to another record of its version: open, without a verdict, its order only assumed."""
        # Where S3 gave the version no id, the same bytes put twice are two versions.
        return is_made_up(self.sequencer) and not self.is_decided and not self.is_of_null_version

    @property
    def killed_in_decoding(self) -> int:
        """How many attempts in a row began to decode and never ended, now that the lease has expired.

        A claim counts itself in `unfinished` from the start; one that neither released the record nor began to decode
        ended for a reason other than the object.
        """
        is_counted = self.owner is None or bool(self.attributes.get("decoding"))
        return self.unfinished if is_counted else max(self.unfinished - 1, 0)

    def lease_left(self, now: float) -> float:
        """Seconds for which another invocation may still work on it; 0 or less when the lease is over."""
        if self.status is Status.PROCESSING:
            return float(self.lease_until) - now
        rework = self.rework if self.status is Status.PUBLISHED else None
        return rework.pause(now) if rework else 0.0


class Claim(NamedTuple):
    """The right of one invocation to work on one object version until its lease is over."""

    record: Record
    """The record as it was claimed."""
    owner: str
    unfinished_before: int
    """The record's count of unfinished attempts before this claim counted itself."""


class Finished(NamedTuple):
    """The version needs no work: its record is terminal."""

    record: Record


class WaitsForStage(NamedTuple):
    """The version waits for the function of another stage, `record.stage`."""

    record: Record


ClaimResult = Claim | Finished | WaitsForStage


def alert_id(object_key: str, sequencer: str, status: Status, attempt: int) -> str:
    """Return the id of an outcome's announcement; a repetition has the same id, so duplicates can be recognised."""
    text = "\0".join((object_key, sequencer, status.value, str(attempt)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def iso_time(epoch_seconds: float) -> str:
    """Format a time as UTC in ISO 8601 with milliseconds, which sorts as text."""
    return (
        datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write plain Python values as DynamoDB's typed ones.

    Not by boto3's serializer: importing it loads boto3 with its transfer manager, a twentieth of a cold start, and
    it takes no floats. Raises TypeError for what the table has no type for.
    """
    return {name: _typed(value) for name, value in values.items()}


def from_item(item: Mapping[str, Any]) -> Record:
    """Parse an item as DynamoDB returns it."""
    values: dict[str, Any] = {name: plain(value) for name, value in item.items()}
    moderation, decision = values.get("moderation"), values.get("decision")
    return Record(
        object_key=values["object_key"],
        sequencer=values["sequencer"],
        status=Status(values["status"]),
        version_id=values.get("version_id"),
        etag=values.get("etag"),
        attempt=int(values.get("attempt", 0)),
        unfinished=int(values.get("unfinished", 0)),
        owner=values.get("owner"),
        lease_until=Decimal(str(values.get("lease_until", 0))),
        stage=Stage(values.get("stage", Stage.IMAGE)),
        moderation=ModerationResult.from_document(moderation) if moderation else None,
        decision=Decision.from_document(decision) if decision else None,
        carried_out=values.get("carried_out"),
        renditions=tuple(values.get("renditions", ())),
        alert_id=values.get("alert_id"),
        announced_at=values.get("announced_at"),
        attributes=values,
    )


def _typed(value: Any) -> dict[str, Any]:
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):  # before numbers: it is one
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, int | Decimal):
        return {"N": str(value)}
    if isinstance(value, float):
        return {"N": repr(value)}  # the shortest text that reads back as the same number
    if isinstance(value, Mapping):
        return {"M": {str(key): _typed(item) for key, item in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [_typed(item) for item in value]}
    raise TypeError(f"a record cannot hold a {type(value).__name__}")


def plain(typed: Mapping[str, Any]) -> Any:
    """Read one of DynamoDB's typed values."""
    ((kind, value),) = typed.items()
    if kind == "N":
        number = Decimal(value)
        return int(number) if number == number.to_integral_value() else float(number)
    if kind == "M":
        return {key: plain(item) for key, item in value.items()}
    if kind == "L":
        return [plain(item) for item in value]
    return None if kind == "NULL" else value
