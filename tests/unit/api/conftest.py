"""The API's function with moto behind it; every response is validated against the OpenAPI document."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30Validator

from media_pipeline.bootstrap import clients
from media_pipeline.bootstrap.api import api
from media_pipeline.observability import Observability
from media_pipeline.records.record import to_item
from media_pipeline.settings.api import ApiSettings
from tests.fixtures.moto_speedups import fast_mock_aws
from tests.fixtures.rest_proxy import rest_proxy_event
from tests.fixtures.storage import ENVIRONMENT, REGION, create_buckets, create_records_table

DOCUMENT = Path(__file__).parents[3] / "components" / "openapi.yaml"
SETTINGS = ApiSettings(
    uploads_bucket="uploads",
    uploads_prefix="api/",
    renditions_bucket="renditions",
    records_table="records",
    id_secret="the stack's own",
    image_bytes=26_214_400,
    video_bytes=524_288_000,
    cors_origins=(),
    tracing=False,
)
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42" + bytes(64)
NOW = 1_800_000_000.0


@cache
def document() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
    return parsed


class Context:
    """Lambda's context object."""

    function_name = "upload-api"
    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


@dataclass(frozen=True)
class Response:
    """A response as a client gets it."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class UploadApi:
    """The API's function, and views of what it stored."""

    s3: Any
    dynamodb: Any
    settings: ApiSettings = SETTINGS

    _api: Any = None

    def with_settings(self, **changes: Any) -> None:
        """Use other settings for further requests."""
        self.settings = replace(self.settings, **changes)
        self._api = None

    @property
    def api(self) -> Any:
        """Return the function, created at the first request: its logger keeps the stdout of that moment."""
        if self._api is None:
            observability = Observability(tracing=False)
            self._api = api(
                self.settings,
                self.s3,
                self.dynamodb,
                observability,
                lambda: NOW,
                s3_without_retries=self.s3,
            )
        return self._api

    def post(self, path: str, data: bytes, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
        return self.request("POST", path, data, headers, **more)

    def upload(self, data: bytes = JPEG, **headers: str) -> Response:
        """Send a picture; `Idempotency_Key="x"` becomes the header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post("/v1/images/upload", data, {"Content-Type": "image/jpeg", **named})

    def form(self, **body: Any) -> Response:
        return self.post("/v1/uploads", json.dumps(body).encode(), {"Content-Type": "application/json"})

    def image(self, image_id: str) -> Response:
        return self.request("GET", f"/v1/images/{image_id}")

    def request(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        before: str = "/dev",
        **changes: Any,
    ) -> Response:
        """Send one request as API Gateway would; fail if the document does not describe the response."""
        raw = self.api(rest_proxy_event(method, path, data, headers or {}, before) | changes, Context())
        response = Response(
            int(raw["statusCode"]),
            {name: values[0] for name, values in raw["multiValueHeaders"].items()},
            raw["body"],
        )
        require_documented(method, path, response)
        return response

    def record(self, image_id: str, status: str, sequencer: int = 1, **facts: Any) -> None:
        """Write a record as the pipeline would."""
        item = {
            "object_key": f"api/{image_id}",
            "sequencer": f"{sequencer:032X}",
            "status": status,
            "attempt": 1,
            "created_at": "2027-01-15T08:00:00.000Z",
            **facts,
        }
        self.dynamodb.put_item(TableName="records", Item=to_item(item))

    def versions(self) -> list[dict[str, Any]]:
        """Return all object versions."""
        found: list[dict[str, Any]] = self.s3.list_object_versions(Bucket="uploads").get("Versions", [])
        return found


def require_documented(method: str, path: str, response: Response) -> None:
    """Fail if the document does not describe this response: its status, content type, headers, members."""
    operation = _operation(method, path)
    if operation is None:
        return
    responses = operation["responses"]
    assert str(response.status) in responses, f"{method} {path} answered {response.status}: {response.text}"
    documented = _resolved(responses[str(response.status)])
    content_type = response.headers["Content-Type"]
    assert content_type in documented["content"], content_type
    for name in documented.get("headers", {}):
        assert name in response.headers
    schema = {**documented["content"][content_type]["schema"], "components": document()["components"]}
    OAS30Validator(schema).validate(response.json)


def _operation(method: str, path: str) -> Mapping[str, Any] | None:
    for template, operations in document()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in operations:
            found: Mapping[str, Any] = operations[method.lower()]
            return found
    return None


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = document()
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return _resolved(found)


@pytest.fixture(scope="session")
def aws() -> tuple[Any, Any]:
    """Return real clients, created once: moto responses them in every test that uses them."""
    with pytest.MonkeyPatch.context() as environment, fast_mock_aws():
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        return clients.signing_s3(29), clients.dynamodb(29)


@pytest.fixture
def service(request: pytest.FixtureRequest) -> str:
    """Return a service name for each test: Powertools keeps one logger per name, with the first one's stdout."""
    return f"media-pipeline-{abs(hash(request.node.nodeid))}"


@pytest.fixture
def upload_api(monkeypatch: pytest.MonkeyPatch, aws: tuple[Any, Any], service: str) -> Iterator[UploadApi]:
    for name, value in {**ENVIRONMENT, "POWERTOOLS_SERVICE_NAME": service}.items():
        monkeypatch.setenv(name, value)
    s3, dynamodb = aws
    with fast_mock_aws():
        create_buckets(s3, "uploads", "renditions", versioned="uploads")
        create_records_table(dynamodb)
        yield UploadApi(s3, dynamodb)
