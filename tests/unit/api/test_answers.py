"""Errors in one shape, routes that are none, and what browsers need."""

import json
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)

from media_pipeline.api.problems import TITLES, Problem, problem_of
from tests.unit.api.conftest import JPEG, Door, document

SECRET = "arn:aws:iam::123456789012:role/secret"
URL = "https://dynamodb.eu-west-1.amazonaws.com"


def client_error(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": SECRET}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Query")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (client_error("ProvisionedThroughputExceededException", 400), 503),
        (client_error("ThrottlingException", 400), 503),
        (client_error("SlowDown", 503), 503),
        (client_error("InternalServerError", 500), 503),
        (ReadTimeoutError(endpoint_url=URL), 503),
        (ConnectTimeoutError(endpoint_url=URL), 503),
        (EndpointConnectionError(endpoint_url=URL), 503),
        (client_error("AccessDenied", 403), 500),
        (client_error("NoSuchBucket", 404), 500),
        (ParamValidationError(report=SECRET), 500),
        (RuntimeError(SECRET), 500),
        (KeyError(SECRET), 500),
    ],
)
def test_failing_service_is_503_to_try_again_and_our_mistake_500_both_without_internals(
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    status: int,
) -> None:
    def fail(**_: Any) -> Any:
        raise error

    monkeypatch.setattr(door.dynamodb, "query", fail)
    answer = door.image("a" * 32)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert ("Retry-After" in answer.headers) == (status == 503)
    for inside in ("secret", "arn:", "amazonaws", "Error", "Traceback", "dynamo"):
        assert inside not in answer.json["detail"]
    (line,) = (json.loads(line) for line in capsys.readouterr().out.splitlines() if "request failed" in line)
    assert (line["level"], line["http_status"], line["request_id"]) == ("ERROR", status, "request-1")
    assert type(error).__name__ in line["exception"]


def test_upload_that_meets_a_busy_store_is_503_and_counted(
    door: Door, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: Any) -> Any:
        raise client_error("SlowDown", 503)

    monkeypatch.setattr(door.s3, "put_object", fail)
    assert door.upload().status == 503
    assert '"status":"503","UploadsRefused":[1.0]' in capsys.readouterr().out


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/uploads", "/v1/images", "/v1/images/a/b", "/dev/v1", "/../x"]
)
def test_unknown_route_is_404_in_our_shape(door: Door, path: str) -> None:
    answer = door.ask("GET", path)
    assert answer.status == 404
    assert answer.json["title"] == "Not Found"
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/images/" + "a" * 32, "GET"),
        ("GET", "/v1/uploads", "POST"),
        ("PUT", "/v1/images/upload", "POST"),
    ],
)
def test_wrong_method_of_a_known_route_is_405_and_names_the_right_one(
    door: Door, method: str, path: str, allowed: str
) -> None:
    answer = door.ask(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert answer.json["title"] == "Method Not Allowed"


def test_titles_are_those_of_the_document() -> None:
    for response in document()["components"]["responses"].values():
        (content,) = response["content"].values()
        example = content["example"]
        if example["status"] in TITLES:
            assert example["title"] == TITLES[example["status"]]


def test_gateway_refuses_a_missing_key_with_the_words_of_the_function(door: Door) -> None:
    context: Any = {"path": "/dev/v1/uploads", "requestId": "r", "identity": {}}
    answer = door.ask("POST", "/v1/uploads", requestContext=context)
    example = document()["components"]["responses"]["Forbidden"]["content"]["application/problem+json"][
        "example"
    ]
    assert answer.json == example | {"request_id": "r"}


def test_every_operation_names_what_the_gateway_may_answer_by_itself() -> None:
    for operations in document()["paths"].values():
        for operation in operations.values():
            assert {"400", "403", "429", "500", "502", "503", "504"} <= set(operation["responses"])


def test_document_is_valid_and_knows_no_provider() -> None:
    from openapi_spec_validator import validate

    validate(document())
    text = json.dumps(document()).lower()
    assert not any(word in text for word in ("aws", "amazon", "lambda", "s3."))


ORIGIN = "https://app.example.com"


def test_no_cors_headers_where_no_origin_is_configured(door: Door) -> None:
    answer = door.ask("GET", "/v1/images/" + "a" * 32, headers={"Origin": ORIGIN})
    assert not any(name.startswith("Access-Control") for name in answer.headers)
    assert door.ask("OPTIONS", "/v1/uploads", headers={"Origin": ORIGIN}).status == 405


@pytest.mark.parametrize("path", ["/v1/images/upload", "/v1/uploads", "/v1/images/" + "a" * 32])
def test_preflight_needs_no_key_and_allows_what_clients_send(door: Door, path: str) -> None:
    door.with_settings(cors_origins=("https://other.example.com", ORIGIN))
    context: Any = {"path": f"/dev{path}", "requestId": "r", "identity": {"apiKeyId": None}}
    answer = door.ask("OPTIONS", path, headers={"Origin": ORIGIN}, requestContext=context)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    allowed = {name.lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"x-api-key", "content-type", "idempotency-key", "x-file-name"} <= allowed
    assert {"GET", "POST"} <= set(answer.headers["Access-Control-Allow-Methods"].split(","))


def test_errors_carry_cors_headers_too(door: Door) -> None:
    door.with_settings(cors_origins=(ORIGIN,))
    headers = {"Origin": ORIGIN}
    for answer in (
        door.ask("GET", "/v1/images/" + "a" * 32, headers=headers),
        door.post("/v1/images/upload", b"", headers),
        door.ask("GET", "/nowhere", headers=headers),
        door.post("/v1/images/upload", JPEG, headers),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
        assert answer.headers["Vary"] == "Origin"


def test_foreign_origin_gets_no_cors_headers(door: Door) -> None:
    door.with_settings(cors_origins=(ORIGIN,))
    answer = door.post("/v1/images/upload", JPEG, {"Origin": "https://evil.example.com"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_problem_stays_the_problem_it_is() -> None:
    problem = Problem(next(iter(TITLES)), "detail")
    assert problem_of(problem) is problem
