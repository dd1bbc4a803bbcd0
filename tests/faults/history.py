"""What happened in a run: uploads, deletes, moderation requests, announcements. All checks compare with it."""

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.faults.fault_injection import Call
from tests.faults.sample_uploads import Content
from tests.faults.simulated_invocation import Invocation

NULL = "null"  # S3's id of the one version of a key that was put while the bucket's versioning was off


@dataclass(eq=False)
class Upload:
    """One object version that a user uploaded. `version` is its identity: the version id, else the ETag."""

    key: str
    version: str
    etag: str
    sequencer: str | None
    kind: Content
    number: int
    data: bytes
    deleted: bool = False  # permanently, by a user
    withdrawn: bool = False  # deleted by a user before quarantine held a copy of it
    expired: bool = False  # what quarantine held of it is gone, or other bytes
    outlived: bool = False  # S3's life cycle removed it: the retention of originals was over
    refused: bool = False  # Rekognition did not take one of its pictures
    is_null: bool = False  # S3 calls it "null", and so the next one that replaces it
    overwritten: bool = False  # by a later null version
    lacks_sequencer: bool = (
        False  # whether an event without one was sent, so that its record may have a made-up one
    )
    put_at: float | None = None  # epoch seconds

    @property
    def prefix(self) -> str:
        """Return the prefix of its renditions' keys."""
        return f"{self.key}/{self.version}/"

    def __str__(self) -> str:
        return f"{self.key}@{self.version[:8]} ({self.kind} {self.number})"


@dataclass(frozen=True)
class AskedDecision:
    """What a person decided about one version, from the evidence."""

    id: str
    action: str
    person: str
    version: str
    sha256: str


class BroughtBack(NamedTuple):
    """The version that became current as the delete marker above it was removed, `at` epoch seconds."""

    version: str
    at: float


@dataclass
class Listed:
    """An entry of the hash list, in virtual seconds; `action` is `block` or `review`."""

    id: str
    sha256: str
    action: str
    since: float
    until: float = math.inf


