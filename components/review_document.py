"""The document that API Gateway imports for the console: its page for everybody, its API for who signed in."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi

from components.openapi import PROBLEM, TLS, function_integration

REVIEWERS = "reviewers"  # the name of the authorizer
# Of the gateway's own answers. A fixed header cannot hold the quotes of 'none', so their policy is `sandbox`.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox",
    "Content-Type": PROBLEM,
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# What API Gateway answers without the function ("Gateway response types"): status and sentence by type; None: its own.
_ANSWERS: Mapping[str, tuple[int | None, str | None]] = {
    "UNAUTHORIZED": (401, "Sign in to the console first."),
    "MISSING_AUTHENTICATION_TOKEN": (404, "There is nothing here."),
    "THROTTLED": (429, "Many requests arrive at the moment. Try again in a moment."),
    "DEFAULT_4XX": (None, None),
    "DEFAULT_5XX": (None, "Something went wrong here. Try again in a moment."),
}


def body(function_uri: pulumi.Input[str], user_pool_arn: pulumi.Input[str]) -> dict[str, Any]:
    """Return the document to import: all routes invoke the function, those below `/v1/` for the pool's members only."""
    integration = function_integration(function_uri)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Review console", "version": "1"},
        "paths": {
            "/": {"get": _operation(integration)},
            "/{file}": {"get": _operation(integration, "file")},
            "/v1/{proxy+}": {
                method: {**_operation(integration, "proxy"), "security": [{REVIEWERS: []}]}
                for method in ("get", "post")
            },
        },
        "components": {
            "securitySchemes": {
                REVIEWERS: {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "cognito_user_pools",
                    "x-amazon-apigateway-authorizer": {
                        "type": "cognito_user_pools",
                        "providerARNs": [user_pool_arn],
                    },
                }
            }
        },
        "x-amazon-apigateway-gateway-responses": {kind: _answer(*told) for kind, told in _ANSWERS.items()},
        **TLS,
    }


def fingerprint() -> str:
    """Return the document without what exists only once it is deployed: a change of it needs a new deployment."""
    return json.dumps(body("", ""), sort_keys=True)


def _operation(integration: Mapping[str, Any], parameter: str | None = None) -> dict[str, Any]:
    named = {"name": parameter, "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "parameters": [named] if parameter else [],
        "responses": {"200": {"description": "OK"}},
        "x-amazon-apigateway-integration": integration,
    }


def _answer(status: int | None, detail: str | None) -> dict[str, Any]:
    told = json.dumps(detail) if detail else "$context.error.messageString"
    answer: dict[str, Any] = {
        "responseParameters": {
            f"gatewayresponse.header.{name}": f"'{value}'" for name, value in _HEADERS.items()
        },
        "responseTemplates": {
            "application/json": f'{{"detail": {told}, "request_id": "$context.requestId"}}'
        },
    }
    return {**answer, "statusCode": str(status)} if status else answer
