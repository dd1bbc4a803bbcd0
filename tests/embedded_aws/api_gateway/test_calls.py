"""Requests to a deployed API reach its function, and answers its caller, as API Gateway passes them on."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from embedded_aws.api_gateway.http_front import ENVIRONMENTS

from .conftest import Served
from .sample import document, integration

MEGABYTE = 1024 * 1024


def test_the_event_is_the_one_that_api_gateway_sends(served: Served) -> None:
    answer = served.ask(
        "GET",
        "/v1/things/a%20b%2Fc?x=1&x=2&empty=",
        headers={"X-Name": "one", "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https"},
    )
    event = answer.json()
    assert (event["resource"], event["path"], event["httpMethod"]) == (
        "/v1/things/{id}",
        "/v1/things/a%20b%2Fc",
        "GET",
    )
    assert event["pathParameters"] == {"id": "a b/c"}
    assert event["queryStringParameters"] == {"x": "2", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "empty": [""]}
    assert event["headers"]["X-Name"] == "one"
    assert event["headers"]["X-Forwarded-For"] == "10.0.0.1, 127.0.0.1"
    assert event["headers"]["X-Forwarded-Proto"] == "http"
    assert event["multiValueHeaders"]["X-Name"] == ["one"]
    assert (event["body"], event["isBase64Encoded"], event["stageVariables"]) == (None, False, None)
    context = event["requestContext"]
    assert (context["path"], context["stage"], context["apiId"]) == (
        "/dev/v1/things/a%20b%2Fc",
        "dev",
        served.api.id,
    )
    assert context["identity"]["apiKeyId"] == served.api.key_id
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["requestId"] == answer.headers["x-amzn-RequestId"]
    assert f"{context['domainName']}/dev" in served.api.url


def test_a_literal_path_goes_before_a_variable_one(served: Served) -> None:
    assert served.ask("GET", "/v1/things/fixed").json()["resource"] == "/v1/things/fixed"


def test_bytes_of_any_type_arrive_unspoilt_where_all_types_are_declared(served: Served) -> None:
    event = served.ask("POST", "/v1/things", body=b"\xff\xd8\xff\x00").json()
    assert (event["body"], event["isBase64Encoded"]) == ("/9j/AA==", True)


def test_bytes_of_an_undeclared_type_are_spoilt(served: Served) -> None:
    served.api.deploy(**{"x-amazon-apigateway-binary-media-types": ["image/jpeg"]})
    try:
        declared, other, none = (
            served.ask("POST", "/v1/things", body=b"\xff\xd8", headers=headers).json()
            for headers in ({"Content-Type": "image/jpeg; q=1"}, {"Content-Type": "image/png"}, {})
        )
    finally:
        served.api.deploy()
    assert (declared["body"], declared["isBase64Encoded"]) == ("/9g=", True)
    assert (other["body"], other["isBase64Encoded"]) == ("\ufffd\ufffd", False)
    assert (none["body"], none["isBase64Encoded"]) == ("\ufffd\ufffd", False)


def test_bytes_come_back_only_to_who_accepts_a_declared_type_first(served: Served) -> None:
    def asked(accept: str) -> bytes:
        return served.ask("POST", "/v1/things?answer=bytes", headers={"Accept": accept}).data

    assert asked("text/html") == bytes(range(256))  # all types are declared
    served.api.deploy(**{"x-amazon-apigateway-binary-media-types": ["image/png"]})
    try:
        assert asked("image/png, text/html") == bytes(range(256))
        assert asked("text/html, image/png").startswith(b"AAEC")
    finally:
        served.api.deploy()


def test_what_is_imported_but_not_deployed_is_not_live(served: Served) -> None:
    uri = served.api.uri
    more = {**document(uri)["paths"], "/v2": {"get": {"x-amazon-apigateway-integration": integration(uri)}}}
    served.api.describe(paths=more)
    assert served.ask("GET", "/v2").status == 403
    served.api.deploy(paths=more)
    assert served.ask("GET", "/v2").status == 200
    served.api.deploy()
    assert served.ask("GET", "/v2").status == 403


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/none"), ("PUT", "/v1/things"), ("GET", "/v1/things/"), ("TRACE", "/")]
)
def test_a_route_that_is_not_there_is_answered_as_a_missing_token(
    served: Served, method: str, path: str
) -> None:
    answer = served.ask(method, path)
    assert (answer.status, answer.headers["Content-Type"]) == (403, "application/problem+json")
    assert answer.json()["detail"] == "Missing Authentication Token"
    assert answer.json()["request_id"] == answer.headers["x-amzn-RequestId"]


def test_a_head_request_is_not_a_get(served: Served) -> None:
    answer = served.ask("HEAD", "/v1/things/x")
    assert (answer.status, answer.data) == (403, b"")


def test_a_stage_that_is_not_there_is_forbidden(served: Served) -> None:
    answer = served.ask("GET", f"{served.front.url}/prod/v1/things/x")
    assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})


def test_preflights_need_no_key(served: Served) -> None:
    assert served.ask("OPTIONS", "/v1/things", key=None).status == 200


@pytest.mark.parametrize("key", ["none", "wrong", "disabled", "without a plan"])
def test_without_a_key_of_the_stage_nothing_is_invoked(served: Served, key: str) -> None:
    gateway = served.api.world.client("apigateway")
    values: dict[str, str | None] = {"none": None, "wrong": "x" * 40}
    if key not in values:
        id_, values[key] = served.api.another_key(in_the_plan=key == "disabled")
        if key == "disabled":
            assert served.ask("POST", "/v1/things", key=values[key]).status == 200
        operation = {"op": "replace", "path": "/enabled", "value": "false"}
        gateway.update_api_key(apiKey=id_, patchOperations=[operation] if key == "disabled" else [])
    answer = served.ask("POST", "/v1/things?answer=error", key=values[key], body=b"x" * MEGABYTE)
    assert (answer.status, answer.json()["detail"]) == (403, "Forbidden")


def test_more_than_the_plans_rate_is_throttled_with_retry_after(served: Served) -> None:
    _, key = served.api.another_key()
    served.api.limit("/throttle/rateLimit", "0.01")
    served.api.limit("/throttle/burstLimit", "3")
    try:
        answers = [served.ask("OPTIONS" if n == 9 else "POST", "/v1/things", key=key) for n in range(10)]
    finally:
        served.api.limit("/throttle/rateLimit", "1000")
        served.api.limit("/throttle/burstLimit", "1000")
    assert [answer.status for answer in answers] == [200] * 3 + [429] * 6 + [200]
    assert answers[5].headers["Retry-After"] == "1"
    assert answers[5].json()["detail"] == "Too Many Requests"


def test_more_than_the_plans_quota_is_refused_until_tomorrow(served: Served) -> None:
    _, key = served.api.another_key()
    served.api.limit("/quota/limit", "2")
    try:
        answers = [served.ask("POST", "/v1/things", key=key) for _ in range(3)]
    finally:
        served.api.limit("/quota/limit", "100000")
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].json()["detail"] == "Limit Exceeded"


def test_a_stage_throttles_all_callers_of_a_method_together(served: Served) -> None:
    gateway, names = (
        served.api.world.client("apigateway"),
        {"restApiId": served.api.id, "stageName": "dev"},
    )
    path = "/~1v1~1things/OPTIONS/throttling"
    operations = [("rateLimit", "0.01"), ("burstLimit", "2")]
    gateway.update_stage(
        **names,
        patchOperations=[{"op": "replace", "path": f"{path}/{n}", "value": v} for n, v in operations],
    )
    statuses = [served.ask("OPTIONS", "/v1/things", key=None).status for _ in range(4)]
    gateway.update_stage(**names, patchOperations=[{"op": "remove", "path": "/~1v1~1things/OPTIONS"}])
    assert statuses == [200, 200, 429, 429]
    assert served.ask("OPTIONS", "/v1/things", key=None).status == 200


@pytest.mark.parametrize("size", [11 * MEGABYTE, 5 * MEGABYTE])
def test_what_api_gateway_or_lambda_cannot_take_is_too_large(served: Served, size: int) -> None:
    """Hold both limits: 10 MB of the gateway, 6 MB of an event, which holds the body as base64."""
    answer = served.ask("POST", "/v1/things?answer=error", body=b"x" * size)
    assert (answer.status, answer.json()["detail"]) == (413, "Request Too Long")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("answer=error", 502),
        ("answer=large", 502),
        ("answer=given&this=null", 502),
        ("answer=given&this={}", 502),
        ('answer=given&this={"statusCode":"fine"}', 502),
        ('answer=given&this={"statusCode":200,"body":{}}', 502),
        ('answer=given&this={"statusCode":200,"headers":{"X":["a"]}}', 502),
        ('answer=given&this={"statusCode":200,"body":"no base64!","isBase64Encoded":true}', 500),
        ('answer=given&this={"statusCode":"418"}', 418),
        ('answer=given&this={"statusCode":503,"body":"its own"}', 503),
    ],
)
def test_answers_that_are_none_are_errors_without_internals(served: Served, query: str, status: int) -> None:
    answer = served.ask("POST", f"/v1/things?{query}")
    assert answer.status == status
    assert b"internal matter" not in answer.data
    if status in (500, 502):
        assert answer.json()["detail"] == "Internal server error"


def test_headers_of_both_kinds_reach_the_caller(served: Served) -> None:
    answer = served.ask("POST", "/v1/things?answer=cookies")
    assert (answer.status, answer.headers["X-One"], answer.data) == (201, "1", b"")
    assert answer.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers["Content-Type"] == "application/json"


def test_a_function_that_takes_too_long_is_a_timeout(served: Served) -> None:
    answer = served.ask("GET", "/v1/impatient?answer=sleep")
    assert (answer.status, answer.json()["detail"]) == (504, "Endpoint request timed out")


def test_a_function_that_does_not_permit_it_is_not_invoked(served: Served) -> None:
    functions: Any = served.api.world.client("lambda")
    statement = json.loads(functions.get_policy(FunctionName="api")["Policy"])["Statement"][0]
    functions.remove_permission(FunctionName="api", StatementId="gateway")
    try:
        answer = served.ask("POST", "/v1/things")
    finally:
        functions.add_permission(
            FunctionName="api",
            StatementId="gateway",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
        )
    assert (answer.status, answer.json()["detail"]) == (500, "Internal server error")
    assert served.ask("POST", "/v1/things").status == 200


def test_two_hundred_clients_at_once_are_all_answered_by_a_few_processes(served: Served) -> None:
    with ThreadPoolExecutor(200) as clients:
        statuses = Counter(
            clients.map(lambda _: served.ask("POST", "/v1/things", body=b"\xff" * 10_000).status, range(200))
        )
    assert statuses == {200: 200}
    assert len(served.functions.environments()) <= ENVIRONMENTS
