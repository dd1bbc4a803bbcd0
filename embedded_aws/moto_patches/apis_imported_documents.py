"""An imported OpenAPI document takes effect as a whole.

AWS: gateway responses and binary media types are imported with the routes, and a path may hold `parameters` beside
its methods. (API Gateway Developer Guide, "OpenAPI extensions for API Gateway".)
moto: fails on such a path, and drops responses and media types.
"""

import copy
from typing import Any

from embedded_aws.moto_replacement import replace
from embedded_aws.openapi_extensions import BINARY, GATEWAY_RESPONSES, METHODS


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
        api.gateway_responses = {}
        for kind, entry in document.get(GATEWAY_RESPONSES, {}).items():
            status = entry.get("statusCode")
            parameters, templates = entry.get("responseParameters", {}), entry.get("responseTemplates", {})
            api.put_gateway_response(kind, str(status) if status else None, parameters, templates)
        only_routes = {"openapi": document["openapi"], "paths": _routes(document)}
        original(self, function_id, only_routes, False, "overwrite")
        api.root_resource_id = api.default.id
        return api

    RestAPI.document = None  # type: ignore[attr-defined]
    original = replace(APIGatewayBackend, "put_rest_api", put_rest_api)


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
