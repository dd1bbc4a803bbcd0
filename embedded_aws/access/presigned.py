"""Presigned URLs: signature, age and the request that they are for. (S3 User Guide, "Query parameter auth".)"""

import time
from typing import Any
from urllib.parse import parse_qsl

from embedded_aws.access.signatures import ALGORITHM, LATE_SECONDS, Scope, seconds_of, verify_query
from embedded_aws.calls import RefusedError

MOST_SECONDS = 7 * 86_400
_NEEDED = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
)


def is_presigned(request: Any) -> bool:
    """Return whether a request is authenticated by its query, in either version of signatures."""
    query = request.query_string
    return b"X-Amz-Signature=" in query or (b"AWSAccessKeyId=" in query and b"Signature=" in query)


def verify(request: Any) -> None:
    """Raise RefusedError, in S3's words, where the URL was not signed like this, or not for now."""
    pairs = parse_qsl(request.query_string.decode("ascii", "replace"), keep_blank_values=True)
    given = dict(pairs)
    if "X-Amz-Signature" not in given:
        message = (
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        )
        raise RefusedError("InvalidRequest", message)
    missing = [name for name in _NEEDED if not given.get(name)]
    scope = Scope.parse(given.get("X-Amz-Credential", ""))
    if missing or given["X-Amz-Algorithm"] != ALGORITHM or scope is None or len(given) < len(pairs):
        raise _bad_query(
            f"Query-string authentication version 4 requires the {', '.join(_NEEDED)} parameters, each once."
        )
    _require_in_time(given)
    verify_query(request, pairs, scope)


def _require_in_time(given: dict[str, str]) -> None:
    began, lasts = seconds_of(given["X-Amz-Date"]), given["X-Amz-Expires"]
    if began is None:
        raise _bad_query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    if not lasts.isdigit() or not 0 < int(lasts) <= MOST_SECONDS:
        raise _bad_query(
            f"X-Amz-Expires must be between 1 and {MOST_SECONDS} (a week in seconds), and it is {lasts}"
        )
    now = time.time()
    if began > now + LATE_SECONDS:
        raise RefusedError("AccessDenied", "Request is not valid yet", 403)
    if now > began + int(lasts):
        raise RefusedError("AccessDenied", "Request has expired", 403)


def _bad_query(message: str) -> RefusedError:
    return RefusedError("AuthorizationQueryParametersError", message)
