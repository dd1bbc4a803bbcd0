"""Logs announcements: one line per announced outcome, and a count by status."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from media_pipeline.errors import UnknownAnnouncementError
from media_pipeline.invocation import LambdaContext
from media_pipeline.observability import Observability
from media_pipeline.records.record import Status

REMEMBERED = 10_000  # announcements; about a megabyte
FACTS = (
    "alert_id",
    "object_key",
    "version_id",
    "sequencer",
    "attempt",
    "reason",
    "detail",
    "content_type",
    "width",
    "height",
    "bytes",
    "duration",
    "milliseconds",
    "finished_at",
    "omitted",
)
SIZE = ("name", "format", "width", "height", "bytes")
TERMINAL = frozenset(status.value for status in Status if status.terminal)


class NotificationLog:
    """Logs what the events topic delivers.

    SNS delivers at least once. A repetition that reaches the same execution environment, as most do, gets no second
    line; one that does not has the same `alert_id` as the first.
    """

    def __init__(self, observability: Observability) -> None:
        self._observability = observability
        self._logged: OrderedDict[str, None] = OrderedDict()

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> None:
        """Log every announcement of one SNS event.

        Raises UnknownAnnouncementError, after all others had their line, for a message that is none.
        """
        with self._observability.invocation(context):
            records = event.get("Records")
            if not isinstance(records, list) or not records:
                raise UnknownAnnouncementError("the event has no list of `Records`")
            first: UnknownAnnouncementError | None = None
            for record in records:
                try:
                    self._log(_announcement(record))
                except UnknownAnnouncementError as error:
                    first = first or error
            if first is not None:
                raise first

    def _log(self, announcement: Mapping[str, Any]) -> None:
        alert_id = announcement["alert_id"]
        if alert_id in self._logged:
            self._observability.announced_again(alert_id)
            return
        moderation = announcement.get("moderation") or {}
        self._observability.announced(
            announcement["status"],
            **{name: announcement[name] for name in FACTS if name in announcement},
            sizes=[
                {name: entry[name] for name in SIZE if name in entry}
                for entry in announcement.get("renditions", ())
            ],
            verdict=moderation.get("verdict"),
            labels={label["name"]: label["confidence"] for label in moderation.get("labels", ())},
        )
        self._logged[alert_id] = None
        if len(self._logged) > REMEMBERED:
            self._logged.popitem(last=False)


def _announcement(record: Any) -> Mapping[str, Any]:
    try:
        document = json.loads(record["Sns"]["Message"])
        known = {name: document[name] for name in ("alert_id", "object_key", "status")}
    except (ValueError, KeyError, TypeError) as error:
        raise UnknownAnnouncementError(f"not an announcement: {type(error).__name__} {error}") from error
    if not all(isinstance(value, str) for value in known.values()) or known["status"] not in TERMINAL:
        raise UnknownAnnouncementError(f"not an announcement: {ascii(known)[:200]}")
    announcement: Mapping[str, Any] = document
    return announcement
