"""A deployed OpenAPI document as API Gateway reads it: routes, keys, binary media types, gateway responses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from embedded_aws.openapi_extensions import AUTHORIZER, BINARY, GATEWAY_RESPONSES, INTEGRATION, METHODS

INTEGRATION_SECONDS = 29.0
_ANY = "x-amazon-apigateway-any-method"
_FUNCTION = re.compile(r"/functions/(?P<arn>arn:[^/]+)/invocations$")


@dataclass(frozen=True, kw_only=True)
class Method:
    """What a method of a resource does: it invokes a function, for holders of a key only if `key_required`.

    With `pools`, ARNs of user pools, for those only who signed in to one of them.
    """

    resource: str
    function_arn: str
    key_required: bool
    timeout: float
    pools: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GatewayResponse:
    """How API Gateway words an answer of its own; None: its default."""

    status: int | None
    parameters: Mapping[str, str]
    templates: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Match:
    """The method for a request, and the decoded values of its path's variables."""

    method: Method
    parameters: Mapping[str, str]


class Definition:
    """One deployment of an API, from the document that was imported before it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.binary_media_types = tuple(kind.lower() for kind in document.get(BINARY, ()))
        self.responses = {
            kind: GatewayResponse(
                status=int(entry["statusCode"]) if entry.get("statusCode") else None,
                parameters=dict(entry.get("responseParameters", {})),
                templates=dict(entry.get("responseTemplates", {})),
            )
            for kind, entry in document.get(GATEWAY_RESPONSES, {}).items()
        }
        schemes = document.get("components", {}).get("securitySchemes", {})
        pools = {
            name: tuple(scheme[AUTHORIZER]["providerARNs"])
            for name, scheme in schemes.items()
            if AUTHORIZER in scheme
        }
        self._resources = {
            path: {
                "ANY" if name == _ANY else name.upper(): _method(path, operation, pools)
                for name, operation in item.items()
                if name in METHODS
            }
            for path, item in document.get("paths", {}).items()
        }

    def match(self, method: str, path: str) -> Match | None:
        """Return the method for a path as it was sent (still encoded); None where API Gateway knows none.

        A literal part of a path goes before a variable one, a variable one before a greedy one.
        """
        parts = path.split("/")[1:]
        found = []
        for template, methods in self._resources.items():
            values = _values(template.split("/")[1:], parts)
            if values is not None and (wanted := methods.get(method, methods.get("ANY"))) is not None:
                found.append((_rank(template), Match(method=wanted, parameters=values)))
        return min(found, key=lambda entry: entry[0])[1] if found else None

    def is_binary(self, media_type: str) -> bool:
        """Return whether bodies of this type (as in a header; parameters are ignored) are passed on unchanged."""
        bare = media_type.partition(";")[0].strip().lower()
        return "*/*" in self.binary_media_types or bare in self.binary_media_types


def _method(path: str, operation: Mapping[str, Any], pools: Mapping[str, tuple[str, ...]]) -> Method:
    integration = operation[INTEGRATION]
    arn = _FUNCTION.search(integration["uri"])
    if arn is None:
        raise ValueError(f"{path}: {integration['uri']} names no function")
    milliseconds = integration.get("timeoutInMillis", INTEGRATION_SECONDS * 1000)
    wanted = [name for requirement in operation.get("security", ()) for name in requirement]
    return Method(
        resource=path,
        function_arn=arn["arn"],
        key_required=any(name not in pools for name in wanted),
        timeout=milliseconds / 1000,
        pools=tuple(arn for name in wanted for arn in pools.get(name, ())),
    )


def _values(template: list[str], parts: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for index, wanted in enumerate(template):
        if wanted.endswith("+}"):
            rest = "/".join(parts[index:])
            return {**values, wanted[1:-2]: unquote(rest)} if rest else None
        if index >= len(parts):
            return None
        if wanted.startswith("{"):
            if not parts[index]:
                return None
            values[wanted[1:-1]] = unquote(parts[index])
        elif wanted != unquote(parts[index]):
            return None
    return values if len(parts) == len(template) else None


def _rank(template: str) -> list[int]:
    return [2 if part.endswith("+}") else 1 if part.startswith("{") else 0 for part in template.split("/")]
