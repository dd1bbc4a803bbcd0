"""What a person decided about one object version: how the record keeps it, as typed values.

A decision is asked for in the record, and carried out by the workers: see docs/adr. The machine's own
verdict, the field `moderation`, is never changed by one.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from media_pipeline.texts import is_text

NOTE_CHARACTERS = 1_000
REASON_CHARACTERS = 200
PERSON_CHARACTERS = 2_048  # AWS: the longest ARN
DECISIONS_KEPT = 20
"""Earlier decisions that a record keeps; all of them are in the evidence, in the logs bucket."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, as a ULID is written
_ID_DIGITS = 26
_RANDOM_BYTES = 10
_ID = re.compile(f"[0-7][{_ALPHABET}]{{{_ID_DIGITS - 1}}}")
_SHA256 = re.compile("[0-9a-f]{64}")


class Action(StrEnum):
    """What a person can ask for."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    RESTORE = "restore"
    ESCALATE = "escalate"
    RELEASE = "release"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What one person decided. Raises ValueError where a part of it is missing, too long, or no text."""

    id: str
    """A ULID: 26 characters, which sort by time."""
    action: Action
    person: str
    """The ARN of the caller, or the `sub` of a Cognito user."""
    at: str
    """When it was asked for: UTC, ISO 8601 with milliseconds, as `iso_time` writes it."""
    sha256: str
    """Hexadecimal digest of the original that it is about, and of no other bytes."""
    policy_version: str
    """The policy of the verdict that the person saw; empty where there was none."""
    reason: str | None = None
    note: str | None = None
    seen: bool | None = None
    """Whether the person looked at the picture, and not at its labels only."""
    seconds: float | None = None
    """How long the person took."""

    def __post_init__(self) -> None:
        """Refuse what no record may hold."""
        self._require(_ID.fullmatch(self.id) is not None, "`id` is not a ULID of 26 characters")
        self._require(0 < len(self.person) <= PERSON_CHARACTERS, f"`person` has 1 to {PERSON_CHARACTERS:,}")
        self._require(_SHA256.fullmatch(self.sha256) is not None, "`sha256` is not 64 hexadecimal digits")
        self._require(len(self.reason or "") <= REASON_CHARACTERS, f"`reason` has up to {REASON_CHARACTERS}")
        self._require(len(self.note or "") <= NOTE_CHARACTERS, f"`note` has up to {NOTE_CHARACTERS:,}")
        for name, said in (("person", self.person), ("reason", self.reason), ("note", self.note)):
            rule = f"`{name}` has half of a surrogate pair, which is no character"
            self._require(is_text(said or ""), rule)

    def _require(self, is_met: bool, rule: str) -> None:
        if not is_met:
            unit = " characters" if rule[-1].isdigit() else ""
            raise ValueError(f"a decision cannot be recorded like this: {rule}{unit}")

    def approves(self, sha256: object) -> bool:
        """Return whether it is an approval of exactly the bytes with this digest."""
        return self.action is Action.APPROVE and sha256 == self.sha256

    def to_document(self) -> dict[str, Any]:
        """Return the record's field `decision`; what is None is left out."""
        document = {
            "id": self.id,
            "action": self.action.value,
            "person": self.person,
            "at": self.at,
            "sha256": self.sha256,
            "policy_version": self.policy_version,
            "reason": self.reason,
            "note": self.note,
            "seen": self.seen,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
        }
        return {name: value for name, value in document.items() if value is not None}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Decision":
        """Parse what `to_document` returns.

        Raises KeyError or ValueError for a document that is not one: it must not read as an approval.
        """
        seconds = document.get("seconds")
        return cls(
            id=document["id"],
            action=Action(document["action"]),
            person=document["person"],
            at=document["at"],
            sha256=document["sha256"],
            policy_version=document["policy_version"],
            reason=document.get("reason"),
            note=document.get("note"),
            seen=document.get("seen"),
            seconds=None if seconds is None else float(seconds),
        )


def decision_id(now: float, random: Callable[[int], bytes] = os.urandom) -> str:
    """Return a new ULID: 48 bits of the time in milliseconds, then 80 random ones (github.com/ulid/spec).

    `now` is in epoch seconds; `random` returns so many bytes.
    """
    number = int(now * 1000) << (8 * _RANDOM_BYTES) | int.from_bytes(random(_RANDOM_BYTES))
    return "".join(_ALPHABET[number >> (5 * place) & 31] for place in reversed(range(_ID_DIGITS)))


def asked_values(attributes: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """Return the attributes that asking for `decision` sets in a record which had `attributes`.

    The former decision, if any, moves to the end of `decisions`.
    """
    former = attributes.get("decision")
    earlier = [*attributes.get("decisions", ()), *([former] if former else [])]
    return {"decision": decision.to_document(), "decisions": earlier[-DECISIONS_KEPT:]}
