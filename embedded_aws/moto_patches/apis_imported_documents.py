"""An imported OpenAPI document takes effect as a whole.

AWS: gateway responses, binary media types and the security policy are imported with the routes, and a path may hold
`parameters` beside its methods. (API Gateway Developer Guide, "OpenAPI extensions for API Gateway".)
moto: fails on such a path, and drops responses, media types and the policy.
"""

import copy
from typing import Any

from embedded_aws.moto_replacement import replace
from embedded_aws.openapi_extensions import ACCESS_MODE, BINARY, GATEWAY_RESPONSES, METHODS, SECURITY_POLICY

_DEFAULT_POLICY = "TLS_1_0"  # of regional and edge-optimized APIs


def apply() -> None:
    """Keep the document with the API, for deployments and for whoever serves them."""
    from moto.apigateway.models import APIGatewayBackend, RestAPI

    def put_rest_api(
        self: Any,
        function_id: str,
        api_doc: dict[str, Any],
        fail_on_warnings: bool,  # noqa: ARG001 - `embedded_aws.refusals.apis` has judged the document
        mode: str = "merge",
    ) -> Any:
        api = self.get_rest_api(function_id)
        document = _merged(api.document, api_doc) if mode == "merge" else copy.deepcopy(api_doc)
        api.document = document
        api.binaryMediaTypes = list(document.get(BINARY, []))
        api.tls = _tls(document)
        api.gateway_responses = {}
        for kind, entry in document.get(GATEWAY_RESPONSES, {}).items():
            status = entry.get("statusCode")
            parameters, templates = entry.get("responseParameters", {}), entry.get("responseTemplates", {})
            api.put_gateway_response(kind, str(status) if status else None, parameters, templates)
        only_routes = {"openapi": document["openapi"], "paths": _routes(document)}
        original(self, function_id, only_routes, False, "overwrite")
        api.root_resource_id = api.default.id
        return api

    def to_dict(self: Any) -> dict[str, Any]:
        return {**described(self), **self.tls}

    RestAPI.document = None  # type: ignore[attr-defined]
    RestAPI.tls = _tls({})  # type: ignore[attr-defined]
    described = replace(RestAPI, "to_dict", to_dict)
    original = replace(APIGatewayBackend, "put_rest_api", put_rest_api)


def _tls(document: dict[str, Any]) -> dict[str, str]:
    mode = {"endpointAccessMode": document[ACCESS_MODE]} if ACCESS_MODE in document else {}
    return {"securityPolicy": document.get(SECURITY_POLICY, _DEFAULT_POLICY), **mode}


def _merged(before: dict[str, Any] | None, given: dict[str, Any]) -> dict[str, Any]:
    document = copy.deepcopy(given)
    if not before:
        return document
    return {**before, **document, "paths": {**before.get("paths", {}), **document.get("paths", {})}}


def _routes(document: dict[str, Any]) -> dict[str, Any]:
    """Return the paths with their methods only, as moto reads them; ANY under its own name."""
    names = {"x-amazon-apigateway-any-method": "any"}
    return {
        path: {names.get(method, method): entry for method, entry in item.items() if method in METHODS}
        for path, item in document.get("paths", {}).items()
    }
