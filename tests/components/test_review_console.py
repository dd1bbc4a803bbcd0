"""The console in AWS: nothing of it by default, who gets in, what its function may do, and no cost while idle."""

import json
import re
from typing import Any

import pulumi
import pytest

from media_pipeline.reviews.asking import ASKED_ATTRIBUTES
from media_pipeline.settings.reviews import ReviewSettings
from operations.reviews.rights import policy
from operations.stack import StackOutputs
from tests.components.conftest import Run
from tests.components.queries import (
    ALARM,
    FUNCTION,
    ROLE_POLICY,
    arn,
    environment,
    of_every_function,
    permissions,
    s3,
)
from tests.components.recording import ACCOUNT, Recording, Registered

POOL = "aws:cognito/userPool:UserPool"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
DOMAIN = "aws:cognito/userPoolDomain:UserPoolDomain"
REST_API = "aws:apigateway/restApi:RestApi"
STAGE = "aws:apigateway/stage:Stage"
BILLED_BY_USE = {
    "AccessLog", "Deployment", "Function", "LogGroup", "MethodSettings", "Permission", "PythonFunction", "RestApi",
    "ReviewConsole", "Role", "RolePolicy", "Stage", "UserPool", "UserPoolClient", "UserPoolDomain",
}  # fmt: skip


@pytest.fixture(scope="module")
def without(run: Run) -> Recording:
    return run("dev")


@pytest.fixture(scope="module")
def console(run: Run) -> Recording:
    return run("dev", {"review": {"console": True, "approvals": {"Explicit": 2}}})


def test_its_access_log_says_who_looked_at_what_where_the_account_has_a_role_for_it(
    run: Run, console: Recording
) -> None:
    assert "accessLogSettings" not in console.one(STAGE, "-review-stage").inputs
    recorded = run(
        "dev", {"review": {"console": True}}, api_gateway_role="arn:aws:iam::123456789012:role/logs-of-apis"
    )
    settings = recorded.one(STAGE, "-review-stage").inputs["accessLogSettings"]
    assert settings["destinationArn"] == arn("cloudwatch", recorded, "review-access-log")
    line = json.loads(settings["format"])
    assert (line["reviewer"], line["path"]) == ("$context.authorizer.claims.sub", "$context.path")


def added(console: Recording, without: Recording) -> list[Registered]:
    before = {resource.urn for resource in without.resources}
    return [resource for resource in console.resources if resource.urn not in before]


def comparable(value: Any) -> Any:
    """Return inputs with the path of an archive in its place: two archives of one file differ."""
    if isinstance(value, pulumi.FileArchive):
        return value.path
    if isinstance(value, dict):
        return {key: comparable(inner) for key, inner in value.items()}
    return value


def test_stack_without_a_console_has_nothing_of_it(run: Run, without: Recording) -> None:
    off = run("dev", {"review": {"console": False}})
    assert {each.urn for each in off.resources} == {each.urn for each in without.resources}
    assert not [each.urn for each in without.resources if "cognito" in each.type or "review" in each.name]
    assert not [name for name in without.outputs if name.startswith("review_")]


def test_console_changes_no_other_resource_and_costs_nothing_while_nobody_uses_it(
    console: Recording, without: Recording, run: Run
) -> None:
    told = {"notify": {"alerts": ["a@example.com"], "results": []}}
    new = added(run("dev", {**told, "review": {"console": True}}), run("dev", told))
    assert {each.type.rpartition(":")[2] for each in new} == BILLED_BY_USE
    kept = {each.urn: comparable(each.inputs) for each in console.resources}
    changed = [each.name for each in without.resources if kept[each.urn] != comparable(each.inputs)]
    # The rule of two persons, not the console, is in the workers' environment.
    assert {name for name in changed if "process" not in name} == set()
    assert not [each for each in new if each.type == ALARM]


def test_nobody_signs_up_and_a_password_alone_opens_nothing(console: Recording) -> None:
    pool = console.one(POOL).inputs
    assert pool["adminCreateUserConfig"]["allowAdminCreateUserOnly"] is True
    assert pool["mfaConfiguration"] == "ON"
    assert pool["softwareTokenMfaConfiguration"] == {"enabled": True}
    assert pool["passwordPolicy"]["minimumLength"] >= 14
    message = pool["adminCreateUserConfig"]["inviteMessageTemplate"]["emailMessage"]
    assert "{username}" in message
    assert "{####}" in message


