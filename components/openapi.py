"""The document that API Gateway imports: the routes of `openapi.yaml`, wired to one function, and its own answers.

API Gateway imports a subset of OpenAPI: it ignores a document's own `security`, and refuses schemas and names that
OpenAPI allows ("Amazon API Gateway important notes"). So the import contains only what API Gateway acts on: methods,
statuses, path parameters, and which routes need a key.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import pulumi

from components import engine_yaml

DOCUMENT = Path(__file__).with_name("openapi.yaml")
ANY_METHOD = "x-amazon-apigateway-any-method"  # of a path: all methods that it does not name
METHODS = ("get", "put", "post", "delete", "head", "patch")
INTEGRATION_MILLISECONDS = 29_000  # API Gateway's own limit (Quotas)
PROBLEM = "application/problem+json"
# TLS 1.2 or 1.3 with forward secrecy; without it, a regional API's own address takes TLS 1.0 (Developer Guide,
# "Supported security policies"). In the document, since an import with `overwrite` undoes what is set beside it.
# STRICT would also hold the name in the handshake against the request's, which AWS says to try with BASIC first.
TLS: Mapping[str, str] = MappingProxyType(
    {
        "x-amazon-apigateway-security-policy": "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09",
        "x-amazon-apigateway-endpoint-access-mode": "BASIC",
    }
)
EXPOSED_HEADERS = "Location,Retry-After"  # what a web page may read of an answer

# Every answer that API Gateway gives without the function (API Gateway Developer Guide, "Gateway response types").
GATEWAY_STATUSES: Mapping[str, int] = MappingProxyType(
    {
        "BAD_REQUEST_BODY": 400,
        "BAD_REQUEST_PARAMETERS": 400,
        "DEFAULT_4XX": 400,
        "ACCESS_DENIED": 403,
        "EXPIRED_TOKEN": 403,
        "INVALID_API_KEY": 403,
        "INVALID_SIGNATURE": 403,
        "UNAUTHORIZED": 403,
        "WAF_FILTERED": 403,
        "MISSING_AUTHENTICATION_TOKEN": 404,  # what API Gateway calls a route or method that does not exist
        "RESOURCE_NOT_FOUND": 404,
        "REQUEST_TOO_LARGE": 413,
        "UNSUPPORTED_MEDIA_TYPE": 415,
        "QUOTA_EXCEEDED": 429,
        "THROTTLED": 429,
        "API_CONFIGURATION_ERROR": 500,
        "AUTHORIZER_CONFIGURATION_ERROR": 500,
        "AUTHORIZER_FAILURE": 500,
        "DEFAULT_5XX": 502,  # the function's answer was malformed
        "INTEGRATION_FAILURE": 503,  # the function could not be started
        "INTEGRATION_TIMEOUT": 504,
    }
)
# Seconds until a repeated request can succeed.
RETRY_AFTER: Mapping[str, int] = MappingProxyType(
    {"THROTTLED": 1, "QUOTA_EXCEEDED": 3600, "INTEGRATION_FAILURE": 2}
)

Document = Mapping[str, Any]


def read(path: Path = DOCUMENT) -> Document:
    """Return the document as it is written."""
    return cast(Document, engine_yaml.load(path.read_bytes(), is_ours=True))


def gateway_body(
    document: Document, function_uri: pulumi.Input[str], cors_origins: Sequence[str]
) -> dict[str, Any]:
    """Return the document to import; `function_uri` answers every route, and every preflight request."""
    integration = function_integration(function_uri)
    paths = {
        path: {
            **{
                method: _operation(document, path, item[method], integration)
                for method in METHODS
                if method in item
            },
            **({"options": _preflight(path, integration)} if cors_origins else {}),
            ANY_METHOD: _other_methods(document, path, integration),
        }
        for path, item in document["paths"].items()
    }
    return {
        "openapi": document["openapi"],
        "info": {"title": document["info"]["title"], "version": document["info"]["version"]},
        "paths": paths,
        "components": {"securitySchemes": document["components"]["securitySchemes"]},
        # All types: curl sends a form's content type by default, and bodies of types not listed here arrive corrupted.
        "x-amazon-apigateway-binary-media-types": ["*/*"],
        "x-amazon-apigateway-gateway-responses": _gateway_responses(document, cors_origins),
        **TLS,
    }


def function_integration(function_uri: pulumi.Input[str]) -> dict[str, Any]:
    """Return the integration of a route that a function answers, as a proxy."""
    return {
        "type": "aws_proxy",
        "httpMethod": "POST",  # how Lambda is called, whatever the route's method is
        "uri": function_uri,
        "passthroughBehavior": "when_no_match",
        "timeoutInMillis": INTEGRATION_MILLISECONDS,
    }


def fingerprint(document: Document, cors_origins: Sequence[str]) -> str:
    """Return a hash of the document and of what is imported: a change of either needs a new deployment."""
    text = json.dumps([document, gateway_body(document, "", cors_origins)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _operation(document: Document, path: str, operation: Document, integration: Document) -> dict[str, Any]:
    return {
        "operationId": operation["operationId"],
        "parameters": _parameters(path),
        "responses": {status: _described(status) for status in operation["responses"]},
        "security": operation.get("security", document.get("security", [])),
        "x-amazon-apigateway-integration": integration,
    }


def _other_methods(document: Document, path: str, integration: Document) -> dict[str, Any]:
    """Return what answers 405 to all other methods: the function, since an unknown one would be 404 to the gateway.

    It needs a key as the route does, so that nobody without one can invoke the function.
    """
    return {
        "parameters": _parameters(path),
        "responses": {"405": _described("405")},
        "security": document.get("security", []),
        "x-amazon-apigateway-integration": integration,
    }


def _preflight(path: str, integration: Document) -> dict[str, Any]:
    """Return the route of preflight requests, which browsers send without a key."""
    return {
        "parameters": _parameters(path),
        "responses": {"204": _described("204")},
        "security": [],
        "x-amazon-apigateway-integration": integration,
    }


def _parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{([^}]+)\}", path)
    ]


def _described(status: str) -> dict[str, str]:
    return {"description": HTTPStatus(int(status)).phrase}


def _gateway_responses(document: Document, cors_origins: Sequence[str]) -> dict[str, Any]:
    problems = _problems(document)
    return {
        kind: {
            "statusCode": str(status),
            "responseParameters": {
                f"gatewayresponse.header.{name}": f"'{value}'"
                for name, value in _headers(kind, cors_origins).items()
            },
            "responseTemplates": {"application/json": json.dumps(problems[status])},
        }
        for kind, status in GATEWAY_STATUSES.items()
    }


def _headers(kind: str, cors_origins: Sequence[str]) -> dict[str, str]:
    headers = {"Content-Type": PROBLEM, "Cache-Control": "no-store"}
    if kind in RETRY_AFTER:
        headers["Retry-After"] = str(RETRY_AFTER[kind])
    if cors_origins:
        # A fixed text cannot depend on the request's origin. With several origins any is allowed: these answers
        # contain nothing private, and no cookies are involved.
        headers["Access-Control-Allow-Origin"] = cors_origins[0] if len(cors_origins) == 1 else "*"
        headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    return headers


def _problems(document: Document) -> dict[int, dict[str, Any]]:
    """Return the document's example of a problem by status, with the id of the request at hand."""
    examples = (
        response["content"][PROBLEM]["example"]
        for response in document["components"]["responses"].values()
        if PROBLEM in response.get("content", {})
    )
    return {example["status"]: {**example, "request_id": "$context.requestId"} for example in examples}
