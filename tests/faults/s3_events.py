"""S3's event notifications, written and parsed without code of the pipeline.

S3 User Guide, "Event message structure". In a bucket without versions, events name none; while versioning is
suspended, they may say "null", the id that later null versions take over.
"""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from tests.faults.history import identity, marker_identity
from tests.faults.simulated_stack import UPLOADS

PUT, MARKED, REMOVED = "ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated", "ObjectRemoved:Delete"
ETAG_OF_MARKERS = "d41d8cd98f00b204e9800998ecf8427e"  # S3 gives the MD5 of no bytes as a delete marker's


def event(
    name: str,
    key: str,
    version: str | None,
    sequencer: str,
    *,
    etag: str | None = None,
    size: int | None = None,
    at: float | None = None,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """Return one record of a notification; `without` names fields of the object that it lacks.

    `at` is its time, in epoch seconds.
    """
    described = {
        "key": quote_plus(key, safe="/"),
        "versionId": version,
        "eTag": etag,
        "size": size,
        "sequencer": sequencer,
    }
    described = {
        field: value for field, value in described.items() if value is not None and field not in without
    }
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        **({} if at is None else {"eventTime": datetime.fromtimestamp(at, UTC).isoformat()}),
        "s3": {"bucket": {"name": UPLOADS}, "object": described},
    }


def events_of(body: str) -> list[dict[str, str]]:
    """Return the uploads bucket's events in a message.

    Each has `name`, `key`, `version` (the identity of the version or delete marker), `redrive` ("" or "redrive") and
    `decision` (its id, or "").
    """
    try:
        records = json.loads(body).get("Records", ())
    except (ValueError, AttributeError):
        return []
    return [
        {
            "name": record["eventName"],
            "key": unquote_plus(record["s3"]["object"]["key"]),
            "version": _identity(record["eventName"], record["s3"]["object"]),
            "redrive": "redrive" if "redrive" in record else "",
            "decision": record.get("decision", {}).get("id", ""),
        }
        for record in records
        if record.get("s3", {}).get("bucket", {}).get("name") == UPLOADS
    ]


def _identity(name: str, described: dict[str, Any]) -> str:
    if name == MARKED:
        return marker_identity(described.get("versionId"), described.get("sequencer", ""))
    return identity(described.get("versionId"), described.get("eTag"))
