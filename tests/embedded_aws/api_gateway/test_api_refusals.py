"""What API Gateway refuses to be set up with, the world refuses: every entry, beside what it takes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.refusals import REFUSALS
from embedded_aws.world import World

from .sample import KEYED, SampleApi, document, integration, make_api

URI = (
    "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:eu-central-1:123456789012:function:api/invocations"
)
MINE = [entry for entry in REFUSALS if entry.service == "apigateway"]
tried: set[str] = set()


@pytest.fixture(scope="module")
def api() -> Any:
    with World() as world:
        yield make_api(world)


def refused(api: SampleApi, operation: str, message: str, **arguments: Any) -> None:
    tried.add(operation.replace("_", ""))
    with pytest.raises(ClientError, match=message):
        getattr(api.world.client("apigateway"), operation)(**arguments)


def paths(path: str = "/v1", **operation: Any) -> dict[str, Any]:
    return {"paths": {path: {"get": {"x-amazon-apigateway-integration": integration(URI), **operation}}}}


def with_integration(**changed: Any) -> dict[str, Any]:
    made = {**integration(URI), **changed} if changed else None
    return {"paths": {"/v1": {"get": {"x-amazon-apigateway-integration": made}}}}


def with_response(kind: str = "THROTTLED", **entry: Any) -> dict[str, Any]:
    return {"x-amazon-apigateway-gateway-responses": {kind: entry}}


def with_tls(policy: str, mode: str | None = None) -> dict[str, Any]:
    modes = {"x-amazon-apigateway-endpoint-access-mode": mode} if mode else {}
    return {"x-amazon-apigateway-security-policy": policy, **modes}


def with_authorizer(**changed: Any) -> dict[str, Any]:
    pool = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_abc"
    authorizer = {"type": "cognito_user_pools", "providerARNs": [pool], **changed}
    scheme = {"type": "apiKey", "in": "header", "name": "Authorization"}
    schemes = {"people": {**scheme, "x-amazon-apigateway-authorizer": authorizer}}
    return {"components": {"securitySchemes": schemes}, **paths(security=[{"people": []}])}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"openapi": "3.1.0"}, "Invalid OpenAPI version"),
        (paths("/v1/a b"), "path part only allow"),
        (paths("/v1/{id}/{id"), "path part only allow"),
        ({"paths": {**paths("/v1/{a}")["paths"], **paths("/v1/{b}")["paths"]}}, "sibling"),
        (with_integration(), "No integration defined"),
        (with_integration(type="mock"), "not carried out"),
        (with_integration(httpMethod="GET"), "HttpMethod"),
        (with_integration(uri="arn:aws:lambda:eu-central-1:123456789012:function:api"), "Invalid ARN"),
        (with_integration(timeoutInMillis=29_001), "between 50 ms and 29000 ms"),
        (with_integration(timeoutInMillis=49), "between 50 ms and 29000 ms"),
        (paths(security=[{"unknown": []}]), "Unable to find security scheme"),
        (with_authorizer(type="token"), "not carried out"),
        (with_authorizer(providerARNs=[]), "Invalid provider ARN"),
        (with_authorizer(providerARNs=["arn:aws:iam::123456789012:user/a"]), "Invalid provider ARN"),
        (with_response("TOO_MUCH"), "Invalid gateway response type"),
        (with_response(responseParameters={"header.X": "'1'"}), "Invalid mapping expression"),
        (with_response(responseParameters={"gatewayresponse.header.X": "1"}), "Invalid mapping expression"),
        (with_response(statusCode=42), "Invalid status code"),
        ({"x-amazon-apigateway-binary-media-types": ["jpeg"]}, "Invalid binary media type"),
        (with_tls("SecurityPolicy_TLS13_2025_EDGE", "BASIC"), "Invalid security policy"),
        (with_tls("SecurityPolicy_TLS13_1_3_2025_09"), "endpoint access mode is required"),
        (with_tls("TLS_1_2", "STRICT"), "allowed with no other"),
        (with_tls("SecurityPolicy_TLS13_1_3_2025_09", "LOOSE"), "Invalid endpoint access mode"),
    ],
)
def test_a_document_that_cannot_be_carried_out_is_not_imported(
    api: SampleApi, changed: dict[str, Any], message: str
) -> None:
    body = json.dumps({**document(URI), **changed})
    refused(api, "put_rest_api", message, restApiId=api.id, mode="overwrite", body=body.encode())


def test_all_problems_of_a_document_are_reported_at_once(api: SampleApi) -> None:
    body = json.dumps({**document(URI), **with_integration(httpMethod="GET", timeoutInMillis=1)})
    with pytest.raises(ClientError) as error:
        api.world.client("apigateway").put_rest_api(restApiId=api.id, mode="overwrite", body=body.encode())
    assert "HttpMethod" in str(error.value)
    assert "between 50 ms" in str(error.value)


def test_a_document_that_is_fine_is_imported(api: SampleApi) -> None:
    greedy = paths("/v1/{proxy+}", security=KEYED)
    for fine in ({**greedy, **with_response(statusCode="429")}, with_authorizer()):
        body = json.dumps({**document(URI), **fine})
        api.world.client("apigateway").put_rest_api(restApiId=api.id, mode="overwrite", body=body.encode())


def plan(**limits: Any) -> dict[str, Any]:
    return {"name": "another", **limits}


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (plan(throttle={"rateLimit": -1.0, "burstLimit": 1}), "must not be negative"),
        (plan(throttle={"rateLimit": 1.0, "burstLimit": 0}), "burst limit"),
        (plan(quota={"limit": 0, "period": "DAY"}), "greater than 0"),
        (plan(quota={"limit": 1, "period": "HOUR"}), "period"),
        (plan(quota={"limit": 1, "period": "DAY", "offset": 1}), "offset"),
        (plan(apiStages=[{"apiId": "none", "stage": "dev"}]), "API Stage not found"),
    ],
)
def test_a_plan_outside_the_bounds_is_not_made(api: SampleApi, limits: dict[str, Any], message: str) -> None:
    refused(api, "create_usage_plan", message, **limits)


@pytest.mark.parametrize(
    ("operation", "message", "arguments"),
    [
        ("create_stage", "Stage name", lambda _: {"stageName": "a.b", "deploymentId": "x"}),
        (
            "create_stage",
            "Stage variable value",
            lambda api: {"stageName": "new", "deploymentId": deployed(api), "variables": {"a": "b c"}},
        ),
        ("create_stage", "Deployment id", lambda _: {"stageName": "new", "deploymentId": "none"}),
        ("delete_deployment", "Active stages", lambda api: {"deploymentId": deployed(api)}),
        (
            "update_stage",
            "CloudWatch Logs role",
            lambda _: {
                "stageName": "dev",
                "patchOperations": [
                    {"op": "replace", "path": "/accessLogSettings/format", "value": "$context.requestId"}
                ],
            },
        ),
    ],
)
def test_what_does_not_fit_the_api_is_refused(
    api: SampleApi, operation: str, message: str, arguments: Callable[[SampleApi], dict[str, Any]]
) -> None:
    refused(api, operation, message, restApiId=api.id, **arguments(api))


def deployed(api: SampleApi) -> str:
    shown = api.world.client("apigateway").get_stage(restApiId=api.id, stageName="dev")
    return str(shown["deploymentId"])


def test_plans_in_use_stay_and_keys_have_one_plan_for_a_stage(api: SampleApi) -> None:
    gateway = api.world.client("apigateway")
    refused(api, "delete_usage_plan", "API stages associated", usagePlanId=api.plan_id)
    second = gateway.create_usage_plan(name="second", apiStages=[{"apiId": api.id, "stage": "dev"}])["id"]
    refused(
        api,
        "create_usage_plan_key",
        "multiple usage plans",
        usagePlanId=second,
        keyId=api.key_id,
        keyType="API_KEY",
    )


def test_tags_are_held_to_awss_rules(api: SampleApi) -> None:
    refused(api, "create_rest_api", "tag", name="x", tags={"k": "🎉"})


def test_every_entry_of_the_list_was_tried() -> None:
    for entry in MINE:
        assert tried & {operation.lower() for operation in entry.operations}, entry.rule
