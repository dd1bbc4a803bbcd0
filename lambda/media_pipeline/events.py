"""S3 event notifications as they arrive in SQS messages, parsed once at the boundary.

What AWS documents ("Event message structure", Amazon S3 User Guide), and what this module does about it:
- keys are URL-encoded (`a+b/%C3%BC.jpg`); they are decoded here, once;
- a `sequencer` orders the events of one key. It is a hexadecimal string of varying length; two of them compare as
  strings once the shorter one is padded with zeros on the right;
- `s3:TestEvent` has no `Records`: it is about no object and is ignored;
- S3 may add fields to format 2.x at any time; unknown ones are ignored.
"""

import json
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote_plus

from media_pipeline.errors import UnknownMessageError

SEQUENCER_DIGITS = (
    32  # the table's sort key: wide enough for what S3 sends (16 to 18), so that strings compare
)
FIRST_SEQUENCER = "0"
"""Sort keys of object versions begin with a hexadecimal digit; notes in the records table, which begin with "!", sort
below them."""
S3_DIGITS = 18  # S3's own sequencers have at most so many; after them, made-up ones count
REDRIVE_SOURCE = "media-pipeline:redrive"
DECISION_SOURCE = "media-pipeline:decision"
DECISION_NAME = "ObjectCreated:Decision"
BACKFILL_SOURCE = "media-pipeline:backfill"
BACKFILL_NAME = "ObjectCreated:Backfill"
NULL_VERSION = "null"
"""S3's id of the version that was put while the bucket's versioning was off or suspended: a later put takes it over.
("Working with objects in a versioning-suspended bucket", Amazon S3 User Guide.)"""

_ETAG = re.compile(r"[0-9a-f]{32}(-[0-9]+)?")


class EventKind(StrEnum):
    """What happened to the object version."""

    CREATED = "created"
    DELETE_MARKER = "delete_marker"
    VERSION_DELETED = "version_deleted"


class ReworkMode(StrEnum):
    """What an operator's backfill has done to a published version."""

    RENDER = "render"
    DECIDE = "decide"
    ASK = "ask"


class ReworkOrder(NamedTuple):
    """What a backfill's message asks for: of the version's record at one attempt, and of no other."""

    id: str
    mode: ReworkMode
    attempt: int
    policy_version: str = ""
    """The policy that the operator looked at; empty where the mode decides nothing."""
    fresh: bool = False
    """Whether Rekognition is asked about pictures again that it was asked about before."""


@dataclass(frozen=True, kw_only=True)
class ObjectEvent:
    """One event of one object version.

    `sequencer` is normalised (upper case, padded to 32 digits), or None where S3 sent none.
    `size` is in bytes, or None where S3 sent none: only events of new objects have it.
    `restores` marks a version that is published again, since the delete marker above it was removed.
    `redrive_attempt` is the attempt of the record that a restore, or an operator's redrive, opens again, else None.
    `decision_id` names the decision in the version's record that is to be carried out, else None.
    `rework` is what a backfill asks for about a published version, else None.
    `happened_at` is when S3 finished the request, in epoch seconds, or None where the event does not say so.
    `source` is the notification's entry as it was received, for passing it on.
    """

    kind: EventKind
    bucket: str
    key: str
    version_id: str | None
    etag: str | None
    sequencer: str | None
    size: int | None = None
    redrive_attempt: int | None = None
    restores: bool = False
    decision_id: str | None = None
    rework: ReworkOrder | None = None
    happened_at: float | None = field(default=None, compare=False)
    source: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def version(self) -> str:
        """Identify this object among all others under its key: the version id, else the ETag."""
        return identity(self.version_id, self.etag)

    @property
    def is_of_null_version(self) -> bool:
        """Return whether S3 has no id of its own for the version."""
        return self.version_id in (None, NULL_VERSION)

    @property
    def comes_back(self) -> bool:
        """Return whether it names a version whose record is known, and which is current since a delete was undone."""
        return self.restores and self.redrive_attempt is not None

    @property
    def is_folder(self) -> bool:
        """Return whether the S3 console made this object to show a folder: its key ends in "/", and it is empty.

        An object with bytes under such a key is an upload like any other.
        """
        return self.kind is EventKind.CREATED and self.key.endswith("/") and self.size == 0


def identity(version_id: str | None, etag: str | None) -> str:
    """Return what tells a version from all others of its key: its id, else its ETag.

    The id "null" names many versions in turn.
    """
    return etag or NULL_VERSION if version_id in (None, NULL_VERSION) else str(version_id)


def normalise_sequencer(raw: str) -> str:
    """Bring an S3 sequencer into the form in which two of them compare as strings: upper case, 32 digits.

    Raises UnknownMessageError where it is not a hexadecimal number of at most 32 digits.
    """
    if not 0 < len(raw) <= SEQUENCER_DIGITS or not set(raw) <= set(string.hexdigits):
        raise UnknownMessageError(
            f"sequencer {raw[:80]!r} is not a hexadecimal number of 1 to {SEQUENCER_DIGITS} digits"
        )
    return raw.upper().ljust(SEQUENCER_DIGITS, "0")


def next_sequencer(newest: str | None) -> str:
    """Return a sequencer for a version whose event has none: the newest known one plus one, or zeros."""
    number = 0 if newest is None else int(newest, 16) + 1
    return f"{number:0{SEQUENCER_DIGITS}X}"


