"""What AWS bills for one object version, from its record: requests, units and seconds, never dollars.

Everything that depends on the upload is in the record: judged pictures, files, time. What every object takes alike,
such as the writes of its record, follows the order of calls in `media_pipeline.processing.processor`. Calls of attempts
that were cut off leave traces only in `attempt`; those of an attempt that was killed between a request to Rekognition
and the next write leave none.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.config_model import StackConfig
from components.environment import UPLOADS_PREFIX
from components.function_specs import LOG_NOTIFICATION, UPLOAD_API

READ: Final = (
    "object_key", "sequencer", "status", "attempt", "content_type", "renditions", "review", "original", "moderation",
    "answers", "milliseconds", "attention", "finished_at",
)  # fmt: skip
"""The attributes of a record that `units` reads."""
LOG_BYTES: Final = 3_000
"""Of the lines of both functions, with those that Lambda adds."""
MESSAGE_REQUESTS: Final = 3
"""Of SQS for each message: it is sent, received and deleted."""
_OTHER_BYTES: Final = 900
"""Of a record's attributes besides `renditions`, `moderation` and `review`."""
_LOG_SECONDS, _API_SECONDS = 0.02, 0.08
"""Billed by the functions that log an outcome and answer an upload; estimated from their CPU and their calls."""
_WRITE_UNIT: Final = 1024  # bytes (DynamoDB Developer Guide, on-demand capacity)
_VIDEO_WRITES: Final = 2
"""Writes of process-image about a video: a claim, and its hand-over."""
_RENEWAL_SECONDS: Final = 10.0


def judged(record: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many pictures Rekognition was paid to judge, and how many were answered from earlier uploads."""
    moderation = record.get("moderation") or {}
    pictures = _pictures(moderation)
    if pictures:
        reused = sum(bool(picture.get("reused")) for picture in pictures.values())
        return len(pictures) - reused, reused
    if kept := _pictures(record.get("answers") or {}):
        return len(kept), 0  # an attempt that was cut off, and none has reached a verdict since
    # Records of versions before 0.2 have the number alone.
    return (int(moderation.get("judged") or 0), 0) if moderation.get("verdict") != "off" else (0, 0)


def units(record: Mapping[str, Any], config: StackConfig) -> dict[str, float]:
    """Return what was billed for an object version, by the kinds of `prices.toml`, its own upload included.

    `record` holds at least the attributes of `READ`, in plain values.
    """
    paid, reused = judged(record)
    attempts = max(1, int(record.get("attempt") or 1))
    is_video = str(record.get("content_type") or "").startswith("video/")
    renditions, review = len(record.get("renditions") or ()), len(record.get("review") or ())
    seconds = float((record.get("milliseconds") or {}).get("total") or 0) / 1000
    in_quarantine = record.get("original") == "quarantine"
    memory = (config.memory.video or 0) if is_video else config.memory.image
    size = math.ceil((_OTHER_BYTES + _bytes(record)) / _WRITE_UNIT)
    found: dict[str, float] = {
        "rekognition_request": paid,
        "s3_write": 1 + renditions + review + in_quarantine,  # the upload, files, the copy
        "s3_read": attempts + is_video + 2 * in_quarantine,
        "lambda_gigabyte_second": memory / 1024 * seconds * attempts
        + LOG_NOTIFICATION.memory(config) / 1024 * _LOG_SECONDS,
        "lambda_request": attempts + is_video + 1,
        "dynamodb_write_unit": _write_units(record, paid, size, seconds if is_video else 0, attempts),
        "dynamodb_read_unit": 1 + in_quarantine + (paid + reused + 1) / 2 * bool(paid + reused),
        "api_request": 0,
        "sns_request": 1,
        "sqs_request": MESSAGE_REQUESTS * (1 + is_video),
        "log_byte": LOG_BYTES,
    }
    if (
        config.access_logs.locked_days
    ):  # each request for an object is an event, and so is the move to quarantine
        found["trail_event"] = found["s3_write"] + found["s3_read"] + in_quarantine
    if str(record["object_key"]).startswith(UPLOADS_PREFIX):
        found["api_request"] = 1
        found["lambda_request"] += 1
        found["lambda_gigabyte_second"] += UPLOAD_API.memory(config) / 1024 * _API_SECONDS
    return found


def _write_units(
    record: Mapping[str, Any], paid: int, size: int, video_seconds: float, attempts: int
) -> float:
    """Return write units: claims and beginnings are small, verdict, commit and announcement write the whole record."""
    whole = 3 if record.get("moderation") else 2
    listed = (
        3 * size if record.get("attention") else 0
    )  # in the index: put at the commit, replaced at the announcement
    renewals = size * math.floor(video_seconds / _RENEWAL_SECONDS)
    handed_over = _VIDEO_WRITES if video_seconds else 0
    return 2 * attempts + whole * size + listed + paid + renewals + handed_over


def _pictures(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return judged pictures by SHA-256: the same one among them twice was asked about once."""
    found: Sequence[Mapping[str, Any]] = document.get("pictures") or document.get("frames") or ()
    return {picture.get("sha256") or str(number): picture for number, picture in enumerate(found)}


def _bytes(value: Any) -> int:
    """Return about what DynamoDB counts for a plain value ("DynamoDB item sizes and formats")."""
    if isinstance(value, Mapping):
        return 3 + sum(1 + len(name) + _bytes(each) for name, each in value.items())
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Sequence):
        return 3 + sum(1 + _bytes(each) for each in value)
    return 1 if value is None or isinstance(value, bool) else 6
