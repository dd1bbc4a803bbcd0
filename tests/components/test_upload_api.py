"""The front door: routes, keys, limits, its own answers, and who may come in from a web page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import openapi
from embedded_aws.access import policies
from media_pipeline.settings.api import BODY_BYTES, ApiSettings
from tests.components.conftest import ORIGINS, Run, part
from tests.components.queries import (
    ALARM,
    FUNCTION,
    ROLE_POLICY,
    arn,
    environment,
    evaluate,
    metrics,
    of_every_function,
    permissions,
    s3,
)
from tests.components.recording import ACCOUNT, Recording

REST_API = "aws:apigateway/restApi:RestApi"
DEPLOYMENT = "aws:apigateway/deployment:Deployment"
STAGE = "aws:apigateway/stage:Stage"
METHOD_SETTINGS = "aws:apigateway/methodSettings:MethodSettings"
API_KEY = "aws:apigateway/apiKey:ApiKey"
ANY_METHOD = "x-amazon-apigateway-any-method"
CORS = "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/api-gateway-logs"
PROBLEM = {"title", "status", "detail", "request_id"}


def body(recorded: Recording) -> Any:
    return recorded.one(REST_API, "-api").json("body")


def operations(recorded: Recording) -> dict[tuple[str, str], Any]:
    return {
        (method, path): operation
        for path, item in body(recorded)["paths"].items()
        for method, operation in item.items()
    }


def gateway_responses(recorded: Recording) -> dict[str, Any]:
    found: dict[str, Any] = body(recorded)["x-amazon-apigateway-gateway-responses"]
    return found


def header(response: Any, name: str) -> str | None:
    text: str | None = response["responseParameters"].get(f"gatewayresponse.header.{name}")
    return text and text.strip("'")


def test_the_routes_are_those_of_the_document(recorded: Recording) -> None:
    documented = {
        (method, path)
        for path, item in openapi.read()["paths"].items()
        for method in item
        if method in ("get", "post", "put", "delete", "patch", "head")
    }
    others = ("options", ANY_METHOD)
    assert {route for route in operations(recorded) if route[0] not in others} == documented
    assert len(documented) >= 3


def test_every_route_needs_a_key_and_reaches_the_function(recorded: Recording) -> None:
    (scheme,) = body(recorded)["components"]["securitySchemes"].items()
    assert (scheme[1]["type"], scheme[1]["in"], scheme[1]["name"]) == ("apiKey", "header", "x-api-key")
    for (method, path), operation in operations(recorded).items():
        assert operation["security"] == ([] if method == "options" else [{scheme[0]: []}]), (method, path)
        integration = operation["x-amazon-apigateway-integration"]
        assert (integration["type"], integration["httpMethod"]) == ("aws_proxy", "POST")
        assert integration["uri"] == f"invoke:{arn('lambda', recorded, 'upload-api')}"
        assert integration["timeoutInMillis"] <= 29_000
        named = {each["name"] for each in operation["parameters"]}
        assert named == set(re.findall(r"\{(\w+)\}", path))


def test_all_other_methods_of_a_route_reach_the_function_which_answers_405(recorded: Recording) -> None:
    paths = body(recorded)["paths"]
    assert set(paths) == set(openapi.read()["paths"])
    for item in paths.values():
        assert set(item[ANY_METHOD]["responses"]) == {"405"}


def test_ids_are_derived_from_a_secret_that_opens_nothing(recorded: Recording) -> None:
    key = recorded.one(API_KEY, "-upload-ids")
    assert key.inputs["enabled"] is False
    assert "value" not in key.inputs  # API Gateway generates it
    attached = recorded.one("aws:apigateway/usagePlanKey:UsagePlanKey").inputs["keyId"]
    assert attached != f"{key.name}-1a2b3c4"
    assert environment(recorded, "upload-api")["UPLOAD_ID_SECRET"] == "the-keys-own-text"


def test_bodies_of_any_type_arrive_unchanged(recorded: Recording) -> None:
    """curl --data-binary calls a body application/x-www-form-urlencoded by default."""
    assert body(recorded)["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def test_the_gateways_own_answers_are_problems_with_this_requests_id(recorded: Recording) -> None:
    responses = gateway_responses(recorded)
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "INVALID_API_KEY", "THROTTLED", "REQUEST_TOO_LARGE"} <= set(
        responses
    )
    for kind, response in responses.items():
        (text,) = response["responseTemplates"].values()
        problem = json.loads(text)
        assert set(problem) == PROBLEM, kind
        assert str(problem["status"]) == response["statusCode"], kind
        assert problem["request_id"] == "$context.requestId"
        assert header(response, "Content-Type") == "application/problem+json"


def test_the_gateway_gives_no_status_that_the_document_lacks(recorded: Recording) -> None:
    given = {
        response["statusCode"]
        for kind, response in gateway_responses(recorded).items()
        # The gateway's only where a route is not the document's at all.
        if kind not in ("MISSING_AUTHENTICATION_TOKEN", "RESOURCE_NOT_FOUND")
    }
    uploads = openapi.read()["paths"]["/v1/images/upload"]["post"]["responses"]
    assert given <= set(uploads)


def test_who_is_told_to_come_back_is_told_when(recorded: Recording) -> None:
    for kind, response in gateway_responses(recorded).items():
        waits = header(response, "Retry-After")
        assert (waits is not None) is (response["statusCode"] in ("429", "503")), kind
        assert waits is None or int(waits) >= 1


def test_too_large_a_body_is_told_the_true_limit_and_the_way(recorded: Recording) -> None:
    (text,) = gateway_responses(recorded)["REQUEST_TOO_LARGE"]["responseTemplates"].values()
    detail = json.loads(text)["detail"]
    assert f"{BODY_BYTES:,}" in detail
    assert "/v1/uploads" in detail


def test_the_stage_is_named_after_the_stack_and_traced(recorded: Recording, run: Run) -> None:
    stage = recorded.one(STAGE, "-api-stage").inputs
    assert stage["stageName"] == recorded.stack
    assert stage["xrayTracingEnabled"] is True
    assert recorded.outputs["api_url"].endswith(f"/{recorded.stack}")
    quiet = run(recorded.stack, {"tracing": False, **part(recorded.stack, "api")})
    assert quiet.one(STAGE, "-api-stage").inputs["xrayTracingEnabled"] is False


def test_a_changed_document_is_deployed_and_an_unchanged_one_is_not(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def triggers(**changed: object) -> Any:
        return run("dev", part("dev", "api", **changed)).one(DEPLOYMENT).inputs["triggers"]

    before = triggers()
    assert triggers(rate=5) == before
    assert triggers(corsOrigins=ORIGINS) != before
    document = openapi.DOCUMENT.read_text("utf-8")
    changed = tmp_path / "openapi.yaml"
    changed.write_text(document.replace("summary: Get the status", "summary: Read the status"), "utf-8")
    assert changed.read_text("utf-8") != document
    monkeypatch.setattr(openapi.read, "__defaults__", (changed,))
    assert triggers() != before


def test_access_logs_are_written_only_where_the_account_has_a_role_for_them(run: Run) -> None:
    without = run("dev", part("dev", "api"))
    assert "accessLogSettings" not in without.one(STAGE, "-api-stage").inputs
    recorded = run("dev", part("dev", "api"), api_gateway_role=ROLE)
    settings = recorded.one(STAGE, "-api-stage").inputs["accessLogSettings"]
    group = recorded.one("aws:cloudwatch/logGroup:LogGroup", "-api-access-log")
    assert settings["destinationArn"] == arn("cloudwatch", recorded, "api-access-log")
    assert group.inputs["retentionInDays"] == 14
    line = json.loads(settings["format"])
    assert {line["status"], line["request_id"]} == {"$context.status", "$context.requestId"}
    assert not any("sourceIp" in value or "userAgent" in value for value in line.values())


def test_the_accounts_role_is_looked_up_and_never_managed(recorded: Recording) -> None:
    assert set(recorded.looked_up) == {"aws:apigateway/account:Account"}
    assert recorded.of("aws:apigateway/account:Account") == []


@pytest.mark.parametrize(("stack", "limits"), [("dev", (10, 20, 10_000)), ("prod", (50, 100, 100_000))])
def test_a_key_may_do_what_the_stack_configures(
    recordings: dict[str, Recording], stack: str, limits: tuple[int, int, int]
) -> None:
    recorded = recordings[stack]
    plan = recorded.one("aws:apigateway/usagePlan:UsagePlan")
    throttle, quota = plan.inputs["throttleSettings"], plan.inputs["quotaSettings"]
    assert (throttle["rateLimit"], throttle["burstLimit"], quota["limit"]) == limits
    assert quota["period"] == "DAY"
    assert plan.inputs["apiStages"] == [{"apiId": f"media-pipeline-{stack}-api-1a2b3c4", "stage": stack}]
    key = recorded.one("aws:apigateway/usagePlanKey:UsagePlanKey").inputs
    assert (key["keyType"], key["keyId"], key["usagePlanId"]) == (
        "API_KEY",
        f"media-pipeline-{stack}-api-key-1a2b3c4",
        f"media-pipeline-{stack}-api-plan-1a2b3c4",
    )


def test_only_this_stage_may_call_the_function(recorded: Recording) -> None:
    permission = recorded.one("aws:lambda/permission:Permission", "-api-permission").inputs
    assert permission["principal"] == "apigateway.amazonaws.com"
    assert permission["action"] == "lambda:InvokeFunction"
    api = f"media-pipeline-{recorded.stack}-api-1a2b3c4"
    assert permission["sourceArn"] == (
        f"arn:aws:execute-api:eu-central-1:{ACCOUNT}:{api}/{recorded.stack}/*/*"
    )


def test_the_function_may_do_exactly_what_it_does(recorded: Recording) -> None:
    uploads, records = s3(recorded, "uploads"), arn("dynamodb", recorded, "records")
    assert permissions(recorded, "upload-api") == of_every_function(recorded, "upload-api") | {
        ("s3:PutObject", f"{uploads}/api/*"),
        ("s3:GetObject", f"{uploads}/api/*"),
        ("s3:DeleteObject", f"{uploads}/api/*"),
        ("s3:ListBucket", uploads),
        ("s3:ListBucketVersions", uploads),
        ("dynamodb:Query", records),
        ("s3:GetObject", f"{s3(recorded, 'renditions')}/api/*"),
    }


def test_the_function_lists_and_queries_only_under_its_own_prefix(recorded: Recording) -> None:
    statements = recorded.one(ROLE_POLICY, "upload-api-policy").json("policy")["Statement"]
    conditions = {tuple(each["Action"]): each.get("Condition") for each in statements}
    assert conditions.pop(("s3:ListBucket", "s3:ListBucketVersions")) == {
        "StringLike": {"s3:prefix": ["api/*"]}
    }
    of_the_table = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["api/*"]}}
    assert conditions.pop(("dynamodb:Query",)) == of_the_table
    assert set(conditions.values()) == {None}
    assert environment(recorded, "upload-api")["UPLOADS_PREFIX"] == "api/"


def test_the_functions_environment_parses_as_its_settings(recorded: Recording) -> None:
    variables = environment(recorded, "upload-api")
    settings = ApiSettings.from_environment(variables)
    assert settings.uploads_bucket == recorded.outputs["uploads_bucket"]
    assert settings.renditions_bucket == recorded.outputs["renditions_bucket"]
    assert settings.records_table == recorded.outputs["records_table"]
    assert settings.uploads_prefix == "api/"
    assert settings.image_bytes == {"dev": 26_214_400, "prod": 52_428_800}[recorded.stack]
    assert settings.video_bytes == {"dev": 524_288_000, "prod": 1_073_741_824}[recorded.stack]
    assert settings.cors_origins == {"dev": tuple(ORIGINS), "prod": ()}[recorded.stack]
    # It cannot reach what it has no business with.
    assert {"QUEUE_URL", "EVENTS_TOPIC_ARN", "QUARANTINE_BUCKET", "MODERATION"}.isdisjoint(variables)
    assert recorded.one(FUNCTION, "upload-api").inputs["timeout"] <= 29


def test_a_stack_without_videos_tells_its_api_so(run: Run) -> None:
    overrides = {**part("dev", "video", enabled=False), **part("dev", "api")}
    settings = ApiSettings.from_environment(environment(run("dev", overrides), "upload-api"))
    assert settings.video_bytes is None


@pytest.mark.parametrize("days", [0, 30])
def test_the_function_takes_appeals_and_may_note_them_where_they_are_configured(run: Run, days: int) -> None:
    made = run("dev", {**part("dev", "api"), "review": {"appealDays": days}})
    assert ApiSettings.from_environment(environment(made, "upload-api")).appeal_days == days
    policy = made.one(ROLE_POLICY, "upload-api-policy").json("policy")
    it = policies.Principal(kind="AWS", value=f"arn:aws:iam::{ACCOUNT}:role/upload-api", account=ACCOUNT)

    def may_write(partition: str, *attributes: str) -> bool:
        context: dict[str, str | tuple[str, ...]] = {
            "dynamodb:LeadingKeys": (partition,),
            "dynamodb:Attributes": attributes,
        }
        records = arn("dynamodb", made, "records")
        request = policies.AccessRequest(
            action="dynamodb:UpdateItem", resource=records, principal=it, context=context
        )
        return policies.evaluate([policy], request) is policies.Verdict.ALLOW

    assert may_write("api/a", "object_key", "sequencer", "appeal", "attention") is (days > 0)
    assert not may_write("holidays/a.jpg", "appeal"), "no client of the API uploaded it"
    assert not may_write("api/a", "appeal", "status")
    assert not may_write("api/a", "decision")


def test_web_pages_of_the_configured_origins_may_ask_without_a_key_and_send_forms(dev: Recording) -> None:
    paths = {path for _, path in operations(dev)}
    assert {path for method, path in operations(dev) if method == "options"} == paths
    (rule,) = dev.one(CORS).inputs["corsRules"]
    assert dev.one(CORS).inputs["bucket"] == dev.outputs["uploads_bucket"]
    assert (rule["allowedMethods"], rule["allowedOrigins"]) == (["POST"], ORIGINS)
    settings = dev.one(METHOD_SETTINGS, "-api-throttle").inputs
    assert settings["methodPath"] == "*/*"
    assert settings["settings"] == {"throttlingRateLimit": 20, "throttlingBurstLimit": 40}


@pytest.mark.parametrize(
    ("origins", "allowed"), [(["https://www.example.com"], "https://www.example.com"), (ORIGINS, "*")]
)
def test_a_page_can_read_why_the_gateway_refused_it(run: Run, origins: list[str], allowed: str) -> None:
    recorded = run("dev", part("dev", "api", corsOrigins=origins))
    for response in gateway_responses(recorded).values():
        assert header(response, "Access-Control-Allow-Origin") == allowed
        assert "Retry-After" in (header(response, "Access-Control-Expose-Headers") or "")


def test_without_origins_there_is_nothing_for_web_pages(prod: Recording) -> None:
    assert "options" not in {method for method, _ in operations(prod)}
    assert prod.of(CORS) == []
    assert not [each for each in prod.of(METHOD_SETTINGS) if each.name.endswith("-api-throttle")]
    assert not any("Access-Control" in str(each) for each in gateway_responses(prod).values())


def test_a_stack_without_the_api_has_nothing_of_it(run: Run) -> None:
    recorded = run("dev", part("dev", "api", enabled=False, corsOrigins=ORIGINS))
    assert [each.urn for each in recorded.resources if "apigateway" in each.type] == []
    assert [each.urn for each in recorded.resources if "-api" in each.name] == []
    assert recorded.looked_up == []
    assert recorded.of(CORS) == []
    assert {name for name in recorded.outputs if "api" in name} == set()


@pytest.mark.parametrize(
    ("what", "errors", "counts", "rings"),
    [
        ("server", "5XXError", {"Count": 100, "5XXError": 1}, True),
        ("server", "5XXError", {"Count": 101, "5XXError": 1}, False),
        ("server", "5XXError", {"Count": 19, "5XXError": 19}, False),
        ("server", "5XXError", {}, False),
        ("client", "4XXError", {"Count": 20, "4XXError": 1}, True),
        ("client", "4XXError", {"Count": 200, "4XXError": 9}, False),
    ],
)
def test_a_share_of_errors_rings_from_20_requests_on(
    dev: Recording, what: str, errors: str, counts: dict[str, float], rings: bool
) -> None:
    alarm = dev.one(ALARM, f"-api-{what}-errors")
    assert {metric[1] for metric in metrics(alarm)} == {"Count", errors}
    assert (evaluate(alarm, **counts) >= alarm.inputs["threshold"]) is rings


def test_slow_answers_ring_by_their_slowest_hundredth(recorded: Recording) -> None:
    alarm = recorded.one(ALARM, "-api-latency").inputs
    assert (alarm["metricName"], alarm["extendedStatistic"], alarm["threshold"]) == ("Latency", "p99", 3000)
    assert "statistic" not in alarm


def test_the_document_is_read_as_any_yaml_reader_reads_it() -> None:
    """`engine_yaml` takes fewer words for booleans: nothing in the document may depend on that."""
    assert openapi.read() == yaml.safe_load(openapi.DOCUMENT.read_text("utf-8"))


def test_the_throttle_of_methods_stays_within_the_accounts(run: Run) -> None:
    recorded = run("dev", part("dev", "api", rate=9_000, burst=4_000, corsOrigins=ORIGINS))
    settings = recorded.one("aws:apigateway/methodSettings:MethodSettings").inputs["settings"]
    assert settings == {"throttlingRateLimit": 10_000, "throttlingBurstLimit": 5_000}
