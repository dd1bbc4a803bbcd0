"""The API's refusals as problem documents (RFC 9457), and its answers where a service behind it failed.

They are not part of the pipeline's hierarchy of errors: that one decides about messages, this one answers clients.
"""

from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = 2
TITLES = {
    # Not Python's own phrases: those change with its version. These are RFC 9110's.
    HTTPStatus.BAD_REQUEST: "Bad Request",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.NOT_FOUND: "Not Found",
    HTTPStatus.METHOD_NOT_ALLOWED: "Method Not Allowed",
    HTTPStatus.CONFLICT: "Conflict",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Unsupported Media Type",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Internal Server Error",
    HTTPStatus.SERVICE_UNAVAILABLE: "Service Unavailable",
}
THROTTLED = frozenset(
    {
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
BROKEN = "Something went wrong here; the operators find it under the request_id."
BUSY = "A service behind this API is busy. Send the same request again after the pause of Retry-After."


class Problem(Exception):  # noqa: N818 - RFC 9457's own word for it
    """A refused request: its status, a sentence that helps its sender, and headers of the answer (`_` for `-`)."""

    def __init__(self, status: HTTPStatus, detail: str, **headers: str) -> None:
        super().__init__(f"{status.value}: {detail}")
        self.status = status
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def document(self, request_id: str) -> dict[str, Any]:
        """Return the problem document: title, status, detail, request_id."""
        return {
            "title": TITLES[self.status],
            "status": self.status.value,
            "detail": self.detail,
            "request_id": request_id,
        }


def malformed(detail: str) -> Problem:
    """Return the problem of a request that cannot be understood."""
    return Problem(HTTPStatus.BAD_REQUEST, detail)


def busy() -> Problem:
    """Return the problem that asks the client to try again."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, BUSY, Retry_After=str(RETRY_SECONDS))


def problem_of(error: Exception) -> Problem:
    """Return the answer to any error; it says nothing about the inside where the error is the API's own."""
    if isinstance(error, Problem):
        return error
    if may_pass(error):
        return busy()
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, BROKEN)


def may_pass(error: Exception) -> bool:
    """Return whether the same request may succeed in a moment: a service was slow, unavailable or throttling."""
    if isinstance(error, ClientError):
        answer = error.response
        code = answer.get("Error", {}).get("Code", "")
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code in THROTTLED or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    # Other errors of botocore are mistakes in how it is used; a pause does not help.
    return isinstance(error, BotoCoreError) and isinstance(error, HTTPClientError | NoConnectionError)
