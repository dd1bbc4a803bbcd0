"""AWS's error responses in each service's protocol."""

import json
from typing import Any

from botocore.awsrequest import AWSResponse
from urllib3.exceptions import ProtocolError

from tests.faults.fault_injection import FaultKind

_JSON_SERVICES = ("dynamodb", "sqs", "rekognition")
_REFUSALS: dict[FaultKind, dict[str, tuple[int, str]]] = {
    FaultKind.THROTTLED: {
        "s3": (503, "SlowDown"),
        "dynamodb": (400, "ProvisionedThroughputExceededException"),
        "sns": (400, "Throttling"),
        "sqs": (400, "ThrottlingException"),
        "rekognition": (400, "ProvisionedThroughputExceededException"),
        "cloudfront": (400, "Throttling"),
    },
    FaultKind.ERROR: {
        "s3": (500, "InternalError"),
        "dynamodb": (500, "InternalServerError"),
        "sns": (500, "InternalFailure"),
        "sqs": (500, "InternalFailure"),
        "rekognition": (500, "InternalServerError"),
        "cloudfront": (500, "InternalError"),
    },
    FaultKind.DENIED: {
        "s3": (403, "AccessDenied"),
        "dynamodb": (400, "AccessDeniedException"),
        "sns": (403, "AuthorizationError"),
        "sqs": (403, "AccessDeniedException"),
        "rekognition": (400, "AccessDeniedException"),
        "cloudfront": (403, "AccessDenied"),
    },
}


class Raw:
    """A response body as urllib3 streams it. It may end early, with an error or silently (as in urllib3 1)."""

    def __init__(self, data: bytes, *, ends_after: int | None = None, silently: bool = False) -> None:
        self._data = data if ends_after is None else data[:ends_after]
        self._breaks = ends_after is not None and not silently
        self._at = 0

    def read(self, amount: int | None = None) -> bytes:
        """Read as `urllib3.HTTPResponse.read` does. Raises ProtocolError where the body ends early."""
        end = len(self._data) if amount is None else self._at + amount
        chunk = self._data[self._at : end]
        self._at += len(chunk)
        if self._breaks and (amount is None or len(chunk) < amount):
            raise ProtocolError("Connection broken: IncompleteRead")
        return chunk

    def stream(self, **_: Any) -> Any:
        """Yield the body in chunks of at most 64 KB."""
        while chunk := self.read(1 << 16):
            yield chunk

    def close(self) -> None:
        """Release the connection: there is none."""


def answer(status: int, headers: dict[str, str], body: bytes, raw: Raw | None = None) -> AWSResponse:
    """Return an HTTP response as botocore gets it from a connection."""
    stream: Any = Raw(body) if raw is None else raw
    fields: Any = headers
    return AWSResponse("https://amazonaws.com/", status, fields, stream)


def refusal(service: str, kind: FaultKind, operation: str = "") -> AWSResponse:
    """Return the response of a service that throttles, fails or denies access."""
    status, code = _REFUSALS[kind][service]
    return error(service, status, code, has_body=operation != "HeadObject")


def error(service: str, status: int, code: str, *, has_body: bool = True) -> AWSResponse:
    """Return an error response of a service; HeadObject's has no body."""
    if not has_body:
        return answer(status, {}, b"")
    if service in _JSON_SERVICES:
        headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": code}
        return answer(status, headers, json.dumps({"__type": code, "message": "simulated"}).encode())
    if service in ("sns", "cloudfront"):
        text = (
            '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
            f"<Code>{code}</Code><Message>simulated</Message></Error><RequestId>0</RequestId></ErrorResponse>"
        )
        return answer(status, {"Content-Type": "text/xml"}, text.encode())
    text = f"<Error><Code>{code}</Code><Message>simulated</Message><RequestId>0</RequestId></Error>"
    return answer(status, {"Content-Type": "application/xml"}, text.encode())