def test_client_has_no_secret_and_no_way_past_the_sign_in_page(console: Recording) -> None:
    client = console.one(CLIENT).inputs
    assert client["generateSecret"] is False
    assert client["allowedOauthFlows"] == ["code"]
    assert client["explicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    assert set(client["allowedOauthScopes"]) == {"openid", "email"}
    assert client["tokenValidityUnits"] == {
        "idToken": "minutes", "accessToken": "minutes", "refreshToken": "hours"
    }  # fmt: skip
    assert client["idTokenValidity"] == client["accessTokenValidity"] <= 15
    assert client["refreshTokenValidity"] <= 24
    assert client["enableTokenRevocation"] is True, "else who was removed or signs out keeps a day's session"
    assert client["preventUserExistenceErrors"] == "ENABLED", "else the sign-in page tells who reviews"


def test_an_address_is_the_same_person_however_it_is_spelled(console: Recording) -> None:
    assert console.one(POOL).inputs["usernameConfiguration"] == {"caseSensitive": False}


def test_sign_in_page_comes_back_to_the_console_only_and_the_stage_tells_the_function(
    console: Recording,
) -> None:
    page = "https://media-pipeline-dev-review-1a2b3c4.execute-api.eu-central-1.amazonaws.com/dev-review/"
    client, stage = console.one(CLIENT).inputs, console.one(STAGE, "-review-stage").inputs
    assert client["callbackUrls"] == client["logoutUrls"] == [page]
    assert console.outputs["review_url"] == page
    domain = console.one(DOMAIN).inputs["domain"]
    assert re.fullmatch("review-[0-9a-f]{20}", domain)
    assert stage["stageName"] == "dev-review"
    assert stage["variables"] == {
        "page": page,
        "login": f"https://{domain}.auth.eu-central-1.amazoncognito.com",
        "client": "media-pipeline-dev-review-client-1a2b3c4",
    }
    # API Gateway: [A-Za-z0-9-._~:/?#&=,]+
    assert all(re.fullmatch(r"[A-Za-z0-9\-._~:/?#&=,]+", value) for value in stage["variables"].values())
    assert console.outputs["review_user_pool_id"] == "media-pipeline-dev-reviewers-1a2b3c4"


def test_everything_below_the_api_needs_a_token_of_the_pool_and_the_page_none(console: Recording) -> None:
    document: Any = console.one(REST_API, "-review").json("body")
    security = {
        (method, path): operation.get("security")
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    signed_in: list[dict[str, list[str]]] = [{"reviewers": []}]
    assert security == {
        ("get", "/"): None,
        ("get", "/{file}"): None,
        ("get", "/v1/{proxy+}"): signed_in,
        ("post", "/v1/{proxy+}"): signed_in,
    }
    (scheme,) = document["components"]["securitySchemes"].values()
    assert scheme["x-amazon-apigateway-authtype"] == "cognito_user_pools"
    assert scheme["x-amazon-apigateway-authorizer"] == {
        "type": "cognito_user_pools",
        "providerARNs": [arn("cognito", console, "reviewers")],
    }


@pytest.mark.parametrize("api", ["-api", "-review"])
def test_both_apis_take_no_tls_below_1_2(console: Recording, api: str) -> None:
    document: Any = console.one(REST_API, api).json("body")
    assert document["x-amazon-apigateway-security-policy"].startswith("SecurityPolicy_TLS13_1_2_PFS_")
    assert document["x-amazon-apigateway-endpoint-access-mode"] == "BASIC"


def test_gateways_own_answers_have_the_headers_of_the_page(console: Recording) -> None:
    document: Any = console.one(REST_API, "-review").json("body")
    responses = document["x-amazon-apigateway-gateway-responses"]
    assert {"UNAUTHORIZED", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(responses)
    for response in responses.values():
        headers = {
            name.removeprefix("gatewayresponse.header."): value.strip("'")
            for name, value in response["responseParameters"].items()
        }
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"] == "sandbox"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Strict-Transport-Security"].startswith("max-age=")
        assert not [name for name in headers if name.startswith("Access-Control")]


def test_the_function_may_ask_and_look_and_nothing_else(console: Recording) -> None:
    records, logs = arn("dynamodb", console, "records"), s3(console, "logs")
    quarantine = s3(console, "quarantine")
    assert permissions(console, "review-api") == of_every_function(console, "review-api") | {
        ("dynamodb:Query", f"{records}/index/attention"),
        ("dynamodb:Query", records),
        ("dynamodb:GetItem", records),
        ("dynamodb:UpdateItem", records),
        ("s3:GetObject", f"{quarantine}/*.review/*"),
        ("s3:ListBucket", quarantine),
        ("s3:PutObject", f"{logs}/decisions/*"),
        ("sqs:SendMessage", arn("sqs", console, "images")),
    }


def test_the_function_touches_records_only_and_of_them_the_decision(console: Recording) -> None:
    statements = console.one(ROLE_POLICY, "review-api-policy").json("policy")["Statement"]
    conditions = {tuple(each["Action"]): each.get("Condition") for each in statements if "Condition" in each}
    no_notes = {"ForAllValues:StringNotLike": {"dynamodb:LeadingKeys": ["!*"]}}
    assert conditions.pop(("dynamodb:GetItem", "dynamodb:Query")) == no_notes
    update = conditions.pop(("dynamodb:UpdateItem",))
    assert update.items() >= no_notes.items()
    touched = update["ForAllValues:StringEquals"]["dynamodb:Attributes"]
    assert sorted(touched) == sorted(ASKED_ATTRIBUTES)
    assert set(touched).isdisjoint(
        {
            "status",
            "attempt",
            "renditions",
            "moderation",
            "sha256",
            "carried_out",
            "lease_until",
            "owner",
            "review",
        }
    )
    assert conditions == {("s3:PutObject",): {"Null": {"s3:if-none-match": ["false"]}}}


def test_the_functions_rights_are_those_of_a_reviewers_own_login(console: Recording) -> None:
    def rights(statements: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
        lists = [
            (each["Sid"], sorted(each["Action"]), each.get("Condition", {}))
            for each in statements
            if not each["Action"][0].startswith(("logs:", "xray:"))
        ]
        return {
            (sid, str(actions), json.dumps(condition, sort_keys=True).replace('["false"]', '"false"'))
            for sid, actions, condition in lists
        }

    own = policy("dev", StackOutputs.parse(console.outputs, "the test"))["Statement"]
    hosted = console.one(ROLE_POLICY, "review-api-policy").json("policy")["Statement"]
    assert rights(hosted) == rights(own)


def test_the_functions_environment_parses_as_its_settings(console: Recording, without: Recording) -> None:
    variables = environment(console, "review-api")
    settings = ReviewSettings.from_environment(variables)
    for name in ("uploads_bucket", "quarantine_bucket", "logs_bucket", "records_table", "images_queue_url"):
        assert getattr(settings, name) == console.outputs[name]
    assert settings.approvals.persons == {"explicit": 2}
    assert {"RENDITIONS_BUCKET", "EVENTS_TOPIC_ARN", "MODERATION"}.isdisjoint(variables)
    assert console.one(FUNCTION, "review-api").inputs["timeout"] <= 29


def test_strangers_cannot_run_up_a_bill(console: Recording) -> None:
    (settings,) = [
        each.inputs
        for each in console.of("aws:apigateway/methodSettings:MethodSettings")
        if each.inputs["stageName"] == "dev-review"
    ]
    assert settings["methodPath"] == "*/*"
    assert settings["settings"]["throttlingRateLimit"] <= 20
    permission = console.one("aws:lambda/permission:Permission", "-review-permission").inputs
    api = "media-pipeline-dev-review-1a2b3c4"
    assert permission["sourceArn"] == f"arn:aws:execute-api:eu-central-1:{ACCOUNT}:{api}/dev-review/*/*"


def test_another_pool_is_deployed_to_the_api(console: Recording) -> None:
    triggers = console.one("aws:apigateway/deployment:Deployment", "-review-deployment").inputs["triggers"]
    assert triggers["pool"] == arn("cognito", console, "reviewers")
    assert json.loads(triggers["document"])["paths"]
