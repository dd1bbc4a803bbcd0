"""API Gateway. (Developer Guide: "Quotas", "Known issues", "OpenAPI extensions"; API references.)"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.openapi_extensions import (
    ACCESS_MODE,
    AUTHORIZER,
    BINARY,
    GATEWAY_RESPONSES,
    INTEGRATION,
    METHODS,
    SECURITY_POLICY,
)
from embedded_aws.refusals.base import Parameters, refusal, refuse

RESPONSE_TYPES = frozenset(
    {
        "ACCESS_DENIED",
        "API_CONFIGURATION_ERROR",
        "AUTHORIZER_CONFIGURATION_ERROR",
        "AUTHORIZER_FAILURE",
        "BAD_REQUEST_BODY",
        "BAD_REQUEST_PARAMETERS",
        "DEFAULT_4XX",
        "DEFAULT_5XX",
        "EXPIRED_TOKEN",
        "INTEGRATION_FAILURE",
        "INTEGRATION_TIMEOUT",
        "INVALID_API_KEY",
        "INVALID_SIGNATURE",
        "MISSING_AUTHENTICATION_TOKEN",
        "QUOTA_EXCEEDED",
        "REQUEST_TOO_LARGE",
        "RESOURCE_NOT_FOUND",
        "THROTTLED",
        "UNAUTHORIZED",
        "UNSUPPORTED_MEDIA_TYPE",
        "WAF_FILTERED",
    }
)
_ENHANCED = "SecurityPolicy_"
_POLICIES_OF_REGIONS = re.compile(
    r"^(TLS_1_[02]|SecurityPolicy_TLS13_1_[23](_Ext2)?(_FIPS)?(_PFS)?(_PQ)?_20\d\d_\d\d)$"
)
TIMEOUT_MS = (50, 29_000)
_STAGE_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")
_PART = re.compile(r"^(\{[a-zA-Z0-9._:-]+\+?\}|[a-zA-Z0-9._:-]+)$")
_LAMBDA = re.compile(
    r"^arn:aws:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/arn:[^/]+/invocations$"
)
_HEADER = re.compile(r"^gatewayresponse\.(header|querystring|path)\.[A-Za-z0-9-]+$")
_SOURCE = re.compile(
    r"^('[^']*'|method\.request\.(header|querystring|path)\.\S+|context\.\S+|stageVariables\.\S+)$"
)
_POOL = re.compile(r"^arn:aws:cognito-idp:[a-z0-9-]+:\d{12}:userpool/[\w-]+_[0-9a-zA-Z]+$")
_VARIABLE = re.compile(r"^[A-Za-z0-9._~:/?#&=,-]*$")
_PERIODS = frozenset({"DAY", "WEEK", "MONTH"})
_BAD = "BadRequestException"


@refusal("an imported OpenAPI document is one that API Gateway can carry out", "apigateway", "PutRestApi")
def _import(parameters: Parameters) -> None:
    faults = list(_faults(parameters["body"]))
    if faults:
        raise refuse(_BAD, f"Errors found during import:\n\t{'; '.join(faults)}")


def _faults(body: Any) -> Iterator[str]:
    text = body.read() if hasattr(body, "read") else body
    try:
        document = json.loads(text)
    except ValueError:
        yield "Invalid OpenAPI input: the body is not JSON"
        return
    if not isinstance(document, Mapping) or not str(document.get("openapi", "")).startswith("3.0."):
        yield f"Invalid OpenAPI version specified: {document.get('openapi') or document.get('swagger')}"
        return
    schemes = document.get("components", {}).get("securitySchemes", {})
    taken: dict[tuple[str, str], str] = {}
    for path, item in document.get("paths", {}).items():
        yield from _path_faults(path, taken)
        for method, operation in item.items():
            if method in METHODS:
                where = f"{method.upper()} on resource '{path}'"
                yield from _integration_faults(where, operation.get(INTEGRATION))
                yield from _security_faults(where, operation, schemes)
    for kind, entry in document.get(GATEWAY_RESPONSES, {}).items():
        yield from _response_faults(kind, entry)
    for kind in document.get(BINARY, []):
        if "/" not in kind:
            yield f"Invalid binary media type: {kind}"
    yield from _tls_faults(document.get(SECURITY_POLICY), document.get(ACCESS_MODE))


def _tls_faults(policy: str | None, mode: str | None) -> Iterator[str]:
    """(Developer Guide, "Supported security policies" of regional APIs, "Endpoint access mode".)"""
    is_enhanced = policy is not None and policy.startswith(_ENHANCED)
    if policy is not None and not _POLICIES_OF_REGIONS.match(policy):
        yield f"Invalid security policy specified for the endpoint type: {policy}"
    if mode not in (None, "BASIC", "STRICT"):
        yield f"Invalid endpoint access mode specified: {mode}"
    if is_enhanced != (mode is not None):
        yield f"An endpoint access mode is required with {_ENHANCED}* and allowed with no other security policy"


def _path_faults(path: str, taken: dict[tuple[str, str], str]) -> Iterator[str]:
    parent = ""
    for part in path.strip("/").split("/") if path != "/" else []:
        if not _PART.match(part):
            yield (
                f"Unable to create resource at path '{path}': Resource's path part only allow "
                "a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end"
            )
            return
        if part.startswith("{"):
            other = taken.setdefault((parent, "{}"), part)
            if other != part:
                yield (
                    f"Unable to create resource at path '{path}': A sibling ({other}) of this resource already "
                    "has a variable path part -- only one is allowed"
                )
        parent += f"/{part}"


def _integration_faults(where: str, integration: Mapping[str, Any] | None) -> Iterator[str]:
    if integration is None:
        yield f"No integration defined for method {where}"
        return
    kind = str(integration.get("type", "")).lower()
    if kind != "aws_proxy":
        yield f"Integration type {kind!r} of {where} is not carried out by the embedded AWS"
        return
    if integration.get("httpMethod") != "POST":
        yield f"Enumeration value for HttpMethod must be non-empty (Lambda: POST) for {where}"
    if not _LAMBDA.match(str(integration.get("uri", ""))):
        yield f"Invalid ARN specified in the request: {integration.get('uri')!r} of {where}"
    timeout = integration.get("timeoutInMillis", TIMEOUT_MS[1])
    if not isinstance(timeout, int) or not TIMEOUT_MS[0] <= timeout <= TIMEOUT_MS[1]:
        yield f"Timeout should be between {TIMEOUT_MS[0]} ms and {TIMEOUT_MS[1]} ms for {where}"


def _security_faults(where: str, operation: Parameters, schemes: Parameters) -> Iterator[str]:
    for requirement in operation.get("security", []):
        for name in requirement:
            scheme = schemes.get(name)
            if scheme is None:
                yield f"Unable to find security scheme {name!r} of {where}"
            elif scheme.get("type") == "apiKey" and AUTHORIZER in scheme:
                yield from _authorizer_faults(where, name, scheme)
            elif (scheme.get("type"), str(scheme.get("name")).lower()) != ("apiKey", "x-api-key"):
                yield f"Security scheme {name!r} of {where} is not carried out by the embedded AWS"


def _authorizer_faults(where: str, name: str, scheme: Parameters) -> Iterator[str]:
    authorizer = scheme[AUTHORIZER]
    if (authorizer.get("type"), str(scheme.get("name")).lower()) != ("cognito_user_pools", "authorization"):
        yield f"Authorizer {name!r} of {where} is not carried out by the embedded AWS"
        return
    pools = authorizer.get("providerARNs") or []
    if not pools or not all(_POOL.match(str(arn)) for arn in pools):
        yield f"Invalid provider ARN specified for authorizer {name!r} of {where}: {pools}"


def _response_faults(kind: str, entry: Parameters) -> Iterator[str]:
    if kind not in RESPONSE_TYPES:
        yield f"Invalid gateway response type specified: {kind}"
    for name, source in entry.get("responseParameters", {}).items():
        if not _HEADER.match(name) or not _SOURCE.match(source):
            yield f"Invalid mapping expression specified: Parameter: {name} -> {source}"
    status = entry.get("statusCode")
    if status is not None and not re.match(r"^[1-5]\d\d$", str(status)):
        yield f"Invalid status code of gateway response {kind}: {status}"


@refusal("a stage's name is letters, digits, hyphens, underscores", "apigateway", "CreateStage")
def _stage_name(parameters: Parameters) -> None:
    if not _STAGE_NAME.match(parameters["stageName"]):
        raise refuse(_BAD, "Stage name only allows a-zA-Z0-9-_")


@refusal(
    "a stage's variables hold letters, digits and a few marks", "apigateway", "CreateStage", "UpdateStage"
)
def _stage_variables(parameters: Parameters) -> None:
    given = list((parameters.get("variables") or {}).values())
    given += [
        operation.get("value", "")
        for operation in parameters.get("patchOperations") or []
        if operation["path"].startswith("/variables/")
    ]
    for value in given:
        if not _VARIABLE.match(value):
            raise refuse(_BAD, f"Stage variable value {value!r} is not of [A-Za-z0-9-._~:/?#&=,]+")


@refusal("a stage shows a deployment that exists", "apigateway", "CreateStage", "UpdateStage")
def _stage_deployment(parameters: Parameters) -> None:
    wanted = [parameters.get("deploymentId")] + [
        operation.get("value")
        for operation in parameters.get("patchOperations") or []
        if operation["path"] == "/deploymentId"
    ]
    api = _api(parameters["restApiId"])
    for deployment in wanted:
        if deployment and api is not None and deployment not in api.deployments:
            raise refuse(_BAD, "Deployment id does not exist")


@refusal("access logs need the account's role for them", "apigateway", "UpdateStage")
def _access_logs(parameters: Parameters) -> None:
    from moto.apigateway.models import apigateway_backends

    asked = any(
        operation["op"] != "remove"
        and ("/accessLogSettings" in operation["path"] or "/logging/" in operation["path"])
        for operation in parameters.get("patchOperations") or []
    )
    roles = [backend.account.cloudwatch_role_arn for backend in apigateway_backends[ACCOUNT_ID].values()]
    if asked and not any(roles):
        raise refuse(_BAD, "CloudWatch Logs role ARN must be set in account settings to enable logging")


@refusal("a deployment that a stage shows is not deleted", "apigateway", "DeleteDeployment")
def _deployment_in_use(parameters: Parameters) -> None:
    api = _api(parameters["restApiId"])
    stages = api.stages.values() if api is not None else ()
    if any(stage.deployment_id == parameters["deploymentId"] for stage in stages):
        raise refuse(_BAD, "Active stages pointing to this deployment must be moved or deleted")


@refusal("a usage plan's limits lie within bounds", "apigateway", "CreateUsagePlan", "UpdateUsagePlan")
def _limits(parameters: Parameters) -> None:
    given = dict(_numbers(parameters))
    rate, burst = given.get("throttle/rateLimit"), given.get("throttle/burstLimit")
    if (rate is not None and float(rate) < 0) or (burst is not None and int(burst) < 0):
        raise refuse(_BAD, "Usage Plan throttle rate and burst limits must not be negative")
    if rate is not None and burst is not None and float(rate) > 0 and int(burst) < 1:
        raise refuse(_BAD, "Usage Plan burst limit must be greater than 0 where a rate is given")
    limit, period, offset = (given.get(f"quota/{name}") for name in ("limit", "period", "offset"))
    if limit is not None and int(limit) < 1:
        raise refuse(_BAD, "Usage Plan quota limit must be greater than 0")
    if period is not None and period not in _PERIODS:
        raise refuse(_BAD, f"Usage Plan quota period must be one of {sorted(_PERIODS)}")
    if period == "DAY" and int(offset or 0) != 0:
        raise refuse(_BAD, "Usage Plan quota offset must be zero in the DAY period")


def _numbers(parameters: Parameters) -> Iterator[tuple[str, Any]]:
    for group in ("throttle", "quota"):
        for name, value in (parameters.get(group) or {}).items():
            yield f"{group}/{name}", value
    for operation in parameters.get("patchOperations") or []:
        yield operation["path"].removeprefix("/"), operation.get("value")


@refusal("a usage plan's stages exist", "apigateway", "CreateUsagePlan", "UpdateUsagePlan")
def _plan_stages(parameters: Parameters) -> None:
    wanted = [(entry["apiId"], entry["stage"]) for entry in parameters.get("apiStages") or []]
    for operation in parameters.get("patchOperations") or []:
        if operation["path"] == "/apiStages" and operation["op"] == "add":
            api_id, _, stage = operation["value"].partition(":")
            wanted.append((api_id, stage))
    for api_id, stage in wanted:
        api = _api(api_id)
        if api is None or stage not in api.stages:
            raise refuse("NotFoundException", f"API Stage not found: {api_id}:{stage}", 404)


@refusal("a usage plan with stages is not deleted", "apigateway", "DeleteUsagePlan")
def _plan_in_use(parameters: Parameters) -> None:
    from moto.apigateway.models import apigateway_backends

    id_ = parameters["usagePlanId"]
    for backend in apigateway_backends[ACCOUNT_ID].values():
        if id_ in backend.usage_plans and backend.usage_plans[id_].api_stages:
            message = f"Cannot delete Usage Plan {id_} because there are API stages associated with it"
            raise refuse(_BAD, message)


@refusal("a key is in a usage plan's stages through one plan only", "apigateway", "CreateUsagePlanKey")
def _key_twice(parameters: Parameters) -> None:
    from moto.apigateway.models import apigateway_backends

    for backend in apigateway_backends[ACCOUNT_ID].values():
        plan = backend.usage_plans.get(parameters["usagePlanId"])
        others = [
            backend.usage_plans[id_]
            for id_, keys in backend.usage_plan_keys.items()
            if parameters["keyId"] in keys and id_ in backend.usage_plans
        ]
        mine = [(entry["apiId"], entry["stage"]) for entry in plan.api_stages] if plan else []
        if any((entry["apiId"], entry["stage"]) in mine for other in others for entry in other.api_stages):
            message = "cannot be subscribed to multiple usage plans with the same API stage"
            raise refuse("ConflictException", f"API key {parameters['keyId']} {message}", 409)


def _api(api_id: str) -> Any | None:
    from moto.apigateway.models import apigateway_backends

    found = (backend.apis.get(api_id) for backend in apigateway_backends[ACCOUNT_ID].values())
    return next((api for api in found if api is not None), None)