@dataclass
class History:
    """Everything that happened in one run."""

    uploads: dict[tuple[str, str], Upload] = field(default_factory=dict)
    by_number: dict[int, Upload] = field(default_factory=dict)
    markers: dict[tuple[str, str], str] = field(
        default_factory=dict
    )  # (key, version of the marker) -> sequencer
    judged: dict[int, set[str]] = field(
        default_factory=dict
    )  # number of the picture -> names of the deployments that asked Rekognition
    deployed: set[str] = field(default_factory=set)  # names of all deployments of the run
    removed_markers: set[tuple[str, str]] = field(default_factory=set)  # delete markers that were deleted
    brought_back: dict[str, BroughtBack] = field(
        default_factory=dict
    )  # key -> what the last undelete made current, until something else is put or deleted
    expired: set[tuple[str, str]] = field(default_factory=set)  # versions with a record that expired
    announced: dict[str, dict[str, Any]] = field(default_factory=dict)  # alert_id -> the announcement
    announcements_read: int = 0
    decisions: dict[str, AskedDecision] = field(default_factory=dict)  # id -> the decision
    appealed: set[str] = field(default_factory=set)  # keys whose appeal the upload API took
    listed: list[Listed] = field(default_factory=list)  # entries of the hash list, also removed ones
    expired_holds: set[tuple[str, str]] = field(default_factory=set)  # with a hold that no worker began
    dead_lettered: set[tuple[str, str]] = field(
        default_factory=set
    )  # (key, version) that reached the dead letters
    redriven: set[tuple[str, str, int]] = field(
        default_factory=set
    )  # (key, sequencer, attempt) that redrives named
    restored: set[tuple[str, str, int]] = field(
        default_factory=set
    )  # (key, sequencer, attempt) that a reconciliation restores
    reworked: set[tuple[str, str, int]] = field(
        default_factory=set
    )  # (key, sequencer, attempt) that a backfill names
    kills_while_decoding: dict[tuple[str, str], int] = field(
        default_factory=dict
    )  # kills after the original was there to decode
    unreleased: dict[tuple[str, str], set[Invocation]] = field(
        default_factory=dict
    )  # who began to decode, was not killed, and could write down neither an end nor that it gave up
    struck: set[Invocation] = field(default_factory=set)  # those that were killed or stood still
    lapsed: set[Invocation] = field(default_factory=set)  # those that went on after their lease was over

    def note_kill(self, upload: "Upload", call: Call) -> None:
        """Note that the invocation of a call is killed, or stands still, once it had an upload to decode."""
        name = upload.key, upload.version
        self.kills_while_decoding[name] = self.kills_while_decoding.get(name, 0) + 1
        self.struck.add(call.invocation)
        self.unreleased.get(name, set()).discard(call.invocation)

    def note_decoding(self, upload: "Upload", call: Call) -> None:
        """Note whether a write to a record says that decoding begins, or that it is over."""
        begun = self.unreleased.setdefault((upload.key, upload.version), set())
        expression = call.params["UpdateExpression"]
        if "#decoding = " in expression and call.invocation not in self.struck:
            begun.add(call.invocation)
        elif "#decoding" in expression.partition("REMOVE")[2]:
            begun.discard(call.invocation)

    def decision_of(self, item: dict[str, Any]) -> AskedDecision | None:
        """Return the decision that a record holds, if a person really decided so about this version."""
        held = item.get("decision") or {}
        asked = self.decisions.get(str(held.get("id")))
        version = identity(item.get("version_id"), item.get("etag"))
        if asked is None or (asked.action, asked.version) != (held.get("action"), version):
            return None
        return asked

    def is_approved(self, item: dict[str, Any], upload: "Upload") -> bool:
        """Return whether a person approved exactly the bytes of an upload, by the decision in its record."""
        asked = self.decision_of(item)
        digest = hashlib.sha256(upload.data).hexdigest()
        return asked is not None and (asked.action, asked.sha256) == ("approve", digest)

    def entries_about(self, upload: "Upload") -> list[Listed]:
        """Return the entries of the hash list about the bytes of an upload."""
        digest = hashlib.sha256(upload.data).hexdigest()
        return [entry for entry in self.listed if entry.sha256 == digest]

    def approvers(self, upload: "Upload") -> set[str]:
        """Return the persons who ever approved exactly the bytes of an upload."""
        digest = hashlib.sha256(upload.data).hexdigest()
        return {
            asked.person
            for asked in self.decisions.values()
            if (asked.action, asked.version, asked.sha256) == ("approve", upload.version, digest)
        }

    def shown_by(self, number: int, upload: Upload | None) -> Upload | None:
        """Return the upload whose number was read from a rendition of `upload`.

        From frames with a pattern it cannot be read: their rendition's key has to do. The same bytes may be uploaded
        several times.
        """
        if upload is not None and (upload.kind is Content.LONG_FRAME or upload.number == number):
            return upload
        return self.by_number.get(number)

    def is_undeleted(self, item: dict[str, Any]) -> bool:
        """Return whether a delete marker above a record's version was deleted, or only seemed to be above it.

        Made from an event without a sequencer, the record has a made-up one: it may be above the marker's, and may have
        been below that of a marker which the version was put after.
        """
        key, sequencer = str(item["object_key"]), str(item["sequencer"])
        upload = self.uploads.get((key, identity(item["version_id"], item["etag"])))
        own = ""  # its true place, which its record did not know
        if upload is not None and upload.lacks_sequencer:
            own = _padded(upload.sequencer)
            sequencer = min(sequencer, own)
        return any(
            ((of, marker) in self.removed_markers and _padded(above) > sequencer) or _padded(above) < own
            for (of, marker), above in self.markers.items()
            if of == key
        )

    def was_replaced_by_marker(self, upload: Upload) -> bool:
        """Return whether a delete marker took a null version's place, which removes its bytes for good."""
        return upload.is_null and any(
            key == upload.key and marker.startswith(NULL) and sequencer > (upload.sequencer or "")
            for (key, marker), sequencer in self.markers.items()
        )

    def has_lapsed_at_work(self) -> bool:
        """Return whether an invocation without a lease is at work, and may not have mended yet what it just did."""
        return any(invocation.alive for invocation in self.lapsed)

    def of_rendition(self, key: str) -> Upload | None:
        """Return the upload to which a rendition with this key belongs, or None."""
        parts = key.split("/")
        return self.uploads.get(("/".join(parts[:-2]), parts[-2])) if len(parts) > 2 else None

    def overwrite_null(self, key: str) -> None:
        """Note that the key's null version is another one by now."""
        for upload in self.uploads.values():
            if upload.key == key and upload.is_null:
                upload.overwritten = True
        # A delete marker called "null" is gone as well: S3 gives its place to what is put.
        self.removed_markers |= {
            (of, marker) for of, marker in self.markers if of == key and marker.startswith(NULL)
        }

    def remove_marker(self, key: str, version_id: str) -> None:
        """Note that a delete marker was removed; of several called "null" in turn, it is the last one."""
        sequencers = {
            marker: sequencer
            for (of, marker), sequencer in self.markers.items()
            if of == key and (marker == version_id or (version_id == NULL and marker.startswith(NULL)))
        }
        self.removed_markers.add((key, max(sequencers, key=lambda marker: sequencers[marker])))

    def was_opened_again(self, item: dict[str, Any]) -> bool:
        """Return whether a redrive named an earlier attempt of a record."""
        name = str(item["object_key"]), str(item["sequencer"])
        return any((*name, earlier) in self.redriven for earlier in range(int(item["attempt"])))

    def looks_like_a_folder(self, key: str) -> bool:
        """Return whether a key with a slash at its end may be what a console shows as a folder: it holds no bytes."""
        uploads = (upload for upload in self.uploads.values() if upload.key == key)
        return key.endswith("/") and all(upload.deleted for upload in uploads)

    def is_reworked(self, item: dict[str, Any]) -> bool:
        """Return whether a backfill names a record's attempt."""
        return (str(item["object_key"]), str(item["sequencer"]), int(item["attempt"])) in self.reworked

    def lacks_sequencer(self, key: str, version: str) -> bool:
        """Return whether an event of a version without a sequencer was sent."""
        upload = self.uploads.get((key, version))
        return upload is not None and upload.lacks_sequencer

    def was_marked(self, upload: Upload) -> bool:
        """Return whether a delete marker was ever above an upload, which withdraws what is in quarantine for good."""
        return any(
            # By a made-up sequencer, it may have been found below any of them.
            key == upload.key and (sequencer > (upload.sequencer or "") or upload.lacks_sequencer)
            for (key, _), sequencer in self.markers.items()
        )

    def is_marked(self, upload: Upload) -> bool:
        """Return whether a delete marker above an upload still hides it."""
        return any(
            key == upload.key and sequencer > (upload.sequencer or "")
            for (key, version), sequencer in self.markers.items()
            if (key, version) not in self.removed_markers
        )

    def is_mark_forgotten(self, upload: Upload) -> bool:
        """Return whether an upload was withdrawn by a person, and the record of a delete marker above it expired."""
        is_withdrawn = any(
            asked.action == "withdraw" and asked.version == upload.version
            for asked in self.decisions.values()
        )
        return is_withdrawn and any(
            of == upload.key and sequencer > (upload.sequencer or "") and (of, marker) in self.expired
            for (of, marker), sequencer in self.markers.items()
        )


def _padded(sequencer: str | None) -> str:
    """Return a sequencer as records have it, which can be compared."""
    return (sequencer or "").upper().ljust(32, "0")


def identity(version_id: str | None, etag: str | None) -> str:
    """Return what tells a version from all others of its key: the id "null" is one that later versions take over."""
    return version_id if version_id and version_id != NULL else etag or NULL


def marker_identity(version_id: str | None, sequencer: str) -> str:
    """Return what tells a delete marker from all others of its key."""
    if version_id and version_id != NULL:
        return version_id
    return f"{NULL}-{sequencer.upper().ljust(32, '0')}"
