"""Checks of verdicts by content: what is published was judged, by SHA-256, and no picture is billed twice.

What the renderer made in an invocation is compared with what Rekognition's stand-in was really sent about the upload.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.configurations import Deployment
from tests.faults.fault_injection import Call
from tests.faults.history import History, Upload
from tests.faults.record_items import Item, answered, is_undecided, is_withheld, paid_for, version_of
from tests.faults.sample_uploads import recognise

STRICTNESS = {"off": 0, "observe": 1, "enforce": 2}
MAY_SHOW = frozenset({"PROCESSING", "PUBLISHED", "FAILED", "DELETED"})  # of a version that a person approved
LOOKS = (
    "placeholder",
    "dominant_colour",
    "pdq",
    "pdq_quality",
    "width",
    "height",
)  # show something of a picture
Record = tuple[str, str]  # object key, sequencer


@dataclass(frozen=True)
class Judgement:
    """A verdict that an invocation stored: under which deployment, and which pictures it had to be about."""

    deployment: Deployment
    pictures: frozenset[str]


@dataclass
class _Judged:
    """What is known of one upload."""

    asked: dict[str, str] = field(default_factory=dict)  # SHA-256 of each picture -> what it shows
    judgements: list[Judgement] = field(default_factory=list)


class ContentChecker:
    """Follows pictures from the renderer to Rekognition, into records and out to the renditions bucket."""

    def __init__(self, history: History, add_violation: Callable[[str], None]) -> None:
        self._history = history
        self._add_violation = add_violation
        self._judged: dict[int, _Judged] = {}  # by the number of the upload
        self._written: dict[Record, dict[str, float]] = {}  # SHA-256 -> the least confidence asked for

    def forget(self, record: Record) -> None:
        """Forget the answers that a record had which expired: what is recorded anew is judged anew."""
        self._written.pop(record, None)

    def rendered(self, invocation: Any, pictures: Iterable[bytes]) -> None:
        """Note which pictures have to be judged before this invocation may publish."""
        invocation.pictures = frozenset(hashlib.sha256(picture).hexdigest() for picture in pictures)

    def asked(self, call: Call, picture: bytes, number: int, held: Iterable[tuple[Record, Item]]) -> None:
        """Check a request to Rekognition about an upload; `held` are the records that the invocation holds."""
        digest, least = hashlib.sha256(picture).hexdigest(), float(call.params.get("MinConfidence", 50))
        self._of(number).asked[digest] = recognise(picture).kind
        call.invocation.answers.append((call, digest))
        for (key, sequencer), item in held:
            if is_withheld(item):
                self._add_violation(f"{key} {sequencer} was judged again although its verdict withholds it")
            known = paid_for(item.get("moderation") or {}) | paid_for(item.get("answers") or {})
            if known.get(digest, 101.0) <= least:
                self._add_violation(f"{key} {sequencer}: Rekognition was asked twice about one picture")
            elif self._written.get((key, sequencer), {}).get(digest, 101.0) <= least and self._is_unchanged:
                self._add_violation(f"{key} {sequencer}: an answer that was written down was asked for again")

    def record_changed(self, old: Item | None, new: Item, call: Call) -> None:
        """Check what a write to a record says about verdicts and answers."""
        record = str(new["object_key"]), str(new["sequencer"])
        moderation, answers = new.get("moderation") or {}, new.get("answers") or {}
        written = self._written.setdefault(record, {})
        known = paid_for(moderation) | paid_for(answers)
        for digest, least in known.items():
            written[digest] = min(least, written.get(digest, 101.0))
        # Without moderation, a verdict that was reached before stays as it is, whatever is published now.
        is_kept = not STRICTNESS[call.invocation.deployment.mode] and ":moderation" in call.params.get(
            "ExpressionAttributeValues", {}
        )
        if moderation and (is_kept or moderation != ((old or {}).get("moderation") or {})):
            self._verdict_stored(record, new, moderation, call)
        upload = self._history.uploads.get((record[0], version_of(new)))
        is_approved = upload is not None and self._history.is_approved(new, upload)
        # Asking for a takedown leaves the record as it is; the workers remove these first.
        is_to_be_removed = new["status"] == "PUBLISHED" and is_undecided(new)
        may_show = is_to_be_removed or (is_approved and new["status"] in MAY_SHOW)
        if is_withheld(new) and not may_show:
            self.no_looks(f"the record {record[0]} {record[1]}", new)
        if old and _is_left(old, new):
            lost = {digest for one, digest in call.invocation.answers if one.answered} - known.keys()
            if lost:
                self._add_violation(f"{record} was left without {len(lost)} answers that were paid for")

    def no_looks(self, name: str, document: Item) -> None:
        """Check that a record or an announcement of something withheld shows nothing of it."""
        shown = [look for look in LOOKS if document.get(look) is not None]
        if shown:
            self._add_violation(f"{name} of a withheld upload shows its {', '.join(shown)}")

    def published(self, key: str, upload: Upload, call: Call) -> None:
        """Check a rendition that was put: a verdict about all that this invocation publishes must allow it."""
        needed, now = call.invocation.pictures, call.invocation.deployment
        if needed is None:
            return  # a mutation renamed the renderer
        judged, strictness = self._of(upload.number), STRICTNESS[now.mode]
        if strictness and (missing := needed - judged.asked.keys()):
            self._add_violation(
                f"rendition {key} was put, and {len(missing)} pictures of it were never judged"
            )
            return
        for one in judged.judgements:
            is_about = one.pictures >= needed and STRICTNESS[one.deployment.mode] >= strictness
            if not strictness and all(
                one.deployment.publishes(judged.asked.get(each, "")) for each in one.pictures
            ):
                return  # without moderation, an allowing verdict that was reached before stays as it is
            if is_about and all(one.deployment.publishes(judged.asked.get(each, "")) for each in needed):
                return
        kinds = sorted({judged.asked.get(each, "unknown") for each in needed})
        self._add_violation(
            f"rendition {key} was put under {now.name}, and no verdict about exactly its pictures ({kinds}) allows it"
        )

    def _verdict_stored(self, record: Record, new: Item, moderation: Item, call: Call) -> None:
        invocation = call.invocation
        upload = self._history.uploads.get((record[0], version_of(new)))
        if upload is None:
            return
        judged = self._of(upload.number)
        if unasked := answered(moderation).keys() - judged.asked.keys():
            self._add_violation(
                f"{record} has a verdict about {len(unasked)} pictures that were never judged"
            )
        # Also without a request: it may need none, or reuse the answers to an attempt under another configuration.
        self._history.judged.setdefault(upload.number, set()).add(invocation.deployment.name)
        if invocation.pictures is not None:
            judged.judgements.append(Judgement(invocation.deployment, invocation.pictures))

    def _of(self, number: int) -> _Judged:
        return self._judged.setdefault(number, _Judged())

    @property
    def _is_unchanged(self) -> bool:
        return len(self._history.deployed) == 1


def _is_left(old: Item, new: Item) -> bool:
    """Return whether a write ends an attempt at a record, or at a rework of it, well or not."""
    if old["status"] == "PROCESSING":
        return bool(new["status"] != "PROCESSING" or (old.get("owner") and not new.get("owner")))
    held, left = ((item.get("rework") or {}).get("owner") for item in (old, new))
    return bool(held and not left)
