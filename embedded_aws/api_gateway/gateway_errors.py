"""API Gateway's own answers, in the words of the API's gateway responses.

After the API Gateway Developer Guide, "Gateway response types" and "Set up a gateway response".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from embedded_aws.api_gateway.definition import Definition, GatewayResponse
from embedded_aws.api_gateway.messages import Answer, Request

_VARIABLE = re.compile(r"\$(context(?:\.\w+)+|stageVariables\.\w+)")
_DEFAULT_TEMPLATE = '{"message":$context.error.messageString}'


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An answer that no function gives; `kind` is the gateway response's type."""

    kind: str
    status: int
    message: str
    error_type: str = "InternalServerErrorException"


class FaultError(Exception):
    """The request ends with this fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


MISSING_TOKEN = Fault(
    kind="MISSING_AUTHENTICATION_TOKEN",
    status=403,
    message="Missing Authentication Token",
    error_type="MissingAuthenticationTokenException",
)
INVALID_KEY = Fault(kind="INVALID_API_KEY", status=403, message="Forbidden", error_type="ForbiddenException")
UNAUTHORIZED = Fault(
    kind="UNAUTHORIZED", status=401, message="Unauthorized", error_type="UnauthorizedException"
)
NO_SUCH_STAGE = Fault(kind="ACCESS_DENIED", status=403, message="Forbidden", error_type="ForbiddenException")
THROTTLED = Fault(
    kind="THROTTLED", status=429, message="Too Many Requests", error_type="TooManyRequestsException"
)
QUOTA_EXCEEDED = Fault(
    kind="QUOTA_EXCEEDED", status=429, message="Limit Exceeded", error_type="LimitExceededException"
)
TOO_LARGE = Fault(
    kind="REQUEST_TOO_LARGE", status=413, message="Request Too Long", error_type="RequestTooLargeException"
)
TIMED_OUT = Fault(kind="INTEGRATION_TIMEOUT", status=504, message="Endpoint request timed out")
NOT_REACHED = Fault(
    kind="INTEGRATION_FAILURE", status=504, message="Network error communicating with endpoint"
)
NOT_CONFIGURED = Fault(kind="API_CONFIGURATION_ERROR", status=500, message="Internal server error")
# A function fails, or its answer is malformed: there is no response type of its own, only the fallback.
MALFORMED = Fault(kind="DEFAULT_5XX", status=502, message="Internal server error")


def answer(fault: Fault, request: Request, definition: Definition | None) -> Answer:
    """Return a fault in the words of the deployment, else of its DEFAULT_4XX or _5XX, else in API Gateway's."""
    responses = definition.responses if definition is not None else {}
    wording = responses.get(fault.kind)
    if wording is None:
        wording = responses.get("DEFAULT_4XX" if fault.status < 500 else "DEFAULT_5XX")
    fallback = GatewayResponse(status=None, parameters={}, templates={})
    wording = wording or fallback
    context = _context(fault, request)
    media_type, template = _template(wording, request)
    headers = {"content-type": ("Content-Type", media_type)}
    for name, value in _parameters(wording, request, context):
        headers[name.lower()] = (name, value)
    return Answer(
        status=wording.status or fault.status,
        headers=[
            *headers.values(),
            ("x-amzn-RequestId", request.id),
            ("x-amzn-ErrorType", fault.error_type),
        ],
        body=_VARIABLE.sub(lambda found: context.get(found[1], ""), template).encode(),
    )


def _template(wording: GatewayResponse, request: Request) -> tuple[str, str]:
    """Return the template for what the caller accepts, else the one for JSON, else any."""
    templates = wording.templates or {"application/json": _DEFAULT_TEMPLATE}
    accepted = (request.header("Accept") or "").partition(",")[0].partition(";")[0].strip().lower()
    for media_type in (accepted, "application/json", *templates):
        if media_type in templates:
            return media_type, templates[media_type]
    raise AssertionError("there is at least one template")


def _parameters(
    wording: GatewayResponse, request: Request, context: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for target, source in wording.parameters.items():
        value = _value(source, request, context)
        if value is not None:
            yield target.removeprefix("gatewayresponse.header."), value


def _value(source: str, request: Request, context: Mapping[str, str]) -> str | None:
    if source.startswith("'"):
        return source[1:-1]
    if source.startswith("method.request.header."):
        return request.header(source.removeprefix("method.request.header."))
    return context.get(source)


def _context(fault: Fault, request: Request) -> dict[str, str]:
    values = {
        "requestId": request.id,
        "extendedRequestId": request.id,
        "error.message": fault.message,
        "error.messageString": json.dumps(fault.message),
        "error.responseType": fault.kind,
        "httpMethod": request.method,
        "path": request.path,
        "stage": request.stage,
        "protocol": request.protocol,
        "identity.sourceIp": request.source_ip,
        "xrayTraceId": request.trace,
    }
    return {f"context.{name}": value for name, value in values.items()}
