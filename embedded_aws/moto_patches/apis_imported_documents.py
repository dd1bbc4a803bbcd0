"""API Gateway's control plane: the imported document kept whole, and snapshots of it as deployments.

moto reads routes and integrations out of an OpenAPI document and forgets the rest: keys, binary media types,
gateway responses. Calls are answered by `embedded_aws.api_gateway`, which reads what is kept here.
"""

import copy
import json
from typing import Any
from urllib.parse import unquote

from embedded_aws.moto_replacement import replace
from embedded_aws.openapi_extensions import BINARY, GATEWAY_RESPONSES, METHODS


def apply() -> None:
    """Documents and deployments, updates of plans and methods, tags of everything."""
    from moto.apigateway import urls
    from moto.apigateway.exceptions import RestAPINotFound
    from moto.apigateway.models import APIGatewayBackend, Deployment, RestAPI, Stage, UsagePlan
    from moto.apigateway.responses import APIGatewayResponse

    def put_rest_api(
        self: Any,
        function_id: str,
        api_doc: dict[str, Any],
        fail_on_warnings: bool,  # noqa: ARG001 - `embedded_aws.refusals.apis` has looked at the document
        mode: str = "merge",
    ) -> Any:
        """The whole document; paths with `parameters` beside their methods, too, at which moto stumbles."""
        api = self.get_rest_api(function_id)
        before = getattr(api, "document", None)
        document = copy.deepcopy(api_doc)
        if mode == "merge" and before:
            document = {
                **before,
                **document,
                "paths": {**before.get("paths", {}), **document.get("paths", {})},
            }
        only_routes = {"openapi": document["openapi"], "paths": _routes(document)}
        api.gateway_responses = {}
        api.document = document
        api.binaryMediaTypes = list(document.get(BINARY, []))
        for kind, entry in document.get(GATEWAY_RESPONSES, {}).items():
            status = entry.get("statusCode")
            parameters, templates = entry.get("responseParameters", {}), entry.get("responseTemplates", {})
            api.put_gateway_response(kind, str(status) if status else None, parameters, templates)
        put(self, function_id, only_routes, False, "overwrite")
        api.root_resource_id = api.default.id
        return api

    def create_deployment(
        self: Any, function_id: str, name: str, description: str = "", stage_variables: Any = None
    ) -> Any:
        """With a copy of the document as it is now: later imports change nothing of it."""
        deployment = deploy(self, function_id, name, description, stage_variables)
        deployment.document = copy.deepcopy(getattr(self.get_rest_api(function_id), "document", None))
        return deployment

    def delete_rest_api(self: Any, function_id: str) -> Any:
        if function_id not in self.apis:
            raise RestAPINotFound
        return remove(self, function_id)

    def no_mocks(_self: Any, _stage_name: str) -> None:
        """moto would answer the public URLs of AWS for `requests`; here an API has a server of its own."""

    def patch_plan(self: Any, operations: list[dict[str, Any]]) -> None:
        """moto keeps a quota as text, and cannot read a rate such as 0.5."""
        numbers = {"/throttle/rateLimit": float, "/throttle/burstLimit": int, "/quota/limit": int}
        for operation in operations:
            path = operation["path"]
            if path in numbers and operation["op"] in ("add", "replace"):
                _, group, name = path.split("/")
                getattr(self, group)[name] = numbers[path](operation["value"])
            elif path in ("/quota/period", "/quota/offset") and operation["op"] in ("add", "replace"):
                value = operation["value"]
                self.quota[path.rsplit("/", 1)[-1]] = int(value) if path.endswith("offset") else value
            else:
                change_plan(self, [operation])

    def patch_api(self: Any, operations: list[dict[str, Any]]) -> None:
        """moto wants a media type as the value; API Gateway has it in the path."""
        prefix = "/binaryMediaTypes/"
        for operation in operations:
            if not operation["path"].startswith(prefix):
                change_api(self, [operation])
                continue
            kind = operation["path"].removeprefix(prefix).replace("~1", "/")
            others = [entry for entry in self.binaryMediaTypes if entry != kind]
            self.binaryMediaTypes = others if operation["op"] == "remove" else [*others, kind]

    def patch_stage(self: Any, operations: list[dict[str, Any]]) -> Any:
        """moto does not take a method's settings back."""
        kept = []
        for operation in operations:
            path = operation["path"].removeprefix("/")
            if operation["op"] == "remove" and path in self.method_settings:
                del self.method_settings[path]
            else:
                kept.append(operation)
        return change_stage(self, kept)

    def tagged(self: Any) -> Any:
        """moto tags stages only; whatever an ARN names has `tags`."""
        parts = unquote(self.path.split("/tags/")[1]).split("::/")[1].split("/")
        match parts:
            case ["restapis", api]:
                return self.backend.get_rest_api(api)
            case ["restapis", api, "stages", stage]:
                return self.backend.get_stage(api, stage)
            case ["apikeys", key]:
                return self.backend.get_api_key(key)
            case _:
                return self.backend.get_usage_plan(parts[1])

    def tag_resource(self: Any) -> str:
        found = tagged(self)
        found.tags = {**(found.tags or {}), **self._get_param("tags")}
        return "{}"

    def untag_resource(self: Any) -> str:
        found, gone = tagged(self), self.querystring.get("tagKeys") or []
        found.tags = {key: value for key, value in (found.tags or {}).items() if key not in gone}
        return "{}"

    def get_tags(self: Any) -> str:
        return json.dumps({"tags": tagged(self).tags or {}})

    urls.url_paths["{0}/tags/(?P<resource_arn>arn:.+)$"] = APIGatewayResponse.dispatch
    for name, made in (
        ("tag_resource", tag_resource),
        ("untag_resource", untag_resource),
        ("get_tags", get_tags),
    ):
        replace(APIGatewayResponse, name, made)
    change_api = replace(RestAPI, "apply_patch_operations", patch_api)
    change_stage = replace(Stage, "apply_operations", patch_stage)
    put = replace(APIGatewayBackend, "put_rest_api", put_rest_api)
    deploy = replace(APIGatewayBackend, "create_deployment", create_deployment)
    remove = replace(APIGatewayBackend, "delete_rest_api", delete_rest_api)
    replace(RestAPI, "update_integration_mocks", no_mocks)
    change_plan = replace(UsagePlan, "apply_patch_operations", patch_plan)
    RestAPI.document = None  # type: ignore[attr-defined]
    Deployment.document = None  # type: ignore[attr-defined]


def _routes(document: dict[str, Any]) -> dict[str, Any]:
    """The paths with nothing but their methods, as moto reads them; ANY under its own name."""
    names = {"x-amazon-apigateway-any-method": "any"}
    return {
        path: {names.get(method, method): entry for method, entry in item.items() if method in METHODS}
        for path, item in document.get("paths", {}).items()
    }
