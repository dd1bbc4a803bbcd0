"""Presigned links: signature, age and the request that they are for. (S3 User Guide, "Query parameter auth".)"""

import hashlib
import time
from typing import Any
from urllib.parse import parse_qsl, quote

from embedded_aws.access.signatures import (
    ALGORITHM,
    LATE_SECONDS,
    require_same,
    seconds_of,
    secret_of,
    signature,
)
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
_SCOPE_PARTS = 5  # key, date, region, service, "aws4_request"


def is_presigned(request: Any) -> bool:
    """Whether a request is authenticated by its query, in either version of signatures."""
    query = request.query_string
    return b"X-Amz-Signature=" in query or (b"AWSAccessKeyId=" in query and b"Signature=" in query)


def verify(request: Any) -> None:
    """Raises RefusedError, as S3 words it, where the link was not signed like this, or not for now."""
    pairs = parse_qsl(request.query_string.decode("ascii", "replace"), keep_blank_values=True)
    given = dict(pairs)
    if "X-Amz-Signature" not in given:
        message = (
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        )
        raise RefusedError("InvalidRequest", message)
    missing = [name for name in _NEEDED if not given.get(name)]
    scope = given.get("X-Amz-Credential", "").split("/")
    if missing or given["X-Amz-Algorithm"] != ALGORITHM or len(scope) != _SCOPE_PARTS:
        raise _bad_query(
            f"Query-string authentication version 4 requires the {', '.join(_NEEDED)} parameters."
        )
    _require_in_time(given)
    names = given["X-Amz-SignedHeaders"].split(";")
    headers = {name.lower(): " ".join(value.split()) for name, value in request.headers.items()}
    signed = [(name, value) for name, value in pairs if name != "X-Amz-Signature"]
    canonical = "\n".join(
        [
            request.method,
            request.raw_path,
            "&".join(
                sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in signed)
            ),
            *(f"{name}:{headers.get(name, '')}" for name in names),
            "",
            given["X-Amz-SignedHeaders"],
            headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ]
    )
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([ALGORITHM, given["X-Amz-Date"], "/".join(scope[1:]), hashed])
    secret = secret_of(scope[0], given.get("X-Amz-Security-Token"))
    require_same(given["X-Amz-Signature"], signature(secret, scope[1:], text))


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