def is_etag(version: str) -> bool:
    """Return whether an `identity` is an ETag, of a null version, and not a version id (which are not hexadecimal)."""
    return _ETAG.fullmatch(version) is not None


def is_made_up(sequencer: str) -> bool:
    """Return whether `next_sequencer` made a sequencer, and not S3."""
    return int(sequencer, 16) == 0 or int(sequencer[S3_DIGITS:], 16) != 0


def parse_message(body: str) -> tuple[ObjectEvent, ...]:
    """Parse the body of an SQS message into its events.

    S3's test event, and event types that this stack does not subscribe to, give none.
    Raises UnknownMessageError where the body is not an S3 event notification.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise UnknownMessageError(f"the body is not JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise UnknownMessageError(f"the body is JSON, but a {type(document).__name__} instead of an object")
    if document.get("Event") == "s3:TestEvent":
        return ()
    records = document.get("Records")
    if not isinstance(records, list) or not records:
        raise UnknownMessageError("the body has no list of `Records`")
    events = (_parse_record(record) for record in records)
    return tuple(event for event in events if event is not None)


def _parse_record(record: Any) -> ObjectEvent | None:
    try:
        name = str(record["eventName"])
        bucket = record["s3"]["bucket"]["name"]
        described = record["s3"]["object"]
        key = unquote_plus(described["key"], errors="strict")
        kind = _kind(name)
        if kind is None:
            return None
        redrive = record.get("redrive", {}) if record.get("eventSource") == REDRIVE_SOURCE else {}
        attempt = redrive.get("attempt")
        decided = record.get("eventSource") == DECISION_SOURCE
        raw_sequencer = described.get("sequencer")
        return ObjectEvent(
            kind=kind,
            bucket=str(bucket),
            key=key,
            version_id=described.get("versionId") or None,
            etag=(described.get("eTag") or "").strip('"') or None,
            sequencer=normalise_sequencer(str(raw_sequencer)) if raw_sequencer else None,
            size=None if described.get("size") is None else int(described["size"]),
            redrive_attempt=None if attempt is None else int(attempt),
            restores=redrive.get("restores") is True,
            decision_id=str(record["decision"]["id"]) if decided else None,
            rework=_rework_order(record),
            happened_at=_seconds(record.get("eventTime")),
            source=record,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnknownMessageError(f"a record is not an S3 event: {type(error).__name__} {error}") from error


def _rework_order(record: Any) -> ReworkOrder | None:
    """Return what a backfill asks for; None for any other entry, and for a version that has no record yet."""
    order = record.get("backfill") if record.get("eventSource") == BACKFILL_SOURCE else None
    if order is None:
        return None
    return ReworkOrder(
        id=str(order["id"]),
        mode=ReworkMode(order["mode"]),
        attempt=int(order["attempt"]),
        policy_version=str(order.get("policy_version", "")),
        fresh=order.get("fresh") is True,
    )


def _seconds(event_time: Any) -> float | None:
    """Return an event's time, which S3 gives in ISO 8601, as epoch seconds."""
    return None if event_time is None else datetime.fromisoformat(event_time).timestamp()


def _kind(event_name: str) -> EventKind | None:
    name = event_name.removeprefix("s3:")
    if name.startswith("ObjectCreated:"):
        return EventKind.CREATED
    if name == "ObjectRemoved:DeleteMarkerCreated":
        return EventKind.DELETE_MARKER
    if name == "ObjectRemoved:Delete":
        return EventKind.VERSION_DELETED
    return None


def notification_entry(
    source: str,
    name: str,
    *,
    bucket: str,
    key: str,
    version_id: str | None,
    etag: str | None,
    sequencer: str | None = None,
    **more: Mapping[str, Any],
) -> dict[str, Any]:
    """Return an entry of `Records` as S3 writes it, for a message of the pipeline's own.

    Shape: `{"eventVersion", "eventSource", "eventName", "s3": {"bucket": {"name"}, "object": {"key", "versionId"?,
    "eTag"?, "sequencer"?}}}` and what is in `more`: `redrive`, `decision` or `backfill`.
    """
    described = {
        "key": quote_plus(key, safe="/"),
        "versionId": version_id,
        "eTag": etag,
        "sequencer": sequencer,
    }
    return {
        "eventVersion": "2.1",
        "eventSource": source,
        "eventName": name,
        **more,
        "s3": {
            "bucket": {"name": bucket},
            "object": {name: value for name, value in described.items() if value},
        },
    }


def restoring_event(
    tombstone: ObjectEvent, *, version_id: str | None, etag: str | None, attempt: int | None
) -> ObjectEvent:
    """Return the event that publishes the version below a removed delete marker again.

    `tombstone` is the event of the delete marker's removal, `attempt` that of the version's record, None without one.
    """
    source = notification_entry(
        REDRIVE_SOURCE,
        "ObjectCreated:Restore",
        bucket=tombstone.bucket,
        key=tombstone.key,
        version_id=version_id,
        etag=etag,
        redrive={"restores": True} if attempt is None else {"attempt": attempt, "restores": True},
    )
    event = _parse_record(source)
    if event is None:
        raise AssertionError("an ObjectCreated event is parsed as one")
    return event
