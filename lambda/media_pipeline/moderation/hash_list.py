"""The stack's hash list: what its operators do not want to see again, and how an upload is compared with it.

Pure: the entries are kept by `media_pipeline.records.hash_list`, and hashes of pictures are made by
`media_pipeline.images.likeness`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from media_pipeline.moderation.result import Known, ModerationResult
from media_pipeline.moderation.verdicts import Mode, Verdict
from media_pipeline.texts import is_text

REASON_CHARACTERS = 200
_DIGEST = re.compile("[0-9a-f]{64}")


class Kind(StrEnum):
    """What an entry's value is compared with; both are written as 64 hexadecimal digits."""

    SHA256 = "sha256"
    """The original's bytes."""
    PDQ = "pdq"
    """What a judged picture looks like."""


ACTIONS = (Verdict.BLOCK, Verdict.REVIEW)
"""What an entry can ask for. No entry publishes anything."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of the list. Raises ValueError where a part of it is not as described."""

    id: str
    """A ULID: 26 characters, which sort by time."""
    kind: Kind
    value: str
    action: Verdict
    """One of ACTIONS."""
    reason: str
    """In a few words, at most REASON_CHARACTERS."""
    person: str
    """Who added it: an ARN."""
    at: str
    """When it was added: UTC, ISO 8601 with milliseconds."""
    variants: tuple[str, ...] = ()
    """Of a PDQ hash: those of the mirrored and of the evenly cropped picture, which an upload may show as well."""
    source_key_sha256: str | None = None
    """SHA-256 of the object key that it was made of, as in the evidence of decisions; None for any other source."""
    expires_at: int | None = None
    """Epoch seconds from which it does not count any more; None for never."""

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        if not all(map(_DIGEST.fullmatch, (self.value, *self.variants))):
            raise ValueError(f"a {self.kind} has 64 hexadecimal digits, not {self.value!r}")
        if self.action not in ACTIONS:
            raise ValueError(f"an entry asks for {' or '.join(ACTIONS)}, not {self.action!r}")
        if not 0 < len(self.reason) <= REASON_CHARACTERS:
            raise ValueError(f"the reason of an entry has 1 to {REASON_CHARACTERS} characters")
        if not is_text(self.reason):
            raise ValueError("the reason of an entry has half of a surrogate pair, which is no character")

    def to_document(self) -> dict[str, Any]:
        """Return everything but the `id`; what there is none of is left out."""
        document = {
            "kind": self.kind.value,
            "value": self.value,
            "action": self.action.value,
            "reason": self.reason,
            "person": self.person,
            "at": self.at,
            "variants": list(self.variants),
            "source_key_sha256": self.source_key_sha256,
            "expires_at": self.expires_at,
        }
        return {name: value for name, value in document.items() if value not in (None, [])}

    @classmethod
    def from_document(cls, entry_id: str, document: Mapping[str, Any]) -> "Entry":
        """Parse what `to_document` returns.

        Raises KeyError or ValueError for anything else: an entry that cannot be read must not be passed over.
        """
        expires_at = document.get("expires_at")
        return cls(
            id=entry_id,
            kind=Kind(document["kind"]),
            value=document["value"],
            action=Verdict(document["action"]),
            reason=document["reason"],
            person=document["person"],
            at=document["at"],
            variants=tuple(document.get("variants", ())),
            source_key_sha256=document.get("source_key_sha256"),
            expires_at=None if expires_at is None else int(expires_at),
        )

    def counts(self, now: float) -> bool:
        """Return whether it has not expired; `now` in epoch seconds. DynamoDB deletes expired items days later."""
        return self.expires_at is None or now < self.expires_at


class Match(NamedTuple):
    """An entry that an upload matches."""

    entry: Entry
    action: Verdict
    """What it comes to: likeness may mean less than the same bytes."""
    distance: int | None = None
    """Bits of 256 in which the PDQ hashes differ; None for the same bytes."""


class HashList:
    """The entries that there are at one time."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._exact: dict[str, list[Entry]] = {}
        self._like: list[tuple[int, Entry]] = []
        for entry in entries:
            if entry.kind is Kind.SHA256:
                self._exact.setdefault(entry.value, []).append(entry)
            else:
                self._like += [(int(value, 16), entry) for value in (entry.value, *entry.variants)]

    @property
    def has_pictures(self) -> bool:
        """Whether an upload has to be compared by what it looks like."""
        return bool(self._like)

    def exact(self, sha256: str, *, now: float) -> Match | None:
        """Return the most severe entry about exactly these bytes; `now` in epoch seconds."""
        found = [entry for entry in self._exact.get(sha256, ()) if entry.counts(now)]
        if not found:
            return None
        worst = max(found, key=lambda entry: entry.action.severity)
        return Match(worst, worst.action)

    def like(self, hashes: Sequence[int], *, most: int, now: float) -> Match | None:
        """Return the entry whose picture one of `hashes` looks like: the most severe one, then the nearest.

        Hashes of alike pictures differ in at most `most` bits; `now` is in epoch seconds.
        """
        found = [
            Match(entry, entry.action, distance)
            for bits, entry in self._like
            for other in hashes
            if (distance := (bits ^ other).bit_count()) <= most and entry.counts(now)
        ]
        return min(found, key=_least_harmless, default=None)


def _least_harmless(match: Match) -> tuple[int, int]:
    return -match.action.severity, match.distance or 0


def blocked(match: Match, *, policy_version: str, to_judge: int) -> ModerationResult:
    """Return the verdict about what an entry blocks: Rekognition is not asked about its `to_judge` pictures."""
    return ModerationResult(
        verdict=Verdict.BLOCK,
        mode=Mode.ENFORCE,
        reason=_sentence(match),
        labels=(),
        model_version=None,
        policy_version=policy_version,
        judged=0,
        to_judge=to_judge,
        known=_known(match),
    )


def reviewed(match: Match, judged: ModerationResult) -> ModerationResult:
    """Return the verdict about what an entry sends to review; a block of the policy is more severe, and stays."""
    if judged.verdict is Verdict.BLOCK and judged.mode is Mode.ENFORCE:
        return judged
    return replace(
        judged, verdict=Verdict.REVIEW, mode=Mode.ENFORCE, reason=_sentence(match), known=_known(match)
    )


def _known(match: Match) -> Known:
    return Known(list_id=match.entry.id, kind=match.entry.kind.value, distance=match.distance)


def _sentence(match: Match) -> str:
    entry = match.entry
    what = (
        "it has the same bytes as"
        if entry.kind is Kind.SHA256
        else f"it looks like ({match.distance} of 256 bits differ)"
    )
    return f"{what} entry {entry.id} of the hash list: {entry.reason}"
