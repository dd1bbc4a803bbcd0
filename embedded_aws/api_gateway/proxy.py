"""The Lambda proxy integration: a request as an event, a function's answer as a response.

After the API Gateway Developer Guide, "Lambda proxy integrations", "Content type conversions" and "Known issues".
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from embedded_aws.api_gateway import gateway_errors
from embedded_aws.api_gateway.definition import Definition, Match
from embedded_aws.api_gateway.gateway_errors import FaultError
from embedded_aws.api_gateway.messages import Answer, Request
from embedded_aws.isolation import ACCOUNT_ID

PAYLOAD_BYTES = 6_291_456  # Lambda's limit of a synchronous event, and of its answer
_OF_THE_CONNECTION = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
    }
)
_NOT_PASSED_ON = _OF_THE_CONNECTION | {"content-length"}
_OF_THE_GATEWAY = frozenset({"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"})
_NO_BODY = frozenset({204, 304})


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The API key of a request, and the claims of its identity token; None for methods that need none."""

    key_id: str | None = None
    key: str | None = None
    claims: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """The API and the variables of the stage that a request reached."""

    api_id: str
    variables: Mapping[str, str]


def event_of(
    request: Request, match: Match, definition: Definition, place: Place, caller: Caller, body: bytes
) -> dict[str, Any]:
    """Return the event. A body of a type that is not declared binary is decoded as UTF-8, with replacements.

    Raises FaultError (TOO_LARGE) where Lambda would not take it.
    """
    headers = [
        (name, value)
        for name, value in request.headers
        if name.lower() not in _NOT_PASSED_ON and name.lower() not in _OF_THE_GATEWAY
    ]
    forwarded = request.header("X-Forwarded-For")
    headers += [
        ("X-Amzn-Trace-Id", request.trace),
        ("X-Forwarded-For", f"{forwarded}, {request.source_ip}" if forwarded else request.source_ip),
        ("X-Forwarded-Port", (request.header("Host") or "").rpartition(":")[2] or "80"),
        ("X-Forwarded-Proto", "http"),
    ]
    query = parse_qsl(request.query, keep_blank_values=True)
    is_binary = bool(body) and definition.is_binary(request.header("Content-Type") or "application/json")
    text = base64.b64encode(body).decode() if is_binary else body.decode("utf-8", "replace")
    event = {
        "resource": match.method.resource,
        "path": request.resource_path,
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": _grouped(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _grouped(query) or None,
        "pathParameters": dict(match.parameters) or None,
        "stageVariables": dict(place.variables) or None,
        "requestContext": _context(request, match, place.api_id, caller),
        "body": text or None,
        "isBase64Encoded": is_binary,
    }
    if len(json.dumps(event)) > PAYLOAD_BYTES:
        raise FaultError(gateway_errors.TOO_LARGE)
    return event


def answer_of(payload: Any, request: Request, definition: Definition) -> Answer:
    """Return a function's answer as a response.

    Raises FaultError: MALFORMED for what is not a proxy response, or larger than Lambda returns, NOT_CONFIGURED for a
    body that says it is base64 and is not.
    """
    if not isinstance(payload, Mapping) or len(json.dumps(payload)) > PAYLOAD_BYTES:
        raise FaultError(gateway_errors.MALFORMED)
    status, body = _status(payload.get("statusCode")), payload.get("body")
    if body is not None and not isinstance(body, str):
        raise FaultError(gateway_errors.MALFORMED)
    headers = _response_headers(payload)
    data = (body or "").encode()
    if payload.get("isBase64Encoded") is True and _wants_bytes(request, definition):
        try:
            data = base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise FaultError(gateway_errors.NOT_CONFIGURED) from error
    names = {name.lower() for name, _ in headers}
    if "content-type" not in names:
        headers.append(("Content-Type", "application/json"))
    headers += [("x-amzn-RequestId", request.id), ("X-Amzn-Trace-Id", request.trace)]
    return Answer(status=status, headers=headers, body=b"" if status in _NO_BODY else data)


def _status(value: Any) -> int:
    try:
        status = int(value)
    except (TypeError, ValueError) as error:
        raise FaultError(gateway_errors.MALFORMED) from error
    if isinstance(value, (bool, float)) or not 100 <= status <= 599:
        raise FaultError(gateway_errors.MALFORMED)
    return status


def _response_headers(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the headers of both kinds; where a header is in both, the values of `multiValueHeaders` count."""
    single, multiple = payload.get("headers") or {}, payload.get("multiValueHeaders") or {}
    if not isinstance(single, Mapping) or not isinstance(multiple, Mapping):
        raise FaultError(gateway_errors.MALFORMED)
    headers: list[tuple[str, Any]] = []
    taken = {name.lower() for name in multiple}
    headers += [(name, value) for name, value in single.items() if name.lower() not in taken]
    for name, values in multiple.items():
        if not isinstance(values, list):
            raise FaultError(gateway_errors.MALFORMED)
        headers += [(name, value) for value in values]
    if any(isinstance(value, (dict, list)) or value is None for _, value in headers):
        raise FaultError(gateway_errors.MALFORMED)
    return [
        (name, json.dumps(value) if isinstance(value, bool) else str(value))
        for name, value in headers
        if name.lower() not in _NOT_PASSED_ON
    ]


def _wants_bytes(request: Request, definition: Definition) -> bool:
    """Return whether the first type that the caller accepts is binary: API Gateway looks at no other."""
    first = (request.header("Accept") or "").partition(",")[0]
    return "*/*" in definition.binary_media_types or definition.is_binary(first)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        grouped[name].append(value)
    return dict(grouped)


def _context(request: Request, match: Match, api_id: str, caller: Caller) -> dict[str, Any]:
    identity: dict[str, Any] = dict.fromkeys(
        (
            "accessKey",
            "accountId",
            "caller",
            "cognitoAuthenticationProvider",
            "cognitoAuthenticationType",
            "cognitoIdentityId",
            "cognitoIdentityPoolId",
            "principalOrgId",
            "user",
            "userArn",
        )
    )
    identity |= {"sourceIp": request.source_ip, "userAgent": request.header("User-Agent")}
    if caller.key_id is not None:
        identity |= {"apiKey": caller.key, "apiKeyId": caller.key_id}
    host = request.header("Host") or ""
    received = time.gmtime(request.received)
    authorizer = {"authorizer": {"claims": dict(caller.claims)}} if caller.claims is not None else {}
    return {
        **authorizer,
        "accountId": ACCOUNT_ID,
        "apiId": api_id,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "extendedRequestId": request.id,
        "httpMethod": request.method,
        "identity": identity,
        "path": request.path,
        "protocol": request.protocol,
        "requestId": request.id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", received),
        "requestTimeEpoch": int(request.received * 1000),
        "resourceId": match.method.resource.strip("/").replace("/", "-") or "root",
        "resourcePath": match.method.resource,
        "stage": request.stage,
    }
