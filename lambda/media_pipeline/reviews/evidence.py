"""Evidence of what people did about a stack: one object of the logs bucket for each act, which nothing replaces."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVIDENCE_PREFIX = "decisions/"
_EXISTS = frozenset({"412", "PreconditionFailed"})


def evidence_key(act_id: str, at: str) -> str:
    """Return the key in the logs bucket of the evidence of an act: its ULID, and when it was, in ISO 8601."""
    return f"{EVIDENCE_PREFIX}{datetime.fromisoformat(at):%Y/%m/%d}/{act_id}.json"


def put_evidence(s3: "S3Client", logs_bucket: str, document: Mapping[str, Any]) -> str:
    """Put the evidence of an act, once, before it has any effect; return its key.

    `document` has at least its `id`, a new ULID, and `at`. Raises what boto3 raises.
    """
    key = evidence_key(document["id"], document["at"])
    try:
        s3.put_object(
            Bucket=logs_bucket,
            Key=key,
            Body=json.dumps(document, ensure_ascii=False, sort_keys=True).encode(),
            ContentType="application/json",
            IfNoneMatch="*",
        )
    except ClientError as error:
        # The id has 80 random bits: only an earlier try of this very call, whose answer was lost, wrote it.
        if error.response["Error"]["Code"] not in _EXISTS:
            raise
    return key
