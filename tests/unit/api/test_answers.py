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
from tests.unit.api.conftest import JPEG, UploadApi, document

SECRET = "arn:aws:iam::123456789012:role/secret"
URL = "https://dynamodb.eu-west-1.amazonaws.com"


def client_error(code: str, status: int) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": SECRET},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "Query")


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
    upload_api: UploadApi,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    status: int,
) -> None:
    def fail(**_: Any) -> Any:
        raise error

    monkeypatch.setattr(upload_api.dynamodb, "query", fail)
    response = upload_api.image("a" * 32)
    assert response.status == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert ("Retry-After" in response.headers) == (status == 503)
    for inside in ("secret", "arn:", "amazonaws", "Error", "Traceback", "dynamo"):
        assert inside not in response.json["detail"]
    (line,) = (json.loads(line) for line in capsys.readouterr().out.splitlines() if "request failed" in line)
    assert (line["level"], line["http_status"], line["request_id"]) == ("ERROR", status, "request-1")
    assert type(error).__name__ in line["exception"]


def test_upload_that_meets_a_busy_store_is_503_and_counted(
    upload_api: UploadApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: Any) -> Any:
        raise client_error("SlowDown", 503)

    monkeypatch.setattr(upload_api.s3, "put_object", fail)
    assert upload_api.upload().status == 503
    assert '"status":"503","UploadsRefused":[1.0]' in capsys.readouterr().out


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/uploads", "/v1/images", "/v1/images/a/b", "/dev/v1", "/../x"]
)
def test_unknown_route_is_404_in_our_shape(upload_api: UploadApi, path: str) -> None:
    response = upload_api.request("GET", path)
    assert response.status == 404
    assert response.json["title"] == "Not Found"
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/images/" + "a" * 32, "GET, DELETE"),
        ("GET", "/v1/uploads", "POST"),
        ("PUT", "/v1/images/upload", "POST"),
    ],
)
def test_wrong_method_of_a_known_route_is_405_and_names_the_right_one(
    upload_api: UploadApi, method: str, path: str, allowed: str
) -> None:
    response = upload_api.request(method, path)
    assert (response.status, response.headers["Allow"]) == (405, allowed)
    assert response.json["title"] == "Method Not Allowed"


def test_titles_are_those_of_the_document() -> None:
    for response in document()["components"]["responses"].values():
        (content,) = response["content"].values()
        example = content["example"]
        if example["status"] in TITLES:
            assert example["title"] == TITLES[example["status"]]


def test_gateway_refuses_a_missing_key_with_the_words_of_the_function(upload_api: UploadApi) -> None:
    context: Any = {"path": "/dev/v1/uploads", "requestId": "r", "identity": {}}
    response = upload_api.request("POST", "/v1/uploads", requestContext=context)
    example = document()["components"]["responses"]["Forbidden"]["content"]["application/problem+json"][
        "example"
    ]
    assert response.json == example | {"request_id": "r"}


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


def test_no_cors_headers_where_no_origin_is_configured(upload_api: UploadApi) -> None:
    response = upload_api.request("GET", "/v1/images/" + "a" * 32, headers={"Origin": ORIGIN})
    assert not any(name.startswith("Access-Control") for name in response.headers)
    assert upload_api.request("OPTIONS", "/v1/uploads", headers={"Origin": ORIGIN}).status == 405


@pytest.mark.parametrize("path", ["/v1/images/upload", "/v1/uploads", "/v1/images/" + "a" * 32])
def test_preflight_needs_no_key_and_allows_what_clients_send(upload_api: UploadApi, path: str) -> None:
    upload_api.with_settings(cors_origins=("https://other.example.com", ORIGIN))
    context: Any = {"path": f"/dev{path}", "requestId": "r", "identity": {"apiKeyId": None}}
    response = upload_api.request("OPTIONS", path, headers={"Origin": ORIGIN}, requestContext=context)
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    allowed = {name.lower() for name in response.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"x-api-key", "content-type", "idempotency-key", "x-file-name"} <= allowed
    assert {"GET", "POST", "DELETE"} <= set(response.headers["Access-Control-Allow-Methods"].split(","))


def test_errors_carry_cors_headers_too(upload_api: UploadApi) -> None:
    upload_api.with_settings(cors_origins=(ORIGIN,))
    headers = {"Origin": ORIGIN}
    for response in (
        upload_api.request("GET", "/v1/images/" + "a" * 32, headers=headers),
        upload_api.post("/v1/images/upload", b"", headers),
        upload_api.request("GET", "/nowhere", headers=headers),
        upload_api.post("/v1/images/upload", JPEG, headers),
    ):
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]
        assert response.headers["Vary"] == "Origin"


def test_foreign_origin_gets_no_cors_headers(upload_api: UploadApi) -> None:
    upload_api.with_settings(cors_origins=(ORIGIN,))
    response = upload_api.post("/v1/images/upload", JPEG, {"Origin": "https://evil.example.com"})
    assert "Access-Control-Allow-Origin" not in response.headers


def test_problem_keeps_its_status_and_title() -> None:
    problem = Problem(next(iter(TITLES)), "detail")
    assert problem_of(problem) is problem
